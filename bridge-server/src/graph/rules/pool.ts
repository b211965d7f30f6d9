import {
  addAll,
  averagePool,
  concat,
  constant,
  convTranspose,
  div,
  equal,
  expand,
  mask,
  maxPool,
  mul,
  padPlanes,
  reshape,
  resizeNearest,
  slice,
  sub,
  where,
  zeros,
} from '../build';
import { pixelsInWindow } from '../build/convolve';
import { number, numbers } from '../shapes';
import type { Value } from '../value';
import type { GradientRule } from './rule';

/** Lower than any activation, and finite in float32: padding that never wins a maximum. */
const never = 3e38;

type Window = {
  kh: number;
  kw: number;
  sy: number;
  sx: number;
  top: number;
  left: number;
  bottom: number;
  right: number;
};

function windowOf(y: Value): Window {
  const [kh, kw] = numbers(y.attrs, 'kernel_shape');
  const [sy, sx] = numbers(y.attrs, 'strides');
  const [top, left, bottom, right] = numbers(y.attrs, 'pads');
  return { kh, kw, sy, sx, top, left, bottom, right };
}

/** Crops or pads the two last axes at their ends to `height` x `width`. */
function fitEnd(x: Value, height: number, width: number, value = 0): Value {
  return padPlanes(x, 0, 0, height - x.dims[2], width - x.dims[3], 'constant', value);
}

const isTiling = (w: Window): boolean => w.kh === w.sy && w.kw === w.sx && w.top === 0 && w.left === 0;

const upscale = (x: Value, w: Window): Value => resizeNearest(x, x.dims[2] * w.sy, x.dims[3] * w.sx);

/**
 * Windows are compared with their maximum: index outputs are refused or wrong on some providers. Where several elements
 * of a window equal it, its gradient is handed out once, not to each of them. Equal maxima are common: a pool of
 * overlapping windows repeats one maximum, and the next pool meets it several times; flat areas of a picture are equal.
 */
export const maxPoolGradient: GradientRule = (g, y) => {
  const [x] = y.inputs;
  const w = windowOf(y);
  if (isTiling(w)) return [tilingMaxGradient(g, y, x, w)];
  // A maximum over a rectangle is one over rows, then over columns: 2 k comparisons instead of k^2.
  const inRows = maxPool(x, [1, w.kw], {
    strides: [1, w.sx],
    pads: [0, w.left, 0, w.right],
    ceil: number(y.attrs, 'ceil_mode') === 1,
  });
  const towardRows = axisMaxGradient(g, y, inRows, { axis: 2, kernel: w.kh, stride: w.sy, before: w.top });
  return [axisMaxGradient(towardRows, inRows, x, { axis: 3, kernel: w.kw, stride: w.sx, before: w.left })];
};

/** Windows side by side: repeated to the picture's size; equal maxima share. */
function tilingMaxGradient(g: Value, y: Value, x: Value, w: Window): Value {
  const [oh, ow] = y.dims.slice(2);
  const [height, width] = [Math.min(x.dims[2], oh * w.sy), Math.min(x.dims[3], ow * w.sx)];
  const hits = mask(equal(fitEnd(x, height, width), fitEnd(upscale(y, w), height, width)), g);
  const hitsPerPixel = averagePool(fitEnd(hits, oh * w.sy, ow * w.sx), [w.kh, w.kw]);
  const shares = div(mul(g, 1 / (w.kh * w.kw)), hitsPerPixel);
  return fitEnd(mul(hits, fitEnd(upscale(shares, w), height, width)), x.dims[2], x.dims[3]);
}

type AxisWindow = { readonly axis: 2 | 3; readonly kernel: number; readonly stride: number; readonly before: number };

/**
 * One axis of a pool. Each position of the window takes what is left of the gradient where it holds the maximum; the
 * parts are shifted to where they belong, summed by phase of the stride, and the phases woven together.
 */
function axisMaxGradient(g: Value, y: Value, x: Value, { axis, kernel, stride, before }: AxisWindow): Value {
  const [size, count] = [x.dims[axis], y.dims[axis]];
  const reach = Math.ceil(kernel / stride) - 1;
  const room = Math.max((count + reach) * stride, before + size);
  const padAxis = (value: Value, start: number, end: number, filler = 0) =>
    axis === 2
      ? padPlanes(value, start, 0, end, 0, 'constant', filler)
      : padPlanes(value, 0, start, 0, end, 'constant', filler);
  const padded = padAxis(x, before, room - size - before, -never);
  const phases: Value[][] = Array.from({ length: stride }, () => []);
  let rest = g;
  for (let position = 0; position < kernel; position++) {
    const part = slice(padded, axis, position, position + stride * (count - 1) + 1, stride);
    const isLast = position === kernel - 1;
    const taken = isLast ? rest : where(equal(part, y), rest, 0);
    if (!isLast) rest = sub(rest, taken);
    const shift = Math.floor(position / stride);
    phases[position % stride].push(padAxis(taken, shift, reach - shift));
  }
  const empty = zeros(
    x.dims.map((dim, at) => (at === axis ? count + reach : dim)),
    g.type,
  );
  const woven = interleave(
    phases.map(parts => (parts.length === 0 ? empty : addAll(parts))),
    axis,
  );
  return padAxis(woven, -before, size + before - woven.dims[axis]);
}

/** Elements of several values in turn along one axis: Concat and Reshape, ten times as fast as DepthToSpace on a CPU. */
function interleave(parts: readonly Value[], axis: number): Value {
  if (parts.length === 1) return parts[0];
  const { dims } = parts[0];
  const apart = parts.map(part => reshape(part, [...dims.slice(0, axis + 1), 1, ...dims.slice(axis + 1)]));
  return reshape(
    concat(apart, axis + 1),
    dims.map((dim, at) => (at === axis ? dim * parts.length : dim)),
  );
}

/** Every pixel of a window gets its share; overlapping windows add up. */
export const averagePoolGradient: GradientRule = (g, y) => {
  const [x] = y.inputs;
  const w = windowOf(y);
  const [height, width] = x.dims.slice(2);
  const shares = mul(g, windowShares(y, w));
  if (isTiling(w)) {
    const covered = upscale(shares, w);
    return [fitEnd(covered, height, width)];
  }
  const area = w.kh * w.kw;
  if (w.sy === 1 && w.sx === 1) {
    const pads = [w.kh - 1 - w.top, w.kw - 1 - w.left, w.kh - 1 - w.bottom, w.kw - 1 - w.right] as const;
    return [mul(averagePool(shares, [w.kh, w.kw], { strides: 1, pads, countPad: true }), area)];
  }
  const channels = x.dims[1];
  const ones = constant(new Float32Array(channels * area).fill(1), [channels, 1, w.kh, w.kw]);
  const spread = convTranspose(shares, ones, undefined, { strides: [w.sy, w.sx], group: channels });
  const padded = fitEnd(spread, w.top + height, w.left + width);
  return [padPlanes(padded, -w.top, -w.left, 0, 0)];
};

/** One over the number of pixels that each window's mean divides by: one number, or [1, 1, oh, ow] where they differ. */
function windowShares(y: Value, w: Window): Value | number {
  const [, , height, width] = y.inputs[0].dims;
  const countPad = number(y.attrs, 'count_include_pad') === 1;
  const [oh, ow] = y.dims.slice(2);
  const along = (
    count: number,
    size: number,
    kernel: number,
    stride: number,
    before: number,
    after: number,
  ): number[] =>
    Array.from({ length: count }, (_, at) => pixelsInWindow(at, size, kernel, stride, before, after, countPad));
  const rows = along(oh, height, w.kh, w.sy, w.top, w.bottom);
  const columns = along(ow, width, w.kw, w.sx, w.left, w.right);
  if (rows.every(each => each === rows[0]) && columns.every(each => each === columns[0]))
    return 1 / (rows[0] * columns[0]);
  return constant(
    rows.flatMap(row => columns.map(column => 1 / (row * column))),
    [1, 1, oh, ow],
  );
}

export const globalAveragePoolGradient: GradientRule = (g, y) => {
  const [x] = y.inputs;
  return [expand(mul(g, 1 / (x.dims[2] * x.dims[3])), x.dims)];
};
