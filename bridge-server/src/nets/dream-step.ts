import {
  add,
  addAll,
  clip,
  constant,
  conv,
  convTranspose,
  div,
  equal,
  gather,
  gridSample,
  input,
  mask,
  matmul,
  max,
  meanAll,
  mul,
  reduceMax,
  reduceMean,
  reduceSum,
  reshape,
  slice,
  sqrt,
  square,
  sub,
  transposeMatrix,
} from '../graph/build';
import { gradient } from '../graph/gradient';
import { adamStep } from '../graph/optimise';
import { gradientScale } from '../graph/half-model';
import type { Value } from '../graph/value';
import { cosineMatrix, highest, lucidPalette } from './picture';

/** What a dream raises: a layer, or an inclusive range of its channels, with a weight. */
export type DreamObjective = {
  readonly layer: string;
  readonly channels?: readonly [number, number];
  readonly weight: number;
};

export type DreamStepOptions = {
  readonly width: number;
  readonly height: number;
  readonly objectives: readonly DreamObjective[];
  readonly smoothing: 'laplacian' | 'none' | 'blur';
  /** Keep the coarsest level of the Laplacian split: large areas change colour too. */
  readonly keepLowest: boolean;
  /** What is changed: pixels, or frequencies in decorrelated colours (Olah et al., Feature Visualization, 2017). */
  readonly picture: 'pixels' | 'fourier';
  /** The net looks through a small random turn and enlargement at each step: what survives that is no noise. */
  readonly robust: boolean;
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

/**
 * Power of the levels of the Laplacian split, the finest first. Evenly weighted (as in TensorFlow's notebook), the two
 * finest lay a grid of dots, two and four pixels apart, over everything flat: what a strided net says about an area
 * without features is the pattern of its strides. Halved and less, the dots are gone (a third of the power above a
 * quarter of a cycle, on a sky at 1280x720) and forms are drawn with longer lines.
 */
const levelPower = [0.15, 0.6, 1, 1] as const;
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
  // Mean instead of sum, so that layers of unlike size can be weighted against each other; only the direction of the sum
  // counts, and half precision needs it large.
  return mul(seed, (objective.weight * gradientScale) / (layer.dims[1] * layer.dims[2] * layer.dims[3]));
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

/** Every level of a Laplacian pyramid brought to its share of power, then put together again (TensorFlow's deepdream notebook). */
function evenLevels(g: Value, keepLowest: boolean, level = 0): Value {
  const even = (part: Value, power: number) => mul(div(part, max(sqrt(meanAll(square(part))), tiny)), power);
  const [, , height, width] = g.dims;
  if (level === levelPower.length || height < 5 || width < 5) return keepLowest ? even(g, 1) : mul(g, 0);
  const low = conv(g, binomial(1), undefined, { strides: 2, pads: [2, 2, 2, 2], group: 3 });
  const high = sub(g, expandLevel(low, height, width));
  return add(expandLevel(evenLevels(low, keepLowest, level + 1), height, width), even(high, levelPower[level]));
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

/** Reads and undoes one step's view of the picture: a shift, or a turn and an enlargement. */
type View = { see(image: Value): Value; back(g: Value): Value };

/**
 * Inputs that say how each step looks at the picture. Shifts are indices (int64 [steps, H] and [steps, W]): rows,
 * columns, rowsBack, columnsBack, so that the picture is rolled on the device. A robust view is a grid of positions and
 * its inverse [steps, H, W, 2]: as good as the gradient of the fetching, because turns and small enlargements nearly
 * keep distances.
 */
function viewInputs({ width, height, steps, robust }: DreamStepOptions): (step: number) => View {
  if (robust) {
    const [grid, gridBack] = ['grid', 'gridBack'].map(name => input(name, [steps, height, width, 2]));
    return step => ({
      see: image => gridSample(image, slice(grid, 0, step, step + 1), { padding: 'border', alignCorners: true }),
      back: g => gridSample(g, slice(gridBack, 0, step, step + 1), { alignCorners: true }),
    });
  }
  const indices = (name: string, length: number) => input(name, [steps, length], 'int64');
  const [rows, columns] = [indices('rows', height), indices('columns', width)];
  const [rowsBack, columnsBack] = [indices('rowsBack', height), indices('columnsBack', width)];
  return step => {
    const at = (table: Value) => reshape(slice(table, 0, step, step + 1), [table.dims[1]]);
    return {
      see: image => gather(gather(image, at(rows), 2), at(columns), 3),
      back: g => gather(gather(g, at(rowsBack), 2), at(columnsBack), 3),
    };
  };
}

/** What the objectives want of the picture, before it is smoothed. */
function wishes(net: DreamNet, seen: Value, options: DreamStepOptions, guides: Value[]): Value {
  const layers = net(seen, [...new Set(options.objectives.map(objective => objective.layer))]);
  const gradients = options.objectives.map((objective, index) => {
    const layer = layers.get(objective.layer) as Value;
    if (options.guided) guides[index] ??= input(guideInput(index), [layer.dims[1], guidePositions]);
    return gradient(layer, [seen], pull(layer, objective, options, guides[index]))[0];
  });
  return addAll(gradients);
}

/** The picture on its way from step to step; frequencies carry what Adam needs. */
type Progress = {
  readonly image: Value;
  readonly z?: Value;
  readonly m?: Value;
  readonly v?: Value;
  readonly done?: Value;
};

/** |x| in ops that every provider has. */
const magnitude = (x: Value): Value => max(x, mul(x, -1));

/**
 * Frequencies of the cosine transform in decorrelated colours, in place of pixels. Amplitudes fall with frequency as
 * they do in natural pictures, so one step of Adam moves large forms as readily as fine ones; one unit of every
 * frequency changes a pixel by one on average.
 */
function frequencies({ width, height, keepLowest }: DreamStepOptions) {
  const gain = new Float32Array(width * height);
  // Longer waves than a third of the picture are its light, which is not dreamt away unless that is wanted.
  const light = keepLowest ? 0 : 3 / Math.min(width, height);
  const lowest = 1 / Math.max(width, height);
  let power = 0;
  for (let k = 0; k < height; k++)
    for (let l = 0; l < width; l++) {
      const frequency = Math.max(lowest, Math.hypot(k / (2 * height), l / (2 * width)));
      const value = frequency / (frequency ** 2 + light ** 2) / (1 + (frequency / highest) ** 8);
      gain[k * width + l] = value;
      power += value ** 2;
    }
  const scale = Math.sqrt((width * height) / power);
  const gains = constant(
    gain.map(value => value * scale),
    [1, 1, height, width],
  );
  const norm = Math.sqrt(3) / Math.hypot(...lucidPalette.flat());
  const palette = lucidPalette.map(row => row.map(value => value * norm));
  const paint = constant(Float32Array.from(palette.flat()), [3, 3, 1, 1]);
  const unpaint = constant(Float32Array.from([0, 1, 2].flatMap(c => palette.map(row => row[c]))), [3, 3, 1, 1]);
  const [tall, wide] = [
    constant(cosineMatrix(height), [height, height]),
    constant(cosineMatrix(width), [width, width]),
  ];
  return {
    toPixels: (z: Value) => conv(matmul(matmul(tall, mul(z, gains)), transposeMatrix(wide)), paint),
    /** Transposed, for gradients. */
    toFrequencies: (g: Value) => mul(matmul(matmul(transposeMatrix(tall), conv(g, unpaint)), wide), gains),
  };
}

/** Inputs of what moves the picture, and the rule by which a gradient does. */
function mover(options: DreamStepOptions): { begin: Progress; move(from: Progress, g: Value): Progress } {
  const { width, height } = options;
  const planes = (name: string) => input(name, [1, 3, height, width]);
  const [image, free, step] = [planes('image'), input('free', [1, 1, height, width]), input('step', [])];
  const unit = (g: Value) => div(g, max(meanAll(magnitude(g)), tiny));
  if (options.picture === 'pixels') {
    return {
      begin: { image },
      move: (from, g) => ({ image: clip(add(from.image, mul(free, mul(unit(smoothed(g, options)), step))), 0, 1) }),
    };
  }
  const { toPixels, toFrequencies } = frequencies(options);
  const base = planes('base');
  return {
    begin: { image, z: planes('z'), m: planes('m'), v: planes('v'), done: input('done', []) },
    move(from, g) {
      const done = add(from.done as Value, 1);
      const ascent = mul(toFrequencies(unit(g)), -1);
      const {
        x: z,
        m,
        v,
      } = adamStep(from.z as Value, ascent, { m: from.m as Value, v: from.v as Value }, done, { rate: step });
      return { image: clip(add(base, mul(free, toPixels(z))), 0, 1), z, m, v, done };
    },
  };
}

function outputsOf(progress: Progress): Record<string, Value> {
  return Object.fromEntries(Object.entries(progress).map(([name, value]) => [`${name}.next`, value]));
}

/**
 * Gradient ascent on what a net sees (Mordvintsev et al., DeepDream, 2015) as outputs of a graph. Inputs:
 *   image [1, 3, H, W]; free [1, 1, H, W], how much each pixel may change; step [], mean change per step (1 = full range);
 *   the view of each step (`viewInputs`); guide.<objective> [C, positions] when guided;
 *   base, z, m, v [1, 3, H, W] and done [] when frequencies are moved: the picture before, and what Adam carries.
 * Outputs: `image.next`, and of frequencies `z.next`, `m.next`, `v.next`, `done.next`.
 */
export function dreamStep(net: DreamNet, options: DreamStepOptions): Readonly<Record<string, Value>> {
  const viewOf = viewInputs(options);
  const { begin, move } = mover(options);
  const guides: Value[] = [];
  let progress = begin;
  for (let i = 0; i < options.steps; i++) {
    const view = viewOf(i);
    progress = move(progress, view.back(wishes(net, view.see(progress.image), options, guides)));
  }
  return outputsOf(progress);
}

/** The first half of a step for one tile of a large picture: `gradient`, of the tile's size. */
export function dreamTile(net: DreamNet, options: DreamStepOptions): Readonly<Record<string, Value>> {
  const view = viewInputs({ ...options, steps: 1 })(0);
  const image = input('image', [1, 3, options.height, options.width]);
  return { gradient: view.back(wishes(net, view.see(image), options, [])) };
}

/** The second half, for the whole picture: takes `gradient` [1, 3, H, W], put together from tiles. */
export function dreamMove(options: DreamStepOptions): Readonly<Record<string, Value>> {
  const { begin, move } = mover(options);
  return outputsOf(move(begin, input('gradient', [1, 3, options.height, options.width])));
}
