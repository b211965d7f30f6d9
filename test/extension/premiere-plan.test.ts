import { clipReasons } from '../../extension/src/host/clip-reasons';
import { exportStem, isExpectedLength } from '../../extension/src/host/export-file';
import { makeLabel, readLabel, writeLabel } from '../../extension/src/host/result-label';
import type { PremiereClipFacts, PremiereFacts } from '#protocol/host-facts';
import { errors } from '#protocol/errors';
import {
  classify,
  exactSource,
  freeTrack,
  isMoved,
  placeTimes,
  rateOfTimebase,
  toFrame,
  toTicks,
  toTimelineRange,
  tracksToMute,
} from '../../extension/src/host/premiere-plan';

const frame = 10160640000n;
const rate = { num: 25, den: 1 };
const marked = (facts: PremiereFacts) => toTimelineRange(facts, '/results');

function makeClip(
  track: number,
  first: number,
  last: number,
  change: Partial<PremiereClipFacts> = {},
): PremiereClipFacts {
  return {
    track,
    nodeId: 'n',
    name: 'clip',
    start: String(BigInt(first) * frame),
    end: String(BigInt(last + 1) * frame),
    sourceIn: String(7n * frame),
    selected: false,
    disabled: false,
    adjustmentLayer: false,
    speed: 1,
    reversed: false,
    remapped: false,
    mediaPath: '/media/a.mov',
    offline: false,
    nested: false,
    merged: false,
    effects: 0,
    untouched: true,
    sourceFps: 25,
    markers: [],
    ...change,
  };
}
function makeFacts(clips: PremiereClipFacts[], sequence: Partial<PremiereFacts['sequence']> = {}): PremiereFacts {
  return {
    host: 'premiere',
    version: '25.5',
    clips,
    markers: [],
    sequence: {
      id: 's',
      name: 'Song: final/2',
      width: 1280,
      height: 720,
      timebase: String(frame),
      end: String(100n * frame),
      playhead: '0',
      videoTracks: 3,
      ...sequence,
    },
  };
}

test.each([
  ['10594584000', 24000, 1001],
  ['10584000000', 24, 1],
  ['10160640000', 25, 1],
  ['8475667200', 30000, 1001],
  ['8467200000', 30, 1],
  ['5080320000', 50, 1],
  ['4237833600', 60000, 1001],
  ['4233600000', 60, 1],
])('%s ticks a frame are %d/%d frames a second', (timebase, num, den) => {
  expect(rateOfTimebase(timebase)).toEqual({ num, den });
  // Beyond ten hours ticks pass 2^53; frames stay exact.
  for (const at of [0, 1, 1001, 2_000_003]) {
    expect(toTicks(at, { num, den })).toBe(String(BigInt(at) * BigInt(timebase)));
    expect(toFrame(String(BigInt(at) * BigInt(timebase) + 5n), { num, den })).toBe(at);
  }
});

test('a timebase that is none is refused', () => {
  expect(() => rateOfTimebase('0')).toThrow(expect.objectContaining({ code: 'RATE_WRONG' }));
  expect(() => rateOfTimebase('254016000001')).toThrow(expect.objectContaining({ code: 'RATE_WRONG' }));
});

test.each([
  [{}, 'plain', []],
  [{ speed: 1.2 }, 'needs-export', ['speed']],
  [{ reversed: true, remapped: true }, 'needs-export', ['reversed', 'remapped']],
  [{ nested: true, mediaPath: '' }, 'needs-export', ['nested']],
  [{ merged: true }, 'needs-export', ['merged']],
  [{ effects: 2 }, 'needs-export', ['effects']],
  [{ untouched: false }, 'needs-export', ['motion']],
  [{ adjustmentLayer: true, mediaPath: '' }, 'refused', ['adjustment']],
  [{ mediaPath: '' }, 'refused', ['no-media']],
  [{ offline: true }, 'refused', ['offline']],
  [{ disabled: true }, 'refused', ['disabled']],
] as const)('a clip with %o is %s', (change, kind, reasons) => {
  expect(classify(makeClip(0, 0, 9, change))).toEqual({ kind, reasons });
  expect(clipReasons).toEqual(expect.arrayContaining([...reasons]));
});

test('selected clips that follow one another are one range; a gap is named; refused clips alone are refused', () => {
  const range = marked(
    makeFacts([makeClip(0, 0, 9, { selected: true }), makeClip(1, 8, 29, { selected: true }), makeClip(0, 40, 50)]),
  );
  expect(range).toMatchObject({
    origin: 'selection',
    range: { first: 0, last: 29 },
    clips: [{ track: 1, sourceIn: { frame: 7, rate } }, { track: 0 }],
  });
  expect(() =>
    marked(makeFacts([makeClip(0, 0, 9, { selected: true }), makeClip(0, 11, 20, { selected: true })])),
  ).toThrow(expect.objectContaining({ code: 'SELECTION_SCATTERED', details: { frame: 10 } }));
  const layer = makeClip(1, 0, 9, { selected: true, adjustmentLayer: true });
  expect(() => marked(makeFacts([layer]))).toThrow(expect.objectContaining({ code: 'SELECTION_REFUSED' }));
  expect(marked(makeFacts([layer], { inPoint: '0', outPoint: String(10n * frame) }))).toMatchObject({
    origin: 'in-out',
    range: { first: 0, last: 9 },
  });
});

test('one point alone reaches to the other end of the sequence; in behind out is empty', () => {
  expect(marked(makeFacts([], { inPoint: String(90n * frame) })).range).toEqual({ first: 90, last: 99, rate });
  expect(marked(makeFacts([], { outPoint: String(5n * frame) })).range).toEqual({ first: 0, last: 4, rate });
  expect(marked(makeFacts([], { inPoint: '0', outPoint: String(900n * frame) })).range).toEqual({
    first: 0,
    last: 99,
    rate,
  });
  expect(() => marked(makeFacts([], { inPoint: String(9n * frame), outPoint: String(9n * frame) }))).toThrow(
    expect.objectContaining({ code: 'RANGE_EMPTY' }),
  );
  expect(() => marked(makeFacts([]))).toThrow(expect.objectContaining({ code: 'NOTHING_MARKED' }));
});

test('the source stands in for an export only where it shows the same', () => {
  const range = { first: 12, last: 14, rate };
  expect(exactSource(makeFacts([makeClip(0, 10, 20)]), range)).toEqual({
    path: '/media/a.mov',
    range: { first: 9, last: 11, rate },
  });
  expect(exactSource(makeFacts([makeClip(0, 10, 20, { sourceFps: 23.976 })]), range)).toBeUndefined();
  expect(exactSource(makeFacts([makeClip(0, 10, 20, { sourceFps: 0 })]), range)).toBeUndefined();
  expect(exactSource(makeFacts([makeClip(0, 10, 13)]), range)).toBeUndefined();
  expect(exactSource(makeFacts([makeClip(0, 10, 20), makeClip(1, 14, 14)]), range)).toBeUndefined();
  expect(exactSource(makeFacts([makeClip(0, 10, 20, { speed: 2 })]), range)).toBeUndefined();
});

test('above a selected clip all is silenced; elsewhere only what shows nothing but results', () => {
  const facts = makeFacts([
    makeClip(0, 0, 20, { selected: true }),
    makeClip(1, 0, 20, { mediaPath: 'C:\\R\\Results\\x.mov' }),
    makeClip(2, 5, 9),
  ]);
  const selection = marked(facts);
  expect(tracksToMute(facts, selection, 'c:/r/results')).toEqual([1, 2]);
  expect(tracksToMute(facts, { ...selection, origin: 'in-out' }, 'c:/r/results/')).toEqual([1]);
  expect(tracksToMute(facts, { ...selection, origin: 'in-out' }, 'c:/r/res')).toEqual([]);
});

test('a free track is free for the whole file, unlocked, and above the source', () => {
  const times = placeTimes({ frames: 21, rate: { num: 50, den: 1 } }, { first: 10, last: 19, rate });
  expect(times).toEqual({
    start: String(10n * frame),
    end: String(20n * frame),
    free: String(20n * frame + frame / 2n),
  });
  expect(freeTrack(makeFacts([makeClip(1, 0, 9), makeClip(1, 21, 30)]), 0, times, [])).toBe(1);
  expect(freeTrack(makeFacts([makeClip(1, 20, 30)]), 0, times, [])).toBe(2);
  expect(freeTrack(makeFacts([makeClip(1, 20, 30)]), 0, times, [2])).toBeUndefined();
  expect(freeTrack(makeFacts([]), 2, times, [])).toBeUndefined();
});

test('export names carry track, in and out, and nothing that a file system refuses', () => {
  const range = marked(makeFacts([makeClip(1, 0, 9, { selected: true })]));
  expect(exportStem(range, 'k1')).toBe('Song-final-2-v2-0-9-k1');
  expect(exportStem({ ...range, sequence: { ...range.sequence, name: '../..' } }, 'k1')).toBe('range-v2-0-9-k1');
});

test('an export is as long as the range to a frame, at any rate', () => {
  const range = { first: 0, last: 99, rate: { num: 30000, den: 1001 } };
  expect(isExpectedLength(range, 100, range.rate)).toBe(true);
  expect(isExpectedLength(range, 101, range.rate)).toBe(true);
  expect(isExpectedLength(range, 102, range.rate)).toBe(false);
  expect(isExpectedLength(range, 167, { num: 50, den: 1 })).toBe(true);
  expect(isExpectedLength(range, 1000, range.rate)).toBe(false);
});

test('labels survive XML and any name, and what is not ours is none', () => {
  const range = { first: 10, last: 19, rate };
  const label = makeLabel(
    {
      job: 'j1',
      path: '',
      name: '',
      frames: 1,
      rate,
      width: 1,
      height: 1,
      labels: { section: `"Refrain" <l'été> & co` },
    },
    { sequence: 's', range, sourceTrack: 0, sourceKey: 'k' },
  );
  expect(writeLabel(label)).toMatch(/^[\w%.~()*!-]+$/);
  expect(readLabel(writeLabel(label))).toEqual(label);
  for (const text of ['', '%', 'null', '{}', encodeURIComponent('{"version":2}')])
    expect(readLabel(text)).toBeUndefined();
  expect(isMoved({ start: String(10n * frame), end: String(20n * frame + 9n) }, label)).toBe(false);
  expect(isMoved({ start: String(10n * frame), end: String(17n * frame) }, label)).toBe(true);
});

test('every failure of the host has its row', () => {
  for (const code of ['NOTHING_MARKED', 'HOST_BUSY', 'NO_FREE_TRACK', 'TRACKS_SHIFTED', 'NOT_PLACED'] as const)
    expect(errors[code].remedy).not.toBe('');
});
