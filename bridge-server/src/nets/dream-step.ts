import {
  add, addAll, clip, constant, conv, convTranspose, div, equal, gather, input, mask, matmul, max, meanAll, mul, reduceMax, reduceMean, reduceSum,
  reshape, slice, sqrt, square, sub, transposeMatrix,
} from '../graph/build';
import { gradient } from '../graph/gradient';
import type { Value } from '../graph/value';

/** What a dream raises: a layer, or an inclusive range of its channels, with a weight. */
export type DreamObjective = { readonly layer: string; readonly channels?: readonly [number, number]; readonly weight: number };

export type DreamStepOptions = {
  readonly width: number;
  readonly height: number;
  readonly objectives: readonly DreamObjective[];
  readonly smoothing: 'laplacian' | 'none' | 'blur';
  /** Keep the coarsest level of the Laplacian split: large areas change colour too. */
  readonly keepLowest: boolean;
  /** Give rare channels the same say as common ones. */
  readonly normaliseChannels: boolean;
  /** Guide vectors are fed for each objective's layer. */
  readonly guided: boolean;
  /** Steps in one run. */
  readonly steps: number;
};

/** Named layers of a picture [1, 3, H, W] in RGB 0..1. */
export type DreamNet = (image: Value, layers: readonly string[]) => ReadonlyMap<string, Value>;

export function guideInput(index: number): string {
  return `guide.${index}`;
}

/** Positions of the guide picture that are compared with each position of the dream. */
export const guidePositions = 256;

const laplacianLevels = 4;
const tiny = 1e-10;

/** [C, H*W] of a layer [1, C, H, W]. */
const flat = (layer: Value): Value => reshape(layer, [layer.dims[1], layer.dims[2] * layer.dims[3]]);

/**
 * What pulls at a layer, of the layer's own size: its activation itself (google/deepdream's "dst.diff = dst.data",
 * the gradient of half its square), or for each position the guide's vector that fits it best.
 */
function pull(layer: Value, objective: DreamObjective, options: DreamStepOptions, guide: Value | undefined): Value {
  let seed = layer;
  if (guide) {
    // x^T y for every position and guide vector; the best one is chosen by an equality mask, shared where two tie.
    const fit = matmul(transposeMatrix(flat(layer)), guide);
    const best = mask(equal(fit, reduceMax(fit, { axes: [1] })), fit);
    const share = div(best, reduceSum(best, { axes: [1] }));
    seed = reshape(transposeMatrix(matmul(share, transposeMatrix(guide))), layer.dims);
  }
  if (options.normaliseChannels) {
    const power = reduceMean(square(layer), { axes: [2, 3] });
    seed = div(seed, add(power, add(mul(meanAll(power), 1e-2), tiny)));
  }
  if (objective.channels) {
    const [first, last] = objective.channels;
    const chosen = Float32Array.from({ length: layer.dims[1] }, (_, c) => (c >= first && c <= last ? 1 : 0));
    seed = mul(seed, constant(chosen, [1, layer.dims[1], 1, 1]));
  }
  // Mean instead of sum, so that layers of unlike size can be weighted against each other.
  return mul(seed, objective.weight / (layer.dims[1] * layer.dims[2] * layer.dims[3]));
}

/** The 5x5 binomial kernel of Burt and Adelson's pyramid for each of three planes, times `gain`. */
function binomial(gain: number): Value {
  const row = [1, 4, 6, 4, 1];
  const kernel = Float32Array.from({ length: 25 }, (_, i) => (row[Math.floor(i / 5)] * row[i % 5] * gain) / 256);
  const all = new Float32Array(75);
  for (let c = 0; c < 3; c++) all.set(kernel, 25 * c);
  return constant(all, [3, 1, 5, 5]);
}

/** Doubles a level; odd sizes of the level above are met exactly. */
function expandLevel(low: Value, height: number, width: number): Value {
  return convTranspose(low, binomial(4), undefined, {
    strides: 2,
    pads: [2, 2, 2, 2],
    group: 3,
    outputPadding: [(height + 1) % 2, (width + 1) % 2],
  });
}

/** Every level of a Laplacian pyramid brought to the same power, then put together again (TensorFlow's deepdream notebook). */
function evenLevels(g: Value, keepLowest: boolean, levels = laplacianLevels): Value {
  const even = (level: Value) => div(level, max(sqrt(meanAll(square(level))), tiny));
  const [, , height, width] = g.dims;
  if (levels === 0 || height < 5 || width < 5) return keepLowest ? even(g) : mul(g, 0);
  const low = conv(g, binomial(1), undefined, { strides: 2, pads: [2, 2, 2, 2], group: 3 });
  const high = sub(g, expandLevel(low, height, width));
  return add(expandLevel(evenLevels(low, keepLowest, levels - 1), height, width), even(high));
}

function smoothed(g: Value, options: DreamStepOptions): Value {
  switch (options.smoothing) {
    case 'laplacian':
      return evenLevels(g, options.keepLowest);
    case 'blur':
      return conv(g, binomial(1), undefined, { pads: [2, 2, 2, 2], group: 3 });
    case 'none':
      return g;
  }
}

/**
 * Gradient ascent on what a net sees (Mordvintsev et al., DeepDream, 2015) as outputs of a graph. Inputs:
 *   image [1, 3, H, W]; free [1, 1, H, W], how much each pixel may change; step [], mean change per step (1 = full range);
 *   rows, columns (int64 [steps, H] and [steps, W]) and rowsBack, columnsBack: the shift of each step and its inverse,
 *   as indices, so that the picture is rolled on the device; guide.<objective> [C, positions] when guided.
 * Output: `image.next`.
 */
export function dreamStep(net: DreamNet, options: DreamStepOptions): { readonly 'image.next': Value } {
  const { width, height, steps } = options;
  let image: Value = input('image', [1, 3, height, width]);
  const free = input('free', [1, 1, height, width]);
  const step = input('step', []);
  const indices = (name: string, length: number) => input(name, [steps, length], 'int64');
  const [rows, columns] = [indices('rows', height), indices('columns', width)];
  const [rowsBack, columnsBack] = [indices('rowsBack', height), indices('columnsBack', width)];
  const names = [...new Set(options.objectives.map(objective => objective.layer))];
  const guides: Value[] = [];
  for (let i = 0; i < steps; i++) {
    const at = (table: Value) => reshape(slice(table, 0, i, i + 1), [table.dims[1]]);
    const rolled = gather(gather(image, at(rows), 2), at(columns), 3);
    const layers = net(rolled, names);
    const gradients = options.objectives.map((objective, index) => {
      const layer = layers.get(objective.layer) as Value;
      if (options.guided) guides[index] ??= input(guideInput(index), [layer.dims[1], guidePositions]);
      return gradient(layer, [rolled], pull(layer, objective, options, guides[index]))[0];
    });
    const g = smoothed(addAll(gradients), options);
    const back = gather(gather(g, at(rowsBack), 2), at(columnsBack), 3);
    const size = max(meanAll(magnitude(back)), tiny);
    image = clip(add(image, mul(free, mul(back, div(step, size)))), 0, 1);
  }
  return { 'image.next': image };
}

/** |x| in ops that every provider has. */
const magnitude = (x: Value): Value => max(x, mul(x, -1));
