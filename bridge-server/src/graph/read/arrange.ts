import { sizeOf } from '../../frame/tensor';
import * as g from '../build';
import type { PadMode } from '../build/arrange';
import { int64s, numbersAs } from '../build/node';
import { bigIntWeight } from '../fold';
import { UnsupportedError } from '../onnx-format';
import type { OnnxTensor } from '../onnx-format';
import { isConstant, normaliseAxis } from '../value';
import type { Value } from '../value';
import { refuse } from './context';
import type { NodeReader, ReadNode } from './context';

export function tensorConstant(tensor: OnnxTensor, name = tensor.name): Value {
  const options = name === '' ? {} : { name };
  if (tensor.data instanceof Float64Array) return g.constant(Float32Array.from(tensor.data), tensor.dims, options);
  return g.constant(tensor.data, tensor.dims, { ...options, type: elementTypeOf(tensor) });
}

const elementTypeOf = (tensor: OnnxTensor) => (tensor.type === 'float64' ? 'float32' : tensor.type);

const constant: NodeReader = node => {
  const tensor = node.attribute('value')?.tensor;
  if (tensor) return tensorConstant(tensor, '');
  const single = node.attribute('value_float');
  if (single) return g.scalar(single.f);
  const whole = node.attribute('value_int');
  if (whole) return g.scalar(whole.i, 'int64');
  const floats = node.attribute('value_floats');
  if (floats) return g.constant(floats.floats, [floats.floats.length]);
  const ints = node.attribute('value_ints');
  if (ints) return int64s(ints.ints);
  throw new UnsupportedError('a Constant without numbers');
};

const constantOfShape: NodeReader = node => {
  const dims = node.numbers(0) ?? [];
  const tensor = node.attribute('value')?.tensor;
  const one = tensor ? g.reshape(tensorConstant(tensor, ''), []) : g.scalar(0);
  return g.expand(one, dims);
};

const reshape: NodeReader = node => {
  const x = node.input(0);
  const wanted = node.opset < 5 ? node.ints('shape') : node.numbers(1);
  const keepZero = node.int('allowzero', 0) === 1;
  return g.reshape(
    x,
    (wanted ?? []).map((dim, axis) => (dim === 0 && !keepZero ? (x.dims[axis] ?? 0) : dim)),
  );
};

/** Axes from the second input (opset 13) or the attribute. */
const axesOf = (node: ReadNode): readonly number[] | undefined =>
  node.opset < 13 ? node.ints('axes') : node.numbers(1);

const squeeze: NodeReader = node => {
  const x = node.input(0);
  const axes = axesOf(node)?.map(axis => normaliseAxis('Squeeze', axis, x.dims.length));
  return g.reshape(
    x,
    x.dims.filter((dim, axis) => (axes ? !axes.includes(axis) : dim !== 1)),
  );
};

const unsqueeze: NodeReader = node => {
  const x = node.input(0);
  const given = axesOf(node) ?? [];
  const rank = x.dims.length + given.length;
  const axes = given.map(axis => normaliseAxis('Unsqueeze', axis, rank));
  let next = 0;
  return g.reshape(
    x,
    Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : x.dims[next++])),
  );
};

const flatten: NodeReader = node => {
  const x = node.input(0);
  const axis = node.int('axis', 1);
  const at = axis < 0 ? axis + x.dims.length : axis;
  return g.reshape(x, [sizeOf(x.dims.slice(0, at)), sizeOf(x.dims.slice(at))]);
};

const split: NodeReader = node => {
  const x = node.input(0);
  const axis = normaliseAxis('Split', node.int('axis', 0), x.dims.length);
  const sizes = node.opset < 13 ? node.ints('split') : node.numbers(1);
  const each = Math.ceil(x.dims[axis] / node.outputCount);
  const even = Array.from({ length: node.outputCount }, (_, at) =>
    Math.max(0, Math.min(each, x.dims[axis] - at * each)),
  );
  return g.split(x, sizes ?? even, axis);
};

const slice: NodeReader = node => {
  const x = node.input(0);
  const old = node.opset < 10;
  const starts = (old ? node.ints('starts') : node.numbers(1)) ?? [];
  const ends = (old ? node.ints('ends') : node.numbers(2)) ?? [];
  const axes = (old ? node.ints('axes') : node.numbers(3)) ?? starts.map((_, axis) => axis);
  const steps = old ? undefined : node.numbers(4);
  return g.sliceAxes(
    x,
    axes.map((axis, at) => ({ axis, start: starts[at], end: ends[at], step: steps?.[at] ?? 1 })),
  );
};

const pad: NodeReader = node => {
  const x = node.input(0);
  const mode = node.string('mode', 'constant');
  if (mode !== 'constant' && mode !== 'reflect' && mode !== 'edge') throw new UnsupportedError(`Pad with mode ${mode}`);
  const pads = (node.opset < 11 ? (node.ints('pads') ?? node.ints('paddings')) : node.numbers(1)) ?? [];
  const value = node.opset < 11 ? node.float('value', 0) : (node.numbers(2)?.[0] ?? 0);
  const axes = node.opset >= 18 ? node.numbers(3) : undefined;
  return g.pad(x, axes ? spreadPads(pads, axes, x.dims.length) : pads, mode as PadMode, value);
};

function spreadPads(pads: readonly number[], axes: readonly number[], rank: number): number[] {
  const all = new Array<number>(2 * rank).fill(0);
  axes.forEach((axis, at) => {
    const place = normaliseAxis('Pad', axis, rank);
    all[place] = pads[at];
    all[place + rank] = pads[at + axes.length];
  });
  return all;
}

/** Each axis gets one before it that is repeated, and the two become one again. */
const tile: NodeReader = node => {
  const x = node.input(0);
  const repeats = node.numbers(1) ?? [];
  const apart = g.reshape(
    x,
    x.dims.flatMap(dim => [1, dim]),
  );
  const repeated = g.expand(
    apart,
    x.dims.flatMap((dim, axis) => [repeats[axis], dim]),
  );
  return g.reshape(
    repeated,
    x.dims.map((dim, axis) => dim * repeats[axis]),
  );
};

/** Only of known numbers: it makes coordinates. */
const range: NodeReader = node => {
  const [start, limit, delta] = [0, 1, 2].map(at => node.numbers(at)?.[0] ?? NaN);
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  refuse(!(count <= 2 ** 24), 'a Range of so many numbers');
  node.spend(8 * bigIntWeight * count);
  const type = node.input(0).type;
  return g.constant(
    numbersAs(
      type,
      Array.from({ length: count }, (_, at) => start + at * delta),
    ),
    [count],
    { type },
  );
};

const shape: NodeReader = node => {
  const { dims } = node.input(0);
  const place = (at: number) => (at < 0 ? at + dims.length : at);
  return int64s(dims.slice(place(node.int('start', 0)), place(node.int('end', dims.length))));
};

const gather: NodeReader = node => {
  const indices = node.input(1);
  return g.gather(
    node.input(0),
    indices.type === 'int64' || !isConstant(indices) ? indices : g.cast(indices, 'int64'),
    node.int('axis', 0),
  );
};

export const arrangeReaders: Readonly<Record<string, NodeReader>> = {
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Reshape: reshape,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Flatten: flatten,
  Transpose: node =>
    g.transpose(node.input(0), node.ints('perm') ?? node.input(0).dims.map((_, axis, all) => all.length - 1 - axis)),
  Concat: node => g.concat(node.inputs, node.int('axis', 1)),
  Split: split,
  Slice: slice,
  Pad: pad,
  Expand: node => g.expand(node.input(0), node.numbers(1) ?? []),
  Tile: tile,
  Range: range,
  Shape: shape,
  Size: node => g.scalar(sizeOf(node.input(0).dims), 'int64'),
  Gather: gather,
  DepthToSpace: node =>
    g.depthToSpace(node.input(0), node.int('blocksize'), node.string('mode', 'DCR') as 'DCR' | 'CRD'),
  SpaceToDepth: node => g.spaceToDepth(node.input(0), node.int('blocksize')),
};
