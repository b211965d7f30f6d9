import { constant, numbersAs } from './build/node';
import { bytesOf, flopsOf } from './cost';
import { evaluate } from './evaluate';
import { fromHalf } from './half';
import { isConstant, makeValue } from './value';
import type { Value } from './value';

/** How much may be computed while a graph is read or simplified; a hostile file cannot ask for more. */
export type FoldBudget = { flops: number; bytes: number };

export const makeFoldBudget = (): FoldBudget => ({ flops: 2 ** 28, bytes: 2 ** 28 });

/** A 64-bit whole number takes far longer to make than its bytes say. */
export const bigIntWeight = 16;

const keepsNumbers = new Set(['Transpose', 'Reshape', 'Identity', 'Cast', 'Slice']);

/**
 * The value as a constant where all its inputs are constants and the budget allows it; otherwise the value itself.
 * Half-precision storage survives ops that only move numbers.
 */
export function fold(value: Value, budget: FoldBudget): Value {
  if (value.inputs.length === 0 || !value.inputs.every(isConstant)) return value;
  const [flops, bytes] = [flopsOf(value), bytesOf(value) * (value.type === 'int64' ? bigIntWeight : 1)];
  if (flops > budget.flops || bytes > budget.bytes) return value;
  budget.flops -= flops;
  budget.bytes -= bytes;
  const [from] = value.inputs;
  // The usual form of stored weights, many megabytes of them.
  if (value.op === 'Cast' && from.type === 'float16' && value.type === 'float32') {
    return makeValue({
      ...value,
      op: 'Constant',
      inputs: [],
      attrs: { storage: 'float16' },
      data: fromHalf(from.data as Uint16Array),
    });
  }
  const [{ data }] = evaluate([value]);
  const isHalf = from.type === 'float16' || from.attrs.storage === 'float16';
  const storage = keepsNumbers.has(value.op) && isHalf && value.type === 'float32' ? ('float16' as const) : undefined;
  return constant(numbersAs(value.type, data), value.dims, { type: value.type, name: value.name, storage });
}
