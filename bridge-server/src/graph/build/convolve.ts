import { dimsText, isConstant, mismatch } from '../value';
import type { Value } from '../value';
import { constant, constantNumbers, node } from './node';
import { add, div, mul, sqrt, sub } from './pointwise';
import { reshape } from './arrange';

export type Pair = number | readonly [number, number];
export type ConvOptions = {
  readonly strides?: Pair;
  /** One number for all sides, or top, left, bottom, right. */
  readonly pads?: number | readonly [number, number, number, number];
  readonly dilations?: Pair;
  readonly group?: number;
};

export const pair = (value: Pair = 1): readonly number[] => (typeof value === 'number' ? [value, value] : [...value]);
export const sides = (value: ConvOptions['pads'] = 0): readonly number[] =>
  typeof value === 'number' ? [value, value, value, value] : [...value];

/** @param x [N, C, H, W]  @param w [O, C / group, kh, kw]  @param b [O] */
export function conv(x: Value, w: Value, b?: Value, options: ConvOptions = {}): Value {
  return node('Conv', b === undefined ? [x, w] : [x, w, b], {
    strides: pair(options.strides),
    pads: sides(options.pads),
    dilations: pair(options.dilations),
    group: options.group ?? 1,
  });
}

export type ConvTransposeOptions = ConvOptions & {
  /** Rows and columns added at the end, where the stride leaves the size open. */
  readonly outputPadding?: Pair;
};

/** @param x [N, C, H, W]  @param w [C, O / group, kh, kw]  @param b [O] */
export function convTranspose(x: Value, w: Value, b?: Value, options: ConvTransposeOptions = {}): Value {
  return node('ConvTranspose', b === undefined ? [x, w] : [x, w, b], {
    strides: pair(options.strides),
    pads: sides(options.pads),
    dilations: pair(options.dilations),
    group: options.group ?? 1,
    output_padding: pair(options.outputPadding ?? 0),
  });
}

export type PoolOptions = {
  /** Default: the kernel, so that windows do not overlap. */
  readonly strides?: Pair;
  readonly pads?: ConvOptions['pads'];
  /** Whether a last, incomplete window counts. */
  readonly ceil?: boolean;
};

export function maxPool(x: Value, kernel: Pair, options: PoolOptions = {}): Value {
  return node('MaxPool', [x], poolAttrs(kernel, options));
}

/** @param options.countPad whether padding counts as pixels in the mean; default false, as in ONNX */
export function averagePool(
  x: Value,
  kernel: Pair,
  options: PoolOptions & { readonly countPad?: boolean } = {},
): Value {
  return node('AveragePool', [x], { ...poolAttrs(kernel, options), count_include_pad: options.countPad ? 1 : 0 });
}

function poolAttrs(kernel: Pair, options: PoolOptions): Record<string, number | readonly number[]> {
  return {
    kernel_shape: pair(kernel),
    strides: pair(options.strides ?? kernel),
    pads: sides(options.pads),
    ceil_mode: options.ceil ? 1 : 0,
  };
}

/** By how many pixels along one axis the mean of window `at` divides: those inside the picture, or inside its padding too. */
export function pixelsInWindow(
  at: number,
  size: number,
  kernel: number,
  stride: number,
  before: number,
  after: number,
  countPad: boolean,
): number {
  const start = at * stride - before;
  const [low, high] = countPad ? [-before, size + after] : [0, size];
  return Math.min(start + kernel, high) - Math.max(start, low);
}

export const globalAveragePool = (x: Value): Value => node('GlobalAveragePool', [x]);

/** y = x / (bias + alpha / size * sum of x^2 over `size` neighbouring channels)^beta */
export function lrn(
  x: Value,
  options: { readonly size: number; readonly alpha?: number; readonly beta?: number; readonly bias?: number },
): Value {
  return node('LRN', [x], {
    size: options.size,
    alpha: options.alpha ?? 1e-4,
    beta: options.beta ?? 0.75,
    bias: options.bias ?? 1,
  });
}

/** @param scale [C]  @param bias [C] */
export function instanceNorm(x: Value, scale: Value, bias: Value, epsilon = 1e-5): Value {
  return node('InstanceNormalization', [x, scale, bias], { epsilon });
}

/**
 * Batch normalisation at inference: one factor and one offset per channel, which `simplify` folds into a Conv before it.
 * All parameters are [C].
 */
export function batchNorm(x: Value, scale: Value, bias: Value, mean: Value, variance: Value, epsilon = 1e-5): Value {
  const channels = x.dims[1];
  for (const each of [scale, bias, mean, variance]) {
    if (each.dims.length !== 1 || each.dims[0] !== channels)
      throw mismatch('BatchNormalization', `[${channels}]`, dimsText(each.dims));
  }
  const perChannel = [channels, ...x.dims.slice(2).map(() => 1)];
  if ([scale, bias, mean, variance].every(isConstant)) {
    const [s, b, m, v] = [scale, bias, mean, variance].map(constantNumbers);
    const factor = s.map((each, c) => each / Math.sqrt(v[c] + epsilon));
    const offset = b.map((each, c) => each - m[c] * factor[c]);
    return add(mul(x, constant(factor, perChannel)), constant(offset, perChannel));
  }
  const factor = div(scale, sqrt(add(variance, epsilon)));
  return add(mul(x, reshape(factor, perChannel)), reshape(sub(bias, mul(mean, factor)), perChannel));
}
