import { constant, input } from '../../bridge-server/src/graph/build';
import { toModel } from '../../bridge-server/src/graph/model';
import {
  fastStyle,
  fastStyleChannels,
  fastStyleWeights,
  styleFeatures,
  usualContentWeight,
} from '../../bridge-server/src/nets/fast-style';
import { fastStyleTrainingStep, trainingShiftPx } from '../../bridge-server/src/nets/fast-style-training';
import { readFeatureNet } from '../../bridge-server/src/nets/feature-net';
import { styleTargetTensors } from '../../bridge-server/src/nets/style-loss';
import type { LayerStatistics } from '../../bridge-server/src/nets/style-statistics';
import { inputsOf } from '../../bridge-server/src/nets/style-step';
import { randomNumbers, runModel } from '../graph/run-model';
import type { Fed } from '../graph/run-model';
import { makeTinyNet } from '../stages/tiny-feature-net';

const side = 32;
const whole = side + trainingShiftPx;
const judge = readFeatureNet('tiny', makeTinyNet());
const sizes = Object.entries(fastStyleWeights);
const weights = Object.fromEntries(
  sizes.map(([name, dims], at) => {
    const count = dims.reduce((a, b) => a * b, 1);
    const fanIn = count / dims[0];
    return [
      name,
      constant(
        Float32Array.from(randomNumbers(count, at + 1), value => value / Math.sqrt(fanIn)),
        dims,
      ),
    ];
  }),
);

function makeStatistics(channels: number, seed: number): LayerStatistics {
  const mean = randomNumbers(channels, seed).map(value => 0.3 + 0.1 * value);
  const covariance = new Float64Array(channels * channels);
  for (let i = 0; i < channels; i++) covariance[i * channels + i] = 0.02 + 0.01 * ((i * seed) % 3);
  return { channels, mean, covariance };
}

const cut = (rows: number, columns: number, at: (row: number, column: number) => boolean) =>
  Float32Array.from({ length: rows * columns }, (_, i) => (at(Math.floor(i / columns), i % columns) ? 1 : 0));

/** What a step is fed besides its variables. */
const feeds: Record<string, Fed> = {
  image: { dims: [1, 3, whole, whole], data: randomNumbers(3 * whole * whole, 5).map(value => 0.5 + 0.3 * value) },
  rows: { dims: [side, whole], data: cut(side, whole, (row, column) => column === row + 3) },
  columns: { dims: [whole, side], data: cut(whole, side, (row, column) => row === column + 9) },
  contentWeight: { dims: [], data: [usualContentWeight] },
};
[
  ...judge.recipe.style.map((layer, at) => [layer, [4, 6, 6, 8, 8][at]] as const),
  ...[1, 4, 16].map(pool => [`rgb/${pool}`, 3] as const),
].forEach(([layer, channels], at) => {
  const targets = styleTargetTensors('w2', `style.${layer}`, makeStatistics(channels, at + 1));
  for (const [name, { dims, data }] of Object.entries(targets)) feeds[name] = { dims, data: Array.from(data, Number) };
});

describe('a step of training', () => {
  it('knows how the loss changes with the style and with a weight', async () => {
    const style = input('style', [2, fastStyleChannels]);
    const last = input('close.weight', fastStyleWeights['close.weight']);
    const variables = { style, 'close.weight': last };
    const outputs = fastStyleTrainingStep(
      judge,
      side,
      image => fastStyle(image, { ...weights, 'close.weight': last }, style),
      variables,
    );
    const model = toModel({ inputs: inputsOf(outputs), outputs });
    const start: Record<string, Fed> = {
      style: {
        dims: style.dims,
        data: Float64Array.from({ length: 2 * fastStyleChannels }, (_, i) => (i < fastStyleChannels ? 1 : 0)),
      },
      'close.weight': { dims: last.dims, data: weights['close.weight'].data as Float32Array },
    };
    const at = await runModel(model, { ...feeds, ...start });
    for (const name of Object.keys(variables)) {
      const slope = at[`gradient.${name}`];
      const norm = Math.sqrt(slope.reduce((sum, value) => sum + value * value, 0));
      expect(norm).toBeGreaterThan(1e-3);
      const loss = async (step: number) => {
        const moved = Float64Array.from(start[name].data, (value, i) => value + (step * slope[i]) / norm);
        return (await runModel(model, { ...feeds, ...start, [name]: { dims: start[name].dims, data: moved } }))
          .losses[0];
      };
      const h = 0.01 / norm;
      const measured = ((await loss(h)) - (await loss(-h))) / (2 * h);
      expect(Math.abs(measured / norm - 1)).toBeLessThan(0.02);
    }
  });
});

describe('features of a style', () => {
  it('are means and log deviations of all layers in one order, and how much the photograph counts', () => {
    const [a, b] = [makeStatistics(2, 1), makeStatistics(3, 2)];
    const told = styleFeatures({ b, a }, usualContentWeight * Math.E);
    expect(told).toHaveLength(2 * (2 + 3) + 1);
    expect(told).toEqual(styleFeatures({ a, b }, usualContentWeight * Math.E));
    expect(told[0]).toBeCloseTo(a.mean[0], 6);
    expect(told[10]).toBeCloseTo(1, 6);
  });
});
