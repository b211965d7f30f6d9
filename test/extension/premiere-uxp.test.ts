import * as fs from 'node:fs';
import * as path from 'node:path';
import { AppError, type ErrorCode } from '#protocol/errors';
import { idle, placementOf } from '../conformance/host';
import { uxpMisbehaviours, type FakePremiereUxpOptions, type UxpMisbehaviour } from '../fakes/premiere-uxp';
import { makePremiereUxp } from './make-premiere-uxp';

type Panel = Awaited<ReturnType<typeof makePremiereUxp>>;
let panel: Panel;
afterEach(() => {
  expect(panel.premiere.scriptErrors).toEqual([]);
  panel.close();
});

async function markAndMake(job = 'job-1') {
  panel.mark();
  const range = await panel.host.readRange();
  return { range, at: placementOf(range), clip: await panel.makeResult(job, range) };
}
const codeOf = (thrown: unknown) => (thrown instanceof AppError ? thrown.code : String(thrown));
const ownSteps = () => panel.premiere.steps().filter(title => title.startsWith('Reverie'));

/** V2 is free above B: nothing has to be made for a result. */
async function makeWithFreeTrack(fake: FakePremiereUxpOptions = {}) {
  panel = await makePremiereUxp(fake);
  panel.premiere.move('/footage/Logo.mov', -50);
}

test('from the marked clip to a clip on the free track above, as one undo step', async () => {
  await makeWithFreeTrack();
  const before = panel.timeline.own();
  const { range, at, clip } = await markAndMake();
  expect(range).toMatchObject({
    origin: 'selection',
    range: { first: 50, last: 69, rate: { num: 25, den: 1 } },
    sequence: { name: 'Song – Mix', frames: 70, width: 640 },
    clips: [{ name: 'B café', kind: 'plain', track: 0 }],
  });
  const steps = ownSteps().length;
  expect(await panel.host.importClip(clip, at, idle())).toEqual({ outcome: 'placed', track: 1, range: range.range });
  expect(ownSteps().slice(steps)).toEqual(['Reverie: bin "Reverie"', 'Reverie: place result']);
  expect(panel.timeline.results()).toEqual([{ track: 1, first: 50, last: 69 }]);
  expect(panel.premiere.bins()).toEqual([{ name: 'Reverie', items: [clip.path] }]);
  const [item] = panel.premiere.items().filter(each => each.path === clip.path);
  expect(item.metadata).toContain('Reverie.Result');
  expect(item.scaled).toBe(true);
  expect(panel.timeline.own()).toEqual(before);
  panel.premiere.undo();
  expect(panel.timeline.results()).toEqual([]);
  expect(panel.timeline.own()).toEqual(before);
});

test.each([
  ['nothing', {}, []],
  ['its size', { scale: 120 }, ['motion']],
  ['an effect', { effects: ['AE.ADBE Gaussian Blur 2'] }, ['effects']],
  ['its speed', { speed: 2 }, ['speed']],
])('what was changed on a clip tells whether its source shows the same: %s', async (_name, change, reasons) => {
  panel = await makePremiereUxp();
  panel.premiere.addClip(0, 100, 110, { name: 'Changed', ...change });
  panel.premiere.select('Changed');
  const [clip] = (await panel.host.readRange()).clips;
  expect(clip).toMatchObject({ kind: reasons.length > 0 ? 'needs-export' : 'plain', reasons });
});

test('what lies above the marked clip is muted for the export, and everything is put back', async () => {
  panel = await makePremiereUxp();
  panel.premiere.setRange(3, 9);
  panel.mark();
  const range = await panel.host.readRange();
  const exported = await panel.host.exportRange(range, idle());
  expect(panel.premiere.exports).toEqual([expect.objectContaining({ first: 50, last: 69, muted: [1], full: false })]);
  expect(path.basename(exported.path!)).toMatch(/^Song-Mix-v1-50-69-\w+\.mp4$/);
  expect(panel.premiere.muted()).toEqual([]);
  expect(panel.premiere.range()).toEqual([3, 10]);
  expect(panel.premiere.listeners()).toBe(3);
  await panel.host.releaseExport?.(exported);
  expect(fs.existsSync(exported.path!)).toBe(false);
  expect(panel.disk.openFiles()).toBe(0);
});

test.each(['negative', 'whole', 'zero'] as const)(
  'points that are not set read as %s: nothing is marked, and nothing stays set',
  async unset => {
    panel = await makePremiereUxp({ unset });
    await expect(panel.host.readRange()).rejects.toMatchObject({ code: 'NOTHING_MARKED' });
    panel.mark();
    await panel.host.exportRange(await panel.host.readRange(), idle());
    expect(panel.notices).toEqual([]);
    panel.premiere.select('nothing');
    await expect(panel.host.readRange()).rejects.toMatchObject({ code: 'NOTHING_MARKED' });
  },
);

test.each([
  ['23.976', 10594584000n],
  ['29.97', 8475667200n],
  ['30', 8467200000n],
  ['50', 5080320000n],
  ['59.94', 4237833600n],
])('at %s frames a second a 50 fps result ends exactly with its source', async (_name, timebase) => {
  await makeWithFreeTrack({ timebase });
  panel.premiere.addClip(1, 71, 90, { name: 'Next to it' });
  const before = panel.timeline.own();
  const { at, clip } = await markAndMake();
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({
    outcome: 'placed',
    range: { first: 50, last: 69 },
  });
  expect(panel.premiere.tracks()[1].find(each => each.path === clip.path)).toMatchObject({
    first: 50,
    last: 69,
    exact: true,
  });
  expect(ownSteps().filter(title => title.includes('place') || title.includes('trim'))).toEqual([
    'Reverie: place result',
  ]);
  expect(panel.timeline.own()).toEqual(before);
});

test('where the host does not trim along, a second step does', async () => {
  await makeWithFreeTrack({ timebase: 10594584000n, misbehave: ['in-out-throws'] });
  const { at, clip } = await markAndMake();
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({
    outcome: 'placed',
    range: { first: 50, last: 69 },
  });
  expect(ownSteps()).toEqual(expect.arrayContaining(['Reverie: place result', 'Reverie: trim result']));
});

test('a track that has to be made comes on top, and no clip moves', async () => {
  panel = await makePremiereUxp();
  panel.premiere.addClip(0, 100, 120, { name: 'Later' });
  panel.premiere.addClip(0, 100, 120, { name: 'Later sound', kind: 'audio' });
  const before = panel.timeline.own();
  const { at, clip } = await markAndMake();
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({ outcome: 'placed', track: 2 });
  expect(panel.premiere.tracks()).toHaveLength(3);
  expect(panel.timeline.own()).toEqual(before);
});

test('a section that was rendered with other ends: the older result goes only when the newer one lies', async () => {
  await makeWithFreeTrack();
  panel.premiere.addClip(2, 0, 10, { name: 'Title' });
  const { range, at, clip } = await markAndMake();
  const labels = { section: 'Chorus' };
  await panel.host.importClip({ ...clip, labels }, at, idle());
  const shorter = { ...at, range: { ...at.range, last: 60 } };
  const again = { ...(await panel.makeResult('job-2', range)), labels };
  panel.premiere.bad.add('overwrite-ignored');
  await expect(panel.host.importClip(again, shorter, idle())).rejects.toMatchObject({ code: 'NOT_PLACED' });
  expect(panel.timeline.results()).toEqual([{ track: 1, first: 50, last: 69 }]);
  panel.premiere.bad.delete('overwrite-ignored');
  expect(await panel.host.importClip(again, shorter, idle())).toMatchObject({
    outcome: 'placed',
    range: shorter.range,
  });
  expect(panel.timeline.results()).toEqual([{ track: 2, first: 50, last: 60 }]);
});

test('placing again after a restart finds the result and leaves no second file', async () => {
  await makeWithFreeTrack();
  const { range, at, clip } = await markAndMake();
  await panel.host.importClip(clip, at, idle());
  const copy = await panel.makeResult('job-1', range);
  expect(await panel.host.importClip(copy, at, idle())).toMatchObject({ outcome: 'already-there', track: 1 });
  expect(fs.existsSync(copy.path)).toBe(false);
  expect(panel.premiere.imports()).toBe(1);
});

/** What must come of a placement; `placed` where the misbehaviour is made up for. */
const expected: Partial<Record<UxpMisbehaviour, 'placed' | ErrorCode>> = {
  'transaction-refused': 'HOST_FAILED',
  'transaction-throws': 'HOST_FAILED',
  'transaction-lies': 'HOST_FAILED',
  'action-refused': 'HOST_FAILED',
  'stale-objects': 'placed',
  'overwrite-ignored': 'NOT_PLACED',
  'overwrite-bottom': 'TIMELINE_CHANGED',
  'overwrite-late': 'NOT_PLACED',
  'overwrite-sound': 'TIMELINE_CHANGED',
  'overwrite-twice': 'NOT_PLACED',
  'in-out-throws': 'placed',
  'in-out-ignored': 'placed',
  'trim-ignored': 'placed',
  'insert-no-track': 'placed',
  'remove-ignored': 'placed',
  'import-lies': 'IMPORT_FAILED',
  'import-late': 'placed',
  'import-doubles': 'placed',
  'bin-ignored': 'HOST_FAILED',
  'metadata-lost': 'placed',
  'old-version': 'placed',
};

describe('never a false "placed"', () => {
  test.each(Object.entries(expected) as [UxpMisbehaviour, string][])('%s: %s', async (misbehaviour, outcome) => {
    await makeWithFreeTrack({ misbehave: [misbehaviour] });
    const before = panel.timeline.own();
    const { range, at, clip } = await markAndMake();
    const placed = await panel.host.importClip(clip, at, idle()).then(({ outcome: said }) => said, codeOf);
    expect(placed).toBe(outcome);
    const results = panel.timeline.results();
    if (outcome === 'placed') expect(results).toEqual([{ track: 1, first: range.range.first, last: range.range.last }]);
    if (outcome === 'NOT_PLACED') expect(results).toEqual([]);
    // One undo by the person brings back what the host changed against its word.
    if (outcome === 'TIMELINE_CHANGED') panel.premiere.undo();
    expect(panel.timeline.own()).toEqual(before);
    const again = await panel.host.importClip(clip, at, idle()).then(({ outcome: said }) => said, codeOf);
    expect(again).toBe(outcome === 'placed' ? 'already-there' : outcome);
  });

  test.each([
    ['insert-no-track', 'NO_FREE_TRACK'],
    ['insert-top', 'NO_FREE_TRACK'],
    ['insert-bottom', 'TRACKS_SHIFTED'],
    ['remove-ignored', 'NO_FREE_TRACK'],
  ] as const)('no free track and %s: %s', async (misbehaviour, code) => {
    panel = await makePremiereUxp({ misbehave: [misbehaviour] });
    const before = panel.timeline.own();
    const { at, clip } = await markAndMake();
    await expect(panel.host.importClip(clip, at, idle())).rejects.toMatchObject({ code });
    if (code === 'NO_FREE_TRACK') expect(panel.timeline.own()).toEqual(before);
  });

  test('a trim and an in and out that are both ignored: taken away again', async () => {
    await makeWithFreeTrack({ timebase: 10594584000n * 3n, misbehave: ['in-out-ignored', 'trim-ignored'] });
    panel.premiere.addClip(0, 200, 220, { name: 'Short' });
    panel.premiere.select('Short');
    const range = await panel.host.readRange();
    const clip = { ...(await panel.makeResult('job-1', range)), frames: 400 };
    fs.writeFileSync(clip.path, JSON.stringify({ frames: 400, rate: { num: 50, den: 1 } }));
    await expect(panel.host.importClip(clip, placementOf(range), idle())).rejects.toMatchObject({ code: 'NOT_PLACED' });
    expect(panel.timeline.results()).toEqual([]);
  });
});

describe('never a false export', () => {
  test.each([
    ['range-ignored', 'HOST_RANGE_IGNORED'],
    ['transaction-lies', 'HOST_RANGE_IGNORED'],
    ['mute-ignored', 'EXPORT_FAILED'],
    ['export-refused', 'EXPORT_FAILED'],
    ['export-throws', 'HOST_FAILED'],
    ['export-nothing', 'EXPORT_FAILED'],
    ['export-fails', 'EXPORT_FAILED'],
  ] as const)('%s: %s', async (misbehaviour, code) => {
    panel = await makePremiereUxp({ misbehave: [misbehaviour] });
    panel.mark();
    const range = await panel.host.readRange();
    await expect(panel.host.exportRange(range, idle())).rejects.toMatchObject({ code });
    expect(panel.premiere.muted()).toEqual([]);
    expect(panel.premiere.range()).toEqual([undefined, undefined]);
  });

  test.each(['export-silent', 'export-slow', 'old-version'] as const)(
    '%s: the whole file, in the end',
    async misbehaviour => {
      panel = await makePremiereUxp({ misbehave: [misbehaviour] });
      panel.mark();
      const exported = await panel.host.exportRange(await panel.host.readRange(), idle());
      expect(JSON.parse(fs.readFileSync(exported.path!, 'utf8'))).toEqual({ frames: 20, first: 50, last: 69 });
    },
  );

  test('a whole sequence instead of the range is known by its length', async () => {
    panel = await makePremiereUxp({ misbehave: ['export-whole'] });
    panel.mark();
    await panel.host.exportRange(await panel.host.readRange(), idle());
    const info = { frames: 70, rate: { num: 25, den: 1 } };
    expect(() => panel.host.learnClip?.(info as never)).toThrow(
      expect.objectContaining({ code: 'EXPORT_WRONG_LENGTH' }),
    );
  });

  test('points that cannot be unset again are told', async () => {
    panel = await makePremiereUxp({ misbehave: ['range-never-unset'] });
    panel.mark();
    await panel.host.exportRange(await panel.host.readRange(), idle());
    expect(panel.notices.map(({ code }) => code)).toEqual(['HOST_RANGE_NOT_RESTORED']);
  });
});

test.each([
  ['replace-ignored', 'REPLACE_FAILED'],
  ['remove-ignored', 'REMOVE_FAILED'],
] as const)('%s: %s', async (misbehaviour, code) => {
  await makeWithFreeTrack({ misbehave: [misbehaviour] });
  const { range, at, clip } = await markAndMake();
  await panel.host.importClip(clip, at, idle());
  const doing =
    code === 'REPLACE_FAILED'
      ? panel.host.importClip(await panel.makeResult('job-2', range), at, idle())
      : panel.host.removeResult!('job-1', at);
  await expect(doing).rejects.toMatchObject({ code });
});

test.each(['marker-ignored', 'marker-length-lost', 'transaction-refused'] as const)(
  '%s: a failure, not a silent loss',
  async misbehaviour => {
    panel = await makePremiereUxp({ misbehave: [misbehaviour] });
    const marker = { name: 'Verse', comment: '', first: 10, length: 20, colour: 3 };
    await expect(panel.host.writeMarkers!([marker])).rejects.toMatchObject({ code: 'HOST_FAILED' });
  },
);

test('markers keep their colour, also in versions whose markers have no id', async () => {
  panel = await makePremiereUxp({ misbehave: ['old-version'] });
  await panel.host.writeMarkers!([{ name: 'Verse', comment: 'x', first: 10, length: 20, colour: 3 }]);
  expect(await panel.host.readMarkers!()).toMatchObject([{ name: 'Verse', first: 10, length: 20, colour: 3 }]);
});

test('a dialog: the call fails after its time, and what comes later is not done twice', async () => {
  panel = await makePremiereUxp({ misbehave: ['modal'] }, { timeoutMs: 60 });
  await expect(panel.host.readRange()).rejects.toMatchObject({ code: 'HOST_BUSY' });
  await expect(panel.host.readMarkers!()).rejects.toMatchObject({ code: 'HOST_BUSY' });
  panel.premiere.closeDialog();
  await new Promise(resolve => setTimeout(resolve, 50));
  await expect(panel.host.readRange()).rejects.toMatchObject({ code: 'NOTHING_MARKED' });
});

test('an older file that stays where the export belongs is no export', async () => {
  panel = await makePremiereUxp({ misbehave: ['export-stale'] });
  const file = path.join(panel.folder, 'exports', 'old.mp4');
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, 'older');
  const ticks = (frame: number) => String(BigInt(frame) * 10160640000n);
  const wanted = { sequence: 'sequence-1', preset: '/p.epr', path: file, start: ticks(50), end: ticks(70), mute: [] };
  await expect(panel.plugIn.ask('exportRange', wanted)).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
  expect(panel.premiere.exports).toEqual([]);
});

test('every misbehaviour of the fake is under test', async () => {
  panel = await makePremiereUxp();
  const text = [__filename, path.join(__dirname, 'host-checks.test.ts')]
    .map(each => fs.readFileSync(each, 'utf8'))
    .join();
  expect(uxpMisbehaviours.filter(name => !text.includes(`'${name}'`))).toEqual([]);
});
