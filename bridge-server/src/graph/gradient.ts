import { AppError } from '#protocol/errors';
import { sizeOf } from '../frame/tensor';
import { add, constant, zeros } from './build';
import { rowOf } from './ops';
import { dimsText, isFloat, mismatch, sameDims, topological } from './value';
import type { Value } from './value';

/**
 * The gradient of `loss` toward each of `wrt`, as values of the same graph in standard ONNX ops: a reverse walk over
 * the op table. Values that the loss does not depend on get zeros.
 * @param loss one element, or any size together with `seed`
 * @param seed what arrives from above (same size as `loss`); 1 when absent
 * @throws AppError GRADIENT_MISSING naming an op on the way that has no rule, SHAPE_MISMATCH
 */
export function gradient(loss: Value, wrt: readonly Value[], seed?: Value): Value[] {
  if (seed === undefined && sizeOf(loss.dims) !== 1)
    throw mismatch('the loss of a gradient', 'one number', dimsText(loss.dims));
  if (seed !== undefined && !sameDims(seed.dims, loss.dims))
    throw mismatch('the seed of a gradient', dimsText(loss.dims), dimsText(seed.dims));
  const order = topological([loss]);
  const targets = new Set(wrt);
  const carries = new Set<Value>();
  for (const value of order) {
    if (isFloat(value.type) && (targets.has(value) || value.inputs.some(input => carries.has(input))))
      carries.add(value);
  }
  const arriving = new Map<Value, Value>();
  if (carries.has(loss)) arriving.set(loss, seed ?? constant([1], loss.dims));
  for (const value of order.reverse()) {
    const g = arriving.get(value);
    if (g === undefined || !value.inputs.some(input => carries.has(input))) continue;
    const rule = rowOf(value.op)?.gradient;
    if (rule === undefined) throw new AppError('GRADIENT_MISSING', { op: value.op });
    const parts = rule(g, value, at => carries.has(value.inputs[at]));
    parts.forEach((part, at) => {
      const target = value.inputs[at];
      if (part === undefined || !carries.has(target)) return;
      if (!sameDims(part.dims, target.dims))
        throw mismatch(`the gradient of ${value.op}`, dimsText(target.dims), dimsText(part.dims));
      const before = arriving.get(target);
      arriving.set(target, before === undefined ? part : add(before, part));
    });
  }
  return wrt.map(target => arriving.get(target) ?? zeros(target.dims));
}
