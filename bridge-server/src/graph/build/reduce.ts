import { sizeOf } from '../../frame/tensor';
import { dimsText, mismatch, normaliseAxis, sameDims } from '../value';
import type { Value } from '../value';
import { reshape, transposeMatrix } from './arrange';
import { node } from './node';
import { div, mul, sqrt, square } from './pointwise';
import type { OpName } from '../shapes';

export type ReduceOptions = {
  /** All axes when absent. */
  readonly axes?: readonly number[];
  /** Whether reduced axes stay with size 1; default true, as in ONNX. */
  readonly keepDims?: boolean;
};

function reduce(op: OpName, x: Value, { axes, keepDims = true }: ReduceOptions): Value {
  const all = (axes ?? x.dims.map((_, axis) => axis)).map(axis => normaliseAxis(op, axis, x.dims.length));
  const sorted = [...new Set(all)].sort((a, b) => a - b);
  return sorted.length === 0 ? x : node(op, [x], { axes: sorted, keepdims: keepDims ? 1 : 0 });
}

export const reduceMean = (x: Value, options: ReduceOptions = {}): Value => reduce('ReduceMean', x, options);
export const reduceSum = (x: Value, options: ReduceOptions = {}): Value => reduce('ReduceSum', x, options);
export const reduceMax = (x: Value, options: ReduceOptions = {}): Value => reduce('ReduceMax', x, options);
export const reduceMin = (x: Value, options: ReduceOptions = {}): Value => reduce('ReduceMin', x, options);
export const reduceProd = (x: Value, options: ReduceOptions = {}): Value => reduce('ReduceProd', x, options);
export const reduceL2 = (x: Value, options: ReduceOptions = {}): Value => sqrt(reduceSum(square(x), options));

/** The mean of all elements, dimensions []. */
export const meanAll = (x: Value): Value => reduceMean(x, { keepDims: false });
/** The sum of all elements, dimensions []. */
export const sumAll = (x: Value): Value => reduceSum(x, { keepDims: false });

/** Running sums along one axis, from the end when `reverse`. */
export const cumSum = (x: Value, axis: number, reverse = false): Value =>
  node('CumSum', [x], { axis: normaliseAxis('CumSum', axis, x.dims.length), reverse: reverse ? 1 : 0 });

/** Batched: [..., M, K] x [..., K, N], the leading axes broadcast. */
export const matmul = (a: Value, b: Value): Value => node('MatMul', [a, b]);

/** F F^T / (H W) of features [1, C, H, W] -> [C, C]; both sides scaled alike, so that its gradient is one product. */
export function gram(features: Value): Value {
  const [n, c, h, w] = features.dims;
  if (features.dims.length !== 4 || n !== 1) throw mismatch('Gram', 'features [1, C, H, W]', dimsText(features.dims));
  const rows = mul(reshape(features, [c, h * w]), 1 / Math.sqrt(h * w));
  return matmul(rows, transposeMatrix(rows));
}

/** Sums what broadcasting had repeated, so that a gradient fits the value `dims` again. */
export function sumTo(x: Value, dims: readonly number[]): Value {
  if (sameDims(x.dims, dims)) return x;
  const lead = x.dims.length - dims.length;
  const axes = x.dims.flatMap((dim, axis) => (axis < lead || (dims[axis - lead] === 1 && dim !== 1) ? [axis] : []));
  const kept = axes.length === 0 ? x : reduceSum(x, { axes });
  return reshape(kept, dims);
}

/** A mean over some axes from a sum: exact for the sizes at hand. */
export const countOf = (dims: readonly number[], axes: readonly number[]): number =>
  sizeOf(axes.map(axis => dims[axis]));

/** x / |x|, over the given axes. */
export const normalise = (x: Value, options: ReduceOptions = {}): Value => div(x, reduceL2(x, options));
