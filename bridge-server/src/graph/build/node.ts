import type { TensorData, TensorType } from '../../frame/tensor';
import { sizeOf } from '../../frame/tensor';
import { fromHalf, toHalf } from '../half';
import { shapeRules } from '../shapes';
import type { OpName, ShapeRule } from '../shapes';
import { dimsText, isConstant, makeValue, mismatch } from '../value';
import type { Attrs, Value } from '../value';

/** A value computed by `op`; the shape rule checks the inputs. @throws AppError SHAPE_MISMATCH */
export function node(op: OpName, inputs: readonly Value[], attrs: Attrs = {}): Value {
  const { dims, type } = (shapeRules[op] as ShapeRule)(inputs, attrs, op);
  return makeValue({ op, inputs, attrs, dims, type });
}

/** What a caller feeds under `name`. */
export function input(name: string, dims: readonly number[], type: TensorType = 'float32'): Value {
  return makeValue({ op: 'Input', inputs: [], dims, type, name });
}

export type ConstantOptions = {
  readonly name?: string;
  /** `float16` writes the float32 numbers in half the bytes; they are rounded here, so that every reader sees the same numbers. */
  readonly storage?: 'float16';
  /** Of a Uint16Array (`float16`) and a Uint8Array (`bool`, `uint8`), which can mean several types. */
  readonly type?: TensorType;
};

/** @throws AppError SHAPE_MISMATCH when the data does not fill the dimensions */
export function constant(
  data: TensorData | readonly number[],
  dims: readonly number[],
  options: ConstantOptions = {},
): Value {
  const typed = Array.isArray(data) ? Float32Array.from(data as readonly number[]) : (data as TensorData);
  const type = options.type ?? typeOf(typed);
  if (typed.length !== sizeOf(dims))
    throw mismatch('Constant', `${sizeOf(dims)} numbers for ${dimsText(dims)}`, String(typed.length));
  const half = options.storage === 'float16' && type === 'float32';
  return makeValue({
    op: 'Constant',
    inputs: [],
    attrs: half ? { storage: 'float16' } : {},
    dims: [...dims],
    type,
    data: half ? fromHalf(toHalf(typed as Float32Array)) : typed,
    ...(options.name === undefined ? {} : { name: options.name }),
  });
}

function typeOf(data: TensorData): TensorType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof BigInt64Array) return 'int64';
  return data instanceof Uint16Array ? 'float16' : 'uint8';
}

/** One number of any type, dimensions []. */
export function scalar(x: number, type: TensorType = 'float32'): Value {
  return constant(numbersAs(type, [x]), [], { type });
}

export function zeros(dims: readonly number[], type: TensorType = 'float32'): Value {
  return constant(numbersAs(type, new Float64Array(sizeOf(dims))), dims, { type });
}

export function int64s(values: readonly number[]): Value {
  return constant(numbersAs('int64', values), [values.length]);
}

/** Plain numbers as a tensor of `type` holds them. */
export function numbersAs(type: TensorType, values: ArrayLike<number>): TensorData {
  if (type === 'float32') return Float32Array.from(values);
  if (type === 'float16') return toHalf(values);
  if (type === 'int32') return Int32Array.from(values);
  if (type === 'int64') return BigInt64Array.from(Array.from(values, toInt64));
  return Uint8Array.from(values);
}

/** Beyond 2^53 ONNX files hold only "to the end" markers, whose exact value does not matter. */
function toInt64(value: number): bigint {
  if (!Number.isFinite(value)) return value > 0 ? 2n ** 63n - 1n : -(2n ** 63n);
  const whole = BigInt(Math.trunc(value));
  return whole > 2n ** 63n - 1n ? 2n ** 63n - 1n : whole < -(2n ** 63n) ? -(2n ** 63n) : whole;
}

/** The numbers of a constant, whatever its type. @throws AppError SHAPE_MISMATCH when it is computed */
export function constantNumbers(value: Value): number[] {
  if (!isConstant(value)) throw mismatch(value.name ?? value.op, 'a constant', 'a computed value');
  if (value.type === 'float16') return Array.from(fromHalf(value.data as Uint16Array));
  return Array.from(value.data as ArrayLike<number | bigint>, Number);
}

export type Operand = Value | number;

/** A number beside a tensor takes the tensor's type. */
export function operands(a: Operand, b: Operand): [Value, Value] {
  const type = typeof a !== 'number' ? a.type : typeof b !== 'number' ? b.type : 'float32';
  return [typeof a === 'number' ? scalar(a, type) : a, typeof b === 'number' ? scalar(b, type) : b];
}
