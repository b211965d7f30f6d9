import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { soundRate } from '../../bridge-server/src/audio/sound-frames';
import { findFfmpeg } from '../../bridge-server/src/media/find-ffmpeg';
import { join as joinParts, makePart, makeRandom, playPart } from '../audio/make-song';
import { createFakeAfterEffects } from '../fakes/after-effects';
import { createFakePremiereUxp } from '../fakes/premiere-uxp';
import { buildHostScript } from '../setup/build-host-script';
import { createFilms, filmSize } from './films';
import { openPanelInHost } from './panel-in-host';
import { describeWithBrowser, makeHome, usePanelWorld } from './panel-page';
import { installPremiere, openPanelInUxp } from './panel-in-uxp';

/** Sections in After Effects and in Premiere's UXP: five presets in one go, placed, rendered again, undone. */
const presetNames = ['wash-1', 'wash-2', 'wash-3', 'wash-4', 'wash-5'];
/** On a busy computer hearing a song takes its time. */
const longestMs = 300_000;
const begins = [0, 14, 40, 55, 80];
const ends = [13, 39, 54, 79, 99];

type Placed = { readonly path: string; readonly track: number; readonly first: number; readonly last: number };
type InHost = {
  open(): Promise<{ page: Page; close(): Promise<void> }>;
  /** Our results on the timeline, the first one first. */
  results(): Placed[];
  /** Everything else on it. */
  own(): unknown;
  /** As a person does it: Edit > Undo. */
  undo(): string | undefined;
  markers(): readonly { readonly text: string; readonly first: number }[];
};

describeWithBrowser('sections in hosts', () => {
  const userHome = makeHome();
  // Where the UXP plug-in looks for it.
  const reverie = join(userHome, 'Library/Application Support/Reverie');
  let films: ReturnType<typeof createFilms>;
  let ffmpeg: string;
  let panel: Awaited<ReturnType<InHost['open']>> | undefined;

  const world = usePanelWorld({
    home: userHome,
    reverie,
    viewport: { width: 900, height: 800 },
    async prepare() {
      mkdirSync(join(reverie, 'presets'), { recursive: true });
      // Five presets that differ and take no time: what is under test is who gets which.
      presetNames.forEach((name, index) => {
        const effects = [{ effect: 'retime', params: { method: index % 2 === 0 ? 'repeat' : 'blend' } }];
        const preset = { version: 1, name, title: `Wash ${index + 1}`, effects, output: { codec: 'h264' } };
        writeFileSync(join(reverie, 'presets', `${name}.json`), JSON.stringify(preset));
      });
      installPremiere(userHome);
      ffmpeg = (await findFfmpeg()).path;
      films = createFilms(ffmpeg);
    },
  });
  afterEach(async () => {
    await panel?.close();
    panel = undefined;
  });

  let projects = 0;
  async function inAfterEffects({ frames = 100, sound }: { frames?: number; sound?: string } = {}) {
    const afterEffects = createFakeAfterEffects({
      script: await buildHostScript(),
      writeFilm: (path, first, length) => films.write(path, first, length, sound),
      readFilm: films.read,
      size: filmSize,
      frames,
      // As two compositions of one project: the bridge keeps the jobs of both.
      firstId: 1000 * ++projects,
    });
    afterEffects.addLayer(0, frames - 1, { name: 'Film', selected: true });
    afterEffects.addLayer(20, 30, { name: 'Logo' });
    const layers = (ours: boolean) => afterEffects.layers().filter(layer => layer.path.includes('/results/') === ours);
    const host = { appId: 'AEFT', evalScript: afterEffects.evalScript, env: { REVERIE_HOME: reverie } } as const;
    return {
      afterEffects,
      open: () => openPanelInHost(world.context, host),
      results: () => layers(true).sort((a, b) => a.first - b.first),
      own: () => layers(false).map(({ track: _, ...rest }) => rest),
      undo: afterEffects.undo,
      markers: afterEffects.markers,
    } satisfies InHost & { afterEffects: unknown };
  }

  async function inUxp(): Promise<InHost> {
    const premiere = createFakePremiereUxp({
      mediaOf: films.read,
      render: (path, first, last) => films.write(path, first, last - first + 1),
    });
    premiere.addClip(0, 0, 99, { name: 'Film' });
    premiere.addClip(0, 0, 99, { name: 'Song', kind: 'audio' });
    begins.forEach((first, index) =>
      premiere.addMarker(`stylize: ${presetNames[index]}`, first, 0, `Part ${index + 1}`),
    );
    premiere.select('Film');
    const laid = () => premiere.tracks().flatMap((clips, track) => clips.map(clip => ({ ...clip, track })));
    return {
      async open() {
        const panel = await openPanelInUxp(world.context, premiere, userHome);
        panel.plugIn.open();
        await panel.page.waitForSelector('[data-connection=open]');
        return panel;
      },
      results: () =>
        laid()
          .filter(({ path }) => path.includes('/results/'))
          .sort((a, b) => a.first - b.first),
      own: () => [laid().filter(({ path }) => !path.includes('/results/')), premiere.tracks('audio')],
      undo: premiere.undo,
      markers: () => premiere.markers().map(({ name, first }) => ({ text: name, first })),
    };
  }

  /** Opens the panel, or opens it anew, on its page of sections. */
  async function openSections(host: InHost): Promise<Page> {
    await panel?.close();
    panel = await host.open();
    const { page } = panel;
    await page.getByRole('tab', { name: 'Render' }).click();
    await page.getByRole('button', { name: 'Use selection' }).first().click();
    await page.getByText('64 × 48 · 25 fps').waitFor({ timeout: 60_000 });
    await page.getByRole('tab', { name: 'Sections' }).click();
    return page;
  }
  const names = (page: Page) =>
    page
      .locator('[data-section] input')
      .evaluateAll(all => all.map(each => (each as unknown as { value: string }).value));
  const sections = (page: Page, count: number) =>
    page.waitForFunction(wanted => document.querySelectorAll('[data-section]').length === wanted, count, {
      timeout: 180_000,
    });
  /** Waits until a text stands so many times on the page. */
  const times = (page: Page, text: string, count: number) =>
    page.waitForFunction(
      ([wanted, often]) => document.body.innerText.split(wanted).length === Number(often) + 1,
      [text, String(count)] as const,
      { timeout: 60_000 },
    );
  async function renderAndPlace(page: Page, done: string) {
    await page.getByRole('button', { name: 'Render all sections' }).click();
    await page.getByText(done).waitFor({ timeout: 120_000 });
    await page.getByRole('button', { name: 'Place all finished' }).click();
  }

  test.each(['After Effects', 'UXP'] as const)(
    '%s: five markers with five presets, placed with one button, placed again, rendered again, undone',
    async name => {
      let host: InHost;
      if (name === 'After Effects') {
        const made = await inAfterEffects();
        begins.forEach((first, index) =>
          made.afterEffects.addMarker(`stylize: ${presetNames[index]}\rPart ${index + 1}`, first, 0),
        );
        host = made;
      } else host = await inUxp();
      const before = host.own();
      const spans = () => host.results().map(({ first, last }) => [first, last]);
      const whole = begins.map((first, index) => [first, ends[index]]);

      let page = await openSections(host);
      await sections(page, 5);
      expect(await names(page)).toEqual(['Part 1', 'Part 2', 'Part 3', 'Part 4', 'Part 5']);
      await renderAndPlace(page, '5 of 5 done');
      await times(page, 'Placed on track', 5);
      expect(spans()).toEqual(whole);
      for (const { path, first, last, track } of host.results()) {
        expect(films.read(path)).toEqual({
          frames: 2 * (last - first + 1),
          rate: { num: 50, den: 1 },
          ...filmSize,
          sound: false,
        });
        expect(track).toBeGreaterThan(0);
      }
      expect(host.own()).toEqual(before);

      // The panel is closed and opened: the timeline says what lies there, and nothing is doubled.
      page = await openSections(host);
      await page.getByText('5 of 5 done').waitFor({ timeout: 60_000 });
      await page.getByRole('button', { name: 'Place all finished' }).click();
      await times(page, 'Already on track', 5);
      expect(spans()).toEqual(whole);

      // A boundary is moved: its two sections are rendered again and take the older ones' place.
      await page.getByRole('slider', { name: 'Start of Part 2' }).focus();
      for (let count = 0; count < 4; count++) await page.keyboard.press('ArrowRight');
      await page.getByText('3 of 5 done').waitFor();
      await renderAndPlace(page, '5 of 5 done');
      await times(page, 'Placed on track', 2);
      const moved = [[0, 17], [18, 39], ...whole.slice(2)];
      expect(spans()).toEqual(moved);
      expect(host.own()).toEqual(before);

      // Undone, the result that was placed last is gone; the button puts it back.
      const placed = host.results().map(({ path }) => path);
      const gone = () => placed.filter(path => !host.results().some(result => result.path === path));
      while (gone().length === 0) expect(host.undo()).toBeDefined();
      expect(gone()).toHaveLength(1);
      expect(host.own()).toEqual(before);
      await page.getByRole('button', { name: 'Place all finished' }).click();
      const isBack = () => JSON.stringify(spans()) === JSON.stringify(moved);
      for (let tries = 0; !isBack() && tries < 400; tries++) await page.waitForTimeout(50);
      expect(spans()).toEqual(moved);
      expect(gone()).toHaveLength(1);
      expect(host.own()).toEqual(before);
    },
    longestMs,
  );

  test(
    'After Effects: sections heard in the sound become markers, and each its result',
    async () => {
      const random = makeRandom(77);
      const parts = [makePart(random, 12), makePart(random, 10), makePart(random, 11)].map(part =>
        playPart(part, random),
      );
      const { samples, starts } = joinParts([parts[0], parts[1], parts[0], parts[2]]);
      const [raw, song] = [join(userHome, 'song.f32'), join(userHome, 'song.wav')];
      writeFileSync(raw, Buffer.from(samples.buffer));
      execFileSync(ffmpeg, ['-v', 'error', '-f', 'f32le', '-ar', String(soundRate), '-ac', '1', '-i', raw, song]);
      const frames = Math.floor((samples.length / soundRate) * 25);
      const host = await inAfterEffects({ frames, sound: song });
      const before = host.own();

      const page = await openSections(host);
      await sections(page, 4);
      expect(await names(page)).toEqual(['A', 'B', 'A', 'C']);
      // The two parts that are one part of the song get one preset, as a person would.
      for (const [label, preset] of [
        ['A', 'wash-1'],
        ['C', 'wash-2'],
      ])
        for (const select of await page.getByRole('combobox', { name: `Preset of ${label}` }).all())
          await select.selectOption(preset);
      await page.getByRole('button', { name: 'Write markers' }).click();
      for (let tries = 0; host.markers().length < 4 && tries < 200; tries++) await page.waitForTimeout(50);
      expect(host.markers().map(({ text }) => text)).toEqual([
        'stylize: wash-1\nA',
        'B',
        'stylize: wash-1\nA',
        'stylize: wash-2\nC',
      ]);
      host
        .markers()
        .forEach(({ first }, index) => expect(Math.abs(first - 25 * starts[index])).toBeLessThanOrEqual(3 * 25));

      await renderAndPlace(page, '3 of 3 done');
      await times(page, 'Placed on track', 3);
      const [one, two, three, four] = host.markers().map(({ first }) => first);
      expect(host.results().map(({ first, last }) => [first, last])).toEqual([
        [one, two - 1],
        [three, four - 1],
        [four, frames - 1],
      ]);
      expect(host.own()).toEqual(before);
    },
    longestMs,
  );
});
