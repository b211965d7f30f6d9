import { node } from './build/node';
import { rowOf } from './ops';
import type { OpName } from './shapes';
import { makeValue, topological } from './value';
import type { Value } from './value';

/**
 * The same graph with other parts: `replace` sees every value after its inputs were replaced and gives what stands in
 * for it. Sizes are computed anew, names are kept.
 * @throws AppError SHAPE_MISMATCH where the new inputs do not fit an op
 */
export function rewrite(outputs: readonly Value[], replace: (rebuilt: Value, original: Value) => Value): Value[] {
  const replaced = new Map<Value, Value>();
  for (const value of topological(outputs))
    replaced.set(
      value,
      replace(
        withInputs(
          value,
          value.inputs.map(input => replaced.get(input) as Value),
        ),
        value,
      ),
    );
  return outputs.map(output => replaced.get(output) as Value);
}

/** The value computed from other inputs, under the same name. */
export function withInputs(value: Value, inputs: readonly Value[]): Value {
  if (inputs.every((input, at) => input === value.inputs[at])) return value;
  if (rowOf(value.op) === undefined) throw new Error(`no row for ${value.op}`);
  return keepName(node(value.op as OpName, inputs, value.attrs), value);
}

/** `stand-in` under the name of what it stands for, where it has none of its own. */
export function keepName(standIn: Value, original: Value): Value {
  return original.name === undefined || standIn.name !== undefined
    ? standIn
    : makeValue({ ...standIn, name: original.name });
}
