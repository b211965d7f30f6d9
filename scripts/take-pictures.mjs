/**
 * Takes the pictures of the user guide from the real panel with the real bridge: docs/pictures/*.png.
 * `npm run build && node scripts/take-pictures.mjs clip.mp4 [song.mp4]`; needs Chromium (REVERIE_CHROMIUM names another one).
 * Without a song the picture of the Sections page is left out.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';
import sharp from 'sharp';
import { root } from './set-up.mjs';

const folder = join(root, 'docs/pictures');
const home = mkdtempSync(join(tmpdir(), 'reverie-pictures-'));
const [clip, song] = process.argv.slice(2).map(path => resolve(path));
if (!clip) throw new Error('Name a clip: node scripts/take-pictures.mjs clip.mp4 [song.mp4]');

/** Few colours are enough for a panel, and make a picture of some 30 kB. */
async function shoot(page, name) {
  // Where things lie on the computer that took the picture is nobody's business.
  await page.evaluate(
    places => {
      const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (texts.nextNode())
        for (const [place, shown] of places) texts.currentNode.data = texts.currentNode.data.replace(place, shown);
    },
    [
      [root, '/home/you/reverie'],
      [home, '/home/you/.local/share/reverie'],
      [release(), ''],
    ],
  );
  const bytes = await page.screenshot();
  const small = await sharp(bytes).png({ palette: true, colours: 128, effort: 10 }).toBuffer();
  writeFileSync(join(folder, `${name}.png`), small);
  console.error(`[pictures] ${name}.png ${(small.length / 1024).toFixed(0)} kB`);
}

async function startBridge() {
  const child = spawn(process.execPath, [join(root, 'dist/server/cli.js'), 'serve', '--json'], {
    env: { ...process.env, REVERIE_HOME: home },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise((found, failed) => {
    child.stdout.on('data', data => {
      const line = String(data)
        .split('\n')
        .find(each => each.includes('"serving"'));
      if (line) found(JSON.parse(line).url);
    });
    child.once('exit', code => failed(new Error(`the bridge ended with ${code}`)));
  });
  return { url, child };
}

async function openClip(page, path) {
  await page.setInputFiles('input[type=file][accept*=video]', path);
  await page.waitForFunction(
    () => document.querySelector('canvas, [data-page=render]') && /fps ·/.test(document.body.innerText),
    undefined,
    { timeout: 600_000 },
  );
}

mkdirSync(folder, { recursive: true });
const browserPath = ['/usr/bin/chromium', '/usr/bin/google-chrome', process.env.REVERIE_CHROMIUM ?? ''].find(
  path => path && existsSync(path),
);
const { url, child } = await startBridge();
const browser = await chromium.launch({
  executablePath: browserPath,
  args: ['--headless', '--no-sandbox', '--disable-gpu'],
});
try {
  const context = await browser.newContext({
    viewport: { width: 900, height: 640 },
    colorScheme: 'dark',
    locale: 'en-US',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(600_000);
  await page.goto(url);
  await page.waitForSelector('[data-connection=open]');
  await shoot(page, 'start');

  await page.click('[data-page=setup]');
  await page.waitForFunction(() => document.body.innerText.includes('ffmpeg'));
  await page.waitForTimeout(500);
  await shoot(page, 'setup');

  if (song) {
    await page.click('[data-page=render]');
    await openClip(page, song);
    await page.click('[data-page=sections]');
    await page.waitForFunction(() => document.querySelectorAll('[data-section]').length > 2);
    const presets = ['starry-night', 'great-wave', 'tahiti', 'great-wave', 'night-cafe'];
    const selects = page.locator('[data-section] select');
    for (let index = 0; index < Math.min(presets.length, await selects.count()); index++)
      await selects.nth(index).selectOption(presets[index]);
    await page.waitForFunction(() => [...document.querySelectorAll('[data-section] img')].every(each => each.complete));
    await shoot(page, 'sections');
  }

  await page.click('[data-page=render]');
  await openClip(page, clip);
  await page
    .getByRole('radio', { name: /50 frames a second/ })
    .first()
    .click();
  await page.getByRole('button', { name: 'Stylize' }).click();
  await page.locator('[data-job][data-status=done]').waitFor();
  await shoot(page, 'jobs');

  await page.click('[data-page=render]');
  await page
    .getByRole('radio', { name: /Quick: The Great Wave/ })
    .first()
    .click();
  await page.locator('img[alt^="Painted frame"]').waitFor();
  await page.waitForFunction(() => document.body.innerText.includes('frames'));
  await page.waitForTimeout(1500);
  await shoot(page, 'render');

  await page.click('[data-page=presets]');
  await page.waitForTimeout(500);
  await shoot(page, 'presets');
} finally {
  await browser.close();
  child.kill('SIGTERM');
  await new Promise(done => child.once('exit', done));
  rmSync(home, { recursive: true, force: true });
}
