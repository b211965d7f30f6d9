import {
  beatBeside,
  changeSection,
  fromMarkers,
  fromSequenceSections,
  fromSong,
  mergeWithNext,
  moveBoundary,
  readFile,
  renderOrder,
  snapToBeat,
  splitAt,
  toFile,
  toMarkers,
  toSequenceSections,
  type Section,
} from '../../extension/src/app/sections';
import { readSections, writeSections } from '../../extension/src/app/saved';
import type { ReadySource } from '../../extension/src/app/timeline-map';
import { makeClip } from './make';

const pal = { num: 25, den: 1 };
/** A clip of `frames` frames that shows `range` of a sequence at 25 frames a second. */
function makeSource(
  range: { first: number; last: number },
  rate = pal,
  frames = range.last - range.first + 1,
): ReadySource {
  return {
    phase: 'ready',
    name: 'song.mov',
    clip: makeClip({ rate, frames }),
    timeline: {
      sequence: { id: 'abc', name: 'Song', width: 64, height: 48, rate: pal, frames: 1000 },
      range: { ...range, rate: pal },
      origin: 'in-out',
      clips: [],
      markers: [],
      playhead: 0,
    },
    exported: { name: 'song.mov', isSource: false, handle: 0 },
  };
}
const make = (...lasts: number[]): Section[] =>
  lasts.map((last, index) => ({ label: 'ABCDEFG'[index], first: index === 0 ? 0 : lasts[index - 1] + 1, last }));
const spans = (sections: readonly Section[]) => sections.map(({ first, last }) => [first, last]);
const coversAll = (sections: readonly Section[], frames: number) =>
  sections[0].first === 0 &&
  sections[sections.length - 1].last === frames - 1 &&
  sections.every((each, at) => each.last >= each.first && (at === 0 || each.first === sections[at - 1].last + 1));

test('what was heard becomes sections in frames, edge to edge over the whole clip', () => {
  const heard = {
    beats: [],
    waveform: [],
    sections: [
      { startSeconds: 0.02, endSeconds: 16, label: 'A' },
      { startSeconds: 16, endSeconds: 30.04, label: 'B' },
      { startSeconds: 30.04, endSeconds: 99, label: 'A' },
    ],
  };
  const sections = fromSong(heard, pal, 1000);
  expect(coversAll(sections, 1000)).toBe(true);
  expect(sections.map(each => [each.label, each.first])).toEqual([
    ['A', 0],
    ['A', 1],
    ['B', 400],
    ['A', 751],
  ]);
  expect(fromSong({ beats: [], waveform: [], sections: [] }, pal, 50)).toEqual([{ label: 'A', first: 0, last: 49 }]);
});

test('29.97 keeps its exact rate', () => {
  const heard = {
    beats: [],
    waveform: [],
    sections: [
      { startSeconds: 0, endSeconds: 1001, label: 'A' },
      { startSeconds: 1001, endSeconds: 2002, label: 'B' },
    ],
  };
  expect(fromSong(heard, { num: 30000, den: 1001 }, 60000)[1].first).toBe(30000);
});

test('a marker begins a section; "stylize: preset" brings its preset', () => {
  const marker = (first: number, name: string, comment = '') => ({ id: name, name, comment, first, length: 0 });
  const sections = fromMarkers(
    [
      marker(300, 'stylize: Great-Wave', 'Chorus'),
      marker(100, 'Verse'),
      marker(5, 'before the range'),
      marker(5000, 'after it'),
    ],
    100,
    400,
  );
  expect(sections).toEqual([
    { label: 'Verse', first: 0, last: 199 },
    { label: 'Chorus', first: 200, last: 399, preset: 'great-wave' },
  ]);
  expect(fromMarkers([], 0, 10)).toEqual([{ label: 'A', first: 0, last: 9 }]);
});

test('sections written as markers are read back as they were', () => {
  const sections = changeSection(make(99, 199, 299), 1, { preset: 'tahiti' });
  const markers = toMarkers(sections, 86_400).map((marker, index) => ({ ...marker, id: String(index) }));
  expect(markers[1]).toMatchObject({ name: 'stylize: tahiti', comment: 'B', first: 86_500, length: 100 });
  expect(fromMarkers(markers, 86_400, 300)).toEqual(sections);
});

test('a boundary moves both its sides and never swallows one', () => {
  const sections = make(99, 199, 299);
  expect(spans(moveBoundary(sections, 1, 150))).toEqual([
    [0, 149],
    [150, 199],
    [200, 299],
  ]);
  expect(spans(moveBoundary(sections, 1, 900))).toEqual([
    [0, 198],
    [199, 199],
    [200, 299],
  ]);
  expect(spans(moveBoundary(sections, 2, -5))).toEqual([
    [0, 99],
    [100, 100],
    [101, 299],
  ]);
  expect(spans(moveBoundary(sections, 0, 50))).toEqual(spans(sections));
});

test('a section that was changed does not keep the job of its old self', () => {
  const sections = make(99, 199, 299).map((each, index) => ({ ...each, job: `job-${index}` }));
  expect(moveBoundary(sections, 1, 150).map(each => each.job)).toEqual([undefined, undefined, 'job-2']);
  expect(splitAt(sections, 250).map(each => each.job)).toEqual(['job-0', 'job-1', undefined, undefined]);
  expect(mergeWithNext(sections, 0).map(each => each.job)).toEqual([undefined, 'job-2']);
});

test('cutting and joining keep the whole covered', () => {
  const sections = make(99, 299);
  const cut = splitAt(sections, 150);
  expect(spans(cut)).toEqual([
    [0, 99],
    [100, 149],
    [150, 299],
  ]);
  expect(splitAt(cut, 150)).toEqual(cut);
  expect(spans(mergeWithNext(cut, 1))).toEqual([
    [0, 99],
    [100, 299],
  ]);
  expect(mergeWithNext(cut, 2)).toEqual(cut);
  expect(coversAll(cut, 300)).toBe(true);
});

test('the shortest section that has a preset is rendered first', () => {
  const sections = make(299, 349, 999, 1049).map((each, index) =>
    index === 1 ? each : { ...each, preset: 'default' },
  );
  expect(renderOrder(sections)).toEqual([3, 0, 2]);
});

test('a file of sections is read back, also at another rate; a wrong one names its fault', () => {
  const sections = changeSection(make(249, 499), 1, { preset: 'tahiti' });
  const text = JSON.stringify(toFile(sections, pal));
  expect(readFile(text, pal, 500)).toEqual({ sections });
  expect(readFile(text, { num: 50, den: 1 }, 1000)).toEqual({
    sections: [
      { label: 'A', first: 0, last: 499 },
      { label: 'B', first: 500, last: 999, preset: 'tahiti' },
    ],
  });
  expect(readFile('{"version":2}', pal, 500)).toHaveProperty('problem');
  expect(readFile('x', pal, 500)).toHaveProperty('problem');
});

test('sections come back with their sequence, whatever part of it is marked, and keep the rest', () => {
  const memory = new Map<string, string>();
  const storage = {
    getItem: (key: string) => memory.get(key) ?? null,
    setItem: (key: string, value: string) => void memory.set(key, value),
  };
  const whole = makeSource({ first: 0, last: 199 });
  const withJob = make(99, 199).map((each, index) => ({ ...each, job: `job-${index}` }));
  writeSections(storage, 'abc', toSequenceSections(whole, withJob, []));
  expect(fromSequenceSections(whole, readSections(storage, 'abc'))).toEqual(withJob);
  expect(readSections(storage, 'other')).toEqual([]);

  const part = makeSource({ first: 80, last: 139 });
  const shown = fromSequenceSections(part, readSections(storage, 'abc'))!;
  expect(shown.map(({ label, first, last, job }) => [label, first, last, job])).toEqual([
    ['A', 0, 19, undefined],
    ['B', 20, 59, undefined],
  ]);
  writeSections(storage, 'abc', toSequenceSections(part, moveBoundary(shown, 1, 30), readSections(storage, 'abc')));
  expect(readSections(storage, 'abc').map(({ label, first, last }) => [label, first, last])).toEqual([
    ['A', 0, 79],
    ['A', 80, 109],
    ['B', 110, 139],
    ['B', 140, 199],
  ]);
});

test('at a rate that is not the timeline’s, sections stay where they are however often they are kept', () => {
  for (const clipRate of [
    { num: 24, den: 1 },
    { num: 30000, den: 1001 },
    { num: 50, den: 1 },
  ]) {
    const source = makeSource({ first: 40, last: 239 }, clipRate, 300);
    let list: Section[] = make(23, 60, 61, 299);
    const kept = () => fromSequenceSections(source, toSequenceSections(source, list, []))!;
    list = kept();
    const once = list;
    for (let times = 0; times < 5; times++) list = kept();
    expect(list).toEqual(once);
  }
});

test('what is kept and cannot be read is as nothing', () => {
  const storage = { getItem: () => '[{"label":"A","first":5,"last":2}]', setItem: () => undefined };
  expect(readSections(storage, 'abc')).toEqual([]);
  expect(readSections({ ...storage, getItem: () => '{' }, 'abc')).toEqual([]);
  expect(fromSequenceSections(makeSource({ first: 0, last: 9 }), [])).toBeUndefined();
});

test('beats draw a boundary that comes near, and lead from one to the next', () => {
  const beats = [0.48, 1, 1.52];
  expect(snapToBeat(23, beats, pal, 3)).toBe(25);
  expect(snapToBeat(19, beats, pal, 3)).toBe(19);
  expect(snapToBeat(19, [], pal, 3)).toBe(19);
  expect(beatBeside(25, beats, pal, 1)).toBe(38);
  expect(beatBeside(25, beats, pal, -1)).toBe(12);
  expect(beatBeside(38, beats, pal, 1)).toBeUndefined();
});
