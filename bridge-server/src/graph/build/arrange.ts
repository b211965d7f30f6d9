import { sizeOf } from '../../frame/tensor';
import { broadcastDims, dimsText, mismatch, normaliseAxis, sameDims } from '../value';
import type { Value } from '../value';
import { constant, int64s, node } from './node';

/** One size may be -1: whatever is left. @throws AppError SHAPE_MISMATCH */
export function reshape(x: Value, dims: readonly number[]): Value {
  const known = dims.filter(dim => dim !== -1).reduce((product, dim) => product * dim, 1);
  const shape = dims.map(dim => (dim === -1 ? sizeOf(x.dims) / known : dim));
  return sameDims(shape, x.dims) ? x : node('Reshape', [x], { shape });
}

export function transpose(x: Value, perm: readonly number[]): Value {
  return perm.every((axis, at) => axis === at) && perm.length === x.dims.length
    ? x
    : node('Transpose', [x], { perm: [...perm] });
}

/** The last two axes exchanged. */
export function transposeMatrix(x: Value): Value {
  const rank = x.dims.length;
  return transpose(x, [...Array(rank - 2).keys(), rank - 1, rank - 2]);
}

export function concat(values: readonly Value[], axis: number): Value {
  if (values.length === 0) throw mismatch('Concat', 'at least one value', 'none');
  return values.length === 1
    ? values[0]
    : node('Concat', values, { axis: normaliseAxis('Concat', axis, values[0].dims.length) });
}

/** Parts of the given sizes along `axis`, as slices. */
export function split(x: Value, sizes: readonly number[], axis: number): Value[] {
  const at = normaliseAxis('Split', axis, x.dims.length);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== x.dims[at]) throw mismatch('Split', `sizes that sum to ${x.dims[at]}`, dimsText(sizes));
  let start = 0;
  return sizes.map(size => {
    start += size;
    return slice(x, at, start - size, start);
  });
}

/** Elements `start` (counted from the end when negative) up to but not including `end` of one axis, every `step`-th. */
export function slice(x: Value, axis: number, start: number, end = Infinity, step = 1): Value {
  return sliceAxes(x, [{ axis, start, end, step }]);
}

export type AxisRange = { readonly axis: number; readonly start: number; readonly end: number; readonly step?: number };

/** ONNX's Slice: ends beyond an axis are cut to it, negative positions count from the end, steps may be negative. */
export function sliceAxes(x: Value, ranges: readonly AxisRange[]): Value {
  const starts = x.dims.map(() => 0);
  const steps = x.dims.map(() => 1);
  const sizes = [...x.dims];
  for (const { axis, start, end, step = 1 } of ranges) {
    const at = normaliseAxis('Slice', axis, x.dims.length);
    const dim = x.dims[at];
    if (step === 0 || Number.isNaN(start) || Number.isNaN(end))
      throw mismatch('Slice', 'a step other than 0', String(step));
    const place = (position: number, low: number, high: number) =>
      Math.min(Math.max(position < 0 ? position + dim : position, low), high);
    const from = step > 0 ? place(start, 0, dim) : place(start, 0, dim - 1);
    const to = step > 0 ? place(end, 0, dim) : place(end, -1, dim - 1);
    starts[at] = from;
    steps[at] = step;
    sizes[at] = Math.max(0, Math.ceil((to - from) / step));
    if (sizes[at] <= 1) steps[at] = 1;
    if (sizes[at] === 0) starts[at] = 0;
  }
  const whole = sameDims(sizes, x.dims) && steps.every(step => step === 1);
  return whole ? x : node('Slice', [x], { starts, steps, sizes });
}

export type PadMode = 'constant' | 'reflect' | 'edge';

/** @param pads before each axis, then after each axis; negative pads crop, as in ONNX */
export function pad(x: Value, pads: readonly number[], mode: PadMode = 'constant', value = 0): Value {
  const rank = x.dims.length;
  if (pads.length !== 2 * rank) throw mismatch('Pad', `${2 * rank} pads`, dimsText(pads));
  const cropped = sliceAxes(
    x,
    x.dims.map((dim, axis) => ({ axis, start: Math.max(0, -pads[axis]), end: dim + Math.min(0, pads[axis + rank]) })),
  );
  const positive = pads.map(each => Math.max(0, each));
  return positive.every(each => each === 0) ? cropped : node('Pad', [cropped], { pads: positive, mode, value });
}

/** Pads of the two last axes of [N, C, H, W]; negative ones crop. */
export function padPlanes(
  x: Value,
  top: number,
  left: number,
  bottom: number,
  right: number,
  mode: PadMode = 'constant',
  value = 0,
): Value {
  return pad(x, [0, 0, top, left, 0, 0, bottom, right], mode, value);
}

export function expand(x: Value, dims: readonly number[]): Value {
  const shape = broadcastDims('Expand', x.dims, dims);
  return sameDims(shape, x.dims) ? x : node('Expand', [x], { shape });
}

/** Rows of `axis` in the order of `indices` (an int64 tensor, or plain numbers; negative ones count from the end). */
export function gather(x: Value, indices: Value | readonly number[], axis = 0): Value {
  const at = normaliseAxis('Gather', axis, x.dims.length);
  return node('Gather', [x, Array.isArray(indices) ? int64s(indices as readonly number[]) : (indices as Value)], {
    axis: at,
  });
}

/** [N, C b b, H, W] -> [N, C, H b, W b]; `DCR` reads the channels as (row, column, C), `CRD` as (C, row, column). */
export function depthToSpace(x: Value, blocksize: number, mode: 'DCR' | 'CRD' = 'DCR'): Value {
  return node('DepthToSpace', [x], { blocksize, mode });
}

/** The inverse of `depthToSpace`, in ops that stay on the device everywhere (SpaceToDepth leaves it on WebGPU). */
export function spaceToDepth(x: Value, blocksize: number, mode: 'DCR' | 'CRD' = 'DCR'): Value {
  const [n, c, h, w] = x.dims;
  const b = blocksize;
  if (h % b !== 0 || w % b !== 0) throw mismatch('SpaceToDepth', `sides divisible by ${b}`, dimsText(x.dims));
  const blocks = reshape(x, [n, c, h / b, b, w / b, b]);
  return reshape(transpose(blocks, mode === 'DCR' ? [0, 3, 5, 1, 2, 4] : [0, 1, 3, 5, 2, 4]), [
    n,
    c * b * b,
    h / b,
    w / b,
  ]);
}

/** Ones and zeros [rows, columns]: 1 where `column(row)` says. */
export function selectionMatrix(rows: number, columns: number, column: (row: number) => number): Value {
  const data = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) data[row * columns + column(row)] = 1;
  return constant(data, [rows, columns]);
}
