import { createRandom } from '../../bridge-server/src/pipeline/random';

const draw = (random: () => number, count: number) => Array.from({ length: count }, random);

test('the same seed, stage and frame give the same numbers', () => {
  expect(draw(createRandom(7, 'stylize#0', 12), 5)).toEqual(draw(createRandom(7, 'stylize#0', 12), 5));
});

test('another seed, stage, frame or try gives others', () => {
  const first = draw(createRandom(7, 'stylize#0', 12), 4);
  for (const other of [
    createRandom(8, 'stylize#0', 12),
    createRandom(7, 'stylize#1', 12),
    createRandom(7, 'stylize#0', 13),
    createRandom(7, 'stylize#0', 12, 1),
  ]) {
    expect(draw(other, 4)).not.toEqual(first);
  }
});

test('numbers are evenly spread, also over the first number of many frames', () => {
  const firsts = Array.from({ length: 20_000 }, (_, frame) => createRandom(0, 'dream#0', frame)());
  const many = draw(createRandom(1, 'x', 0), 20_000);
  for (const numbers of [firsts, many]) {
    const tenths = new Array<number>(10).fill(0);
    for (const number of numbers) tenths[Math.floor(number * 10)]++;
    // Each tenth holds 2000; five standard deviations are 212.
    for (const count of tenths) expect(Math.abs(count - 2000)).toBeLessThan(212);
  }
});

test('neighbouring frames are not correlated', () => {
  let sum = 0;
  const count = 10_000;
  for (let frame = 0; frame < count; frame++)
    sum += (createRandom(3, 's', frame)() - 0.5) * (createRandom(3, 's', frame + 1)() - 0.5);
  // Standard deviation of the mean of products: (1/12) / sqrt(n).
  expect(Math.abs(sum / count)).toBeLessThan((5 * (1 / 12)) / Math.sqrt(count));
});

test('the numbers never change: stored results rest on them', () => {
  expect(draw(createRandom(42, 'stylize#0', 3), 3)).toEqual([
    0.6210694804321975, 0.7975748325698078, 0.25511813652701676,
  ]);
});
