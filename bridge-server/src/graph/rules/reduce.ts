import { add, div, equal, expand, mask, matmul, mul, reshape, sumTo, transposeMatrix } from '../build';
import { countOf } from '../build/reduce';
import { numbers } from '../shapes';
import type { Value } from '../value';
import type { GradientRule } from './rule';

/** The reduced tensor with its lost axes as 1 again. */
function withAxes(reduced: Value, y: Value): Value {
  const axes = numbers(y.attrs, 'axes');
  return reshape(
    reduced,
    y.inputs[0].dims.map((dim, axis) => (axes.includes(axis) ? 1 : dim)),
  );
}

export const reduceSumGradient: GradientRule = (g, y) => [expand(withAxes(g, y), y.inputs[0].dims)];

export const reduceMeanGradient: GradientRule = (g, y) => {
  const [x] = y.inputs;
  return [expand(withAxes(mul(g, 1 / countOf(x.dims, numbers(y.attrs, 'axes'))), y), x.dims)];
};

/** Every element that equals the extreme takes the gradient. */
export const reduceExtremeGradient: GradientRule = (g, y) => {
  const [x] = y.inputs;
  return [mul(withAxes(g, y), mask(equal(x, withAxes(y, y)), g))];
};

/** Defined where no factor is 0. */
export const reduceProdGradient: GradientRule = (g, y) => [div(withAxes(mul(g, y), y), y.inputs[0])];

export const matMulGradient: GradientRule = (g, y, needs) => {
  const [a, b] = y.inputs;
  // A Gram matrix F F^T: (g + g^T) F, one product instead of two.
  if (isTransposeOf(b, a) && needs(0)) return [matmul(add(g, transposeMatrix(g)), a)];
  return [
    needs(0) ? sumTo(matmul(g, transposeMatrix(b)), a.dims) : undefined,
    needs(1) ? sumTo(matmul(transposeMatrix(a), g), b.dims) : undefined,
  ];
};

function isTransposeOf(b: Value, a: Value): boolean {
  if (b.op !== 'Transpose' || b.inputs[0] !== a) return false;
  const perm = numbers(b.attrs, 'perm');
  const rank = perm.length;
  return perm.every((axis, at) => axis === (at === rank - 2 ? rank - 1 : at === rank - 1 ? rank - 2 : at));
}
