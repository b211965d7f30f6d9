import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { findFfmpeg } from '../../bridge-server/src/media/find-ffmpeg';
import { createFakePremiereUxp, type FakePremiereUxp } from '../fakes/premiere-uxp';
import { installPremiere, openPanelInUxp, type PanelInUxp } from './panel-in-uxp';
import { describeWithBrowser, makeHome, startBridge, usePanelWorld } from './panel-page';

describeWithBrowser('the UXP panel', () => {
  const userHome = makeHome();
  const home = join(userHome, 'Library/Application Support/Reverie');
  let page: Page;
  let premiere: FakePremiereUxp;
  let panel: PanelInUxp;
  let plugIn: PanelInUxp['plugIn'];
  let ffmpeg: string;

  /** Frames of a clip by decoding, each one tick of 1/50 after the last. */
  function countAt50(path: string): number {
    const decoded = spawnSync(ffmpeg, ['-v', 'error', '-i', path, '-map', '0', '-f', 'framecrc', '-'], {
      encoding: 'utf8',
    });
    expect(decoded.stdout).toContain('#tb 0: 1/50\n');
    expect(decoded.stdout).not.toContain('#tb 1');
    const frames = decoded.stdout.split('\n').filter(line => /^\d/.test(line));
    expect(frames.map(line => Number(line.split(',')[2]))).toEqual(frames.map((_, index) => index));
    return frames.length;
  }

  const world = usePanelWorld({
    home: userHome,
    reverie: home,
    viewport: { width: 480, height: 720 },
    async prepare() {
      ffmpeg = (await findFfmpeg()).path;
      installPremiere(userHome);
    },
  });
  beforeEach(async () => {
    premiere = createFakePremiereUxp({
      mediaOf: path => ({ frames: countAt50(path), rate: { num: 50, den: 1 } }),
      render(path, first, last) {
        const source = `testsrc2=size=64x48:rate=25,trim=start_frame=0:end_frame=${last - first + 1}`;
        execFileSync(ffmpeg, ['-v', 'error', '-f', 'lavfi', '-i', source, '-pix_fmt', 'yuv420p', path]);
      },
    });
    premiere.addClip(0, 0, 49, { name: 'A' });
    premiere.addClip(0, 50, 57, { name: 'Dancer é' });
    premiere.addClip(1, 0, 20, { name: 'Logo' });
    premiere.addClip(0, 0, 57, { name: 'Song', kind: 'audio' });
    panel = await openPanelInUxp(world.context, premiere, userHome);
    ({ page, plugIn } = panel);
  });
  afterEach(async () => {
    await panel.close();
  });

  const results = () =>
    premiere
      .tracks()
      .flatMap((clips, track) =>
        clips.filter(({ path }) => path.includes('/results/')).map(clip => ({ ...clip, track })),
      );
  const own = () => [
    premiere.tracks().map(track => track.filter(({ path }) => !path.includes('/results/'))),
    premiere.tracks('audio'),
  ];
  const preset = () => page.getByRole('radio', { name: '50 frames a second' }).first();
  const choosePreset = async () => {
    await page.getByRole('tab', { name: 'Render' }).click();
    await preset().click();
  };

  test('right-click, Stylize, export, job: the clip lies on the track above, as one undo step', async () => {
    const before = own();
    plugIn.open();
    await page.waitForSelector('[data-connection=open]');
    expect(new URL(page.url()).origin).toBe(new URL(world.bridge.url).origin);
    await choosePreset();
    premiere.select('Dancer é');
    await page.locator('[data-clip]').getByText('Dancer é').click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Stylize', exact: true }).click();
    await page.locator('[data-job][data-status=done]').waitFor({ timeout: 90_000 });
    expect(premiere.exports).toEqual([expect.objectContaining({ first: 50, last: 57, full: false })]);
    const steps = premiere.steps().length;

    const card = page.locator('[data-job]').first();
    await card.getByRole('button', { name: 'Place on timeline' }).click();
    await card.getByText('Placed on track 2').waitFor({ timeout: 60_000 });
    expect(results()).toEqual([expect.objectContaining({ track: 1, first: 50, last: 57, exact: true })]);
    expect(countAt50(results()[0].path)).toBe(16);
    expect(premiere.steps().slice(steps)).toEqual(['Reverie: bin "Reverie"', 'Reverie: place result']);
    expect(own()).toEqual(before);
    expect(premiere.undo()).toBe('Reverie: place result');
    expect(results()).toEqual([]);
    expect(own()).toEqual(before);

    // Placed once more, and rendered again: the new one takes the older one's place, and can be taken off.
    await card.getByRole('button', { name: 'Place on timeline' }).click();
    for (let tries = 0; results().length === 0 && tries < 400; tries++) await page.waitForTimeout(50);
    const [older] = results();
    await page.getByRole('tab', { name: 'Render' }).click();
    await page.locator('[data-clip]').getByText('Dancer é').click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Stylize', exact: true }).click();
    await page.locator('[data-job][data-status=done]').nth(1).waitFor({ timeout: 90_000 });
    await card.getByRole('button', { name: 'Place on timeline' }).click();
    await card.getByText('Replaced on track 2').waitFor({ timeout: 60_000 });
    expect(results()).toEqual([expect.objectContaining({ track: 1, first: 50, last: 57, exact: true })]);
    expect(results()[0].path).not.toBe(older.path);
    await card.getByTitle('Take off the timeline').click();
    await card.getByText('on track').waitFor({ state: 'detached' });
    expect(results()).toEqual([]);
    expect(own()).toEqual(before);
    expect(premiere.scriptErrors).toEqual([]);
  });

  test('the command of the host’s menu stylizes the selection, also when it comes before the panel', async () => {
    premiere.select('Dancer é');
    plugIn.runCommand();
    plugIn.open();
    await page.waitForSelector('[data-connection=open]');
    const exported = async (count: number) => {
      for (let tries = 0; premiere.exports.length < count && tries < 400; tries++) await page.waitForTimeout(50);
      expect(premiere.exports).toHaveLength(count);
    };
    await exported(1);
    await page.locator('[data-job]').first().waitFor({ timeout: 60_000 });
    plugIn.runCommand();
    await exported(2);
  });

  test('what was set is there again when the panel is opened anew', async () => {
    plugIn.open();
    await page.waitForSelector('[data-connection=open]');
    await choosePreset();
    await page.waitForTimeout(700);
    await page.reload();
    await page.waitForSelector('[data-connection=open]');
    expect(await preset().isChecked()).toBe(true);
  });

  test('without a bridge the page in the package opens and says so; a bridge that starts is followed', async () => {
    await world.bridge.stop();
    plugIn.open();
    await page.waitForURL(/^file:.*host=uxp/);
    await page.locator('[data-connection]:not([data-connection=open])').first().waitFor();
    world.bridge = await startBridge(home);
    await page.waitForURL(url => url.origin === new URL(world.bridge.url).origin, { timeout: 30_000 });
    await page.waitForSelector('[data-connection=open]');
  });
});
