import type { TimelineClip } from '#protocol/timeline';
import { clipWishes, sequenceWishes, wishOf } from '../../extension/src/host/stylize-markers';

const rate = { num: 25, den: 1 };
const sequence = { id: 's', rate, frames: 100 };

test.each([
  ['stylize: tahiti', 'tahiti'],
  ['  STYLIZE :Great Wave ', 'Great Wave'],
  ['stylize:', undefined],
  ['stylize tahiti', undefined],
  ['please stylize: tahiti', undefined],
  ['', undefined],
])('a marker named "%s" wishes %s', (name, wish) => {
  expect(wishOf(name)).toBe(wish);
});

const marker = (name: string, first: number, length = 0) => ({ id: `id-${first}`, name, comment: '', first, length });
const spans = (wishes: readonly { preset: string; range: { first: number; last: number } }[]) =>
  wishes.map(({ preset, range }) => [preset, range.first, range.last]);

test('a marker with length asks for it, a point for what lies before the next marker or the end', () => {
  const markers = [
    marker('stylize: a', 0),
    marker('stylize: b', 10, 80),
    marker('Verse', 30),
    marker('stylize: c', 60),
  ];
  expect(spans(sequenceWishes(markers, sequence))).toEqual([
    ['a', 0, 9],
    ['b', 10, 89],
    ['c', 60, 99],
  ]);
  expect(spans(sequenceWishes([marker('stylize: a', 95, 50)], sequence))).toEqual([['a', 95, 99]]);
  expect(sequenceWishes([marker('stylize: behind', 100)], sequence)).toEqual([]);
});

test('two points at one place do not take each other’s range', () => {
  const wishes = sequenceWishes([marker('stylize: a', 10), { ...marker('stylize: b', 10), id: 'other' }], sequence);
  expect(spans(wishes)).toEqual([
    ['a', 10, 99],
    ['b', 10, 99],
  ]);
  expect(new Set(wishes.map(({ id }) => id)).size).toBe(2);
});

const clip: TimelineClip = {
  key: '0:50:7',
  name: 'B',
  track: 0,
  range: { first: 50, last: 69, rate },
  kind: 'plain',
  reasons: [],
  selected: false,
};

test('on a clip a lone point means all of it, several share it, and a length is cut to what shows', () => {
  expect(spans(clipWishes(clip, [marker('stylize: a', 57)], 's'))).toEqual([['a', 50, 69]]);
  expect(spans(clipWishes(clip, [marker('stylize: b', 60), marker('stylize: a', 55)], 's'))).toEqual([
    ['a', 50, 59],
    ['b', 60, 69],
  ]);
  expect(spans(clipWishes(clip, [marker('stylize: a', 40, 15), marker('stylize: b', 65, 15)], 's'))).toEqual([
    ['a', 50, 54],
    ['b', 65, 69],
  ]);
});

test('what the clip does not show of its source asks for nothing', () => {
  const outside = [marker('stylize: a', 70), marker('stylize: b', 49), marker('stylize: c', 40, 10)];
  expect(clipWishes(clip, outside, 's')).toEqual([]);
});
