import * as fs from 'node:fs';
import type { ErrorCode } from '#protocol/errors';
import { idle, placementOf } from '../conformance/host';
import { afterEffectsMisbehaviours, type AfterEffectsMisbehaviour, type LayerState } from '../fakes/after-effects';
import { makeAfterEffects } from './make-after-effects';

type Panel = Awaited<ReturnType<typeof makeAfterEffects>>;
let panel: Panel;
afterEach(() => panel.close());

async function markAndMake(job = 'job-1', about: object = {}) {
  panel.mark();
  const range = await panel.host.readRange();
  return { range, at: placementOf(range), clip: await panel.makeResult(job, range, about) };
}
const own = () => panel.timeline.own();

async function codeOf(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (thrown) {
    return (thrown as { code?: string }).code ?? String(thrown);
  }
}

test('from the marked layer to a silent layer right above it with the same in and out', async () => {
  panel = await makeAfterEffects();
  const before = own();
  const { range, at, clip } = await markAndMake();
  expect(range).toMatchObject({
    origin: 'selection',
    range: { first: 50, last: 69, rate: { num: 25, den: 1 } },
    sequence: { frames: 200, rate: { num: 25, den: 1 } },
  });
  const exported = await panel.host.exportRange(range, idle());
  expect(panel.afterEffects.films).toEqual([
    expect.objectContaining({ first: 50, last: 69, shown: ['Null 1', 'B café', 'A'] }),
  ]);
  expect(own()).toEqual(before);
  expect(panel.afterEffects.queue()).toEqual([]);
  expect(exported.path).toMatch(/Song-v2-50-69-\w+\.mov$/);
  await panel.host.releaseExport?.(exported);
  expect(fs.existsSync(exported.path!)).toBe(false);

  expect(await panel.host.importClip(clip, at, idle())).toEqual({ outcome: 'placed', track: 2, range: range.range });
  expect(panel.results()).toEqual([
    expect.objectContaining({
      track: 2,
      first: 50,
      last: 69,
      start: 50,
      scale: [50, 50],
      audible: false,
      selected: false,
    }),
  ]);
  expect(panel.afterEffects.folders()).toEqual([{ name: 'Reverie', items: [clip.path] }]);
  expect(panel.afterEffects.layers().filter(layer => layer.selected)).toMatchObject([{ name: 'B café' }]);
  expect(own()).toEqual(before);
  expect(panel.afterEffects.openGroups()).toBe(0);
  expect(panel.afterEffects.steps().filter(step => step === 'Reverie: place a result')).toHaveLength(1);
});

test.each([
  ['23.976', 23.9759998321533, { num: 24000, den: 1001 }],
  ['29.97', 29.9700012207031, { num: 30000, den: 1001 }],
  ['12.5', 12.5, { num: 25, den: 2 }],
  ['50', 50, { num: 50, den: 1 }],
  ['59.94', 59.9400024414063, { num: 60000, den: 1001 }],
])('at %s frames a second a 50 fps result begins and ends exactly with its source', async (_name, frameRate, rate) => {
  panel = await makeAfterEffects({ frameRate });
  const { range, at, clip } = await markAndMake();
  expect(range.range.rate).toEqual(rate);
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({
    outcome: 'placed',
    range: { first: 50, last: 69 },
  });
  expect(panel.results()).toMatchObject([{ first: 50, last: 69 }]);
});

test('a result goes above the matte of its source, never between the two', async () => {
  panel = await makeAfterEffects();
  panel.layers.b.hasTrackMatte = true;
  panel.layers.mover.isTrackMatte = true;
  const { at, clip } = await markAndMake();
  await panel.host.importClip(clip, at, idle());
  expect(panel.afterEffects.layers().map(layer => layer.name)).toEqual([
    'A',
    'B café',
    'Null 1',
    'Result e.mov',
    'Logo',
  ]);
});

test('where the source was deleted meanwhile, the result goes on top of all', async () => {
  panel = await makeAfterEffects();
  const { at, clip } = await markAndMake();
  const gone = { ...at, sourceKey: 'layer999:50' };
  expect(await panel.host.importClip(clip, gone, idle())).toMatchObject({ outcome: 'placed', track: 4 });
});

test('a layer that was moved after it was sent takes its result along; one cut shorter gets what it shows', async () => {
  panel = await makeAfterEffects();
  const { at, clip } = await markAndMake();
  panel.afterEffects.move(panel.layers.b.id, 30);
  panel.layers.b.outPoint -= 0.2;
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({
    outcome: 'placed',
    track: 2,
    range: { first: 80, last: 94 },
  });
  expect(panel.results()).toMatchObject([{ first: 80, last: 94 }]);
});

test('a layer that begins later in its source is named, and nothing is placed', async () => {
  panel = await makeAfterEffects();
  const { at, clip } = await markAndMake();
  panel.layers.b.inPoint += 0.4;
  await expect(panel.host.importClip(clip, at, idle())).rejects.toMatchObject({
    code: 'SOURCE_TRIMMED',
    details: { name: 'B café' },
  });
  expect(panel.results()).toEqual([]);
});

test.each([
  ['is stretched in time', (layer: LayerState) => (layer.stretch = 150)],
  ['is remapped in time', (layer: LayerState) => (layer.remapped = true)],
  ['shows another film', (layer: LayerState) => (layer.item!.path = '/media/another.mov')],
])('a layer that %s since is named, and nothing is placed', async (_what, change) => {
  panel = await makeAfterEffects();
  const { at, clip } = await markAndMake();
  change(panel.layers.b);
  const before = own();
  const placing = panel.host.importClip(clip, { ...at, sourcePath: '/media/B café.mov' }, idle());
  await expect(placing).rejects.toMatchObject({ code: 'SOURCE_CHANGED', details: { name: 'B café' } });
  expect([panel.results(), own()]).toEqual([[], before]);
});

test('a stretched layer, rendered as it is, takes its result; rendered again it is replaced', async () => {
  panel = await makeAfterEffects();
  panel.layers.b.stretch = 200;
  const { range, at, clip } = await markAndMake();
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({
    outcome: 'placed',
    range: { first: 50, last: 69 },
  });
  const again = await panel.makeResult('job-2', range);
  expect(await panel.host.importClip(again, at, idle())).toMatchObject({ outcome: 'replaced', track: 2 });
  expect(panel.results()).toHaveLength(1);
});

test('layers that were put into another order since keep it, and the result lies above its source', async () => {
  panel = await makeAfterEffects();
  const { at, clip } = await markAndMake();
  panel.afterEffects.raise(panel.layers.b.id);
  const order = panel.afterEffects.layers().map(({ name }) => name);
  expect(order).toEqual(['A', 'Null 1', 'Logo', 'B café']);
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({ outcome: 'placed', track: 4 });
  expect(
    panel.afterEffects
      .layers()
      .map(({ name }) => name)
      .slice(0, 4),
  ).toEqual(order);
});

test.each(['moved', 'left'] as const)(
  'a layer that was pre-composed since, its attributes %s, has its result right above the composition it became',
  async attributes => {
    panel = await makeAfterEffects();
    const { at, clip } = await markAndMake();
    panel.afterEffects.precompose(panel.layers.b, attributes);
    const before = own();
    const wanted = { ...at, sourcePath: '/media/B café.mov' };
    expect(await panel.host.importClip(clip, wanted, idle())).toEqual({ outcome: 'placed', track: 2, range: at.range });
    expect(await panel.host.importClip(clip, wanted, idle())).toMatchObject({ outcome: 'already-there' });
    expect(own()).toEqual(before);
  },
);

test('a composition that got another frame rate is told: its frames are others', async () => {
  panel = await makeAfterEffects();
  const { at, clip } = await markAndMake();
  panel.afterEffects.setFrameRate(50);
  const before = own();
  await expect(panel.host.importClip(clip, at, idle())).rejects.toMatchObject({
    code: 'SEQUENCE_RATE_CHANGED',
    details: { now: 50, before: 25 },
  });
  expect([panel.results(), own()]).toEqual([[], before]);
  const range = await panel.host.readRange();
  expect(range.range).toEqual({ first: 100, last: 139, rate: { num: 50, den: 1 } });
  const again = await panel.makeResult('job-2', range);
  expect(await panel.host.importClip(again, placementOf(range), idle())).toMatchObject({ outcome: 'placed' });
});

test.each([23.976, 29.97, 59.94, 12.5])('at %s frames a second in and out are those of the source', async frameRate => {
  panel = await makeAfterEffects({ frameRate });
  const before = own();
  const { range, at, clip } = await markAndMake();
  expect(range.range).toMatchObject({ first: 50, last: 69 });
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({
    outcome: 'placed',
    range: { first: 50, last: 69 },
  });
  expect(await panel.host.findResult!('job-1', at)).toMatchObject({ outcome: 'already-there' });
  expect(own()).toEqual(before);
});

test.each([
  ['square ones', { width: 1920, height: 1080 }, [100, 100]],
  ['its own', { width: 1440, height: 1080, pixelAspect: 4 / 3 }, [100, 100]],
  ['none that are known', { width: 1440, height: 1080 }, [400 / 3, 100]],
])('in a composition of wide pixels a result with %s fills the picture', async (_what, about, scale) => {
  panel = await makeAfterEffects({ size: { width: 1440, height: 1080 }, pixelAspect: 4 / 3 });
  const { at, clip } = await markAndMake('job-1', about);
  await panel.host.importClip({ ...clip, width: about.width, height: about.height }, at, idle());
  for (const axis of [0, 1]) expect(panel.results()[0].scale[axis]).toBeCloseTo(scale[axis], 6);
});

test('a locked layer above the source is hidden for the export all the same, and is locked again', async () => {
  panel = await makeAfterEffects({ misbehave: ['locked-refuses'] });
  panel.layers.logo.locked = true;
  const before = own();
  panel.mark();
  await panel.host.exportRange(await panel.host.readRange(), idle());
  expect(panel.afterEffects.films).toMatchObject([{ shown: ['Null 1', 'B café', 'A'] }]);
  expect(own()).toEqual(before);
  expect(panel.layers.logo.locked).toBe(true);
});

test('a result that the person locked is theirs: a newer one lies beside it, and taking it off names the lock', async () => {
  panel = await makeAfterEffects();
  const { at, clip } = await markAndMake();
  await panel.host.importClip({ ...clip, labels: { section: 'Chorus' } }, at, idle());
  panel.afterEffects.lock(panel.results()[0].id);
  const shorter = { ...at, range: { ...at.range, last: 60 } };
  const again = { ...(await panel.makeResult('job-2', await panel.host.readRange())), labels: { section: 'Chorus' } };
  expect(await panel.host.importClip(again, shorter, idle())).toMatchObject({ outcome: 'placed' });
  expect(
    panel
      .results()
      .map(({ path }) => path)
      .sort(),
  ).toEqual([clip.path, again.path].sort());
  await expect(panel.host.removeResult!('job-1', at)).rejects.toMatchObject({ code: 'REMOVE_FAILED' });
  expect(panel.results()).toHaveLength(2);
});

test('a result that replaces an older one with other ends is one step of undo', async () => {
  panel = await makeAfterEffects();
  const { at, clip } = await markAndMake();
  await panel.host.importClip({ ...clip, labels: { section: 'Chorus' } }, at, idle());
  const shorter = { ...at, range: { ...at.range, last: 60 } };
  const again = { ...(await panel.makeResult('job-2', await panel.host.readRange())), labels: { section: 'Chorus' } };
  await panel.host.importClip(again, shorter, idle());
  expect(panel.results()).toMatchObject([{ path: again.path }]);
  expect(panel.afterEffects.undo()).toBe('Reverie: place a result');
  expect(panel.results()).toMatchObject([{ path: clip.path, first: 50, last: 69 }]);
});

test('a result that was moved along with its source is replaced where both lie', async () => {
  panel = await makeAfterEffects();
  const { at, clip } = await markAndMake();
  await panel.host.importClip(clip, at, idle());
  for (const { id } of [panel.layers.b, panel.results()[0]]) panel.afterEffects.move(id, 30);
  const range = await panel.host.readRange();
  const again = await panel.makeResult('job-2', range);
  expect(await panel.host.importClip(again, placementOf(range), idle())).toMatchObject({ outcome: 'replaced' });
  expect(panel.results()).toMatchObject([{ path: again.path, first: 80, last: 99 }]);
});

test('a section that was rendered with other ends replaces the older one, also across a restart of the panel', async () => {
  panel = await makeAfterEffects();
  const { at, clip } = await markAndMake();
  await panel.host.importClip({ ...clip, labels: { section: 'Chorus' } }, at, idle());
  const shorter = { ...at, range: { ...at.range, last: 60 } };
  const again = { ...(await panel.makeResult('job-2', await panel.host.readRange())), labels: { section: 'Chorus' } };
  expect(await panel.host.importClip(again, shorter, idle())).toMatchObject({ outcome: 'placed' });
  expect(panel.results()).toMatchObject([{ path: again.path, first: 50, last: 60 }]);
  expect(await panel.host.findResult!('job-2', shorter)).toMatchObject({ outcome: 'already-there' });
  expect(await panel.host.findResult!('job-1', at)).toBeUndefined();
});

test('layers without numbers of their own (before 22.0) are found by their place', async () => {
  panel = await makeAfterEffects({ layerIds: false });
  const { at, clip } = await markAndMake();
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({ outcome: 'placed', track: 2 });
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({ outcome: 'already-there' });
});

test('Windows paths, translated templates and a locked source change nothing', async () => {
  panel = await makeAfterEffects({ slashes: 'back', localised: true });
  panel.layers.b.locked = true;
  const { range, at, clip } = await markAndMake();
  await panel.host.exportRange(range, idle());
  expect(panel.afterEffects.films).toHaveLength(1);
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({ outcome: 'placed' });
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({ outcome: 'already-there' });
});

test('a file that is read at another rate is conformed to its own', async () => {
  panel = await makeAfterEffects({ importsAtThirty: true });
  const { at, clip } = await markAndMake();
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({ outcome: 'placed' });
});

test('somebody else’s items of the render queue are neither rendered nor lost', async () => {
  panel = await makeAfterEffects();
  const other = panel.afterEffects.queueOther();
  panel.mark();
  await panel.host.exportRange(await panel.host.readRange(), idle());
  expect(panel.afterEffects.films).toHaveLength(1);
  expect(other.render).toBe(true);
  expect(panel.afterEffects.queue()).toHaveLength(2);
});

test('the work area is taken where no layer is selected, and all of it is shown but our own results', async () => {
  panel = await makeAfterEffects();
  const { at, clip } = await markAndMake();
  await panel.host.importClip(clip, at, idle());
  panel.layers.b.selected = false;
  panel.afterEffects.setWorkArea(40, 64);
  const range = await panel.host.readRange();
  expect(range).toMatchObject({ origin: 'in-out', range: { first: 40, last: 64 } });
  await panel.host.exportRange(range, idle());
  expect(panel.afterEffects.films).toMatchObject([{ first: 40, last: 64, shown: ['Logo', 'Null 1', 'B café', 'A'] }]);
});

test.each([
  [{ adjustmentLayer: true }, 'refused', ['adjustment']],
  [{ hasVideo: false }, 'refused', ['no-picture']],
  [{ enabled: false }, 'refused', ['disabled']],
  [{ guideLayer: true }, 'refused', ['guide']],
  [{ stretch: 200 }, 'needs-export', ['speed']],
  [{ stretch: -100 }, 'needs-export', ['reversed']],
  [{ remapped: true }, 'needs-export', ['remapped']],
  [{ effects: 2 }, 'needs-export', ['effects']],
  [{ opacity: 50 }, 'needs-export', ['motion']],
  [{ hasTrackMatte: true }, 'needs-export', ['matte']],
  [{ item: undefined }, 'needs-export', ['generated']],
  [{}, 'plain', []],
] as const)('a layer with %j is %s', async (change, kind, reasons) => {
  panel = await makeAfterEffects();
  Object.assign(panel.layers.b, change);
  panel.mark();
  const told: unknown[] = [];
  const stop = panel.host.watchSelection!(clips => told.push(...clips));
  for (let tries = 0; told.length === 0 && tries < 200; tries++) await new Promise(done => setTimeout(done, 5));
  stop();
  expect(told).toMatchObject([{ name: 'B café', kind, reasons }]);
  const code = await codeOf(() => panel.host.readRange());
  expect(code).toBe(kind === 'refused' ? 'SELECTION_REFUSED' : undefined);
});

test('the source itself is read where it shows the same, and only there', async () => {
  panel = await makeAfterEffects({}, { readSources: () => true });
  const media = `${panel.folder}/source.mov`;
  fs.writeFileSync(media, 'source');
  panel.layers.a.item!.path = media;
  panel.layers.a.selected = true;
  const exported = await panel.host.exportRange(await panel.host.readRange(), idle());
  expect(exported).toMatchObject({ path: media, isSource: true, range: { first: 0, last: 49 } });
  await panel.host.releaseExport?.(exported);
  expect(fs.existsSync(media)).toBe(true);
  panel.layers.a.scale = [90, 90];
  expect((await panel.host.exportRange(await panel.host.readRange(), idle())).isSource).toBe(false);
});

test('the output template is found, picked and remembered; without a fit one the failure names what there is', async () => {
  let chosen: string | undefined;
  panel = await makeAfterEffects({}, { preset: { get: () => chosen, set: name => (chosen = name) } });
  expect(await panel.host.listExportPresets!()).toEqual({
    found: [
      'H.264 - Match Render Settings - 15 Mbps',
      'High Quality',
      'High Quality with Alpha',
      'Lossless',
      'AIFF 48kHz',
    ].map(id => ({ id, label: id })),
    used: 'High Quality',
    isChosen: false,
  });
  panel.host.chooseExportPreset!('H.264 - Match Render Settings - 15 Mbps');
  expect(await panel.host.listExportPresets!()).toMatchObject({
    used: 'H.264 - Match Render Settings - 15 Mbps',
    isChosen: true,
  });
  panel.mark();
  const range = await panel.host.readRange();
  expect((await panel.host.exportRange(range, idle())).path).toMatch(/\.mp4$/);
  panel.host.chooseExportPreset!('AIFF 48kHz');
  await expect(panel.host.exportRange(range, idle())).rejects.toMatchObject({
    code: 'EXPORT_FAILED',
    details: { problem: expect.stringContaining('no film') },
  });
  expect(panel.afterEffects.queue()).toEqual([]);
});

test('an export that fails and cannot put a layer back says both', async () => {
  panel = await makeAfterEffects({ misbehave: ['render-throws', 'hidden-for-good'] });
  panel.mark();
  const range = await panel.host.readRange();
  await expect(panel.host.exportRange(range, idle())).rejects.toMatchObject({
    code: 'EXPORT_FAILED',
    details: { problem: expect.stringMatching(/rendering failed.*not everything is as it was: layer "Logo"/) },
  });
});

test('a marker of the person is never written over: where another stands nothing is written', async () => {
  panel = await makeAfterEffects();
  panel.afterEffects.addMarker('Chorus', 10, 30);
  panel.afterEffects.addMarker('Drums come in', 40, 0);
  const section = { name: 'stylize: tahiti', comment: 'Chorus', first: 10, length: 30 };
  const clash = { name: 'Verse', comment: '', first: 40, length: 20 };
  await expect(panel.host.writeMarkers!([section, clash])).rejects.toMatchObject({
    code: 'MARKER_TAKEN',
    details: { name: 'Drums come in', frame: 40 },
  });
  expect(panel.afterEffects.markers()).toMatchObject([{ text: 'Chorus' }, { text: 'Drums come in' }]);
  // The section's own marker takes the preset, and its name is kept.
  await panel.host.writeMarkers!([section]);
  expect(panel.afterEffects.markers()).toEqual([
    { text: 'stylize: tahiti\nChorus', first: 10, frames: 30 },
    { text: 'Drums come in', first: 40, frames: 0 },
  ]);
});

test('a dialog: nothing more is sent until it is closed, and what was done late is found, not done twice', async () => {
  panel = await makeAfterEffects({}, { timeoutMs: 300 });
  const { at, clip } = await markAndMake();
  panel.afterEffects.misbehave('modal');
  expect(await codeOf(() => panel.host.importClip(clip, at, idle()))).toBe('HOST_BUSY');
  const sent = panel.afterEffects.calls();
  expect(await codeOf(() => panel.host.importClip(clip, at, idle()))).toBe('HOST_BUSY');
  expect(panel.afterEffects.calls()).toBe(sent);
  panel.afterEffects.dismiss();
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({ outcome: 'placed' });
  expect(panel.results()).toHaveLength(1);
});

/** What the person is told, and by which verb; undefined: the work succeeds all the same. */
const expected: Record<
  AfterEffectsMisbehaviour,
  { [verb in 'export' | 'place' | 'notice' | 'replace' | 'remove' | 'read' | 'markers']?: ErrorCode }
> = {
  'span-ignored': { export: 'HOST_RANGE_IGNORED' },
  'template-ignored': { export: 'EXPORT_FAILED' },
  'template-of-pictures': { export: 'EXPORT_FAILED' },
  'file-ignored': { export: 'EXPORT_FAILED' },
  'imports-itself': { export: 'EXPORT_FAILED' },
  'render-nothing': { export: 'EXPORT_FAILED' },
  'render-stale': { export: 'EXPORT_FAILED' },
  'render-whole': { export: 'EXPORT_WRONG_LENGTH' },
  'render-small': { export: 'EXPORT_WRONG_SIZE' },
  'render-stopped': { export: 'EXPORT_FAILED' },
  'render-throws': { export: 'HOST_FAILED' },
  'queue-held': { export: 'EXPORT_FAILED' },
  'locked-refuses': {},
  'queue-item-stays': { notice: 'HOST_NOT_RESTORED' },
  'hide-ignored': { export: 'EXPORT_FAILED' },
  'hidden-for-good': { notice: 'HOST_NOT_RESTORED' },
  'import-lies': { place: 'IMPORT_FAILED' },
  'import-throws': { place: 'HOST_FAILED' },
  'import-refused': { place: 'IMPORT_FAILED' },
  'import-doubles': {},
  'import-rate': { place: 'HOST_FAILED' },
  'folder-lies': { place: 'HOST_FAILED' },
  'comment-lost': {},
  'add-lies': { place: 'NOT_PLACED' },
  'add-throws': { place: 'NOT_PLACED' },
  'add-doubles': { place: 'NOT_PLACED' },
  'add-shifts': { place: 'TIMELINE_CHANGED' },
  'start-ignored': { place: 'NOT_PLACED' },
  'in-ignored': { place: 'NOT_PLACED' },
  'out-ignored': { place: 'NOT_PLACED' },
  'move-ignored': { place: 'NOT_PLACED' },
  'move-throws': { place: 'NOT_PLACED' },
  'scale-ignored': { place: 'NOT_PLACED' },
  'sound-stays': { place: 'NOT_PLACED' },
  'replace-lies': { replace: 'REPLACE_FAILED' },
  'replace-trims': { replace: 'REPLACE_FAILED' },
  'remove-lies': { remove: 'REMOVE_FAILED' },
  'marker-lies': { markers: 'HOST_FAILED' },
  'marker-length-lost': { markers: 'HOST_FAILED' },
  'composition-lies': {},
  'composition-stays': {},
  'reply-empty': { read: 'HOST_REPLY_BROKEN' },
  'reply-error': { read: 'HOST_REPLY_BROKEN' },
  modal: { read: 'HOST_BUSY' },
};

test.each(afterEffectsMisbehaviours)(
  'misled by "%s": never a false success, no layer of the person’s moved or lost, and a code',
  async name => {
    panel = await makeAfterEffects({}, { timeoutMs: 300 });
    panel.afterEffects.queueOther();
    // Longer than the range, so that a trim has something to do; with sound, so that it has to be silenced.
    const { range, at, clip } = await markAndMake('job-1', { frames: 90, sound: true });
    const before = own();
    const want = expected[name];
    panel.afterEffects.misbehave(name);

    expect(await codeOf(() => panel.host.readRange())).toBe(want.read);
    const section = { name: 'Chorus', comment: '', first: 10, length: 5 };
    if (!want.read) expect(await codeOf(() => panel.host.writeMarkers!([section]))).toBe(want.markers);
    if (!want.read) {
      const exportCode = await codeOf(async () => {
        const exported = await panel.host.exportRange(range, idle());
        const film = JSON.parse(fs.readFileSync(exported.path!, 'utf8')) as Record<string, number>;
        panel.host.learnClip?.({ ...film, codedWidth: film.width, codedHeight: film.height } as never);
      });
      expect(exportCode).toBe(want.export);
      expect(panel.notices.map(error => error.code)).toEqual(want.notice ? [want.notice] : []);
      expect(panel.afterEffects.films.every(film => !film.path.includes('other'))).toBe(true);
    }
    if (name !== 'hidden-for-good') expect(own()).toEqual(before);
    const beforePlacing = own();

    let placed: unknown;
    expect(await codeOf(async () => (placed = await panel.host.importClip(clip, at, idle())))).toBe(
      want.place ?? want.read,
    );
    expect(panel.results()).toHaveLength(placed ? 1 : 0);
    if (placed) expect(placed).toMatchObject({ outcome: 'placed', track: 2, range: { first: 50, last: 69 } });
    if (placed) expect(panel.results()).toMatchObject([{ first: 50, last: 69, audible: false }]);

    if (placed && !want.read) {
      const again = await panel.makeResult('job-2', range, { frames: 90 });
      expect(await codeOf(() => panel.host.importClip(again, at, idle()))).toBe(want.replace);
      expect(panel.results()).toHaveLength(1);
      if (want.replace) expect(panel.results()[0].path).toBe(clip.path);
      const job = want.replace ? 'job-1' : 'job-2';
      expect(await codeOf(() => panel.host.removeResult!(job, at))).toBe(want.remove);
      expect(panel.results()).toHaveLength(want.remove ? 1 : 0);
    }
    // A host that moves another layer by itself is named in the failure; everything else is as it was.
    if (name !== 'add-shifts') expect(own()).toEqual(beforePlacing);
    else expect(own().map(layer => layer.name)).toEqual(beforePlacing.map(layer => layer.name));
    expect(panel.afterEffects.openGroups()).toBe(0);
  },
);
