import { cast, constant } from './build';
import { node } from './build/node';
import { toHalf } from './half';
import { keepName } from './rewrite';
import type { OpName } from './shapes';
import { isConstant, isFloat, topological } from './value';
import type { Value } from './value';

/** Where half precision begins: on a GPU these are worth a conversion. */
const starts = new Set(['Conv', 'ConvTranspose']);

/** What follows in half precision when everything computed that it takes is half already. */
const followers = new Set([
  'Relu',
  'Clip',
  'LeakyRelu',
  'PRelu',
  'Sigmoid',
  'Tanh',
  'MaxPool',
  'AveragePool',
  'Pad',
  'Concat',
  'Slice',
  'Resize',
  'DepthToSpace',
  'Gather',
  'Add',
  'Sub',
  'Mul',
  'Neg',
  'Max',
  'Min',
  'Where',
  'Greater',
  'Less',
  'Equal',
  'Identity',
  'Reshape',
  'Transpose',
  'Expand',
]);

/**
 * The same graph with convolutions, and what lies between them, in half precision for GPUs. Products of matrices,
 * reductions and what they meet (Gram matrices, statistics, losses, the optimiser) stay in single precision, as do
 * inputs and outputs. Gradients below 1e-7 vanish in half precision: give `gradient` a large `seed` and take its result
 * through `div`, which is done in single precision.
 */
export function toHalfPrecision(outputs: readonly Value[]): Value[] {
  const asHalf = remember(toHalfValue);
  const asSingle = remember(value => (value.type === 'float16' ? cast(value, 'float32') : value));
  const replaced = new Map<Value, Value>();
  for (const value of topological(outputs)) {
    const inputs = value.inputs.map(input => replaced.get(input) as Value);
    replaced.set(value, inputs.length === 0 ? value : keepName(convert(value, inputs, asHalf, asSingle), value));
  }
  return outputs.map(output => asSingle(replaced.get(output) as Value));
}

function convert(
  value: Value,
  inputs: readonly Value[],
  asHalf: (x: Value) => Value,
  asSingle: (x: Value) => Value,
): Value {
  // A mask has the type of what it was compared from.
  if (value.op === 'Cast' && value.type === 'float32' && comesFromHalf(inputs[0])) return cast(inputs[0], 'float16');
  const computed = inputs.filter(input => isFloat(input.type) && !isConstant(input));
  const isHalf =
    starts.has(value.op) ||
    (followers.has(value.op) && computed.length > 0 && computed.every(input => input.type === 'float16'));
  const typed = inputs.map(isHalf ? asHalf : asSingle);
  if (typed.every((input, at) => input === value.inputs[at])) return value;
  return node(value.op as OpName, typed, value.attrs);
}

function comesFromHalf(condition: Value): boolean {
  if (condition.type !== 'bool') return false;
  return condition.inputs.some(input => input.type === 'float16' || comesFromHalf(input));
}

function toHalfValue(value: Value): Value {
  if (value.type !== 'float32') return value;
  if (!isConstant(value)) return cast(value, 'float16');
  return constant(toHalf(value.data as Float32Array), value.dims, { type: 'float16', name: value.name });
}

/** So that one value is converted once, however many need it. */
function remember(work: (value: Value) => Value): (value: Value) => Value {
  const done = new Map<Value, Value>();
  return value => {
    const known = done.get(value) ?? work(value);
    done.set(value, known);
    return known;
  };
}
