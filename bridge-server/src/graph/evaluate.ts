import { constantNumbers } from './build/node';
import { rowOf } from './ops';
import type { Tensor64 } from './reference/tensor64';
import { dimsText, isConstant, mismatch, topological } from './value';
import type { Value } from './value';

/**
 * Computes `outputs` in float64, slowly and plainly: the yardstick for gradients and providers, and the folder of
 * constants. Float16 and float32 are not rounded on the way.
 * @param feeds numbers for every `Input`, by its name
 * @throws AppError SHAPE_MISMATCH when an input is missing or has another size
 */
export function evaluate(
  outputs: readonly Value[],
  feeds: Readonly<Record<string, ArrayLike<number>>> = {},
): Tensor64[] {
  const order = topological(outputs);
  const users = new Map<Value, number>();
  for (const value of order) for (const input of value.inputs) users.set(input, (users.get(input) ?? 0) + 1);
  for (const output of outputs) users.set(output, (users.get(output) ?? 0) + 1);
  const results = new Map<Value, Tensor64>();
  for (const value of order) {
    results.set(value, {
      dims: value.dims,
      data: evaluateOne(
        value,
        value.inputs.map(input => results.get(input) as Tensor64),
        feeds,
      ),
    });
    for (const input of value.inputs) {
      const left = (users.get(input) ?? 0) - 1;
      users.set(input, left);
      if (left === 0) results.delete(input);
    }
  }
  return outputs.map(output => results.get(output) as Tensor64);
}

function evaluateOne(
  value: Value,
  inputs: readonly Tensor64[],
  feeds: Readonly<Record<string, ArrayLike<number>>>,
): Float64Array {
  if (isConstant(value))
    return value.data instanceof Float32Array
      ? new Float64Array(value.data)
      : Float64Array.from(constantNumbers(value));
  if (value.op === 'Input') {
    const fed = feeds[value.name ?? ''];
    const count = value.dims.reduce((product, dim) => product * dim, 1);
    if (fed === undefined || fed.length !== count)
      throw mismatch(`the input ${value.name}`, dimsText(value.dims), `${fed?.length ?? 'no'} numbers`);
    return Float64Array.from(fed);
  }
  const row = rowOf(value.op);
  if (row === undefined) throw mismatch('evaluate', 'an op of the table', value.op);
  return row.evaluate(inputs, value);
}
