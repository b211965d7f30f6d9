import {
  addAll, averagePool, concat, constant, convTranspose, depthToSpace, equal, expand, mul, padPlanes, reshape, resizeNearest, sliceAxes, where, zeros,
} from '../build';
import { pixelsInWindow } from '../build/convolve';
import { number, numbers } from '../shapes';
import type { Value } from '../value';
import type { GradientRule } from './rule';

/** Lower and higher than any activation, and finite in float32: padding that never wins a maximum. */
const never = 3e38;

type Window = { kh: number; kw: number; sy: number; sx: number; top: number; left: number; bottom: number; right: number };

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
 * Windows are compared with their maximum (index outputs are refused or wrong on some providers); every element that
 * equals it takes the gradient. Ties after a ReLU are zeros, which its own mask removes.
 */
export const maxPoolGradient: GradientRule = (g, y) => {
  const [x] = y.inputs;
  const w = windowOf(y);
  if (isTiling(w)) {
    const covered = fitEnd(x, Math.min(x.dims[2], y.dims[2] * w.sy), Math.min(x.dims[3], y.dims[3] * w.sx));
    const [height, width] = covered.dims.slice(2);
    const chosen = equal(covered, fitEnd(upscale(y, w), height, width));
    return [fitEnd(where(chosen, fitEnd(upscale(g, w), height, width), 0), x.dims[2], x.dims[3])];
  }
  return [w.sy === 1 && w.sx === 1 ? slidingMaxGradient(g, y, x, w) : stridedMaxGradient(g, y, x, w)];
};

/** Stride 1: looks from each pixel at the windows that hold it. */
function slidingMaxGradient(g: Value, y: Value, x: Value, w: Window): Value {
  const [height, width] = x.dims.slice(2);
  const [before, beside] = [w.kh - 1 - w.top, w.kw - 1 - w.left];
  const [after, aside] = [height + w.kh - 1 - before - y.dims[2], width + w.kw - 1 - beside - y.dims[3]];
  const maxima = padPlanes(y, before, beside, after, aside, 'constant', never);
  const arriving = padPlanes(g, before, beside, after, aside);
  const parts: Value[] = [];
  for (let ky = 0; ky < w.kh; ky++) {
    for (let kx = 0; kx < w.kw; kx++) {
      const part = (of: Value) =>
        sliceAxes(of, [
          { axis: 2, start: ky, end: ky + height },
          { axis: 3, start: kx, end: kx + width },
        ]);
      parts.push(where(equal(x, part(maxima)), part(arriving), 0));
    }
  }
  return addAll(parts);
}

/** Larger strides: one strided slice per window position, summed by phase of the stride, phases woven by DepthToSpace. */
function stridedMaxGradient(g: Value, y: Value, x: Value, w: Window): Value {
  const [n, c, oh, ow] = y.dims;
  const [morey, morex] = [Math.ceil(w.kh / w.sy) - 1, Math.ceil(w.kw / w.sx) - 1];
  const [rows, columns] = [oh + morey, ow + morex];
  // Large enough that every phase has `rows` x `columns` pixels, and that every window lies inside.
  const [height, width] = [Math.max(rows * w.sy, w.top + x.dims[2]), Math.max(columns * w.sx, w.left + x.dims[3])];
  const padded = padPlanes(x, w.top, w.left, height - w.top - x.dims[2], width - w.left - x.dims[3], 'constant', -never);
  const contribution = (ky: number, kx: number): Value => {
    const part = sliceAxes(padded, [
      { axis: 2, start: ky, end: ky + w.sy * (oh - 1) + 1, step: w.sy },
      { axis: 3, start: kx, end: kx + w.sx * (ow - 1) + 1, step: w.sx },
    ]);
    const [my, mx] = [Math.floor(ky / w.sy), Math.floor(kx / w.sx)];
    return padPlanes(where(equal(part, y), g, 0), my, mx, morey - my, morex - mx);
  };
  const phase = (py: number, px: number): Value => {
    const parts: Value[] = [];
    for (let ky = py; ky < w.kh; ky += w.sy) for (let kx = px; kx < w.kw; kx += w.sx) parts.push(contribution(ky, kx));
    return parts.length === 0 ? zeros([n, c, rows, columns], g.type) : addAll(parts);
  };
  const woven = weave(w.sy, w.sx, phase);
  const inside = fitEnd(woven, height, width);
  return padPlanes(inside, -w.top, -w.left, x.dims[2] + w.top - height, x.dims[3] + w.left - width);
}

/** Phases (row, column) of a grid as one picture. DepthToSpace takes square blocks only; others go by Concat and Reshape. */
function weave(sy: number, sx: number, phase: (py: number, px: number) => Value): Value {
  if (sy === sx) {
    const phases = Array.from({ length: sy * sx }, (_, at) => phase(Math.floor(at / sx), at % sx));
    return sy === 1 ? phases[0] : depthToSpace(concat(phases, 1), sy);
  }
  const interleave = (parts: readonly Value[], axis: number): Value => {
    const { dims } = parts[0];
    const apart = parts.map(part => reshape(part, [...dims.slice(0, axis + 1), 1, ...dims.slice(axis + 1)]));
    return reshape(concat(apart, axis + 1), dims.map((dim, at) => (at === axis ? dim * parts.length : dim)));
  };
  return interleave(Array.from({ length: sy }, (_, py) => interleave(Array.from({ length: sx }, (__, px) => phase(py, px)), 3)), 2);
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
  const along = (count: number, size: number, kernel: number, stride: number, before: number, after: number): number[] =>
    Array.from({ length: count }, (_, at) => pixelsInWindow(at, size, kernel, stride, before, after, countPad));
  const rows = along(oh, height, w.kh, w.sy, w.top, w.bottom);
  const columns = along(ow, width, w.kw, w.sx, w.left, w.right);
  if (rows.every(each => each === rows[0]) && columns.every(each => each === columns[0])) return 1 / (rows[0] * columns[0]);
  return constant(rows.flatMap(row => columns.map(column => 1 / (row * column))), [1, 1, oh, ow]);
}

export const globalAveragePoolGradient: GradientRule = (g, y) => {
  const [x] = y.inputs;
  return [expand(mul(g, 1 / (x.dims[2] * x.dims[3])), x.dims)];
};
