import { createRandom } from '../../bridge-server/src/pipeline/random';
import { colourStatistics } from '../../bridge-server/src/stages/stylize/colour';
import { fallenLeaves } from '../../bridge-server/src/stages/stylize/fast/leaves';

const palette = {
  channels: 3,
  mean: Float64Array.of(0.6, 0.5, 0.3),
  covariance: Float64Array.of(0.03, 0.02, 0.01, 0.02, 0.025, 0.015, 0.01, 0.015, 0.03),
};
const side = 96;

test('many pictures of leaves together have the palette, and no two are alike', () => {
  const random = createRandom(1, 'test', 0);
  const pictures = Array.from({ length: 40 }, () => fallenLeaves(side, palette, random));
  const all = new Float32Array(3 * side * side * pictures.length);
  pictures.forEach((rgb, at) => {
    for (let c = 0; c < 3; c++)
      all.set(rgb.subarray(c * side * side, (c + 1) * side * side), (c * pictures.length + at) * side * side);
  });
  expect(all.every(value => value >= 0 && value <= 1)).toBe(true);
  const { mean, covariance } = colourStatistics(all);
  mean.forEach((value, i) => expect(Math.abs(value - palette.mean[i])).toBeLessThan(0.06));
  for (const i of [0, 4, 8]) {
    // Grain and shades add a little, black and white take a little.
    expect(covariance[i]).toBeGreaterThan(0.5 * palette.covariance[i]);
    expect(covariance[i]).toBeLessThan(2 * palette.covariance[i]);
  }
  expect(pictures[0]).not.toEqual(pictures[1]);
  expect(fallenLeaves(side, palette, createRandom(1, 'test', 0))).toEqual(pictures[0]);
});
