import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { findFfmpeg } from '../../bridge-server/src/media/find-ffmpeg';
import { soundRate } from '../../bridge-server/src/audio/sound-frames';
import { join as joinParts, makePart, makeRandom, playPart } from '../audio/make-song';
import { createFakePremiere } from '../fakes/premiere';
import { buildHostScript } from '../setup/build-host-script';
import { openPanelInHost, type PanelInHost } from './panel-in-host';
import { describeWithBrowser, makeHome, openPanel, root, usePanelWorld } from './panel-page';

/** A song in sections, a preset for each, rendered with one button and placed with another. */
const presetNames = ['wash-1', 'wash-2', 'wash-3', 'wash-4', 'wash-5'];

describeWithBrowser('sections', () => {
  const home = makeHome();
  const reverie = join(home, 'reverie');
  const song = join(home, 'song.mp4');
  let ffmpeg: string;

  const world = usePanelWorld({
    home,
    viewport: { width: 900, height: 800 },
    async prepare() {
      mkdirSync(join(reverie, 'presets'), { recursive: true });
      // Five presets that differ and take no time: what is under test is who gets which.
      presetNames.forEach((name, index) =>
        writeFileSync(
          join(reverie, 'presets', `${name}.json`),
          JSON.stringify({
            version: 1,
            name,
            title: `Wash ${index + 1}`,
            effects: [{ effect: 'retime', params: { method: index % 2 === 0 ? 'repeat' : 'blend' } }],
            output: { codec: 'h264' },
          }),
        ),
      );
      ffmpeg = (await findFfmpeg()).path;
      const random = makeRandom(77);
      const parts = [makePart(random, 12), makePart(random, 10), makePart(random, 11)].map(part =>
        playPart(part, random),
      );
      const { samples } = joinParts([parts[0], parts[1], parts[0], parts[2]]);
      const sound = join(home, 'song.f32');
      writeFileSync(sound, Buffer.from(samples.buffer));
      execFileSync(ffmpeg, [
        ...['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=10', '-f', 'f32le', '-ar', String(soundRate)],
        ...['-ac', '1', '-i', sound, '-shortest', '-pix_fmt', 'yuv420p', '-c:a', 'aac', song],
      ]);
    },
  });

  const names = (page: Page) =>
    page
      .locator('[data-section] input')
      .evaluateAll(all => all.map(each => (each as unknown as { value: string }).value));
  const starts = (page: Page) =>
    page
      .getByRole('slider', { name: /^Start of/ })
      .evaluateAll(all => all.map(each => Number(each.getAttribute('aria-valuenow'))));
  /** React shows a change a moment after the key or the mouse. */
  async function settled(holds: () => Promise<boolean>): Promise<void> {
    for (let tries = 0; !(await holds()); tries++) {
      if (tries > 100) throw new Error(`it never came to be: ${String(holds)}`);
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  }
  const waitForSections = (page: Page, count: number) =>
    page.waitForFunction(wanted => document.querySelectorAll('[data-section]').length === wanted, count, {
      timeout: 60_000,
    });

  test('a song is heard, cut by hand and by keys, taken back, kept, and saved as a file', async () => {
    const { page, complaints } = await openPanel(world.context, world.bridge.url);
    await page.setInputFiles('input[type=file][accept*=video]', song);
    await page.getByText('64 × 48 · 10 fps').waitFor({ timeout: 60_000 });
    await page.getByRole('tab', { name: 'Sections' }).click();
    await waitForSections(page, 4);
    expect(await names(page)).toEqual(['A', 'B', 'A', 'C']);
    const truth = [120, 220, 340];
    (await starts(page)).forEach((start, index) => expect(Math.abs(start - truth[index])).toBeLessThanOrEqual(30));

    const boundary = page.getByRole('slider', { name: 'Start of B' });
    const [before] = await starts(page);
    await boundary.focus();
    await page.keyboard.press('ArrowRight');
    await settled(async () => (await starts(page))[0] === before + 1);
    await page.keyboard.press('PageDown');
    await settled(async () => (await starts(page))[0] <= before);

    const box = (await page.getByRole('group', { name: 'Sound with sections' }).boundingBox())!;
    const handle = (await boundary.boundingBox())!;
    await page.mouse.move(handle.x + handle.width / 2, handle.y + 30);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 8, handle.y + 30, { steps: 4 });
    await page.mouse.up();
    const frames = 1 + Number(await page.getByRole('slider', { name: 'Playhead' }).getAttribute('aria-valuemax'));
    await settled(async () => Math.abs((await starts(page))[0] - frames / 8) < 6);

    await page.getByRole('textbox', { name: 'Name of section 2' }).fill('Chorus');
    await page.getByRole('slider', { name: 'Playhead' }).focus();
    await page.keyboard.press('Home');
    for (let times = 0; times < 4; times++) await page.keyboard.press('Shift+ArrowRight');
    await page.getByRole('button', { name: 'Cut at the playhead' }).click();
    await waitForSections(page, 5);
    expect((await starts(page))[0]).toBe(40);
    await page.getByRole('button', { name: 'Join A with the next' }).first().click();
    await waitForSections(page, 4);
    await page.getByRole('button', { name: 'Take the last change back' }).click();
    await waitForSections(page, 5);
    expect(await names(page)).toEqual(['A', 'A', 'Chorus', 'A', 'C']);

    const [saved] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save as file…' }).click(),
    ]);
    const file = join(home, 'sections.json');
    await saved.saveAs(file);
    const kept = JSON.parse(readFileSync(file, 'utf8')) as { sections: { label: string; first: number }[] };
    expect(kept.sections.map(each => each.first)).toEqual([0, ...(await starts(page))]);

    await page.reload();
    await page.waitForSelector('[data-connection=open]');
    await waitForSections(page, 5);
    await page.getByRole('button', { name: 'Find in the sound' }).click();
    await waitForSections(page, 4);
    await page.setInputFiles('#page input[type=file][accept*=json]', file);
    await waitForSections(page, 5);
    expect(await names(page)).toEqual(['A', 'A', 'Chorus', 'A', 'C']);
    expect(complaints).toEqual([]);
  });

  test('five markers with five presets in Premiere: rendered with one button, placed with one, placed again without doubles', async () => {
    const epr = join(home, 'Match Source.epr');
    writeFileSync(epr, '<PremiereData Version="3"/>');
    const size = { width: 64, height: 48 };
    const premiere = createFakePremiere({
      script: await buildHostScript(),
      writeFilm: (path, first, frames) =>
        void execFileSync(ffmpeg, [
          ...['-v', 'error', '-f', 'lavfi', '-i', `testsrc2=size=64x48:rate=25,trim=start_frame=${first}`],
          ...['-frames:v', String(frames), '-pix_fmt', 'yuv420p', path],
        ]),
      readFilm: path => {
        if (!existsSync(path)) return { frames: 1000, rate: { num: 25, den: 1 }, ...size };
        const { stdout } = spawnSync(ffmpeg, ['-v', 'error', '-i', path, '-map', '0:v', '-f', 'framecrc', '-'], {
          encoding: 'utf8',
        });
        const base = /#tb 0: (\d+)\/(\d+)/.exec(stdout);
        return {
          frames: stdout.split('\n').filter(line => /^0,/.test(line)).length,
          rate: { num: Number(base?.[2]), den: Number(base?.[1]) },
          ...size,
        };
      },
    });
    premiere.addClip(0, 0, 99, { name: 'Film', selected: true });
    const begins = [0, 14, 40, 55, 80];
    begins.forEach((first, index) =>
      premiere.addMarker(`stylize: ${presetNames[index]}`, first, 0, `Part ${index + 1}`),
    );
    const results = () =>
      premiere
        .tracks()
        .flatMap((clips, track) => clips.map(({ first, last, path }) => ({ first, last, path, track })))
        .filter(clip => clip.path.includes('/results/'))
        .sort((a, b) => a.first - b.first);
    const spans = () => results().map(({ first, last }) => [first, last]);
    await world.context.addInitScript(path => localStorage.setItem('reverie.export-preset', path), epr);
    const host = { appId: 'PPRO', evalScript: premiere.evalScript, env: { REVERIE_HOME: reverie } } as const;
    const open = async (): Promise<PanelInHost> => {
      const opened = await openPanelInHost(world.context, host);
      await opened.page.getByRole('tab', { name: 'Render' }).click();
      await opened.page.getByRole('button', { name: 'Use selection' }).first().click();
      await opened.page.getByText('64 × 48 · 25 fps').waitFor({ timeout: 60_000 });
      await opened.page.getByRole('tab', { name: 'Sections' }).click();
      return opened;
    };

    let panel = await open();
    await waitForSections(panel.page, 5);
    expect(await names(panel.page)).toEqual(['Part 1', 'Part 2', 'Part 3', 'Part 4', 'Part 5']);
    await panel.page.getByRole('button', { name: 'Render all sections' }).click();
    await panel.page.getByText('5 of 5 done').waitFor({ timeout: 120_000 });
    await panel.page.getByRole('button', { name: 'Place all finished' }).click();
    await panel.page.waitForFunction(
      () =>
        document.querySelectorAll('[data-section]').length === 5 &&
        document.body.innerText.split('Placed on track').length === 6,
      undefined,
      { timeout: 60_000 },
    );
    const whole = begins.map((first, index) => [first, (begins[index + 1] ?? 100) - 1]);
    expect(spans()).toEqual(whole);
    expect(new Set(results().map(each => each.track))).toEqual(new Set([1]));

    // The panel is closed and opened; the timeline says what lies there, and nothing is doubled.
    await panel.close();
    panel = await open();
    await panel.page.getByText('5 of 5 done').waitFor({ timeout: 60_000 });
    await panel.page.getByRole('button', { name: 'Place all finished' }).click();
    await panel.page.waitForFunction(() => document.body.innerText.split('Already on track').length === 6);
    expect(spans()).toEqual(whole);

    // A boundary is moved: its two sections are rendered again and take the older ones' place.
    await panel.page.getByRole('slider', { name: 'Start of Part 2' }).focus();
    for (let times = 0; times < 4; times++) await panel.page.keyboard.press('ArrowRight');
    await panel.page.getByText('3 of 5 done').waitFor();
    await panel.page.getByRole('button', { name: 'Render all sections' }).click();
    await panel.page.getByText('5 of 5 done').waitFor({ timeout: 120_000 });
    await panel.page.getByRole('button', { name: 'Place all finished' }).click();
    await panel.page.waitForFunction(() => document.body.innerText.split('Placed on track').length === 3, undefined, {
      timeout: 60_000,
    });
    expect(spans()).toEqual([[0, 17], [18, 39], ...whole.slice(2)]);

    // Another program asks, as a hotkey would.
    const before = await panel.page.evaluate(() => document.querySelectorAll('[data-job]').length);
    const told = spawnSync(
      process.execPath,
      [join(root, 'dist/server/cli.js'), 'trigger', 'stylize', '--preset', 'wash-2'],
      { env: { ...process.env, REVERIE_HOME: reverie }, encoding: 'utf8' },
    );
    expect(told).toMatchObject({ status: 0, stdout: expect.stringContaining('told') });
    await panel.page.waitForFunction(count => document.querySelectorAll('[data-job]').length > count, before);
    expect(await panel.page.locator('[data-job]').first().innerText()).toContain('Wash 2');
    const wrong = spawnSync(
      process.execPath,
      [join(root, 'dist/server/cli.js'), 'trigger', 'stylize', '--preset', 'no-such'],
      {
        env: { ...process.env, REVERIE_HOME: reverie },
        encoding: 'utf8',
      },
    );
    expect(wrong).toMatchObject({ status: 3, stderr: expect.stringContaining('There is no preset named "no-such"') });
    await panel.close();
  });
});
