import type { TensorType } from '../../frame/tensor';
import type { Value } from '../value';
import { node, operands, scalar } from './node';
import type { Operand } from './node';

export const identity = (x: Value): Value => node('Identity', [x]);
export const relu = (x: Value): Value => node('Relu', [x]);
export const sigmoid = (x: Value): Value => node('Sigmoid', [x]);
export const tanh = (x: Value): Value => node('Tanh', [x]);
export const exp = (x: Value): Value => node('Exp', [x]);
export const log = (x: Value): Value => node('Log', [x]);
export const sqrt = (x: Value): Value => node('Sqrt', [x]);
export const reciprocal = (x: Value): Value => node('Reciprocal', [x]);
export const abs = (x: Value): Value => node('Abs', [x]);
export const neg = (x: Value): Value => node('Neg', [x]);
export const erf = (x: Value): Value => node('Erf', [x]);
export const sin = (x: Value): Value => node('Sin', [x]);
export const cos = (x: Value): Value => node('Cos', [x]);
export const floor = (x: Value): Value => node('Floor', [x]);
export const ceil = (x: Value): Value => node('Ceil', [x]);
export const round = (x: Value): Value => node('Round', [x]);
export const not = (x: Value): Value => node('Not', [x]);

/** Limits may be infinite. Rounded as the runtime rounds them, so that a value at a limit equals it. */
export const clip = (x: Value, min: number, max: number): Value =>
  node('Clip', [x], { min: Math.fround(min), max: Math.fround(max) });
export const relu6 = (x: Value): Value => clip(x, 0, 6);
export const leakyRelu = (x: Value, alpha = 0.01): Value => node('LeakyRelu', [x], { alpha });
export const elu = (x: Value, alpha = 1): Value => node('Elu', [x], { alpha });
/** @param slope broadcasts to x, usually [C, 1, 1] */
export const prelu = (x: Value, slope: Value): Value => node('PRelu', [x, slope]);
export const softmax = (x: Value, axis = -1): Value =>
  node('Softmax', [x], { axis: axis < 0 ? axis + x.dims.length : axis });

/** The exact form, x (1 + erf(x / sqrt 2)) / 2. */
export const gelu = (x: Value): Value => mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1));
/** log(1 + e^x), written so that neither a large nor a small x overflows. */
export const softplus = (x: Value): Value => add(relu(x), log(add(exp(neg(abs(x))), 1)));
/** max(0, min(1, alpha x + beta)) */
export const hardSigmoid = (x: Value, alpha = 0.2, beta = 0.5): Value => clip(add(mul(x, alpha), beta), 0, 1);

export const add = (a: Operand, b: Operand): Value => node('Add', operands(a, b));
export const sub = (a: Operand, b: Operand): Value => node('Sub', operands(a, b));
export const mul = (a: Operand, b: Operand): Value => node('Mul', operands(a, b));
export const div = (a: Operand, b: Operand): Value => node('Div', operands(a, b));
export const pow = (a: Operand, b: Operand): Value => node('Pow', operands(a, b));
export const max = (a: Operand, b: Operand): Value => node('Max', operands(a, b));
export const min = (a: Operand, b: Operand): Value => node('Min', operands(a, b));
export const greater = (a: Operand, b: Operand): Value => node('Greater', operands(a, b));
export const less = (a: Operand, b: Operand): Value => node('Less', operands(a, b));
export const equal = (a: Operand, b: Operand): Value => node('Equal', operands(a, b));
export const and = (a: Value, b: Value): Value => node('And', [a, b]);
export const or = (a: Value, b: Value): Value => node('Or', [a, b]);
export const square = (x: Value): Value => mul(x, x);

/** Takes `a` where the condition holds, else `b`. */
export const where = (condition: Value, a: Operand, b: Operand): Value => node('Where', [condition, ...operands(a, b)]);
export const cast = (x: Value, to: TensorType): Value => (x.type === to ? x : node('Cast', [x], { to }));

/** 1 where the condition holds, else 0, in the type of `like`: the cheapest mask on every provider. */
export const mask = (condition: Value, like: Value): Value => cast(condition, like.type);

/** The sum of several values of one shape, as a chain of Add (`Sum` leaves the device on WebGPU). */
export function addAll(values: readonly Value[]): Value {
  return values.length === 0 ? scalar(0) : values.reduce((sum, value) => add(sum, value));
}
