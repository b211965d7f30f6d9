import { gradient } from './gradient';
import { constant, div } from './build';
import { toHalfPrecision } from './half-precision';
import { describeModel, fromModel, toModel } from './model';
import { simplify } from './simplify';
import type { Value } from './value';

/**
 * A serialised graph with its convolutions in half precision, for graphics processors; inputs and outputs stay single.
 * @returns undefined for one whose sizes are open: they are not known before it runs
 */
export function toHalfModel(bytes: Uint8Array, name: string): Uint8Array | undefined {
  const { inputs } = describeModel(bytes, name);
  if (inputs.some(port => port.dims.some(dim => typeof dim !== 'number'))) return undefined;
  const net = fromModel(bytes, { name });
  const names = Object.keys(net.outputs);
  const values = toHalfPrecision(simplify(names.map(each => net.outputs[each])));
  return toModel({ inputs: net.inputs, outputs: Object.fromEntries(names.map((each, at) => [each, values[at]])) });
}

/** A power of two, so that nothing changes in single precision. */
export const gradientScale = 2 ** 14;

/**
 * Gradients that survive half precision on their way: a loss that is a mean over a million numbers has gradients of a
 * millionth, which half precision rounds to nothing. @throws AppError GRADIENT_MISSING
 */
export function scaledGradient(loss: Value, wrt: readonly Value[]): Value[] {
  return gradient(loss, wrt, constant([gradientScale], loss.dims)).map(slope => div(slope, gradientScale));
}
