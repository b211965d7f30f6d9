import {
  pictureAxes,
  tfliteTypes,
  toPictureOrder,
  type FloatConstant,
  type TfliteLowering,
  type TfliteRule,
  type TfliteValue,
} from './tflite-lowering';
import type { TfliteOperator } from './tflite-file';

/** Numbers and names of built-in operators (schema.fbs, enum BuiltinOperator), those that have a rule or are often met. */
export const tfliteNames: Readonly<Record<number, string>> = {
  0: 'ADD',
  1: 'AVERAGE_POOL_2D',
  2: 'CONCATENATION',
  3: 'CONV_2D',
  4: 'DEPTHWISE_CONV_2D',
  5: 'DEPTH_TO_SPACE',
  6: 'DEQUANTIZE',
  9: 'FULLY_CONNECTED',
  14: 'LOGISTIC',
  17: 'MAX_POOL_2D',
  18: 'MUL',
  19: 'RELU',
  20: 'RELU_N1_TO_1',
  21: 'RELU6',
  22: 'RESHAPE',
  23: 'RESIZE_BILINEAR',
  25: 'SOFTMAX',
  28: 'TANH',
  32: 'CUSTOM',
  34: 'PAD',
  36: 'GATHER',
  39: 'TRANSPOSE',
  40: 'MEAN',
  41: 'SUB',
  42: 'DIV',
  43: 'SQUEEZE',
  45: 'STRIDED_SLICE',
  47: 'EXP',
  49: 'SPLIT',
  53: 'CAST',
  54: 'PRELU',
  55: 'MAXIMUM',
  57: 'MINIMUM',
  60: 'PADV2',
  65: 'SLICE',
  67: 'TRANSPOSE_CONV',
  74: 'SUM',
  75: 'SQRT',
  76: 'RSQRT',
  77: 'SHAPE',
  83: 'PACK',
  92: 'SQUARE',
  97: 'RESIZE_NEAREST_NEIGHBOR',
  98: 'LEAKY_RELU',
  99: 'SQUARED_DIFFERENCE',
  100: 'MIRROR_PAD',
  101: 'ABS',
  111: 'ELU',
  114: 'QUANTIZE',
  117: 'HARD_SWISH',
};

/** One row per operator. */
export const tfliteRules: Readonly<Record<number, TfliteRule>> = {
  0: (net, operator) => binary(net, operator, 'Add', 0),
  1: (net, operator) => pool(net, operator, 'AveragePool'),
  2: concatenate,
  3: convolve,
  4: convolveDepthwise,
  5: (net, operator) => {
    const x = net.picture(operator, 0);
    net.emit(operator, 'DepthToSpace', [x.name], {
      blocksize: positive(net, operator, operator.options?.int(0)),
      mode: 'DCR',
    });
    net.define(operator);
  },
  6: (net, operator) => net.alias(operator),
  9: fullyConnected,
  14: (net, operator) => unary(net, operator, 'Sigmoid'),
  17: (net, operator) => pool(net, operator, 'MaxPool'),
  18: (net, operator) => binary(net, operator, 'Mul', 0),
  19: (net, operator) => activate(net, operator, net.value(operator, 0).name, 1),
  20: (net, operator) => activate(net, operator, net.value(operator, 0).name, 2),
  21: (net, operator) => activate(net, operator, net.value(operator, 0).name, 3),
  22: reshape,
  23: (net, operator) =>
    resize(net, operator, 'linear', operator.options?.byte(2) ?? 0, operator.options?.byte(3) ?? 0),
  25: softmax,
  28: (net, operator) => unary(net, operator, 'Tanh'),
  34: (net, operator) => pad(net, operator, 'constant'),
  40: mean,
  41: (net, operator) => binary(net, operator, 'Sub', 0),
  42: (net, operator) => binary(net, operator, 'Div', 0),
  43: reshape,
  47: (net, operator) => unary(net, operator, 'Exp'),
  54: prelu,
  55: (net, operator) => binary(net, operator, 'Max'),
  57: (net, operator) => binary(net, operator, 'Min'),
  67: transposeConvolve,
  75: (net, operator) => unary(net, operator, 'Sqrt'),
  76: (net, operator) => {
    const root = net.emit(operator, 'Sqrt', [net.value(operator, 0).name], {}, true);
    net.emit(operator, 'Reciprocal', [root]);
    net.define(operator);
  },
  92: (net, operator) => {
    const { name } = net.value(operator, 0);
    net.emit(operator, 'Mul', [name, name]);
    net.define(operator);
  },
  97: (net, operator) =>
    resize(net, operator, 'nearest', operator.options?.byte(0) ?? 0, operator.options?.byte(1) ?? 0),
  98: (net, operator) => unary(net, operator, 'LeakyRelu', { alpha: operator.options?.float(0) ?? 0 }),
  99: squaredDifference,
  100: (net, operator) => pad(net, operator, (operator.options?.byte(0) ?? 0) === 0 ? 'reflect' : 'symmetric'),
  101: (net, operator) => unary(net, operator, 'Abs'),
  111: (net, operator) => unary(net, operator, 'Elu', { alpha: 1 }),
  114: (net, operator) => net.alias(operator),
  117: hardSwish,
};

const limits = { kernel: 255, stride: 255, pad: 4096 };

function unary(
  net: TfliteLowering,
  operator: TfliteOperator,
  op: string,
  attributes: Record<string, number> = {},
): void {
  net.emit(operator, op, [net.value(operator, 0).name], attributes);
  net.define(operator);
}

function positive(
  net: TfliteLowering,
  operator: TfliteOperator,
  value: number | undefined,
  most = limits.stride,
): number {
  if (value === undefined || value < 1 || value > most) throw net.damaged(operator, `a window or step of ${value}`);
  return value;
}

/** Writes the node and what is fused after it. */
function fused(
  net: TfliteLowering,
  operator: TfliteOperator,
  op: string,
  inputs: readonly string[],
  attributes: Record<string, number | number[] | string>,
  activation: number,
): void {
  const limit = activation === 0 ? impliedLimit(net, operator) : undefined;
  const isPlain = activation === 0 && limit === undefined;
  const x = net.emit(operator, op, inputs, attributes, !isPlain);
  if (limit !== undefined) net.emit(operator, 'Clip', [x, net.draft.scalar(0), net.draft.scalar(limit)]);
  else if (!isPlain) activate(net, operator, x, activation);
  net.define(operator);
}

/** Quantised nets may leave a ReLU to the range of the integers: a zero point at the low end cuts off what is negative. */
function impliedLimit(net: TfliteLowering, operator: TfliteOperator): number | undefined {
  const tensor = net.outputTensor(operator);
  const [step] = tensor?.quantization?.scales ?? [];
  if (!tensor || step === undefined) return undefined;
  const lowest = tensor.type === tfliteTypes.uint8 ? 0 : tensor.type === tfliteTypes.int8 ? -128 : undefined;
  return lowest === undefined || tensor.quantization?.zeroPoints[0] !== lowest ? undefined : 255 * step;
}

function activate(net: TfliteLowering, operator: TfliteOperator, x: string, activation: number): void {
  switch (activation) {
    case 1:
      net.emit(operator, 'Relu', [x]);
      break;
    case 2:
      net.emit(operator, 'Clip', [x, net.draft.scalar(-1), net.draft.scalar(1)]);
      break;
    case 3:
      net.emit(operator, 'Clip', [x, net.draft.scalar(0), net.draft.scalar(6)]);
      break;
    case 4:
      net.emit(operator, 'Tanh', [x]);
      break;
    default:
      throw net.unsupported(operator, `activation ${activation}`);
  }
  net.define(operator);
}

type Padding = { readonly pads: number[] } | { readonly auto_pad: string };

/** TensorFlow's SAME gives the odd pixel to the end; how many pixels there are depends on the size when the step is above 1. */
function padding(
  valid: boolean,
  kernel: readonly [number, number],
  stride: readonly [number, number],
  dilation: readonly [number, number],
): Padding {
  if (valid) return { pads: [0, 0, 0, 0] };
  if (stride.some(step => step > 1)) return { auto_pad: 'SAME_UPPER' };
  const totals = kernel.map((size, axis) => dilation[axis]! * (size - 1));
  const before = totals.map(total => Math.floor(total / 2));
  return { pads: [before[0]!, before[1]!, totals[0]! - before[0]!, totals[1]! - before[1]!] };
}

function weight(
  net: TfliteLowering,
  operator: TfliteOperator,
  name: string,
  dims: readonly number[],
  data: Float32Array | Uint16Array,
): string {
  if (dims.reduce((product, dim) => product * dim, 1) !== data.length)
    throw net.damaged(operator, `${data.length} weights do not fill [${dims.join(', ')}]`);
  return net.draft.weight(`${net.placeOf(operator)}.${name}`, dims, data);
}

function bias(net: TfliteLowering, operator: TfliteOperator, position: number, channels: number): string[] {
  if (!net.hasInput(operator, position)) return [];
  return [weight(net, operator, 'bias', [channels], net.floats(operator, position).data)];
}

function convolve(net: TfliteLowering, operator: TfliteOperator): void {
  const x = net.picture(operator, 0);
  const { shape, data } = net.floats(operator, 1);
  if (shape.length !== 4) throw net.damaged(operator, `a kernel of [${shape.join(', ')}]`);
  const [out, height, width, perGroup] = shape as [number, number, number, number];
  const group = x.shape[1]! / perGroup;
  if (!Number.isInteger(group) || group < 1)
    throw net.damaged(operator, `a kernel for ${perGroup} channels where there are ${x.shape[1]}`);
  const { options } = operator;
  const kernel = kernelOf(net, operator, height, width);
  const stride = [positive(net, operator, options?.int(2)), positive(net, operator, options?.int(1))] as const;
  const dilation = [positive(net, operator, options?.int(5, 1)), positive(net, operator, options?.int(4, 1))] as const;
  const turned = permute(data, [out, height, width, perGroup], [0, 3, 1, 2]);
  const inputs = [
    x.name,
    weight(net, operator, 'weight', [out, perGroup, height, width], turned),
    ...bias(net, operator, 2, out),
  ];
  const attributes = {
    kernel_shape: [...kernel],
    strides: [...stride],
    dilations: [...dilation],
    group,
    ...padding(options?.byte(0) === 1, kernel, stride, dilation),
  };
  fused(net, operator, 'Conv', inputs, attributes, options?.byte(3) ?? 0);
}

function convolveDepthwise(net: TfliteLowering, operator: TfliteOperator): void {
  const x = net.picture(operator, 0);
  const { shape, data } = net.floats(operator, 1);
  const [one, height, width, out] = shape as [number, number, number, number];
  const channels = x.shape[1]!;
  if (shape.length !== 4 || one !== 1 || out % channels !== 0)
    throw net.damaged(operator, `a kernel of [${shape.join(', ')}] for ${channels} channels`);
  const { options } = operator;
  const kernel = kernelOf(net, operator, height, width);
  const stride = [positive(net, operator, options?.int(2)), positive(net, operator, options?.int(1))] as const;
  const dilation = [positive(net, operator, options?.int(6, 1)), positive(net, operator, options?.int(5, 1))] as const;
  const turned = permute(data, [height, width, out], [2, 0, 1]);
  const inputs = [
    x.name,
    weight(net, operator, 'weight', [out, 1, height, width], turned),
    ...bias(net, operator, 2, out),
  ];
  const attributes = {
    kernel_shape: [...kernel],
    strides: [...stride],
    dilations: [...dilation],
    group: channels,
    ...padding(options?.byte(0) === 1, kernel, stride, dilation),
  };
  fused(net, operator, 'Conv', inputs, attributes, options?.byte(4) ?? 0);
}

/** Inputs: output shape, kernel [out, h, w, in], picture, bias. */
function transposeConvolve(net: TfliteLowering, operator: TfliteOperator): void {
  const x = net.picture(operator, 2);
  const { shape, data } = net.floats(operator, 1);
  const [out, height, width, channels] = shape as [number, number, number, number];
  if (shape.length !== 4 || channels !== x.shape[1])
    throw net.damaged(operator, `a kernel of [${shape.join(', ')}] for ${x.shape[1]} channels`);
  const { options } = operator;
  const kernel = kernelOf(net, operator, height, width);
  const stride = [positive(net, operator, options?.int(2)), positive(net, operator, options?.int(1))] as const;
  const totals = kernel.map((size, axis) => size - stride[axis]!);
  const isValid = options?.byte(0) === 1;
  if (!isValid && totals.some(total => total < 0)) throw net.unsupported(operator, 'a kernel smaller than its step');
  const before = totals.map(total => (isValid ? 0 : Math.floor(total / 2)));
  const pads = [...before, ...totals.map((total, axis) => (isValid ? 0 : total - before[axis]!))];
  const inputs = [
    x.name,
    weight(
      net,
      operator,
      'weight',
      [channels, out, height, width],
      permute(data, [out, height, width, channels], [3, 0, 1, 2]),
    ),
    ...bias(net, operator, 3, out),
  ];
  fused(
    net,
    operator,
    'ConvTranspose',
    inputs,
    { kernel_shape: [...kernel], strides: [...stride], pads },
    options?.byte(3) ?? 0,
  );
}

function kernelOf(
  net: TfliteLowering,
  operator: TfliteOperator,
  height: number,
  width: number,
): readonly [number, number] {
  return [positive(net, operator, height, limits.kernel), positive(net, operator, width, limits.kernel)];
}

function pool(net: TfliteLowering, operator: TfliteOperator, op: 'AveragePool' | 'MaxPool'): void {
  const x = net.picture(operator, 0);
  const { options } = operator;
  const kernel = kernelOf(net, operator, options?.int(4) ?? 0, options?.int(3) ?? 0);
  const stride = [positive(net, operator, options?.int(2)), positive(net, operator, options?.int(1))] as const;
  const isValid = options?.byte(0) === 1;
  const activation = options?.byte(5) ?? 0;
  // A window over the whole map means "all of it", whatever size the picture has.
  const isGlobal = isValid && kernel[0] === x.shape[2] && kernel[1] === x.shape[3];
  if (isGlobal)
    fused(net, operator, op === 'AveragePool' ? 'GlobalAveragePool' : 'GlobalMaxPool', [x.name], {}, activation);
  else
    fused(
      net,
      operator,
      op,
      [x.name],
      { kernel_shape: [...kernel], strides: [...stride], ...padding(isValid, kernel, stride, [1, 1]) },
      activation,
    );
}

function fullyConnected(net: TfliteLowering, operator: TfliteOperator): void {
  const x = net.value(operator, 0);
  const { shape, data } = net.floats(operator, 1);
  const [out, count] = shape as [number, number];
  if (shape.length !== 2) throw net.damaged(operator, `a matrix of [${shape.join(', ')}]`);
  if (operator.options?.byte(1)) throw net.unsupported(operator, 'shuffled weights');
  if (operator.options?.byte(2)) throw net.unsupported(operator, 'a matrix that keeps dimensions');
  const flat = net.emit(operator, 'Reshape', [inFileOrder(net, operator, x), net.draft.ints([-1, count])], {}, true);
  const inputs = [flat, weight(net, operator, 'weight', [out, count], data), ...bias(net, operator, 2, out)];
  fused(net, operator, 'Gemm', inputs, { transB: 1 }, operator.options?.byte(0) ?? 0);
}

/** A picture with its channels last, as the file thinks of it, for operators that look at the order of the numbers. */
function inFileOrder(net: TfliteLowering, operator: TfliteOperator, x: TfliteValue): string {
  if (x.shape.length !== 4 || (x.shape[2] === 1 && x.shape[3] === 1)) return x.name;
  net.fixSize();
  return net.emit(operator, 'Transpose', [x.name], { perm: [0, 2, 3, 1] }, true);
}

/** RESHAPE and SQUEEZE: the file's shape of the output says it all. */
function reshape(net: TfliteLowering, operator: TfliteOperator): void {
  const x = net.value(operator, 0);
  const shape = net.outputShape(operator);
  const count = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1);
  if (count(shape) !== count(x.shape))
    throw net.damaged(operator, `[${x.shape.join(', ')}] cannot become [${shape.join(', ')}]`);
  const source = inFileOrder(net, operator, x);
  if (shape.length === 4 && (shape[2] !== 1 || shape[3] !== 1)) {
    net.fixSize();
    const [batch, channels, height, width] = shape as [number, number, number, number];
    const shaped = net.emit(operator, 'Reshape', [source, net.draft.ints([batch, height, width, channels])], {}, true);
    net.emit(operator, 'Transpose', [shaped], { perm: [0, 3, 1, 2] });
  } else {
    net.emit(operator, 'Reshape', [source, net.draft.ints(shape)]);
  }
  net.define(operator);
}

function softmax(net: TfliteLowering, operator: TfliteOperator): void {
  const x = net.value(operator, 0);
  const beta = operator.options?.float(0) ?? 1;
  const scaled = beta === 1 ? x.name : net.emit(operator, 'Mul', [x.name, net.draft.scalar(beta)], {}, true);
  net.emit(operator, 'Softmax', [scaled], { axis: x.shape.length === 4 ? 1 : x.shape.length - 1 });
  net.define(operator);
}

function concatenate(net: TfliteLowering, operator: TfliteOperator): void {
  const parts = operator.inputs.map((_, position) =>
    operand(net, operator, position, net.outputShape(operator).length),
  );
  const rank = net.outputShape(operator).length;
  const axis = (operator.options?.int(0) ?? 0) + ((operator.options?.int(0) ?? 0) < 0 ? rank : 0);
  if (axis < 0 || axis >= rank) throw net.damaged(operator, `there is no axis ${axis}`);
  fused(
    net,
    operator,
    'Concat',
    parts,
    { axis: rank === 4 ? pictureAxes[axis]! : axis },
    operator.options?.byte(1) ?? 0,
  );
}

/** A computed value, or a constant put in the order that the other side has. */
function operand(net: TfliteLowering, operator: TfliteOperator, position: number, rank: number): string {
  if (net.isComputed(operator, position)) return net.value(operator, position).name;
  const { shape, data } = net.floats(operator, position);
  if (rank !== 4) return weight(net, operator, `operand${position}`, shape, data);
  const padded = [...Array<number>(4 - Math.min(4, shape.length)).fill(1), ...shape];
  if (padded.length !== 4) throw net.damaged(operator, `an operand of [${shape.join(', ')}]`);
  return weight(net, operator, `operand${position}`, toPictureOrder(padded), permute(data, padded, [0, 3, 1, 2]));
}

function binary(net: TfliteLowering, operator: TfliteOperator, op: string, activationField?: number): void {
  const { length: rank } = net.outputShape(operator);
  const inputs = [0, 1].map(position => operand(net, operator, position, rank));
  fused(
    net,
    operator,
    op,
    inputs,
    {},
    activationField === undefined ? 0 : (operator.options?.byte(activationField) ?? 0),
  );
}

function squaredDifference(net: TfliteLowering, operator: TfliteOperator): void {
  const { length: rank } = net.outputShape(operator);
  const difference = net.emit(
    operator,
    'Sub',
    [operand(net, operator, 0, rank), operand(net, operator, 1, rank)],
    {},
    true,
  );
  net.emit(operator, 'Mul', [difference, difference]);
  net.define(operator);
}

function hardSwish(net: TfliteLowering, operator: TfliteOperator): void {
  const { name } = net.value(operator, 0);
  const gate = net.emit(operator, 'HardSigmoid', [name], { alpha: 1 / 6, beta: 0.5 }, true);
  net.emit(operator, 'Mul', [name, gate]);
  net.define(operator);
}

function prelu(net: TfliteLowering, operator: TfliteOperator): void {
  const x = net.picture(operator, 0);
  const slope = operand(net, operator, 1, 4);
  net.emit(operator, 'PRelu', [x.name, slope]);
  net.define(operator);
}

function mean(net: TfliteLowering, operator: TfliteOperator): void {
  const x = net.value(operator, 0);
  const isPicture = x.shape.length === 4;
  const axes = net.wholes(operator, 1).map(axis => (axis < 0 ? axis + x.shape.length : axis));
  if (axes.some(axis => axis < 0 || axis >= x.shape.length))
    throw net.damaged(operator, `axes ${axes.join(', ')} of ${x.shape.length}`);
  const keeps = (operator.options?.byte(0) ?? 0) === 1;
  const mapped = isPicture ? axes.map(axis => pictureAxes[axis]!) : axes;
  if (isPicture && !keeps && !(axes.includes(1) && axes.includes(2)))
    throw net.unsupported(operator, 'a mean that turns a picture into something else');
  net.emit(operator, 'ReduceMean', [x.name], { axes: mapped.sort((a, b) => a - b), keepdims: keeps ? 1 : 0 });
  net.define(operator);
}

function resize(
  net: TfliteLowering,
  operator: TfliteOperator,
  mode: 'linear' | 'nearest',
  alignCorners: number,
  halfPixel: number,
): void {
  const x = net.picture(operator, 0);
  const [, , height, width] = net.outputShape(operator);
  const factors = [height! / x.shape[2]!, width! / x.shape[3]!];
  if (!factors.every(factor => Number.isFinite(factor) && factor > 0))
    throw net.damaged(operator, `scaling to ${width}x${height}`);
  const scales = net.draft.weight(`${net.placeOf(operator)}.scales`, [4], Float32Array.of(1, 1, ...factors));
  const coordinates = alignCorners ? 'align_corners' : halfPixel ? 'half_pixel' : 'asymmetric';
  const rounding: Record<string, string> =
    mode === 'nearest' ? { nearest_mode: alignCorners ? 'round_prefer_ceil' : 'floor' } : {};
  net.emit(operator, 'Resize', [x.name, '', scales], {
    mode,
    coordinate_transformation_mode: coordinates,
    ...rounding,
  });
  net.define(operator);
}

function pad(net: TfliteLowering, operator: TfliteOperator, mode: 'constant' | 'reflect' | 'symmetric'): void {
  const x = net.picture(operator, 0);
  const pairs = net.wholes(operator, 1);
  if (pairs.length !== 8 || pairs.some(value => value < 0 || value > limits.pad))
    throw net.damaged(operator, `padding of [${pairs.join(', ')}]`);
  // Symmetric repeats the edge pixel too; for one pixel that is ONNX's "edge".
  if (mode === 'symmetric' && pairs.some(value => value > 1))
    throw net.unsupported(operator, 'symmetric padding by more than one pixel');
  const begins = toPictureOrder([0, 1, 2, 3].map(axis => pairs[2 * axis]!));
  const ends = toPictureOrder([0, 1, 2, 3].map(axis => pairs[2 * axis + 1]!));
  net.emit(operator, 'Pad', [x.name, net.draft.ints([...begins, ...ends])], {
    mode: mode === 'symmetric' ? 'edge' : mode,
  });
  net.define(operator);
}

/** Exchanges dimensions: axis `i` of the result is axis `order[i]` of `data`. */
function permute<T extends FloatConstant['data']>(data: T, dims: readonly number[], order: readonly number[]): T {
  const result = data.slice() as T;
  const strides = dims.map((_, axis) => dims.slice(axis + 1).reduce((product, dim) => product * dim, 1));
  const outDims = order.map(axis => dims[axis]!);
  const outStrides = order.map(axis => strides[axis]!);
  const position = outDims.map(() => 0);
  let from = 0;
  for (let to = 0; to < result.length; to += 1) {
    result[to] = data[from]!;
    for (let axis = outDims.length - 1; axis >= 0; axis -= 1) {
      from += outStrides[axis]!;
      position[axis] = position[axis]! + 1;
      if (position[axis]! < outDims[axis]!) break;
      from -= outStrides[axis]! * outDims[axis]!;
      position[axis] = 0;
    }
  }
  return result;
}
