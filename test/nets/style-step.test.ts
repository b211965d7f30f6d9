import type { Tensor } from '../../bridge-server/src/frame/tensor';
import { evaluate } from '../../bridge-server/src/graph/evaluate';
import { chooseRecipe, readFeatureNet } from '../../bridge-server/src/nets/feature-net';
import { createBasis, planCanvas, windowOf } from '../../bridge-server/src/nets/picture';
import { styleTargetTensors } from '../../bridge-server/src/nets/style-loss';
import {
  adamBetas,
  anchorPrefix,
  lossTerms,
  pictureStatistics,
  styleStep,
} from '../../bridge-server/src/nets/style-step';
import type { StyleStepOptions } from '../../bridge-server/src/nets/style-step';
import type { LayerStatistics } from '../../bridge-server/src/nets/style-statistics';
import { makeTinyNet } from '../stages/tiny-feature-net';

const net = readFeatureNet('tiny', makeTinyNet());
const canvas = planCanvas(8, 8);
const basis = createBasis('fourier', canvas);
const { windowWidth: width, windowHeight: height } = canvas;
const unknowns = 3 * basis.rows * basis.columns;

function makeRandom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647 - 0.5;
}

function makeStatistics(channels: number, seed: number): LayerStatistics {
  const random = makeRandom(seed);
  const factor = Float64Array.from({ length: channels * channels }, random);
  const covariance = new Float64Array(channels * channels);
  for (let i = 0; i < channels; i++)
    for (let j = 0; j < channels; j++)
      for (let k = 0; k < channels; k++)
        covariance[i * channels + j] += factor[i * channels + k] * factor[j * channels + k];
  return { channels, mean: Float64Array.from({ length: channels }, random), covariance };
}

const layers = { relu1_1: 4, relu2_1: 6, relu3_1: 6, relu4_1: 8, relu5_1: 8, 'rgb/1': 3, 'rgb/4': 3, 'rgb/16': 3 };

function makeFeeds(): Record<string, ArrayLike<number>> {
  const random = makeRandom(11);
  const shift = { x: 1, y: 2 };
  const picture = Float32Array.from({ length: 3 * 64 }, (_, i) => 0.5 + 0.6 * Math.sin(i * 0.7) + 0.2 * random());
  const plane = Float32Array.from({ length: 64 }, () => 0.5 + random());
  const targets: Record<string, Tensor> = { ...styleTargetTensors('w2', anchorPrefix, makeStatistics(3, 99)) };
  Object.entries(layers).forEach(([layer, channels], i) =>
    Object.assign(targets, styleTargetTensors('w2', `style.${layer}`, makeStatistics(channels, 20 + i))),
  );
  const { rows, columns } = basis.matrices(shift);
  const tensors: Record<string, Tensor> = {
    ...targets,
    rows,
    columns,
    gain: basis.gain,
    palette: basis.palette,
    base: windowOf(picture, 3, canvas, shift),
    temporal: windowOf(
      picture.map(value => 0.9 * value),
      3,
      canvas,
      shift,
    ),
    temporalWeight: windowOf(plane, 1, canvas, shift),
  };
  return {
    ...Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tensor.data as Float32Array])),
    z: Float64Array.from({ length: unknowns }, random),
    // relu4_1, the content layer: an eighth of the window.
    content: Float64Array.from({ length: (8 * width * height) / 64 }, random),
    hues: Float64Array.from({ length: (3 * width * height) / 256 }, random),
    weights: [1, 0.05, 0.3, 0.02, 4, 0.03, 20, 0.12],
  };
}

const options = (changes: Partial<StyleStepOptions>): StyleStepOptions => ({
  windowWidth: width,
  windowHeight: height,
  rows: basis.rows,
  columns: basis.columns,
  loss: 'w2',
  update: 'gradient',
  steps: 1,
  masked: false,
  ...changes,
});

describe('a step', () => {
  it('has a gradient that agrees with central differences of all terms together', () => {
    const outputs = styleStep(net, options({}));
    const feeds = makeFeeds();
    const [gradient, losses] = evaluate([outputs.gradient, outputs.losses], feeds);
    lossTerms.forEach((_, i) => expect(losses.data[i + 1]).toBeGreaterThan(0));
    const random = makeRandom(5);
    for (let trial = 0; trial < 3; trial++) {
      const direction = Float64Array.from({ length: unknowns }, random);
      const at = (step: number) =>
        evaluate([outputs.losses], {
          ...feeds,
          z: (feeds.z as Float64Array).map((value, i) => value + step * direction[i]),
        })[0].data[0];
      const measured = (at(1e-5) - at(-1e-5)) / 2e-5;
      const computed = gradient.data.reduce((sum, value, i) => sum + value * direction[i], 0);
      // The root's gradient is exact for the true root; twelve iterations are 1/130 short of it for the smallest eigenvalues.
      expect(Math.abs(computed - measured)).toBeLessThan(5e-3 * Math.max(Math.abs(measured), 1e-3));
    }
  });

  it('reports a total that is the weighted sum of its terms', () => {
    const feeds = makeFeeds();
    const [losses] = evaluate([styleStep(net, options({})).losses], feeds);
    const sum = lossTerms.reduce((total, _, i) => total + (feeds.weights as number[])[i] * losses.data[i + 1], 0);
    expect(losses.data[0]).toBeCloseTo(sum, 10);
  });

  it('moves the unknowns as Adam does, twice in one run as in two', () => {
    const zeros = new Float64Array(unknowns);
    const state = { m: zeros, v: zeros, average: zeros };
    const hyper = [
      [0.05, 1 / (1 - adamBetas[1]), 0],
      [0.03, 2, 0.9],
    ];
    const twice = styleStep(net, options({ update: 'adam', steps: 2 }));
    const once = styleStep(net, options({ update: 'adam' }));
    const names = ['z.next', 'm.next', 'v.next', 'average.next'] as const;
    const feeds: Record<string, ArrayLike<number>> = { ...makeFeeds(), ...state };
    const together = evaluate(
      names.map(name => twice[name]),
      { ...feeds, hyper: hyper.flat() },
    );
    let apart: Record<string, ArrayLike<number>> = feeds;
    for (const row of hyper) {
      const [z, m, v, average] = evaluate(
        names.map(name => once[name]),
        { ...apart, hyper: row },
      );
      apart = { ...apart, z: z.data, m: m.data, v: v.data, average: average.data };
    }
    together[0].data.forEach((value, i) => expect(value).toBeCloseTo((apart.z as Float64Array)[i], 8));
    together[3].data.forEach((value, i) => expect(value).toBeCloseTo((apart.average as Float64Array)[i], 8));

    const [gradient] = evaluate([styleStep(net, options({})).gradient], feeds);
    const [first] = evaluate([once['z.next']], { ...feeds, hyper: hyper[0] });
    const largest = gradient.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    // The first step is as long as the rate times 0.1, whatever the gradient's size, against its sign.
    gradient.data.forEach((value, i) => {
      if (Math.abs(value) > 1e-4 * largest)
        expect(first.data[i] - (feeds.z as Float64Array)[i]).toBeCloseTo(-0.05 * 0.1 * Math.sign(value), 4);
    });
  });
});

test('a style is measured without lines that no stroke can show, a result with them', () => {
  const [side, area] = [32, 32 * 32];
  const plain = Float32Array.from({ length: 3 * area }, (_, i) => 0.5 + 0.3 * Math.sin((i % side) * 0.4));
  const hatched = plain.map((value, i) => value + (i % 2 === 0 ? 0.1 : -0.1));
  const variance = (image: Float32Array, asStyle: boolean) =>
    evaluate([pictureStatistics(net, side, side, asStyle)['covariance.rgb/1']], { image })[0].data[0];
  const hatching = (asStyle: boolean) => variance(hatched, asStyle) - variance(plain, asStyle);
  expect(hatching(false)).toBeCloseTo(0.01, 3);
  expect(Math.abs(hatching(true))).toBeLessThan(0.0002);
  expect(variance(plain, true) / variance(plain, false)).toBeCloseTo(1, 2);
});

describe('recipes', () => {
  const layersOf = (...names: string[]) => new Set(names);

  it('are chosen by the layers that a net has, and by its name where several fit', () => {
    const vgg = ['relu1_1', 'relu2_1', 'relu3_1', 'relu4_1', 'relu4_2', 'relu5_1'];
    expect(chooseRecipe('vgg19', layersOf(...vgg)).content).toBe('relu4_2');
    expect(chooseRecipe('wct16x_encoder5', layersOf(...vgg)).bgr).toBe(false);
    expect(
      chooseRecipe('mine', layersOf('conv1', 'fire2/concat', 'fire3/concat', 'fire5/concat', 'fire7/concat')).name,
    ).toBe('squeezenet');
    expect(() => chooseRecipe('mine', layersOf('a', 'b'))).toThrow(/NET_LAYER_UNKNOWN/);
  });
});
