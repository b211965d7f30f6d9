import { number, numbers } from '../shapes';
import { broadcast, stridesOf, walk } from './tensor64';
import type { Evaluator } from './tensor64';

export const evaluateCopy: Evaluator = ([x]) => x.data;

export const evaluateTranspose: Evaluator = ([x], y) => {
  const own = stridesOf(x.dims);
  const out = new Float64Array(x.data.length);
  walk(
    y.dims,
    numbers(y.attrs, 'perm').map(axis => own[axis]),
    0,
    (at, offset) => {
      out[at] = x.data[offset];
    },
  );
  return out;
};

export const evaluateConcat: Evaluator = (inputs, y) => {
  const axis = number(y.attrs, 'axis');
  const inner = y.dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const outer = y.dims.slice(0, axis).reduce((product, dim) => product * dim, 1);
  const out = new Float64Array(outer * y.dims[axis] * inner);
  let at = 0;
  for (let block = 0; block < outer; block++) {
    for (const x of inputs) {
      const run = x.dims[axis] * inner;
      out.set(x.data.subarray(block * run, (block + 1) * run), at);
      at += run;
    }
  }
  return out;
};

export const evaluateSlice: Evaluator = ([x], y) => {
  const own = stridesOf(x.dims);
  const starts = numbers(y.attrs, 'starts');
  const steps = numbers(y.attrs, 'steps');
  const out = new Float64Array(y.dims.reduce((product, dim) => product * dim, 1));
  const start = starts.reduce((sum, each, axis) => sum + each * own[axis], 0);
  walk(
    y.dims,
    own.map((stride, axis) => stride * steps[axis]),
    start,
    (at, offset) => {
      out[at] = x.data[offset];
    },
  );
  return out;
};

export const evaluatePad: Evaluator = ([x], y) => {
  const pads = numbers(y.attrs, 'pads');
  const own = stridesOf(x.dims);
  const out = new Float64Array(y.dims.reduce((product, dim) => product * dim, 1));
  /** For each axis and position: the position that is copied, or -1. */
  const sources = y.dims.map((dim, axis) =>
    Array.from({ length: dim }, (_, position) => {
      const at = position - pads[axis];
      const size = x.dims[axis];
      if (at >= 0 && at < size) return at;
      if (y.attrs.mode === 'constant') return -1;
      if (y.attrs.mode === 'edge') return at < 0 ? 0 : size - 1;
      return at < 0 ? -at : 2 * (size - 1) - at;
    }),
  );
  const position = new Array<number>(y.dims.length).fill(0);
  for (let at = 0; at < out.length; at++) {
    let offset = 0;
    let inside = true;
    for (let axis = 0; axis < position.length; axis++) {
      const source = sources[axis][position[axis]];
      if (source < 0) inside = false;
      offset += source * own[axis];
    }
    out[at] = inside ? x.data[offset] : number(y.attrs, 'value');
    for (let axis = position.length - 1; axis >= 0; axis--) {
      if (++position[axis] < y.dims[axis]) break;
      position[axis] = 0;
    }
  }
  return out;
};

export const evaluateExpand: Evaluator = ([x], y) => broadcast(x, y.dims);

export const evaluateGather: Evaluator = ([x, indices], y) => {
  const axis = number(y.attrs, 'axis');
  const size = x.dims[axis];
  const inner = x.dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const outer = x.dims.slice(0, axis).reduce((product, dim) => product * dim, 1);
  const out = new Float64Array(outer * indices.data.length * inner);
  let at = 0;
  for (let block = 0; block < outer; block++) {
    for (const index of indices.data) {
      const row = index < 0 ? index + size : index;
      if (row < 0 || row >= size) throw new RangeError(`index ${index} of ${size} rows`);
      out.set(x.data.subarray((block * size + row) * inner, (block * size + row + 1) * inner), at);
      at += inner;
    }
  }
  return out;
};

export const evaluateDepthToSpace: Evaluator = ([x], y) => {
  const b = number(y.attrs, 'blocksize');
  const dcr = y.attrs.mode === 'DCR';
  const [n, c, height, width] = y.dims;
  const [, deep, h, w] = x.dims;
  const out = new Float64Array(x.data.length);
  let at = 0;
  for (let i = 0; i < n; i++) {
    for (let channel = 0; channel < c; channel++) {
      for (let row = 0; row < height; row++) {
        for (let column = 0; column < width; column++) {
          const phase = (row % b) * b + (column % b);
          const from = dcr ? phase * c + channel : channel * b * b + phase;
          out[at++] = x.data[((i * deep + from) * h + Math.floor(row / b)) * w + Math.floor(column / b)];
        }
      }
    }
  }
  return out;
};
