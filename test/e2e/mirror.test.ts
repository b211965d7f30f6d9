import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFfmpeg } from '../../bridge-server/src/media/find-ffmpeg';
import { createFakePremiere, type FakePremiere, type Misbehaviour } from '../fakes/premiere';
import { eventually } from '../fakes/jobs';
import { buildHostScript } from '../setup/build-host-script';
import { createFilms } from './films';
import { openPanelInHost, type PanelInHost } from './panel-in-host';
import { describeWithBrowser, makeHome, openPanel, usePanelWorld } from './panel-page';

/**
 * The list of clips in the built panel, in a small Premiere with real files behind its clips: pictures, keys, markers
 * named "stylize: …", and a trigger with several panels open.
 */
describeWithBrowser('the mirror of a timeline', () => {
  const home = makeHome();
  const reverie = join(home, 'reverie');
  const footage = join(home, 'footage é.mp4');
  const epr = join(home, 'Match Source.epr');
  let films: ReturnType<typeof createFilms>;
  let script: string;
  let premiere: FakePremiere;
  let panel: PanelInHost;

  const world = usePanelWorld({
    home,
    viewport: { width: 320, height: 700 },
    async prepare() {
      writeFileSync(epr, '<PremiereData Version="3"/>');
      films = createFilms((await findFfmpeg()).path);
      films.write(footage, 0, 100);
      script = await buildHostScript();
    },
  });
  beforeEach(async () => {
    await world.context.addInitScript(
      path =>
        (globalThis as unknown as { localStorage: { setItem(key: string, value: string): void } }).localStorage.setItem(
          'reverie.export-preset',
          path,
        ),
      epr,
    );
  });
  afterEach(async () => {
    await panel.close();
  });

  const open = () =>
    openPanelInHost(world.context, { appId: 'PPRO', evalScript: premiere.evalScript, env: { REVERIE_HOME: reverie } });
  /** On V1 a clip of real footage from its tenth frame on and one whose file is gone, without the application knowing. */
  async function openPremiere(...misbehave: Misbehaviour[]) {
    premiere = createFakePremiere({ script, misbehave, writeFilm: films.write, readFilm: films.read });
    const dancer = premiere.addClip(0, 0, 19, {
      name: 'Dancer',
      path: footage,
      inPoint: 10160640000n * 10n,
    });
    premiere.addClip(0, 20, 39, { name: 'Gone', path: join(home, 'gone.mp4') });
    panel = await open();
    return dancer;
  }
  const row = (name: string) => panel.page.locator('[data-clip]', { hasText: name });
  const widthOf = (name: string) =>
    row(name)
      .locator('img')
      .evaluate(image => (image as unknown as { naturalWidth: number }).naturalWidth);
  const results = () =>
    premiere
      .tracks()
      .flatMap((clips, track) => clips.map(clip => ({ ...clip, track })))
      .filter(clip => clip.path.includes('/results/'))
      .map(({ track, first, last }) => ({ track, first, last }));
  test('shows a picture of the file under the playhead, by name alone where there is none, and works by keys', async () => {
    await openPremiere();
    await row('Dancer')
      .locator('img')
      .evaluate(image => (image as unknown as { decode(): Promise<void> }).decode());
    expect(await widthOf('Dancer')).toBe(320);
    premiere.setPlayhead(25);
    await row('Gone').waitFor();
    expect(await row('Gone').locator('img').count()).toBe(0);

    premiere.setPlayhead(5);
    await row('Dancer').waitFor();
    await row('Dancer').focus();
    expect((await panel.menu())?.map(each => each.label)).toContain('Stylize');
    await panel.page.keyboard.press('Enter');
    await panel.page.getByRole('menu', { name: 'Actions for Dancer' }).waitFor();
    await panel.page.keyboard.press('Escape');
    expect(await row('Dancer').evaluate(element => element === document.activeElement)).toBe(true);
    // Nothing is wider than the panel.
    expect(await panel.page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
  });

  test('a clip that is only under the playhead is stylized by the native menu, at its own place', async () => {
    await openPremiere();
    await row('Dancer').hover();
    await panel.pick('preset:retime-50');
    const card = panel.page.locator('[data-job][data-status=done]').first();
    await card.waitFor({ timeout: 90_000 });
    await card.getByRole('button', { name: 'Place on timeline' }).click();
    await card.getByText('Placed on track').waitFor();
    expect(results()).toEqual([{ track: 1, first: 0, last: 19 }]);
  });

  test.each<[string, Misbehaviour[], number[][]]>([
    [
      'all of them',
      [],
      [
        [4, 9],
        [20, 39],
      ],
    ],
    ['those that a host tells which repeats the first', ['markers-repeat'], [[5, 9]]],
  ])(
    'markers named "stylize: …" become clips on the track above by one click: %s',
    async (_name, misbehave, places) => {
      await openPremiere(...misbehave);
      const [[first, last]] = places;
      premiere.addMarker('stylize: retime-50', first, last - first + 1);
      premiere.addMarker('stylize: Retime 50', 20, 20);
      premiere.addMarker('stylize: retimme-50', 30, 5);
      const wishes = panel.page.locator('[data-wish]');
      await panel.page.getByText('Marked to stylize').waitFor();
      expect(await wishes.count()).toBe(misbehave.length > 0 ? 1 : 3);
      const jobs = panel.page.locator('[data-job]');
      await panel.page.getByRole('tab', { name: 'Jobs' }).click();
      const before = await jobs.count();
      await panel.page.getByRole('tab', { name: 'Render' }).click();
      await panel.page.getByRole('button', { name: 'Render all markers' }).click();
      await jobs.nth(before + places.length - 1).waitFor({ timeout: 60_000 });
      await panel.page.waitForFunction(
        () => document.querySelector('[data-job]:not([data-status=done])') === null,
        undefined,
        { timeout: 90_000 },
      );
      await panel.page.getByRole('button', { name: 'Place all finished' }).first().click();
      const lies = ([first, last]: number[]) => results().some(each => each.first === first && each.last === last);
      await eventually(() => places.every(lies), 20_000);
      // The whole clip, which another test has rendered, lies beside its marked part.
      expect(lies([0, 19])).toBe(true);
    },
  );

  test('a trigger is acted upon in one of three open panels, once', async () => {
    await openPremiere();
    const second = await open();
    const { page } = await openPanel(world.context, world.bridge.url);
    // The last that was turned to has nothing to stylize; of the two others the first was touched later.
    premiere.setRange(0, 9);
    for (const each of [second, panel]) {
      await each.page.getByRole('button', { name: 'Use in to out' }).waitFor();
      await each.page.getByText('Under the playhead').click();
    }
    await page.getByText('Choose or drop a clip').click();
    const exported = premiere.exports.length;
    const { origin, searchParams } = new URL(world.bridge.url);
    const response = await fetch(`${origin}/trigger/stylize-selection?preset=retime-50`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${searchParams.get('token')}` },
    });
    expect(await response.json()).toEqual({ panels: 1, host: 'premiere' });
    await panel.page.locator('[data-job]').first().waitFor();
    await panel.page.waitForTimeout(1500);
    expect(premiere.exports.length).toBe(exported + 1);
    expect(await second.page.locator('[role=tab][aria-selected=true]').innerText()).toContain('Render');
    await second.close();
  });
});
