import type { Value } from '../value';

/** What the reference evaluator computes with: every type as float64 (whole numbers are exact up to 2^53). */
export type Tensor64 = { readonly dims: readonly number[]; readonly data: Float64Array };

/** The plain meaning of one op; `y` has the attributes and the size of the result. */
export type Evaluator = (inputs: readonly Tensor64[], y: Value) => Float64Array;

/** How far one step along each axis moves in row-major data. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length).fill(1);
  for (let axis = dims.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * dims[axis + 1];
  return strides;
}

/** Calls `visit` for each element of `dims` in order, with the offset that `strides` and `start` give it. */
export function walk(
  dims: readonly number[],
  strides: readonly number[],
  start: number,
  visit: (at: number, offset: number) => void,
): void {
  const rank = dims.length;
  const count = dims.reduce((product, dim) => product * dim, 1);
  const position = new Array<number>(rank).fill(0);
  let offset = start;
  for (let at = 0; at < count; at++) {
    visit(at, offset);
    for (let axis = rank - 1; axis >= 0; axis--) {
      offset += strides[axis];
      if (++position[axis] < dims[axis]) break;
      offset -= strides[axis] * dims[axis];
      position[axis] = 0;
    }
  }
}

/** The strides by which `from` is read as if it had size `to`: 0 along repeated axes. */
export function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const own = stridesOf(from);
  const lead = to.length - from.length;
  return to.map((_, axis) => (axis < lead || from[axis - lead] === 1 ? 0 : own[axis - lead]));
}

/** `x` read at size `dims`. */
export function broadcast(x: Tensor64, dims: readonly number[]): Float64Array {
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (x.data.length === count) return x.data;
  const out = new Float64Array(count);
  walk(dims, broadcastStrides(x.dims, dims), 0, (at, offset) => {
    out[at] = x.data[offset];
  });
  return out;
}
