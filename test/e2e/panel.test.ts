import { parse, tokTypes, tokenizer } from 'acorn';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { findFfmpeg } from '../../bridge-server/src/media/find-ffmpeg';
import { describeWithBrowser, makeHome, openPanel, root, startBridge, usePanelWorld } from './panel-page';

/** An MP4 box that players skip. */
function freeBox(sizeBytes: number): Buffer {
  const box = Buffer.alloc(sizeBytes, 7);
  box.writeUInt32BE(sizeBytes, 0);
  box.write('free', 4, 'latin1');
  return box;
}

/** The panel as it is built, in a browser, with the bridge as it is built: from choosing a clip to the saved result. */
describeWithBrowser('the panel in a browser', () => {
  const home = makeHome();
  const folder = join(home, 'footage');
  const clip = join(folder, 'Shot 01.mp4');
  let ffmpeg: string;

  const world = usePanelWorld({
    home,
    viewport: { width: 900, height: 700 },
    async prepare() {
      mkdirSync(folder);
      ffmpeg = (await findFfmpeg()).path;
      // 24000/1001 for 17 frames: 35.4 frames at 50, so 36.
      execFileSync(ffmpeg, [
        '-v',
        'error',
        '-f',
        'lavfi',
        '-i',
        'testsrc2=size=64x48:rate=24000/1001',
        '-frames:v',
        '17',
        '-pix_fmt',
        'yuv420p',
        clip,
      ]);
    },
  });

  const chooseClip = async (page: Page, path: string) => page.setInputFiles('input[type=file][accept*=video]', path);
  const choosePreset = (page: Page, name: string) => page.getByRole('radio', { name, exact: false }).first().click();

  test('from a chosen clip over preview and progress to the saved result: 50 frames a second, all of them', async () => {
    const { page, complaints } = await openPanel(world.context, world.bridge.url);
    expect(new URL(page.url()).searchParams.has('token')).toBe(false);
    await chooseClip(page, clip);
    await page.getByText('64 × 48 · 23.976 fps · 17 frames').waitFor();
    await choosePreset(page, '50 frames a second');

    const after = page.locator('img[alt^="Painted frame"]');
    await after.waitFor({ timeout: 60_000 });
    expect(await after.evaluate(image => (image as unknown as { naturalWidth: number }).naturalWidth)).toBeGreaterThan(
      0,
    );
    await page.getByText('36 frames').waitFor();

    await page.getByRole('button', { name: 'Stylize' }).click();
    const card = page.locator('[data-job]').first();
    await card.waitFor();
    await page.locator('[data-job][data-status=done]').waitFor({ timeout: 90_000 });

    const [saved] = await Promise.all([
      page.waitForEvent('download'),
      card.getByRole('button', { name: 'Download' }).click(),
    ]);
    const result = join(folder, 'result.mov');
    await saved.saveAs(result);
    expect(saved.suggestedFilename()).toMatch(/\.mov$/);
    expect(statSync(result).size).toBeGreaterThan(1000);
    // Every frame decoded: one stream, time base 1/50, and each frame one tick after the last.
    const decoded = spawnSync(ffmpeg, ['-v', 'info', '-i', result, '-map', '0', '-f', 'framecrc', '-'], {
      encoding: 'utf8',
    });
    expect(decoded.stderr).toMatch(/Stream #0:0.*Video: prores \(HQ\)/);
    expect(decoded.stderr).not.toMatch(/Input #0[^]*Stream #0:1[^]*Output #0/);
    expect(decoded.stdout).toContain('#tb 0: 1/50\n');
    const frames = decoded.stdout.split('\n').filter(line => /^\d/.test(line));
    expect(frames.map(line => Number(line.split(',')[2]))).toEqual(Array.from({ length: 36 }, (_, index) => index));
    await card.getByText('Saved by the browser').waitFor();

    await card.getByRole('button', { name: 'Report' }).click();
    await card.getByText('Decoded and counted').waitFor();

    await page.reload();
    await page.waitForSelector('[data-connection=open]');
    await page.locator('[data-job][data-status=done]').waitFor();
    await page.getByRole('tab', { name: 'Render' }).click();
    await page.getByText('64 × 48 · 23.976 fps · 17 frames').waitFor();
    expect(complaints).toEqual([]);
  });

  test('a text file named .mp4 is refused with cause and remedy, and nothing else breaks', async () => {
    const text = join(folder, 'notes.mp4');
    writeFileSync(text, 'These are notes and no film.\n'.repeat(50));
    const { page, complaints } = await openPanel(world.context, world.bridge.url);
    await chooseClip(page, text);
    const alert = page.getByRole('alert');
    await alert.waitFor();
    expect(await alert.getAttribute('data-code')).toBe('NOT_MEDIA');
    expect(await alert.innerText()).toMatch(/notes\.mp4 is not a video.*\n.*Export the clip again/s);
    await chooseClip(page, clip);
    await page.getByText('17 frames').first().waitFor();
    expect(complaints).toEqual([]);
  });

  test('an upload whose line is cut in the middle goes on where it stopped', async () => {
    // Real bytes that ffmpeg takes no time to read: a short film with a long tail behind it.
    const long = join(folder, 'long.mp4');
    writeFileSync(long, Buffer.concat([readFileSync(clip), freeBox(24 * 1024 * 1024)]));
    const sent: { connection: number; offset: number }[] = [];
    let connections = 0;
    const page = await world.context.newPage();
    await page.routeWebSocket(/\/socket/, socket => {
      const connection = connections++;
      const server = socket.connectToServer();
      socket.onMessage(message => {
        server.send(message);
        if (typeof message === 'string') return;
        sent.push({ connection, offset: message.readUInt32LE(4) });
        if (connection === 0 && sent.length === 7) {
          void server.close();
          void socket.close({ code: 1011 });
        }
      });
    });
    await page.goto(world.bridge.url);
    await page.waitForSelector('[data-connection=open]');
    await chooseClip(page, long);
    await page.getByText('17 frames').first().waitFor({ timeout: 60_000 });
    const second = sent.filter(chunk => chunk.connection === 1);
    expect(connections).toBe(2);
    expect(second.length).toBeGreaterThan(0);
    expect(second[0].offset).toBeGreaterThan(0);
    expect(sent.length).toBeLessThanOrEqual(25 + 7);
  });

  test('a range is rendered from its in to its out point', async () => {
    const { page } = await openPanel(world.context, world.bridge.url);
    await chooseClip(page, clip);
    await page.getByRole('slider', { name: 'In', exact: true }).focus();
    await page.keyboard.press('Shift+ArrowRight');
    await page.getByRole('slider', { name: 'Out', exact: true }).focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    await choosePreset(page, '50 frames a second');
    await page.getByText('00:00:00:02 · 2 frames').waitFor();
    await page.getByRole('button', { name: 'Stylize' }).click();
    const card = page.locator('[data-job]').first();
    await page.locator('[data-job][data-status=done]').first().waitFor({ timeout: 90_000 });
    // 2 frames of 24000/1001 last 83.4 ms: 5 frames at 50.
    await card.getByText('5 frames').waitFor();
    expect(await card.innerText()).toContain('Frames 10 to 11');
  });

  test('a preset is changed, saved, exported, deleted and imported again', async () => {
    const { page, complaints } = await openPanel(world.context, world.bridge.url);
    await choosePreset(page, 'Tahiti');
    await page.getByRole('slider', { name: 'Strength', exact: true }).focus();
    await page.keyboard.press('End');
    await page.getByRole('button', { name: 'Save as…' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill('Wild Tahiti');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    const row = page.locator('[data-preset=wild-tahiti]');
    await row.waitFor();
    const [saved] = await Promise.all([
      page.waitForEvent('download'),
      row.getByRole('button', { name: 'Export…' }).click(),
    ]);
    const file = join(folder, 'wild-tahiti.json');
    await saved.saveAs(file);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      version: 1,
      name: 'wild-tahiti',
      title: 'Wild Tahiti',
    });
    await row.getByRole('button', { name: 'Delete' }).click();
    await row.getByRole('button', { name: 'Delete for good?' }).click();
    await row.waitFor({ state: 'detached' });
    await page.setInputFiles('input[type=file][accept*=json]', file);
    await row.waitFor();
    await row.getByRole('button', { name: 'Use' }).click();
    await page.getByRole('slider', { name: 'Strength', exact: true }).waitFor();
    expect(await page.getByRole('slider', { name: 'Strength', exact: true }).getAttribute('aria-valuenow')).toBe('100');
    expect(complaints).toEqual([]);
  });

  const pairOfNets = ['magenta_style_predict_f16w.onnx', 'magenta_style_transform.onnx'].map(name =>
    join(root, '../shared/models/style', name),
  );
  (pairOfNets.every(path => existsSync(path)) ? test : test.skip)(
    'two files that are one net are chosen together (skipped where ../shared/models is absent)',
    async () => {
      const { page, complaints } = await openPanel(world.context, world.bridge.url);
      await page.getByRole('tab', { name: 'Set-up' }).click();
      await page.setInputFiles('input[type=file][accept*=onnx]', pairOfNets);
      const row = page.locator('[data-net=magenta_style]');
      await row.waitFor({ timeout: 60_000 });
      expect(await row.innerText()).toContain('imported');
      await page.setInputFiles('input[type=file][accept*=onnx]', [...pairOfNets, pairOfNets[0]]);
      await page.getByText('at most 2').waitFor();
      expect(complaints).toEqual([]);
    },
  );

  test('a bridge that ends and comes back is found again, with its jobs', async () => {
    const lonely = join(home, 'lonely');
    let own = await startBridge(lonely);
    try {
      const { page } = await openPanel(world.context, own.url);
      const { port } = own;
      await own.stop('SIGKILL');
      await page.locator('[role=alert]').waitFor();
      expect(await page.locator('[data-connection]').getAttribute('data-connection')).not.toBe('open');
      own = await startBridge(lonely, port);
      // The token is another one after a restart: the old page is not let in, and says so.
      await page.locator('[role=alert][data-code=UNAUTHORISED]').waitFor({ timeout: 30_000 });
      await page.goto(own.url);
      await page.waitForSelector('[data-connection=open]');
    } finally {
      await own.stop();
    }
  });

  test('without the token the page says so', async () => {
    const page = await world.context.newPage();
    await page.goto(new URL('/', world.bridge.url).href);
    const alert = page.locator('[role=alert]');
    await alert.waitFor();
    expect(await alert.getAttribute('data-code')).toBe('UNAUTHORISED');
  });

  test('the panel works without the built-ins that Chromium 88 lacks', async () => {
    await world.context.addInitScript(() => {
      const page = globalThis as unknown as Record<string, Record<string, unknown> | undefined>;
      const remove = (holder: unknown, ...names: string[]) =>
        names.forEach(name => delete (holder as Record<string, unknown>)[name]);
      for (const kind of ['Array', 'String', 'Uint8Array', 'Float32Array'])
        remove(
          (page[kind] as { prototype?: unknown })?.prototype,
          'at',
          'findLast',
          'findLastIndex',
          'toSorted',
          'toReversed',
          'with',
        );
      remove(page.Object, 'hasOwn', 'groupBy');
      remove(page.Array, 'fromAsync');
      remove(page.Promise, 'withResolvers');
      remove(page.crypto, 'randomUUID');
      remove(page.AbortSignal, 'timeout', 'any');
      remove(page, 'structuredClone');
    });
    const { page, complaints } = await openPanel(world.context, world.bridge.url);
    await chooseClip(page, clip);
    await page.getByText('17 frames').first().waitFor();
    for (const name of ['Jobs', 'Presets', 'Dream', 'Sections', 'Set-up', 'Render'])
      await page.getByRole('tab', { name }).click();
    await page.getByRole('button', { name: 'More settings of Style' }).click();
    expect(complaints).toEqual([]);
  });

  test('the built files hold no syntax that Chromium 88 does not know', () => {
    const script = readFileSync(join(root, 'dist/panel/main.js'), 'utf8');
    // Class fields are older than the year that names them; static blocks and private "in" are not, and are looked for.
    const newer: string[] = [];
    for (const token of tokenizer(script, { ecmaVersion: 2022, sourceType: 'script' })) {
      if (token.type === tokTypes.privateId && /^\s+in\s/.test(script.slice(token.end, token.end + 5)))
        newer.push(`${script.slice(token.start, token.end)} in`);
    }
    expect(/[{;}]static\s*\{/.test(script)).toBe(false);
    expect(newer).toEqual([]);
    expect(() => parse(script, { ecmaVersion: 2022, sourceType: 'script' })).not.toThrow();
    const style = readFileSync(join(root, 'dist/panel/main.css'), 'utf8');
    expect(
      style.match(
        /:has\(|@container|@layer|color-mix\(|\d[dsl]vh|accent-color|overflow:\s*clip|@property|light-dark\(/g,
      ),
    ).toBeNull();
  });

  test.each([320, 480, 900])('at %i px nothing is cut off sideways', async width => {
    await world.context.close();
    world.context = await world.browser.newContext({ viewport: { width, height: 700 }, locale: 'fr-FR' });
    const { page } = await openPanel(world.context, world.bridge.url);
    await chooseClip(page, clip);
    await page.getByText('17 images').first().waitFor();
    for (const name of ['jobs', 'presets', 'dream', 'sections', 'setup', 'render']) {
      await page.click(`[data-page=${name}]`);
      const tooWide = await page.evaluate(() => {
        const { document, innerWidth } = globalThis as unknown as {
          document: {
            querySelectorAll(
              all: string,
            ): ArrayLike<{ getBoundingClientRect(): { right: number; width: number }; className: unknown }>;
          };
          innerWidth: number;
        };
        return Array.from(
          document.querySelectorAll('#page button, #page input:not([type=file]), #page select, #page img, [role=tab]'),
        )
          .filter(
            element =>
              element.getBoundingClientRect().width > 0 && element.getBoundingClientRect().right > innerWidth + 1,
          )
          .map(element => String(element.className));
      });
      expect(tooWide).toEqual([]);
    }
  });
});
