import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFfmpeg } from '../../bridge-server/src/media/find-ffmpeg';
import { createFakeAfterEffects } from '../fakes/after-effects';
import { createFakePremiere } from '../fakes/premiere';
import { buildHostScript } from '../setup/build-host-script';
import { createFilms, filmSize } from './films';
import { openPanelInHost, type PanelInHost } from './panel-in-host';
import { describeWithBrowser, makeHome, usePanelWorld } from './panel-page';

/**
 * The built panel in Chromium, in a small Premiere and a small After Effects that run the built host script, with the
 * built bridge: from the right-click to the clip above its source.
 */
describeWithBrowser('the panel in a host', () => {
  const home = makeHome();
  const reverie = join(home, 'reverie');
  const tone = join(home, 'tone.wav');
  let films: ReturnType<typeof createFilms>;
  let script: string;
  let panel: PanelInHost | undefined;

  const world = usePanelWorld({
    home,
    viewport: { width: 480, height: 800 },
    async prepare() {
      const ffmpeg = (await findFfmpeg()).path;
      films = createFilms(ffmpeg);
      execFileSync(ffmpeg, ['-v', 'error', '-f', 'lavfi', '-i', 'sine=440:duration=60', tone]);
      script = await buildHostScript();
    },
  });
  afterEach(async () => {
    await panel?.close();
    panel = undefined;
  });

  /** What the host renders has sound. */
  const writeFilm = (path: string, first: number, frames: number) => films.write(path, first, frames, tone);

  async function stylizeByRightClick(within: PanelInHost, clip: string, item: string) {
    const { page } = within;
    await page.getByRole('tab', { name: 'Render' }).click();
    const row = page.locator('[data-clip]', { hasText: clip });
    await row.waitFor();
    await row.click({ button: 'right' });
    expect((await within.menu())?.map(each => each.label)).toEqual([
      'Stylize',
      'Stylize with',
      'Dream',
      'Upscale',
      'Zoom',
    ]);
    const before = await page.locator('[data-job]').count();
    await within.pick(item);
    await page.locator('[data-job]').nth(before).waitFor({ state: 'attached' });
    const card = page.locator('[data-job]').first();
    const ended = page.locator('[data-job]').first().and(page.locator(':is([data-status=done], [data-status=failed])'));
    await ended.waitFor({ timeout: 90_000 });
    expect(await card.innerText()).toContain('Done');
    return card;
  }
  /** Five stops of a person, the same in every host: stylize, place, render again, replace, take off. */
  async function work(
    within: PanelInHost,
    results: () => { path: string; track: number; first: number; last: number }[],
  ) {
    const { page } = within;
    let card = await stylizeByRightClick(within, 'Dancer', 'preset:retime-50');
    await card.getByRole('button', { name: 'Place on timeline' }).click();
    await card.getByText('Placed on track').waitFor();
    const [first] = results();
    expect(results()).toHaveLength(1);
    expect(first).toMatchObject({ first: 50, last: 69 });
    expect(films.read(first.path)).toEqual({ frames: 40, rate: { num: 50, den: 1 }, ...filmSize, sound: false });

    card = await stylizeByRightClick(within, 'Dancer', 'preset:retime-50');
    await card.getByRole('button', { name: 'Place on timeline' }).click();
    await card.getByText('Replaced on track').waitFor();
    expect(results()).toMatchObject([{ track: first.track, first: 50, last: 69 }]);
    expect(results()[0].path).not.toBe(first.path);

    // Everything that is finished, again: nothing is doubled.
    await page.getByRole('button', { name: 'Place all finished' }).first().click();
    await card.getByText('Already on track').waitFor();
    expect(results().filter(each => each.track === first.track)).toHaveLength(1);

    await card.getByTitle('Take off the timeline').click();
    await card.getByText('on track').waitFor({ state: 'detached' });
    return first;
  }

  test('Premiere: right-click, Stylize, the clip on the track above; rendered again it replaces; it can be taken off', async () => {
    const epr = join(home, 'Match Source.epr');
    writeFileSync(epr, '<PremiereData Version="3"/>');
    const premiere = createFakePremiere({ script, writeFilm, readFilm: films.read });
    premiere.addClip(0, 0, 49, { name: 'Before' });
    premiere.addClip(0, 50, 69, { name: 'Dancer', selected: true });
    premiere.addClip(1, 55, 60, { name: 'Logo' });
    premiere.addClip(0, 0, 69, { name: 'Sound', kind: 'Audio' });
    const own = () => [premiere.tracks().slice(0, 2), premiere.tracks('audio')];
    const before = own();
    await world.context.addInitScript(
      path =>
        (globalThis as unknown as { localStorage: { setItem(key: string, value: string): void } }).localStorage.setItem(
          'reverie.export-preset',
          path,
        ),
      epr,
    );
    panel = await openPanelInHost(world.context, {
      appId: 'PPRO',
      evalScript: premiere.evalScript,
      env: { REVERIE_HOME: reverie },
    });
    const placed = await work(panel, () =>
      premiere
        .tracks()
        .flatMap((clips, track) => clips.map(clip => ({ ...clip, track })))
        .filter(clip => clip.path.includes('/results/')),
    );
    expect(placed.track).toBe(2);
    expect(premiere.exports[0]).toMatchObject({ first: 50, last: 69, muted: [1] });
    expect(premiere.tracks()[2]).toEqual([]);
    expect(own()).toEqual(before);
  });

  test('After Effects: right-click, Stylize, the layer right above its source with the same in and out', async () => {
    const afterEffects = createFakeAfterEffects({ script, writeFilm, readFilm: films.read, size: filmSize });
    afterEffects.addLayer(0, 49, { name: 'Before' });
    afterEffects.addLayer(50, 69, { name: 'Dancer', selected: true });
    afterEffects.addLayer(55, 60, { name: 'Logo' });
    const own = () =>
      afterEffects
        .layers()
        .filter(layer => !layer.path.includes('/results/'))
        .map(({ track: _, ...rest }) => rest);
    const before = own();
    panel = await openPanelInHost(world.context, {
      appId: 'AEFT',
      evalScript: afterEffects.evalScript,
      env: { REVERIE_HOME: reverie },
    });
    const placed = await work(panel, () => afterEffects.layers().filter(layer => layer.path.includes('/results/')));
    expect(placed.track).toBe(2);
    expect(afterEffects.films[0]).toMatchObject({ first: 50, last: 69, shown: ['Dancer', 'Before'] });
    expect(afterEffects.layers().filter(layer => layer.path.includes('/results/'))).toEqual([]);
    expect(own()).toEqual(before);
  });
});
