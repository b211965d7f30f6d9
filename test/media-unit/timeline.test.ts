import { rate } from '../../bridge-server/src/protocol/time';
import { findPace, slotOf, type Timeline } from '../../bridge-server/src/media/timeline';

function makeTimeline(pts: readonly number[], timeBase = rate(1, 90000), lastDuration = 0): Timeline {
  return { timeBase, pts, lastDuration };
}
/** Times of a constant rate as a container with this clock rounds them. */
function rounded(count: number, at: { num: number; den: number }, ticksPerSecond: number, start = 0): number[] {
  return Array.from({ length: count }, (_, index) => start + Math.round((index * at.den * ticksPerSecond) / at.num));
}

test.each([
  [24000, 1001, 90000],
  [30000, 1001, 90000],
  [60000, 1001, 90000],
  [30000, 1001, 1000],
  [24000, 1001, 1000],
  [60, 1, 1000],
  [24, 1, 600],
  [50, 1, 1000],
  [120, 1, 1000],
])('%i/%i is found under a clock of %i Hz', (num, den, clock) => {
  const pts = rounded(300, { num, den }, clock, 4711);
  expect(findPace(makeTimeline(pts, rate(1, clock)), [])).toEqual({
    rate: rate(num, den),
    variable: false,
    frames: 300,
  });
});

test('an unusual rate is exact when the clock can tell', () => {
  expect(findPace(makeTimeline(rounded(100, { num: 179, den: 6 }, 11456), rate(1, 11456)), ['29.83']).rate).toEqual({
    num: 179,
    den: 6,
  });
  expect(findPace(makeTimeline(rounded(40, { num: 7, den: 1 }, 7000), rate(1, 7000)), ['7']).rate).toEqual({
    num: 7,
    den: 1,
  });
});

test('too short for the clock to tell 29.97 from 30: the container is believed', () => {
  const pts = [0, 33, 67];
  expect(findPace(makeTimeline(pts, rate(1, 1000)), ['29.97']).rate).toEqual({ num: 30000, den: 1001 });
  expect(findPace(makeTimeline(pts, rate(1, 1000)), ['30']).rate).toEqual({ num: 30, den: 1 });
});

test('a wrong claim is not believed', () => {
  const pts = rounded(100, { num: 25, den: 1 }, 90000);
  expect(findPace(makeTimeline(pts), ['30', '29.97']).rate).toEqual({ num: 25, den: 1 });
});

test('one picture: its duration or the claim, else 25', () => {
  expect(findPace(makeTimeline([500]), [])).toEqual({ rate: { num: 25, den: 1 }, variable: false, frames: 1 });
  expect(findPace(makeTimeline([500], rate(1, 90000), 3003), [])).toMatchObject({ rate: { num: 30000, den: 1001 } });
  expect(findPace(makeTimeline([500]), ['50'])).toMatchObject({ rate: { num: 50, den: 1 } });
});

test('left-out pictures: the rate of the short steps, and as many frames as the time holds', () => {
  const pts = rounded(100, { num: 30, den: 1 }, 90000).filter((_, index) => index % 5 < 3);
  const pace = findPace(makeTimeline(pts, rate(1, 90000), 9000), []);
  expect(pace).toEqual({ rate: { num: 30, den: 1 }, variable: true, frames: 100 });
});

test('a rate that drifts is variable and read at the nearest usual one', () => {
  // 29 frames a second in the first half, 31 in the second.
  const pts = Array.from({ length: 400 }, (_, index) =>
    Math.round(index < 200 ? index * (90000 / 29) : 200 * (90000 / 29) + (index - 200) * (90000 / 31)),
  );
  const pace = findPace(makeTimeline(pts), []);
  expect(pace.variable).toBe(true);
  expect(pace.rate.num / pace.rate.den).toBeCloseTo(30, 0);
});

test('the last picture always has a place', () => {
  const pts = [0, 3000, 6000, 90000];
  const pace = findPace(makeTimeline(pts), []);
  expect(pace.frames).toBeGreaterThan(slotOf(90000, 0, rate(1, 90000), pace.rate));
});
