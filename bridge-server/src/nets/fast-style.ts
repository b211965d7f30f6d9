import {
  add,
  concat,
  conv,
  instanceNorm,
  matmul,
  mul,
  padPlanes,
  relu,
  reshape,
  resizeNearest,
  slice,
  tanh,
} from '../graph/build';
import type { Value } from '../graph/value';
import type { StyleStatistics } from './style-statistics';

/**
 * A feed-forward style net (Johnson et al., ECCV 2016) whose instance norms are told the style (Dumoulin et al., ICLR
 * 2017): one body for all styles, a factor and an offset per channel for each. 16, 32 and 64 channels, three residual
 * blocks, kernels of 5 at both ends, borders reflected, enlarged by repeating pixels so that no chequers can arise.
 */
type Layer = {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly enlarge?: true;
};

const wide = 64;
const before: readonly Layer[] = [
  { name: 'open', inputs: 3, outputs: 16, kernel: 5 },
  { name: 'down1', inputs: 16, outputs: 32, kernel: 3, stride: 2 },
  { name: 'down2', inputs: 32, outputs: wide, kernel: 3, stride: 2 },
];
const blocks: readonly (readonly [Layer, Layer])[] = [1, 2, 3].map(block => [
  { name: `block${block}a`, inputs: wide, outputs: wide, kernel: 3 },
  { name: `block${block}b`, inputs: wide, outputs: wide, kernel: 3 },
]);
const after: readonly Layer[] = [
  { name: 'up1', inputs: wide, outputs: 32, kernel: 3, enlarge: true },
  { name: 'up2', inputs: 32, outputs: 16, kernel: 3, enlarge: true },
];
const last: Layer = { name: 'close', inputs: 16, outputs: 3, kernel: 5 };

const normed = [...before, ...blocks.flat(), ...after];

/** Channels of all instance norms together: the length of a style's factors, and of its offsets. */
export const fastStyleChannels = normed.reduce((sum, layer) => sum + layer.outputs, 0);

/** Sides of the picture must be multiples of this. */
export const fastStyleGridPx = 4;

/** Sizes of the body's weights by name. Norms make biases pointless but for the last layer. */
export const fastStyleWeights: Readonly<Record<string, readonly number[]>> = Object.fromEntries([
  ...[...normed, last].map(({ name, inputs, outputs, kernel }) => [
    `${name}.weight`,
    [outputs, inputs, kernel, kernel],
  ]),
  [`${last.name}.bias`, [last.outputs]],
]);

export type Weights = Readonly<Record<string, Value>>;

/**
 * @param image [1, 3, H, W], RGB 0..1 in the colours of the style, sides multiples of `fastStyleGridPx`
 * @param style [2, C], factors and offsets of the norms
 * @returns [1, 3, H, W], RGB, not clamped
 */
export function fastStyle(image: Value, weights: Weights, style: Value): Value {
  let channel = 0;
  const normedConv = (x: Value, layer: Layer): Value => {
    const [factor, offset] = [0, 1].map(row =>
      slice(slice(style, 0, row, row + 1), 1, channel, channel + layer.outputs),
    );
    channel += layer.outputs;
    return instanceNorm(
      convolve(x, layer, weights),
      reshape(factor, [layer.outputs]),
      reshape(offset, [layer.outputs]),
    );
  };
  let x = image;
  for (const layer of before) x = relu(normedConv(x, layer));
  for (const [first, second] of blocks) x = add(x, normedConv(relu(normedConv(x, first)), second));
  for (const layer of after) x = relu(normedConv(x, layer));
  return add(add(mul(image, photographShare), middle), mul(convolve(x, last, weights), reach));
}

/** Of a net whose output begins near the photograph: saturating ends learn black blobs in flat skies (feature-nets.md 5). */
const photographShare = 0.3;
const middle = 0.35;
const reach = 0.25;

function convolve(x: Value, { name, kernel, stride = 1, enlarge }: Layer, weights: Weights): Value {
  const large = enlarge ? resizeNearest(x, 2 * x.dims[2], 2 * x.dims[3]) : x;
  const margin = (kernel - 1) / 2;
  return conv(
    padPlanes(large, margin, margin, margin, margin, 'reflect'),
    weights[`${name}.weight`],
    weights[`${name}.bias`],
    { strides: stride },
  );
}

/** Numbers between a style's features and its factors and offsets. */
const hidden = 96;

/** Sizes of the weights that turn features of a style picture into a style. @param features how many */
export function fastStyleGuideWeights(features: number, painters: number): Readonly<Record<string, readonly number[]>> {
  return {
    'guide.first': [features, hidden],
    'guide.firstBias': [1, hidden],
    'guide.second': [hidden, 2 * fastStyleChannels],
    'guide.secondBias': [1, 2 * fastStyleChannels],
    'guide.painters': [painters, 2 * fastStyleChannels],
  };
}

/**
 * The style of a picture, [2, C], as a deviation from factors 1 and offsets 0.
 * @param features [1, F], see `styleFeatures`
 * @param painters [1, painters], how much each built-in painter counts; zeros for a picture
 */
export function fastStyleGuide(features: Value, painters: Value, weights: Weights): Value {
  const inner = tanh(add(matmul(features, weights['guide.first']), weights['guide.firstBias']));
  const learnt = add(matmul(inner, weights['guide.second']), weights['guide.secondBias']);
  const all = reshape(add(learnt, matmul(painters, weights['guide.painters'])), [2, fastStyleChannels]);
  return concat([add(slice(all, 0, 0, 1), 1), slice(all, 0, 1, 2)], 0);
}

/**
 * What the guide is told of a style: mean and log deviation of every channel of every layer, and how much the
 * photograph counts.
 * @param contentWeight as in training, see `usualContentWeight`
 */
export function styleFeatures(statistics: StyleStatistics, contentWeight: number): Float32Array {
  const numbers: number[] = [];
  for (const layer of Object.keys(statistics).sort()) {
    const { channels, mean, covariance } = statistics[layer];
    for (let c = 0; c < channels; c++) {
      numbers.push(mean[c], Math.log(Math.sqrt(Math.max(0, covariance[c * channels + c])) + leastDeviation));
    }
  }
  return Float32Array.from([...numbers, Math.log(contentWeight / usualContentWeight)]);
}

/** Channels that are hardly ever on would otherwise shout. */
const leastDeviation = 1e-2;

/** Weight of the content beside a style loss of weight 1 a layer: keeps faces. */
export const usualContentWeight = 0.2;
