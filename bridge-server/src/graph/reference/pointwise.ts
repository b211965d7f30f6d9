import { number } from '../shapes';
import type { TensorType } from '../../frame/tensor';
import { broadcast, stridesOf } from './tensor64';
import type { Evaluator } from './tensor64';

export const unary =
  (f: (x: number) => number): Evaluator =>
  ([x]) =>
    x.data.map(f);

/** For ops with attributes: `make` reads them once. */
export const unaryWith =
  (make: (attr: (key: string) => number) => (x: number) => number): Evaluator =>
  ([x], y) =>
    x.data.map(make(key => number(y.attrs, key)));

export const binary =
  (f: (a: number, b: number) => number): Evaluator =>
  ([a, b], y) => {
    const [left, right] = [broadcast(a, y.dims), broadcast(b, y.dims)];
    return left.map((value, at) => f(value, right[at]));
  };

/** Whole numbers divide toward 0, as in ONNX. */
export const evaluateDiv: Evaluator = (inputs, y) =>
  binary(
    y.type === 'int32' || y.type === 'int64' || y.type === 'uint8' ? (a, b) => Math.trunc(a / b) : (a, b) => a / b,
  )(inputs, y);

export const evaluateWhere: Evaluator = ([condition, a, b], y) => {
  const [choice, left, right] = [condition, a, b].map(each => broadcast(each, y.dims));
  return choice.map((chosen, at) => (chosen !== 0 ? left[at] : right[at]));
};

export const evaluateCast: Evaluator = ([x], y) => {
  const to = y.attrs.to as TensorType;
  if (to === 'bool') return x.data.map(value => (value !== 0 ? 1 : 0));
  return to === 'float32' || to === 'float16' ? x.data : x.data.map(Math.trunc);
};

/** Halves go to the even neighbour, as in ONNX. */
export function roundHalfEven(x: number): number {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}

/** erf by its series up to 3, by the continued fraction of erfc beyond: exact to about 1e-15. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 3) {
    let term = a;
    let sum = a;
    for (let n = 1; n < 200 && Math.abs(term) > 1e-18 * sum; n++) {
      term *= (-a * a) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + fraction)));
}

export const evaluateSoftmax: Evaluator = ([x], y) => {
  const axis = number(y.attrs, 'axis');
  const size = y.dims[axis];
  const step = stridesOf(y.dims)[axis];
  const out = new Float64Array(x.data.length);
  for (let block = 0; block < x.data.length; block += size * step) {
    for (let start = block; start < block + step; start++) {
      let highest = -Infinity;
      for (let i = 0; i < size; i++) highest = Math.max(highest, x.data[start + i * step]);
      let sum = 0;
      for (let i = 0; i < size; i++) sum += out[start + i * step] = Math.exp(x.data[start + i * step] - highest);
      for (let i = 0; i < size; i++) out[start + i * step] /= sum;
    }
  }
  return out;
};

export const evaluateCumSum: Evaluator = ([x], y) => {
  const axis = number(y.attrs, 'axis');
  const reverse = number(y.attrs, 'reverse') === 1;
  const size = y.dims[axis];
  const step = stridesOf(y.dims)[axis];
  const out = Float64Array.from(x.data);
  for (let at = 0; at < out.length; at++) {
    const from = reverse ? out.length - 1 - at : at;
    const place = Math.floor(from / step) % size;
    if (reverse ? place < size - 1 : place > 0) out[from] += out[from + (reverse ? step : -step)];
  }
  return out;
};
