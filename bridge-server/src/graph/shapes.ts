import type { TensorType } from '../frame/tensor';
import { broadcastDims, dimsText, mismatch, normaliseAxis, sameDims } from './value';
import type { Attrs, Value } from './value';

export type Shape = { readonly dims: readonly number[]; readonly type: TensorType };
export type ShapeRule = (inputs: readonly Value[], attrs: Attrs, op: string) => Shape;

export const numbers = (attrs: Attrs, key: string): readonly number[] => attrs[key] as readonly number[];
export const number = (attrs: Attrs, key: string): number => attrs[key] as number;

const unary: ShapeRule = ([x]) => ({ dims: x.dims, type: x.type });

const binary: ShapeRule = ([a, b], _, op) => {
  if (a.type !== b.type) throw mismatch(op, a.type, b.type);
  return { dims: broadcastDims(op, a.dims, b.dims), type: a.type };
};

const compare: ShapeRule = (inputs, attrs, op) => ({ dims: binary(inputs, attrs, op).dims, type: 'bool' });

const where: ShapeRule = ([condition, a, b], attrs, op) => {
  if (condition.type !== 'bool') throw mismatch(op, 'bool', condition.type);
  const { dims, type } = binary([a, b], attrs, op);
  return { dims: broadcastDims(op, condition.dims, dims), type };
};

const matMul: ShapeRule = ([a, b], _, op) => {
  if (a.dims.length < 2 || b.dims.length < 2)
    throw mismatch(op, 'matrices', `${dimsText(a.dims)} and ${dimsText(b.dims)}`);
  const [rows, inner] = a.dims.slice(-2);
  const [innerB, columns] = b.dims.slice(-2);
  if (inner !== innerB || a.type !== b.type) {
    throw mismatch(op, `${inner} rows of ${a.type}`, `${dimsText(b.dims)} of ${b.type}`);
  }
  return { dims: [...broadcastDims(op, a.dims.slice(0, -2), b.dims.slice(0, -2)), rows, columns], type: a.type };
};

function planes(op: string, x: Value): readonly number[] {
  if (x.dims.length !== 4) throw mismatch(op, 'a tensor [N, C, H, W]', dimsText(x.dims));
  return x.dims;
}

function windowCount(
  op: string,
  size: number,
  window: number,
  stride: number,
  before: number,
  after: number,
  ceil: boolean,
): number {
  const room = size + before + after - window;
  if (room < 0) throw mismatch(op, `at least ${window - before - after} pixels a side`, String(size));
  const count = (ceil ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1;
  // A window that would begin in the padding after the picture is not counted (onnx/onnx pull request 5741).
  return ceil && (count - 1) * stride >= size + before ? count - 1 : count;
}

const conv: ShapeRule = ([x, w, b], attrs, op) => {
  const [n, c, h, width] = planes(op, x);
  const [out, perGroup, kh, kw] = planes(op, w);
  const group = number(attrs, 'group');
  const [top, left, bottom, right] = numbers(attrs, 'pads');
  const [sy, sx] = numbers(attrs, 'strides');
  const [dy, dx] = numbers(attrs, 'dilations');
  if (perGroup * group !== c || out % group !== 0)
    throw mismatch(op, `weights for ${c} channels in ${group} groups`, dimsText(w.dims));
  if (b !== undefined && !sameDims(b.dims, [out])) throw mismatch(`${op} bias`, `[${out}]`, dimsText(b.dims));
  return {
    dims: [
      n,
      out,
      windowCount(op, h, dy * (kh - 1) + 1, sy, top, bottom, false),
      windowCount(op, width, dx * (kw - 1) + 1, sx, left, right, false),
    ],
    type: x.type,
  };
};

const convTranspose: ShapeRule = ([x, w, b], attrs, op) => {
  const [n, c, h, width] = planes(op, x);
  const [inner, perGroup, kh, kw] = planes(op, w);
  const group = number(attrs, 'group');
  const [top, left, bottom, right] = numbers(attrs, 'pads');
  const [sy, sx] = numbers(attrs, 'strides');
  const [dy, dx] = numbers(attrs, 'dilations');
  const [moreY, moreX] = numbers(attrs, 'output_padding');
  if (inner !== c || c % group !== 0)
    throw mismatch(op, `weights for ${c} channels in ${group} groups`, dimsText(w.dims));
  if (b !== undefined && !sameDims(b.dims, [perGroup * group]))
    throw mismatch(`${op} bias`, `[${perGroup * group}]`, dimsText(b.dims));
  const dims = [
    n,
    perGroup * group,
    sy * (h - 1) + moreY + dy * (kh - 1) + 1 - top - bottom,
    sx * (width - 1) + moreX + dx * (kw - 1) + 1 - left - right,
  ];
  if (dims[2] < 1 || dims[3] < 1) throw mismatch(op, 'an output of at least one pixel', dimsText(dims));
  return { dims, type: x.type };
};

const pool: ShapeRule = ([x], attrs, op) => {
  const [n, c, h, width] = planes(op, x);
  const [kh, kw] = numbers(attrs, 'kernel_shape');
  const [sy, sx] = numbers(attrs, 'strides');
  const [top, left, bottom, right] = numbers(attrs, 'pads');
  const ceil = number(attrs, 'ceil_mode') === 1;
  return {
    dims: [n, c, windowCount(op, h, kh, sy, top, bottom, ceil), windowCount(op, width, kw, sx, left, right, ceil)],
    type: x.type,
  };
};

const globalPool: ShapeRule = ([x], _, op) => ({ dims: [...planes(op, x).slice(0, 2), 1, 1], type: x.type });

const instanceNorm: ShapeRule = ([x, scale, bias], _, op) => {
  const channels = planes(op, x)[1];
  for (const each of [scale, bias])
    if (!sameDims(each.dims, [channels])) throw mismatch(op, `[${channels}]`, dimsText(each.dims));
  return unary([x], {}, op);
};

const reduce: ShapeRule = ([x], attrs, op) => {
  const axes = numbers(attrs, 'axes');
  for (const axis of axes) normaliseAxis(op, axis, x.dims.length);
  const keep = number(attrs, 'keepdims') === 1;
  const dims = keep
    ? x.dims.map((dim, axis) => (axes.includes(axis) ? 1 : dim))
    : x.dims.filter((_, axis) => !axes.includes(axis));
  return { dims, type: x.type };
};

const reshape: ShapeRule = ([x], attrs, op) => {
  const dims = numbers(attrs, 'shape');
  const count = (all: readonly number[]) => all.reduce((product, dim) => product * dim, 1);
  if (count(dims) !== count(x.dims))
    throw mismatch(op, `${count(x.dims)} elements as in ${dimsText(x.dims)}`, dimsText(dims));
  return { dims, type: x.type };
};

const transpose: ShapeRule = ([x], attrs, op) => {
  const perm = numbers(attrs, 'perm');
  const isOrder =
    perm.length === x.dims.length && [...perm].sort((a, b) => a - b).every((axis, position) => axis === position);
  if (!isOrder) throw mismatch(op, `an order of ${x.dims.length} axes`, dimsText(perm));
  return { dims: perm.map(axis => x.dims[axis]), type: x.type };
};

const concat: ShapeRule = (inputs, attrs, op) => {
  const [first] = inputs;
  const axis = normaliseAxis(op, number(attrs, 'axis'), first.dims.length);
  for (const input of inputs) {
    const fits =
      input.dims.length === first.dims.length && input.dims.every((dim, at) => at === axis || dim === first.dims[at]);
    if (!fits || input.type !== first.type)
      throw mismatch(op, `${dimsText(first.dims)} but for axis ${axis}`, dimsText(input.dims));
  }
  const total = inputs.reduce((sum, input) => sum + input.dims[axis], 0);
  return { dims: first.dims.map((dim, at) => (at === axis ? total : dim)), type: first.type };
};

/** Starts and steps for every axis; `sizes` says how many are taken, which needs no rule for ends before the first element. */
const slice: ShapeRule = ([x], attrs, op) => {
  const starts = numbers(attrs, 'starts');
  const steps = numbers(attrs, 'steps');
  const sizes = numbers(attrs, 'sizes');
  x.dims.forEach((dim, axis) => {
    const last = starts[axis] + (sizes[axis] - 1) * steps[axis];
    const inside = sizes[axis] === 0 || (starts[axis] >= 0 && starts[axis] < dim && last >= 0 && last < dim);
    if (!inside || steps[axis] === 0)
      throw mismatch(op, `a part of ${dimsText(x.dims)}`, `${dimsText(starts)} + ${dimsText(sizes)}`);
  });
  return { dims: sizes, type: x.type };
};

const pad: ShapeRule = ([x], attrs, op) => {
  const pads = numbers(attrs, 'pads');
  const rank = x.dims.length;
  if (pads.length !== 2 * rank || pads.some(each => each < 0))
    throw mismatch(op, `${2 * rank} pads of at least 0`, dimsText(pads));
  x.dims.forEach((dim, axis) => {
    const widest = Math.max(pads[axis], pads[axis + rank]);
    const limit = attrs.mode === 'reflect' ? dim - 1 : attrs.mode === 'edge' && dim === 0 ? 0 : Infinity;
    if (widest > limit)
      throw mismatch(`${op} ${String(attrs.mode)}`, `at most ${limit} on axis ${axis}`, String(widest));
  });
  return { dims: x.dims.map((dim, axis) => dim + pads[axis] + pads[axis + rank]), type: x.type };
};

const resize: ShapeRule = ([x], attrs, op) => {
  const [n, c] = planes(op, x);
  const [h, w] = numbers(attrs, 'sizes');
  return { dims: [n, c, h, w], type: x.type };
};

const depthToSpace: ShapeRule = ([x], attrs, op) => {
  const [n, c, h, w] = planes(op, x);
  const block = number(attrs, 'blocksize');
  if (c % (block * block) !== 0) throw mismatch(op, `channels divisible by ${block * block}`, String(c));
  return { dims: [n, c / (block * block), h * block, w * block], type: x.type };
};

const gather: ShapeRule = ([x, indices], attrs, op) => {
  const axis = normaliseAxis(op, number(attrs, 'axis'), x.dims.length);
  return { dims: [...x.dims.slice(0, axis), ...indices.dims, ...x.dims.slice(axis + 1)], type: x.type };
};

const gridSample: ShapeRule = ([x, grid], _, op) => {
  const [n, c] = planes(op, x);
  const [gridN, h, w, two] = planes(op, grid);
  if (gridN !== n || two !== 2) throw mismatch(op, `a grid [${n}, H, W, 2]`, dimsText(grid.dims));
  return { dims: [n, c, h, w], type: x.type };
};

const lrn: ShapeRule = ([x], _, op) => ({ dims: planes(op, x), type: x.type });

const expand: ShapeRule = ([x], attrs, op) => {
  const dims = numbers(attrs, 'shape');
  if (!sameDims(broadcastDims(op, x.dims, dims), dims))
    throw mismatch(op, `a shape that holds ${dimsText(x.dims)}`, dimsText(dims));
  return { dims, type: x.type };
};

const cast: ShapeRule = ([x], attrs) => ({ dims: x.dims, type: attrs.to as TensorType });

/** The size and type of every op's result; each throws SHAPE_MISMATCH where the op cannot be. */
export const shapeRules = {
  Identity: unary,
  Relu: unary,
  Clip: unary,
  LeakyRelu: unary,
  Elu: unary,
  Sigmoid: unary,
  Tanh: unary,
  Exp: unary,
  Log: unary,
  Sqrt: unary,
  Reciprocal: unary,
  Abs: unary,
  Neg: unary,
  Erf: unary,
  Sin: unary,
  Cos: unary,
  Floor: unary,
  Ceil: unary,
  Round: unary,
  Softmax: unary,
  CumSum: unary,
  Not: unary,
  PRelu: binary,
  Add: binary,
  Sub: binary,
  Mul: binary,
  Div: binary,
  Pow: binary,
  Max: binary,
  Min: binary,
  Greater: compare,
  Less: compare,
  Equal: compare,
  And: compare,
  Or: compare,
  Where: where,
  Cast: cast,
  MatMul: matMul,
  Conv: conv,
  ConvTranspose: convTranspose,
  AveragePool: pool,
  MaxPool: pool,
  GlobalAveragePool: globalPool,
  LRN: lrn,
  InstanceNormalization: instanceNorm,
  ReduceMean: reduce,
  ReduceSum: reduce,
  ReduceMax: reduce,
  ReduceMin: reduce,
  ReduceProd: reduce,
  Reshape: reshape,
  Transpose: transpose,
  Concat: concat,
  Slice: slice,
  Pad: pad,
  Resize: resize,
  DepthToSpace: depthToSpace,
  Gather: gather,
  GridSample: gridSample,
  Expand: expand,
} as const satisfies Record<string, ShapeRule>;

export type OpName = keyof typeof shapeRules;
