import {
  concat,
  conv,
  convTranspose,
  constant,
  gather,
  matmul,
  mul,
  padPlanes,
  reduceSum,
  reshape,
  sliceAxes,
  transpose,
  transposeMatrix,
} from '../build';
import { number, numbers } from '../shapes';
import { isConstant } from '../value';
import type { Value } from '../value';
import type { GradientRule } from './rule';

type Quad = [number, number, number, number];
type Two = [number, number];

/**
 * Toward the picture: stride 1 is a convolution with the kernel turned by 180 degrees and its channels exchanged
 * (41 ms where ConvTranspose takes 72: 128 channels at 96x160, CPU); a larger stride is ConvTranspose with the very
 * same weights, whose `output_padding` covers the rows that no window reached.
 */
export const convGradient: GradientRule = (g, y, needs) => {
  const [x, w, b] = y.inputs;
  const strides = numbers(y.attrs, 'strides') as Two;
  const dilations = numbers(y.attrs, 'dilations') as Two;
  const pads = numbers(y.attrs, 'pads') as Quad;
  const group = number(y.attrs, 'group');
  return [
    needs(0) ? towardPicture(g, x, w, strides, dilations, pads, group) : undefined,
    needs(1) ? towardWeights(g, x, w, strides, dilations, pads, group) : undefined,
    b !== undefined && needs(2) ? reduceSum(g, { axes: [0, 2, 3], keepDims: false }) : undefined,
  ];
};

function towardPicture(g: Value, x: Value, w: Value, strides: Two, dilations: Two, pads: Quad, group: number): Value {
  const [kh, kw] = w.dims.slice(2);
  const reachY = dilations[0] * (kh - 1);
  const reachX = dilations[1] * (kw - 1);
  const turned: Quad = [reachY - pads[0], reachX - pads[1], reachY - pads[2], reachX - pads[3]];
  if (strides.every(stride => stride === 1) && turned.every(each => each >= 0)) {
    return conv(g, turnedWeights(w, group), undefined, { pads: turned, dilations, group });
  }
  const [h, width] = x.dims.slice(2);
  const outputPadding: Two = [
    h + pads[0] + pads[2] - reachY - 1 - strides[0] * (g.dims[2] - 1),
    width + pads[1] + pads[3] - reachX - 1 - strides[1] * (g.dims[3] - 1),
  ];
  return convTranspose(g, w, undefined, { strides, dilations, pads, group, outputPadding });
}

const turnedConstants = new WeakMap<Value, Map<number, Value>>();

/** [O, I / group, kh, kw] -> [I, O / group, kh, kw], every kernel turned by 180 degrees; computed at once for constants. */
export function turnedWeights(w: Value, group: number): Value {
  const [out, perGroup, kh, kw] = w.dims;
  if (isConstant(w) && w.type === 'float32') {
    const known = turnedConstants.get(w) ?? new Map<number, Value>();
    turnedConstants.set(w, known);
    const turned = known.get(group) ?? turnConstant(w, w.data as Float32Array, group);
    known.set(group, turned);
    return turned;
  }
  const area = kh * kw;
  const turned =
    area === 1
      ? w
      : gather(
          reshape(w, [out, perGroup, area]),
          Array.from({ length: area }, (_, at) => area - 1 - at),
          2,
        );
  const grouped = reshape(turned, [group, out / group, perGroup, kh, kw]);
  return reshape(transpose(grouped, [0, 2, 1, 3, 4]), [group * perGroup, out / group, kh, kw]);
}

function turnConstant(w: Value, data: Float32Array, group: number): Value {
  const [out, perGroup, kh, kw] = w.dims;
  const outPerGroup = out / group;
  const area = kh * kw;
  const turned = new Float32Array(data.length);
  for (let o = 0; o < out; o++) {
    const block = Math.floor(o / outPerGroup);
    for (let i = 0; i < perGroup; i++) {
      const from = (o * perGroup + i) * area;
      const to = ((block * perGroup + i) * outPerGroup + (o % outPerGroup)) * area;
      for (let k = 0; k < area; k++) turned[to + k] = data[from + area - 1 - k];
    }
  }
  const half = w.attrs.storage === 'float16' ? { storage: 'float16' as const } : {};
  return constant(turned, [group * perGroup, outPerGroup, kh, kw], half);
}

/** Below so many input channels the taps are joined for one product: a matrix of three columns would be slow alone. */
const fewChannels = 16;

/**
 * One matrix product per kernel position between the gradient and the picture shifted by that position: full-size
 * products on every provider, where a convolution with a picture-sized kernel would be slow or refused.
 */
function towardWeights(g: Value, x: Value, w: Value, strides: Two, dilations: Two, pads: Quad, group: number): Value {
  const [out, perGroup, kh, kw] = w.dims;
  const [n, , oh, ow] = g.dims;
  const pixels = oh * ow;
  const padded = padPlanes(x, ...pads);
  const rows = reshape(g, [n, group, out / group, pixels]);
  const taps: Value[] = [];
  for (let ky = 0; ky < kh; ky++) {
    for (let kx = 0; kx < kw; kx++) {
      const [y0, x0] = [ky * dilations[0], kx * dilations[1]];
      const tap = sliceAxes(padded, [
        { axis: 2, start: y0, end: y0 + strides[0] * (oh - 1) + 1, step: strides[0] },
        { axis: 3, start: x0, end: x0 + strides[1] * (ow - 1) + 1, step: strides[1] },
      ]);
      taps.push(reshape(tap, [n, group, perGroup, pixels]));
    }
  }
  const product = (tap: Value): Value =>
    perGroup === 1 && out === group
      ? reduceSum(mul(rows, tap), { axes: [0, 3], keepDims: false })
      : reduceSum(matmul(rows, transposeMatrix(tap)), { axes: [0], keepDims: false });
  if (perGroup * group < fewChannels && group === 1) {
    // [group, O / group, taps x I] -> [O, taps, I] -> [O, I, taps]
    const joined = product(concat(taps, 2));
    return reshape(transpose(reshape(joined, [out, kh * kw, perGroup]), [0, 2, 1]), w.dims);
  }
  const each = taps.map(tap => reshape(product(tap), [1, out * perGroup]));
  return reshape(transpose(concat(each, 0), [1, 0]), w.dims);
}

/** Toward the picture: the convolution of which this op is the transpose, with the same weights. */
export const convTransposeGradient: GradientRule = (g, y, needs) => {
  const [x, w, b] = y.inputs;
  const strides = numbers(y.attrs, 'strides') as Two;
  const dilations = numbers(y.attrs, 'dilations') as Two;
  const pads = numbers(y.attrs, 'pads') as Quad;
  const group = number(y.attrs, 'group');
  const fit = (value: Value): Value =>
    sliceAxes(value, [
      { axis: 2, start: 0, end: x.dims[2] },
      { axis: 3, start: 0, end: x.dims[3] },
    ]);
  return [
    needs(0) ? fit(conv(g, w, undefined, { strides, dilations, pads, group })) : undefined,
    needs(1) ? towardWeights(x, g, w, strides, dilations, pads, group) : undefined,
    b !== undefined && needs(2) ? reduceSum(g, { axes: [0, 2, 3], keepDims: false }) : undefined,
  ];
};
