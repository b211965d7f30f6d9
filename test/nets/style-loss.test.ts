import type { Tensor } from '../../bridge-server/src/frame/tensor';
import { constant, input } from '../../bridge-server/src/graph/build';
import { evaluate } from '../../bridge-server/src/graph/evaluate';
import { gradient } from '../../bridge-server/src/graph/gradient';
import type { Value } from '../../bridge-server/src/graph/value';
import {
  areaHues,
  contentLoss,
  featureStatistics,
  hueLoss,
  layerWeights,
  palettePlanes,
  styleLayerLoss,
  styleTargetInputs,
  styleTargetTensors,
  temporalLoss,
  variationLoss,
} from '../../bridge-server/src/nets/style-loss';
import type { StyleLossKind } from '../../bridge-server/src/nets/style-loss';
import { gaussianDistance, traceOf } from '../../bridge-server/src/nets/style-statistics';
import type { LayerStatistics } from '../../bridge-server/src/nets/style-statistics';

function makeRandom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

function makeFeatures(seed: number, channels: number, positions: number): Float32Array {
  const random = makeRandom(seed);
  return Float32Array.from(
    { length: channels * positions },
    (_, i) => random() * (1 + (Math.floor(i / positions) % 3)),
  );
}

function statisticsOf(features: ArrayLike<number>, channels: number, weights?: readonly number[]): LayerStatistics {
  const positions = features.length / channels;
  const shares = weights ?? new Array<number>(positions).fill(1);
  const total = shares.reduce((sum, share) => sum + share, 0);
  const mean = new Float64Array(channels);
  const covariance = new Float64Array(channels * channels);
  for (let i = 0; i < channels; i++)
    for (let p = 0; p < positions; p++) mean[i] += (shares[p] * features[i * positions + p]) / total;
  for (let i = 0; i < channels; i++)
    for (let j = 0; j < channels; j++)
      for (let p = 0; p < positions; p++) {
        covariance[i * channels + j] +=
          (shares[p] * (features[i * positions + p] - mean[i]) * (features[j * positions + p] - mean[j])) / total;
      }
  return { channels, mean, covariance };
}

const numbersOf = (tensors: Record<string, Tensor>) =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tensor.data as Float32Array]));

const [channels, height, width] = [4, 6, 8];

/** Two inputs of one name: both are fed the same, and the gradient flows through the first only. */
const makeTwins = (h: number, w: number) =>
  [input('features', [1, channels, h, w]), input('features', [1, channels, h, w])] as const;

function makeLoss(kind: StyleLossKind, weights?: Value) {
  const [features, twin] = makeTwins(height, width);
  const loss = styleLayerLoss(kind, featureStatistics(features, twin, weights), styleTargetInputs(kind, 't', channels));
  return { features, loss };
}

function lossOf(kind: StyleLossKind, features: Float32Array, target: LayerStatistics): number {
  const { loss } = makeLoss(kind);
  return evaluate([loss], { features, ...numbersOf(styleTargetTensors(kind, 't', target)) })[0].data[0];
}

/** Largest difference between the graph's gradient and central differences, relative to the largest gradient. */
function gradientError(loss: Value, wrt: Value, feeds: Record<string, ArrayLike<number>>, sample = 12): number {
  const name = wrt.name as string;
  const [analytic] = evaluate(gradient(loss, [wrt]), feeds);
  const start = Float64Array.from(feeds[name]);
  const largest = analytic.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  let worst = 0;
  for (let s = 0; s < sample; s++) {
    const i = Math.floor((s * start.length) / sample);
    const at = (delta: number) =>
      evaluate([loss], { ...feeds, [name]: start.map((value, k) => (k === i ? value + delta : value)) })[0].data[0];
    worst = Math.max(worst, Math.abs((at(1e-4) - at(-1e-4)) / 2e-4 - analytic.data[i]) / largest);
  }
  return worst;
}

describe('style losses', () => {
  const style = makeFeatures(1, channels, 60);
  const target = statisticsOf(style, channels);
  const picture = makeFeatures(2, channels, height * width).map((value, i) => value * (i % 3 === 0 ? 1.5 : 0.7));

  it.each(['w2', 'gram', 'moments'] as const)('%s of a picture against itself is 0', kind => {
    const own = statisticsOf(picture, channels);
    const scale = lossOf(kind, picture, target);
    expect(Math.abs(lossOf(kind, picture, own))).toBeLessThan(2e-4 * Math.max(1, scale));
  });

  it('w2 is the distance of two Gaussians, over the variance of the style', () => {
    const expected = gaussianDistance(statisticsOf(picture, channels), target) / traceOf(target);
    expect(lossOf('w2', picture, target)).toBeCloseTo(expected, 3);
  });

  it('w2 of pictures that differ in their means only is the squared distance of the means', () => {
    const moved = style.map((value, i) => value + (i < 60 ? 0.5 : 0));
    const loss = styleLayerLoss('w2', featureStatistics(...makeTwins(6, 10)), styleTargetInputs('w2', 't', channels));
    const value = evaluate([loss], { features: moved, ...numbersOf(styleTargetTensors('w2', 't', target)) })[0].data[0];
    expect(value).toBeCloseTo(0.25 / traceOf(target), 3);
  });

  it.each(['w2', 'gram', 'moments'] as const)('the gradient of %s agrees with central differences', kind => {
    const { features, loss } = makeLoss(kind);
    expect(
      gradientError(loss, features, { features: picture, ...numbersOf(styleTargetTensors(kind, 't', target)) }),
    ).toBeLessThan(1e-3);
  });

  it('a style of one flat colour gives a finite loss and gradient', () => {
    const flat: LayerStatistics = {
      channels,
      mean: new Float64Array(channels).fill(0.5),
      covariance: new Float64Array(channels * channels),
    };
    const { features, loss } = makeLoss('w2');
    const feeds = { features: picture, ...numbersOf(styleTargetTensors('w2', 't', flat)) };
    const [value, slope] = evaluate([loss, ...gradient(loss, [features])], feeds);
    expect(Number.isFinite(value.data[0])).toBe(true);
    expect(slope.data.every(Number.isFinite)).toBe(true);
  });
});

describe('masks', () => {
  it('leave everything outside the region out of the statistics', () => {
    const picture = makeFeatures(3, channels, height * width);
    const weights = input('weights', [1, 1, height, width]);
    const { mean, covariance, still } = featureStatistics(...makeTwins(height, width), weights);
    const region = Array.from({ length: height * width }, (_, p) => (p % 5 === 0 ? 1 : p % 7 === 0 ? 0.25 : 0));
    const [gotMean, gotCovariance, gotStill] = evaluate([mean, covariance, still], {
      features: picture,
      weights: region,
    });
    const expected = statisticsOf(picture, channels, region);
    gotMean.data.forEach((value, i) => expect(value).toBeCloseTo(expected.mean[i], 5));
    gotCovariance.data.forEach((value, i) => expect(value).toBeCloseTo(expected.covariance[i], 5));
    expect(Array.from(gotStill.data)).toEqual(Array.from(gotCovariance.data));
  });

  it('no gradient reaches pixels outside the region', () => {
    const weights = input('weights', [1, 1, height, width]);
    const { features, loss } = makeLoss('w2', weights);
    const region = Array.from({ length: height * width }, (_, p) => (p % 2 === 0 ? 1 : 0));
    const target = statisticsOf(makeFeatures(1, channels, 60), channels);
    const feeds = {
      features: makeFeatures(2, channels, height * width),
      weights: region,
      ...numbersOf(styleTargetTensors('w2', 't', target)),
    };
    const [slope] = evaluate(gradient(loss, [features]), feeds);
    slope.data.forEach((value, i) => {
      if (i % 2 === 1) expect(value).toBe(0);
    });
    expect(slope.data.some(value => value !== 0)).toBe(true);
  });

  it('are averaged over the cells of a layer', () => {
    const mask = input('mask', [1, 1, 4, 6]);
    const layer = input('layer', [1, 9, 2, 3]);
    const [got] = evaluate([layerWeights(mask, layer)], {
      mask: Float32Array.from({ length: 24 }, (_, p) => (p % 6 < 3 ? 1 : 0)),
    });
    expect(Array.from(got.data)).toEqual([1, 0.5, 0, 1, 0.5, 0]);
  });

  it('an empty region costs nothing and breaks nothing', () => {
    const weights = input('weights', [1, 1, height, width]);
    const { features, loss } = makeLoss('w2', weights);
    const target = statisticsOf(makeFeatures(1, channels, 60), channels);
    const feeds = {
      features: makeFeatures(2, channels, 48),
      weights: new Float32Array(48),
      ...numbersOf(styleTargetTensors('w2', 't', target)),
    };
    const [slope] = evaluate(gradient(loss, [features]), feeds);
    expect(slope.data.every(value => value === 0)).toBe(true);
  });
});

describe('the other terms', () => {
  it('content is relative to the variance of the target', () => {
    const [a, b] = [input('a', [1, 2, 3, 4]), input('b', [1, 2, 3, 4])];
    const loss = contentLoss(a, b);
    const target = makeFeatures(5, 2, 12);
    const moved = target.map(value => value + 0.1);
    const once = evaluate([loss], { a: moved, b: target })[0].data[0];
    const scaled = evaluate([loss], { a: moved.map(value => 10 * value), b: target.map(value => 10 * value) })[0]
      .data[0];
    expect(once).toBeGreaterThan(0);
    expect(scaled / once).toBeCloseTo(1, 4);
    expect(gradientError(loss, a, { a: moved, b: target })).toBeLessThan(1e-3);
  });

  it('variation of a step is its height squared over the neighbours along it', () => {
    const image = input('image', [1, 3, 4, 6]);
    const step = Float32Array.from({ length: 72 }, (_, i) => (i % 6 < 3 ? 0 : 0.5));
    // One of the five differences of each row is 0.5; none down the columns.
    expect(evaluate([variationLoss(image)], { image: step })[0].data[0]).toBeCloseTo(0.25 / 5, 12);
  });

  it('hue looks at the colours of areas alone: brightness and strokes may change, a green face may not', () => {
    const area = 32 * 32;
    const colour = (channel: number, change: (p: number) => number) => (_: unknown, i: number) =>
      [0.7, 0.5, 0.4][channel] + change(i % area);
    const picture = (changes: readonly ((p: number) => number)[]) =>
      Float32Array.from(changes.flatMap((change, channel) => Array.from({ length: area }, colour(channel, change))));
    const same = () => 0;
    const lossOf = (changed: Float32Array) => {
      const hues = [picture([same, same, same]), changed].map(rgb =>
        areaHues(palettePlanes(constant(rgb, [1, 3, 32, 32]))),
      );
      return evaluate([hueLoss(hues[1], hues[0], constant([0.06], []))], {})[0].data[0];
    };
    const brighter = () => 0.2;
    const strokes = (p: number) => (p % 2 === 0 ? 0.1 : -0.1);
    expect(lossOf(picture([brighter, brighter, brighter]))).toBeCloseTo(0, 9);
    expect(lossOf(picture([same, strokes, same]))).toBeCloseTo(0, 9);
    // A third of the change is brightness: squares of -0.1, 0.2 and -0.1 over 0.06.
    expect(lossOf(picture([same, () => 0.3, same]))).toBeCloseTo(1, 5);
  });

  it('the temporal loss pulls with its weight, not with the root of it', () => {
    const [image, target] = [input('image', [1, 3, 2, 2]), input('target', [1, 3, 2, 2])];
    const weight = input('weight', [1, 1, 2, 2]);
    const [slope] = evaluate(gradient(temporalLoss(image, target, weight), [image]), {
      image: new Float32Array(12).fill(0.6),
      target: new Float32Array(12).fill(0.5),
      weight: [1, 0.25, 0.04, 0],
    });
    expect(slope.data[1] / slope.data[0]).toBeCloseTo(0.25, 10);
    expect(slope.data[2] / slope.data[0]).toBeCloseTo(0.04, 10);
    expect(slope.data[3]).toBe(0);
  });
});
