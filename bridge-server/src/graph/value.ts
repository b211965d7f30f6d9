import type { TensorData, TensorType } from '../frame/tensor';
import { AppError } from '#protocol/errors';

export type AttrValue = number | string | readonly number[];
export type Attrs = Readonly<Record<string, AttrValue>>;

/**
 * One tensor of a graph, and how it is computed. Immutable; a graph is what can be reached from its outputs.
 * `op` is an ONNX operator's name, `Input` or `Constant`. What ONNX passes as a constant input (a shape, pads, limits)
 * is an attribute here, so `inputs` holds only what can carry data or a gradient. Every op has one output
 * (a Split is read as slices).
 */
export type Value = {
  readonly op: string;
  readonly inputs: readonly Value[];
  readonly attrs: Attrs;
  /** Always known: sizes are written into the graph. */
  readonly dims: readonly number[];
  readonly type: TensorType;
  readonly name?: string;
  /** Of a `Constant` only; float16 as bit patterns. A constant with `attrs.storage === 'float16'` is float32 that travels in half the bytes. */
  readonly data?: TensorData;
};

/** A tensor beyond this many elements cannot be meant: it would not fit in memory. */
const mostElements = 2 ** 33;
/** Interleaving, tiling and blocks need twice the four axes of a picture. */
const mostAxes = 16;

/** @throws AppError SHAPE_MISMATCH when the dimensions are not sizes */
export function makeValue(fields: Omit<Value, 'attrs'> & { readonly attrs?: Attrs }): Value {
  if (fields.dims.length > mostAxes) throw mismatch(fields.op, `at most ${mostAxes} axes`, String(fields.dims.length));
  let elements = 1;
  for (const dim of fields.dims) {
    if (!Number.isInteger(dim) || dim < 0) throw mismatch(fields.op, 'sizes', `[${fields.dims.join(', ')}]`);
    elements *= dim;
  }
  if (elements > mostElements) throw mismatch(fields.op, 'a tensor that fits in memory', `[${fields.dims.join(', ')}]`);
  return Object.freeze({ ...fields, attrs: fields.attrs ?? {} });
}

/** The same value under a name, by which it is found in the written model. */
export function named(value: Value, name: string): Value {
  return makeValue({ ...value, name });
}

export function isConstant(value: Value): value is Value & { readonly data: TensorData } {
  return value.op === 'Constant';
}

export function isFloat(type: TensorType): boolean {
  return type === 'float32' || type === 'float16';
}

export function mismatch(what: string, expected: string, actual: string): AppError {
  return new AppError('SHAPE_MISMATCH', { what, expected, actual });
}

export function dimsText(dims: readonly number[]): string {
  return `[${dims.join(', ')}]`;
}

export function sameDims(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

/** What `a` and `b` become together under ONNX's (numpy's) rule. @throws AppError SHAPE_MISMATCH */
export function broadcastDims(what: string, a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1)
      throw mismatch(what, `sizes that broadcast with ${dimsText(a)}`, dimsText(b));
    return left === 1 ? right : left;
  });
}

/** An axis as ONNX gives it (negative counts from the end). @throws AppError SHAPE_MISMATCH */
export function normaliseAxis(what: string, axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(positive) || positive < 0 || positive >= rank)
    throw mismatch(what, `an axis of ${rank} dimensions`, String(axis));
  return positive;
}

/** Every value that `outputs` need, inputs before users. */
export function topological(outputs: readonly Value[]): Value[] {
  const order: Value[] = [];
  const seen = new Set<Value>();
  for (const output of outputs) {
    const stack: { value: Value; next: number }[] = [{ value: output, next: 0 }];
    if (seen.has(output)) continue;
    seen.add(output);
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      if (top.next < top.value.inputs.length) {
        const input = top.value.inputs[top.next++];
        if (!seen.has(input)) {
          seen.add(input);
          stack.push({ value: input, next: 0 });
        }
      } else {
        order.push(top.value);
        stack.pop();
      }
    }
  }
  return order;
}
