import type { TensorType } from '../frame/tensor';
import { scalar, int64s, constant } from './build/node';
import { typeNumbers } from './onnx-format';
import { number, numbers } from './shapes';
import type { Value } from './value';

export type WrittenAttribute =
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'ints'; readonly value: readonly number[] };

/** A node as ONNX has it (opset 13 to 17); an absent optional input is undefined. */
export type WrittenNode = {
  readonly op: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: Readonly<Record<string, WrittenAttribute>>;
};

const floatKeys = new Set(['alpha', 'beta', 'bias', 'epsilon']);

function attribute(key: string, value: number | string | readonly number[]): WrittenAttribute {
  if (typeof value === 'string') return { kind: 'string', value };
  if (typeof value === 'number') return { kind: floatKeys.has(key) ? 'float' : 'int', value };
  return { kind: 'ints', value };
}

/** Turns attributes that ONNX takes as inputs back into inputs. */
export function writeNode(value: Value): WrittenNode {
  const { op, inputs, attrs } = value;
  const [x] = inputs;
  const node = (extra: readonly (Value | undefined)[], kept: readonly string[] = []): WrittenNode => ({
    op,
    inputs: [...inputs, ...extra],
    attributes: Object.fromEntries(kept.map(key => [key, attribute(key, attrs[key])])),
  });
  switch (op) {
    case 'Clip':
      return node([limit(number(attrs, 'min'), x.type), limit(number(attrs, 'max'), x.type)]);
    case 'Reshape':
    case 'Expand':
      return node([int64s(numbers(attrs, 'shape'))]);
    case 'Slice':
      return node(sliceInputs(value));
    case 'Pad': {
      const fill = attrs.mode === 'constant' ? [scalar(number(attrs, 'value'), x.type)] : [];
      return node([int64s(numbers(attrs, 'pads')), ...fill], ['mode']);
    }
    case 'ReduceSum':
      return node([int64s(numbers(attrs, 'axes'))], ['keepdims']);
    case 'Resize':
      return { ...node(resizeInputs(value)), attributes: resizeAttributes(value) };
    case 'CumSum':
      return node([scalar(number(attrs, 'axis'), 'int64')], ['reverse']);
    case 'Cast':
      return { op, inputs, attributes: { to: { kind: 'int', value: typeNumbers[attrs.to as TensorType] } } };
    default:
      return node([], Object.keys(attrs));
  }
}

function limit(at: number, type: TensorType): Value | undefined {
  return Number.isFinite(at) ? scalar(at, type) : undefined;
}

function sliceInputs(value: Value): Value[] {
  const [x] = value.inputs;
  const [starts, steps, sizes] = ['starts', 'steps', 'sizes'].map(key => numbers(value.attrs, key));
  const axes = x.dims.flatMap((dim, axis) =>
    starts[axis] === 0 && steps[axis] === 1 && sizes[axis] === dim ? [] : [axis],
  );
  // Going backwards, "before the first element" is written as one more than a whole axis from the end.
  const ends = axes.map(axis => {
    const end = starts[axis] + sizes[axis] * steps[axis];
    return end < 0 ? -x.dims[axis] - 1 : end;
  });
  return [axes.map(axis => starts[axis]), ends, axes, axes.map(axis => steps[axis])].map(int64s);
}

function resizeInputs(value: Value): (Value | undefined)[] {
  const [x] = value.inputs;
  const sizes = numbers(value.attrs, 'sizes');
  const scales = numbers(value.attrs, 'scales');
  const asRatio = sizes.every((size, at) => scales[at] === size / x.dims[at + 2]);
  if (asRatio && !scales.every(Number.isInteger))
    return [undefined, undefined, int64s([...x.dims.slice(0, 2), ...sizes])];
  return [undefined, constant(Float32Array.of(1, 1, ...scales), [4])];
}

function resizeAttributes(value: Value): Record<string, WrittenAttribute> {
  return {
    mode: { kind: 'string', value: value.attrs.mode as string },
    coordinate_transformation_mode: { kind: 'string', value: value.attrs.coordinates as string },
    ...(value.attrs.mode === 'nearest'
      ? { nearest_mode: { kind: 'string', value: value.attrs.rounding as string } }
      : {}),
  };
}
