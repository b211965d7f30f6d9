import * as fs from 'node:fs';
import type { ErrorCode } from '#protocol/errors';
import { idle, placementOf } from '../conformance/host';
import { premiereMisbehaviours, type Misbehaviour } from '../fakes/premiere';
import { makePremiere } from './make-premiere';

type Panel = Awaited<ReturnType<typeof makePremiere>>;
let panel: Panel;
afterEach(() => panel.close());

async function markAndMake(job = 'job-1') {
  panel.mark();
  const range = await panel.host.readRange();
  return { range, at: placementOf(range), clip: await panel.makeResult(job, range) };
}

/** The clips of the person, track by track counted from the one that A lies on. */
function own() {
  const video = panel.premiere.tracks().map(track => track.filter(clip => !clip.path.includes('/results/')));
  return { video, sound: panel.premiere.tracks('audio') };
}
const results = () =>
  panel.premiere
    .tracks()
    .flatMap((track, index) =>
      track.filter(clip => clip.path.includes('/results/')).map(clip => ({ ...clip, track: index })),
    );

test('from the marked clip to a video-only clip on the track above with the same in and out', async () => {
  panel = await makePremiere();
  const before = own();
  const { range, at, clip } = await markAndMake();
  expect(range).toMatchObject({
    origin: 'selection',
    range: { first: 50, last: 69, rate: { num: 25, den: 1 } },
    sequence: { frames: 70, rate: { num: 25, den: 1 } },
  });
  const exported = await panel.host.exportRange(range, idle());
  expect(panel.premiere.exports).toEqual([expect.objectContaining({ first: 50, last: 69, muted: [1] })]);
  expect(panel.premiere.muted()).toEqual([]);
  expect(panel.premiere.range()).toEqual([undefined, undefined]);
  await panel.host.releaseExport?.(exported);
  expect(fs.existsSync(exported.path!)).toBe(false);

  expect(await panel.host.importClip(clip, at, idle())).toEqual({ outcome: 'placed', track: 2, range: range.range });
  expect(results()).toEqual([expect.objectContaining({ track: 2, first: 50, last: 69, exact: true })]);
  expect(clip.path).toMatch(/\/results\/Result e\.mov$/);
  expect(panel.premiere.bins()).toEqual([{ name: 'Reverie', items: [clip.path] }]);
  expect(own()).toEqual({ ...before, video: [...before.video, []] });
});

test.each([
  ['23.976', 10594584000n],
  ['29.97', 8475667200n],
  ['30', 8467200000n],
  ['50', 5080320000n],
  ['59.94', 4237833600n],
])('at %s frames a second a 50 fps result ends exactly with its source', async (_name, timebase) => {
  panel = await makePremiere({ timebase });
  panel.premiere.addClip(2 - 1, 70, 90, { name: 'Next to it' });
  const before = own();
  const { range, at, clip } = await markAndMake();
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({
    outcome: 'placed',
    range: { first: 50, last: 69 },
  });
  expect(results()[0]).toMatchObject({ first: 50, last: 69, exact: true });
  expect(own().video.slice(0, 2)).toEqual(before.video);
  expect(range.range.rate.num % 1).toBe(0);
});

test('a free track above is used before a new one is made, also one that is free only there', async () => {
  panel = await makePremiere();
  panel.clips.logo.start = 0n;
  panel.clips.logo.end = 10160640000n * 10n;
  const { at, clip } = await markAndMake();
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({ outcome: 'placed', track: 1 });
  expect(panel.premiere.tracks()).toHaveLength(2);
});

test('the last half frame of a 50 fps result never cuts into the clip behind it', async () => {
  panel = await makePremiere({ timebase: 8475667200n });
  panel.clips.logo.start = 8475667200n * 70n;
  panel.clips.logo.end = 8475667200n * 80n;
  const before = own();
  const { at, clip } = await markAndMake();
  // 20 frames at 29.97 take 34 frames at 50, which reach past the source: V2 is free for the range but not for the file.
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({ outcome: 'placed', track: 2 });
  expect(own().video.slice(0, 2)).toEqual(before.video);
});

test('a locked track is passed over', async () => {
  panel = await makePremiere();
  panel.clips.logo.start = 0n;
  panel.clips.logo.end = 1n;
  panel.premiere.lock(1);
  const { at, clip } = await markAndMake();
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({ outcome: 'placed', track: 2 });
});

test('a result that was rendered again takes the place of the older one, wherever the person moved it', async () => {
  panel = await makePremiere();
  const { range, at, clip } = await markAndMake();
  await panel.host.importClip(clip, at, idle());
  panel.premiere.move(results()[0].id, 4);
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({
    outcome: 'moved-by-user',
    range: { first: 54, last: 73 },
  });
  const again = await panel.makeResult('job-2', range);
  expect(await panel.host.importClip(again, at, idle())).toMatchObject({
    outcome: 'replaced',
    range: { first: 54, last: 73 },
  });
  expect(results()).toEqual([expect.objectContaining({ path: again.path, first: 54, last: 73 })]);
  expect(panel.premiere.bins()[0].items).toEqual([again.path]);
  expect(panel.premiere.imports()).toBe(1);
});

test('placing again after a restart of the panel finds the result and leaves no second file', async () => {
  panel = await makePremiere();
  const { range, at, clip } = await markAndMake();
  await panel.host.importClip(clip, at, idle());
  const copy = await panel.makeResult('job-1', range);
  expect(copy.path).not.toBe(clip.path);
  expect(await panel.host.importClip(copy, at, idle())).toMatchObject({ outcome: 'already-there' });
  expect(fs.existsSync(copy.path)).toBe(false);
  expect(fs.existsSync(clip.path)).toBe(true);
  expect(results()).toHaveLength(1);
});

test('an earlier result over the range is not painted a second time', async () => {
  panel = await makePremiere();
  const { at, clip } = await markAndMake();
  await panel.host.importClip(clip, at, idle());
  panel.clips.b.selected = false;
  panel.premiere.setRange(50, 69);
  const range = await panel.host.readRange();
  expect(range.origin).toBe('in-out');
  await panel.host.exportRange(range, idle());
  expect(panel.premiere.exports.at(-1)).toMatchObject({ first: 50, last: 69, muted: [2] });
  expect(panel.premiere.range()).toEqual([50, 70]);
});

test.each(['seconds', 'time', 'ticks'] as const)(
  'a build that takes in and out as %s only is served',
  async rangeForm => {
    panel = await makePremiere({ rangeForm, timebase: 8475667200n });
    panel.premiere.setRange(3, 40);
    panel.mark();
    await panel.host.exportRange(await panel.host.readRange(), idle());
    expect(panel.premiere.exports[0]).toMatchObject({ first: 50, last: 69 });
    expect(panel.premiere.range()).toEqual([3, 41]);
  },
);

test('Windows paths, translated names, transitions and sound in the lists change nothing', async () => {
  panel = await makePremiere({ slashes: 'back', localised: true });
  panel.premiere.addClip(0, 48, 52, { transition: true, selected: true, item: null });
  const { range, at, clip } = await markAndMake();
  expect(range.clips.map(each => each.name)).toEqual(['B café']);
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({ outcome: 'placed' });
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({ outcome: 'already-there' });
});

test('sound that comes along with a result is taken off again where it covered nothing', async () => {
  panel = await makePremiere({ misbehave: ['overwrite-sound'] });
  panel.clips.sound.end = 10160640000n * 30n;
  const { at, clip } = await markAndMake();
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({ outcome: 'placed' });
  expect(own().sound[0]).toEqual([expect.objectContaining({ name: 'Sound', first: 0, last: 29 })]);
});

test('a file longer than was said is trimmed; where trims do not stay it is taken off again', async () => {
  for (const misbehave of [[], ['trim-ignored']] as const) {
    panel = await makePremiere({ misbehave });
    const before = own();
    const { at, clip } = await markAndMake();
    fs.writeFileSync(clip.path, JSON.stringify({ frames: 90, rate: clip.rate }));
    const code = await codeOf(() => panel.host.importClip(clip, at, idle()));
    expect(code).toBe(misbehave.length === 0 ? undefined : 'NOT_PLACED');
    expect(results()).toEqual(
      misbehave.length === 0 ? [expect.objectContaining({ first: 50, last: 69, exact: true })] : [],
    );
    expect(own().video.slice(0, 2)).toEqual(before.video);
    if (misbehave.length === 0) panel.close();
  }
});

test('a file longer than was said that would cut into the next clip is undone', async () => {
  panel = await makePremiere();
  panel.clips.logo.start = 10160640000n * 72n;
  panel.clips.logo.end = 10160640000n * 80n;
  const before = own();
  const { at, clip } = await markAndMake();
  fs.writeFileSync(clip.path, JSON.stringify({ frames: 90, rate: clip.rate }));
  expect(await codeOf(() => panel.host.importClip(clip, at, idle()))).toBe('NOT_PLACED');
  expect(own().video).toEqual(before.video);
});

/** What the person is told, and by which verb; undefined: the work succeeds all the same. */
const expected: Record<
  Misbehaviour,
  {
    export?: ErrorCode;
    place?: ErrorCode;
    notice?: ErrorCode;
    replace?: ErrorCode;
    remove?: ErrorCode;
    read?: ErrorCode;
    markers?: ErrorCode;
  }
> = {
  'range-ignored': { export: 'HOST_RANGE_IGNORED' },
  'range-never-unset': { notice: 'HOST_RANGE_NOT_RESTORED' },
  'export-nothing': { export: 'EXPORT_FAILED' },
  'export-stale': { export: 'EXPORT_FAILED' },
  'export-whole': { export: 'EXPORT_WRONG_LENGTH' },
  'import-lies': { place: 'IMPORT_FAILED' },
  'import-doubles': {},
  'bin-lies': { place: 'HOST_FAILED' },
  'metadata-lost': {},
  'overwrite-lies': { place: 'NOT_PLACED' },
  'overwrite-throws': { place: 'HOST_FAILED' },
  'overwrite-bottom': { place: 'NOT_PLACED' },
  'overwrite-late': { place: 'NOT_PLACED' },
  'overwrite-sound': { place: 'NOT_PLACED' },
  'trim-ignored': {},
  'tracks-shift': { place: 'NO_FREE_TRACK' },
  'tracks-shift-for-good': { place: 'TRACKS_SHIFTED' },
  'tracks-nothing': { place: 'NO_FREE_TRACK' },
  'tracks-throw': { place: 'NO_FREE_TRACK' },
  'tracks-absent': { place: 'NO_FREE_TRACK' },
  'replace-lies': { replace: 'REPLACE_FAILED' },
  'remove-lies': { remove: 'REMOVE_FAILED' },
  'marker-lies': { markers: 'HOST_FAILED' },
  'marker-length-lost': { markers: 'HOST_FAILED' },
  'markers-repeat': {},
  'clip-markers-throw': {},
  'sequence-lies': {},
  'sequence-stays': {},
  'reply-empty': { read: 'HOST_REPLY_BROKEN' },
  'reply-error': { read: 'HOST_REPLY_BROKEN' },
  modal: { read: 'HOST_BUSY' },
};

async function codeOf(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (thrown) {
    return (thrown as { code?: string }).code ?? String(thrown);
  }
}

test.each(premiereMisbehaviours)(
  'misled by "%s": never a false success, nothing of the person’s moved or lost, and a code',
  async name => {
    panel = await makePremiere({}, { timeoutMs: 300 });
    const { range, at, clip } = await markAndMake();
    const before = own();
    const want = expected[name];
    panel.premiere.misbehave(name);

    expect(await codeOf(() => panel.host.readRange())).toBe(want.read);
    if (!want.read)
      expect(
        await codeOf(() => panel.host.writeMarkers!([{ name: 'Chorus', comment: '', first: 10, length: 5 }])),
      ).toBe(want.markers);
    if (!want.read) {
      const exportCode = await codeOf(async () => {
        const exported = await panel.host.exportRange(range, idle());
        const { frames, rate } = JSON.parse(fs.readFileSync(exported.path!, 'utf8')) as {
          frames: number;
          rate: { num: number; den: number };
        };
        panel.host.learnClip?.({ frames, rate } as never);
      });
      expect(exportCode).toBe(want.export);
      expect(panel.notices.map(error => error.code)).toEqual(want.notice ? [want.notice] : []);
      expect(panel.premiere.muted()).toEqual([]);
    }
    let placed: unknown;
    expect(await codeOf(async () => (placed = await panel.host.importClip(clip, at, idle())))).toBe(
      want.place ?? want.read,
    );
    expect(results()).toHaveLength(placed ? 1 : 0);
    if (placed) expect(placed).toMatchObject({ outcome: 'placed', track: 2, range: { first: 50, last: 69 } });

    if (placed && !want.read) {
      const again = await panel.makeResult('job-2', range);
      expect(await codeOf(() => panel.host.importClip(again, at, idle()))).toBe(want.replace);
      expect(results()).toHaveLength(1);
      const job = want.replace ? 'job-1' : 'job-2';
      expect(await codeOf(() => panel.host.removeResult!(job, at))).toBe(want.remove);
      expect(results()).toHaveLength(want.remove ? 1 : 0);
    }
    if (name === 'tracks-shift-for-good') {
      // There is no way back by script: the person is told, and every clip is whole.
      expect(own().video.flat()).toEqual(before.video.flat());
    } else {
      expect(own().video.slice(0, 2)).toEqual(before.video);
      expect(own().sound).toEqual(before.sound);
    }
  },
);

test('sections are written as markers with length, once, and read back', async () => {
  panel = await makePremiere({ timebase: 8475667200n });
  panel.premiere.addMarker('Mine', 30, 0, 'stylize: great-wave');
  const wanted = [
    { name: 'Verse', comment: 'preset', first: 10, length: 41, colour: 3 },
    { name: 'Refrain é', comment: '', first: 51, length: 0 },
  ];
  await panel.host.writeMarkers!(wanted);
  await panel.host.writeMarkers!([{ ...wanted[0], length: 20 }, wanted[1]]);
  expect(
    (await panel.host.readMarkers!()).map(({ name, comment, first, length }) => [name, comment, first, length]),
  ).toEqual([
    ['Verse', 'preset', 10, 20],
    ['Mine', 'stylize: great-wave', 30, 0],
    ['Refrain é', '', 51, 0],
  ]);
});

test('a dialog: nothing more is sent until it is closed, and what was done late is found, not done twice', async () => {
  panel = await makePremiere({}, { timeoutMs: 300 });
  const { at, clip } = await markAndMake();
  panel.premiere.misbehave('modal');
  expect(await codeOf(() => panel.host.importClip(clip, at, idle()))).toBe('HOST_BUSY');
  const sent = panel.premiere.calls();
  expect(await codeOf(() => panel.host.importClip(clip, at, idle()))).toBe('HOST_BUSY');
  expect(panel.premiere.calls()).toBe(sent);
  panel.premiere.dismiss();
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({ outcome: 'placed' });
  expect(results()).toHaveLength(1);
});

test('the mirror tells the selection, tells changes, and is quiet while nothing changes or nobody looks', async () => {
  let visible = true;
  panel = await makePremiere({}, { isVisible: () => visible });
  const told: (readonly string[])[] = [];
  const stop = panel.host.watchSelection!(clips => told.push(clips.map(clip => clip.name)));
  const settle = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));
  await settle(1300);
  expect(told).toEqual([['A']]);
  panel.mark();
  await settle(1300);
  expect(told).toEqual([['A'], ['B café']]);
  visible = false;
  const calls = panel.premiere.calls();
  await settle(1300);
  expect(panel.premiere.calls()).toBe(calls);
  stop();
});

test('where nothing is selected the mirror follows the playhead, but not while it moves', async () => {
  panel = await makePremiere();
  const told: (readonly string[])[] = [];
  const stop = panel.host.watchSelection!(clips => told.push(clips.map(clip => clip.name)));
  const settle = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));
  try {
    await settle(300);
    panel.premiere.setPlayhead(57);
    await settle(1000);
    expect(told).toEqual([['A']]);
    await settle(1000);
    expect(told).toEqual([['A'], ['Logo', 'B café']]);
  } finally {
    stop();
  }
});

test('markers at other speeds mean the whole clip, and what a source’s markers cannot be asked is no failure', async () => {
  panel = await makePremiere();
  const fast = panel.premiere.addClip(0, 70, 89, { name: 'Fast', speed: 2 });
  panel.premiere.addClipMarker(fast, 'stylize: tahiti', 300, 0);
  panel.premiere.addClipMarker(fast, 'Cut', 300, 0);
  const wishes = () =>
    new Promise<number[][]>(done => {
      const stop = panel.host.watchSelection!((_clips, _range, markers = []) => {
        stop();
        done(markers.map(({ range }) => [range.first, range.last]));
      });
    });
  expect(await wishes()).toEqual([[70, 89]]);
  panel.premiere.misbehave('clip-markers-throw');
  expect(await wishes()).toEqual([]);
});

test('a wish on footage that is gone is refused, and one that was moved has to be chosen again', async () => {
  panel = await makePremiere();
  const lost = panel.premiere.addClip(0, 70, 89, { name: 'Lost', item: { offline: true } });
  panel.premiere.addClipMarker(lost, 'stylize: tahiti', 3, 0);
  panel.premiere.addMarker('stylize: tahiti', 10, 5);
  const markers = await new Promise<readonly { id: string }[]>(done => {
    const stop = panel.host.watchSelection!((_clips, _range, told = []) => (stop(), done(told)));
  });
  expect(await codeOf(() => panel.host.readRange({ marker: markers[1].id }))).toBe('SELECTION_REFUSED');
  panel.premiere.renameMarker('stylize: tahiti', 'Verse');
  expect(await codeOf(() => panel.host.readRange({ marker: markers[0].id }))).toBe('RANGE_GONE');
});

test('a range between in and out that is rendered again takes the place of its older result', async () => {
  panel = await makePremiere();
  panel.premiere.setRange(10, 29);
  const range = await panel.host.readRange();
  await panel.host.importClip(await panel.makeResult('job-1', range), placementOf(range), idle());
  const again = await panel.host.readRange();
  expect(again.clips).toEqual(range.clips);
  expect(await panel.host.importClip(await panel.makeResult('job-2', again), placementOf(again), idle())).toMatchObject(
    {
      outcome: 'replaced',
    },
  );
  expect(results()).toHaveLength(1);
});

test('the host’s own events hasten a look; a swarm of them, and a panel that was opened again, make no second one', async () => {
  const listeners = new Set<() => void>();
  const types: string[] = [];
  const onEvent = (type: string) => {
    types.push(type);
    listeners.forEach(listener => listener());
  };
  const events = (listener: () => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  panel = await makePremiere({ onEvent }, { events });
  const told: boolean[] = [];
  const settle = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));
  panel.premiere.reload();
  const stop = panel.host.watchSelection!(clips => told.push(clips.some(clip => clip.selected)));
  await settle(100);
  panel.mark();
  for (let i = 0; i < 5; i++) panel.premiere.fire('onActiveSequenceSelectionChanged');
  await settle(300);
  expect(told).toEqual([false, true]);
  expect(types).toEqual(Array(5).fill('org.reverie.changed'));
  const calls = panel.premiere.calls();
  await settle(1300);
  expect(panel.premiere.calls()).toBe(calls);
  stop();
  expect(listeners.size).toBe(0);
});

test('export presets are listed, picked, remembered, and those that ignore the path refused', async () => {
  let chosen: string | undefined;
  let picked: string | undefined;
  const preset = { get: () => chosen, set: (path: string | undefined) => void (chosen = path) };
  panel = await makePremiere({}, { preset, chooseFile: async () => picked });
  expect(await panel.host.listExportPresets!()).toEqual({ found: [], used: undefined, isChosen: false });
  expect(await panel.host.browseExportPreset!()).toBeUndefined();
  picked = `${panel.folder}/Proxies.epr`;
  fs.writeFileSync(picked, '<x>SameAsProject</x>');
  await expect(panel.host.browseExportPreset!()).rejects.toMatchObject({ code: 'EXPORT_PRESET_UNFIT' });
  picked = `${panel.folder}/Match Source.epr`;
  expect(await panel.host.browseExportPreset!()).toBe(picked);
  expect(chosen).toBe(picked);
  expect(await panel.host.listExportPresets!()).toEqual({
    found: [{ id: picked, label: 'Match Source' }],
    used: picked,
    isChosen: true,
  });
});

test('a script of another version is refused by name', async () => {
  panel = await makePremiere();
  const other = await makePremiere(
    {},
    {
      evalScript: (script, done) =>
        panel.premiere.evalScript(script, reply => done(reply.replace(/"script":\d+/, '"script":1'))),
    },
  );
  await expect(other.host.readRange()).rejects.toMatchObject({ code: 'HOST_SCRIPT_WRONG' });
  other.close();
});

test('the source itself is read where it shows the same, and only there', async () => {
  panel = await makePremiere({}, { readSources: () => true });
  const media = `${panel.folder}/source.mov`;
  fs.writeFileSync(media, 'source');
  Object.assign(panel.clips.a.item!, { path: media });
  panel.clips.a.selected = true;
  const range = await panel.host.readRange();
  const exported = await panel.host.exportRange(range, idle());
  expect(exported).toMatchObject({ path: media, isSource: true, range: { first: 0, last: 49 } });
  await panel.host.releaseExport?.(exported);
  expect(fs.existsSync(media)).toBe(true);
  panel.clips.a.effects.push('AE.ADBE Lumetri');
  expect((await panel.host.exportRange(await panel.host.readRange(), idle())).isSource).toBe(false);
});

test('without an export preset the failure names where it was looked for', async () => {
  panel = await makePremiere({}, { preset: undefined });
  panel.mark();
  const range = await panel.host.readRange();
  await expect(panel.host.exportRange(range, idle())).rejects.toMatchObject({
    code: 'EXPORT_PRESET_MISSING',
    details: { tried: expect.stringContaining('4E49434B_48323634') },
  });
  expect((await panel.host.checkSetup!()).map(check => check.ok)).toEqual([true, false, true]);
});
