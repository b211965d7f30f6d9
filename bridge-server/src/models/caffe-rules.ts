import { CaffeParam, type CaffeLayer } from './caffe-file';
import type { CaffeLowering, CaffeRule, CaffeValue } from './caffe-lowering';

const none = new CaffeParam([]);
const maxWindow = 1024;
const maxChannels = 1 << 16;

const ignore: CaffeRule = (net, layer) => layer.tops.forEach(top => net.leaveOut(top));
const alias: CaffeRule = (net, layer) => net.alias(layer);

/** One row per layer type. */
export const caffeRules: Readonly<Record<string, CaffeRule>> = {
  Input: (net, layer) => {
    const dims = layer.param?.message(1)?.ints(1) ?? [];
    for (const top of layer.tops) net.input(top, dims);
  },
  Data: data,
  ImageData: data,
  MemoryData: data,
  DummyData: data,
  WindowData: data,
  Accuracy: ignore,
  Silence: ignore,
  Dropout: alias,
  Split: alias,
  Convolution: convolution,
  Deconvolution: deconvolution,
  InnerProduct: innerProduct,
  Pooling: pooling,
  LRN: normaliseLocally,
  Concat: concat,
  Slice: slice,
  Eltwise: eltwise,
  Scale: scale,
  Bias: bias,
  BatchNorm: batchNorm,
  Power: power,
  PReLU: prelu,
  Flatten: flatten,
  ReLU: (net, layer) => {
    const slope = layer.param?.number(1, 0) ?? 0;
    same(net, layer, slope === 0 ? 'Relu' : 'LeakyRelu', slope === 0 ? {} : { alpha: slope });
  },
  ELU: (net, layer) => same(net, layer, 'Elu', { alpha: layer.param?.number(1, 1) ?? 1 }),
  Sigmoid: (net, layer) => same(net, layer, 'Sigmoid'),
  TanH: (net, layer) => same(net, layer, 'Tanh'),
  AbsVal: (net, layer) => same(net, layer, 'Abs'),
  Softmax: softmax,
  SoftmaxWithLoss: softmax,
};

/** Feeds training: its first output is the picture, at the size that training crops to. */
function data(net: CaffeLowering, layer: CaffeLayer): void {
  // crop_size of transform_param, or of data_param in older files.
  const crop = layer.transform?.number(3, 0) || layer.param?.number(5, 0) || undefined;
  const [picture, ...labels] = layer.tops;
  if (picture === undefined) throw net.damaged(layer, 'it has no output');
  net.input(picture, crop === undefined ? [] : [1, 3, crop, crop]);
  labels.forEach(label => net.leaveOut(label));
}

function same(net: CaffeLowering, layer: CaffeLayer, op: string, attributes: Record<string, number> = {}): void {
  const x = net.bottom(layer);
  net.emit(layer, op, [x.value], attributes);
  net.define(layer, x);
}

function softmax(net: CaffeLowering, layer: CaffeLayer): void {
  if ((layer.param?.number(2, 1) ?? 1) !== 1) throw net.unsupported(layer, 'a softmax over rows or columns');
  same(net, layer, 'Softmax', { axis: 1 });
}

type Pair = readonly [height: number, width: number];

/** Caffe writes one number for both sides, two numbers, or each side in a field of its own. */
function pair(
  net: CaffeLowering,
  layer: CaffeLayer,
  param: CaffeParam,
  id: number,
  heightId: number,
  widthId: number,
  fallback: number,
  min: number,
): Pair {
  const listed = param.ints(id);
  const both: Pair = [listed[0] ?? fallback, listed[1] ?? listed[0] ?? fallback];
  const sides: Pair = [param.number(heightId, both[0]), param.number(widthId, both[1])];
  if (listed.length > 2 || sides.some(side => !Number.isInteger(side) || side < min || side > maxWindow))
    throw net.damaged(layer, `a window, step or border of ${sides.join('x')}`);
  return sides;
}

const noField = 0x7fffffff;

type Window = { readonly kernel: Pair; readonly stride: Pair; readonly pad: Pair; readonly dilation: Pair };

function windowOf(net: CaffeLowering, layer: CaffeLayer, param: CaffeParam): Window {
  return {
    pad: pair(net, layer, param, 3, 9, 10, 0, 0),
    kernel: pair(net, layer, param, 4, 11, 12, 0, 1),
    stride: pair(net, layer, param, 6, 13, 14, 1, 1),
    dilation: pair(net, layer, param, 18, noField, noField, 1, 1),
  };
}

function span(window: Window, axis: 0 | 1): number {
  return window.dilation[axis] * (window.kernel[axis] - 1) + 1;
}

function attributesOf(window: Window, group: number): Record<string, number | number[]> {
  const { kernel, stride, dilation, pad } = window;
  return { kernel_shape: [...kernel], strides: [...stride], dilations: [...dilation], pads: [...pad, ...pad], group };
}

/** Channels out, and how many groups; both checked against the input. */
function channelsOf(
  net: CaffeLowering,
  layer: CaffeLayer,
  param: CaffeParam,
  x: CaffeValue,
): { out: number; group: number } {
  const out = param.number(1, 0);
  const group = param.number(5, 1);
  const isSane = Number.isInteger(out) && out > 0 && out <= maxChannels && Number.isInteger(group) && group > 0;
  if (!isSane || out % group !== 0 || x.channels % group !== 0)
    throw net.damaged(layer, `${out} channels out of ${x.channels} in ${group} groups`);
  return { out, group };
}

function biasOf(net: CaffeLowering, layer: CaffeLayer, param: CaffeParam, out: number): string[] {
  return param.number(2, 1) === 0 ? [] : [net.weight(layer, 'bias', [out], net.weights(layer, 1).data)];
}

function convolution(net: CaffeLowering, layer: CaffeLayer): void {
  const x = net.bottom(layer);
  const param = layer.param ?? none;
  const window = windowOf(net, layer, param);
  const { out, group } = channelsOf(net, layer, param, x);
  const weight = net.weight(layer, 'weight', [out, x.channels / group, ...window.kernel], net.weights(layer, 0).data);
  net.emit(layer, 'Conv', [x.value, weight, ...biasOf(net, layer, param, out)], attributesOf(window, group));
  const after = (size: number, axis: 0 | 1): number =>
    Math.floor((size + 2 * window.pad[axis] - span(window, axis)) / window.stride[axis]) + 1;
  net.define(layer, { channels: out, height: after(x.height, 0), width: after(x.width, 1) });
}

/** Its weights are stored in, out, as ConvTranspose wants them. */
function deconvolution(net: CaffeLowering, layer: CaffeLayer): void {
  const x = net.bottom(layer);
  const param = layer.param ?? none;
  const window = windowOf(net, layer, param);
  const { out, group } = channelsOf(net, layer, param, x);
  const weight = net.weight(layer, 'weight', [x.channels, out / group, ...window.kernel], net.weights(layer, 0).data);
  net.emit(layer, 'ConvTranspose', [x.value, weight, ...biasOf(net, layer, param, out)], attributesOf(window, group));
  const after = (size: number, axis: 0 | 1): number =>
    (size - 1) * window.stride[axis] + span(window, axis) - 2 * window.pad[axis];
  net.define(layer, { channels: out, height: after(x.height, 0), width: after(x.width, 1) });
}

/** A matrix over everything that it sees: a convolution with a kernel of that size, so that larger pictures work too. */
function innerProduct(net: CaffeLowering, layer: CaffeLayer): void {
  const x = net.bottom(layer);
  const param = layer.param ?? none;
  const out = param.number(1, 0);
  if (!Number.isInteger(out) || out < 1 || out > maxChannels) throw net.damaged(layer, `${out} values out`);
  if (param.number(5, 1) !== 1 || param.number(6, 0) !== 0) throw net.unsupported(layer, 'a matrix over other axes');
  const { data } = net.weights(layer, 0);
  const seen = x.channels * x.height * x.width;
  if (data.length !== out * seen)
    throw net.damaged(
      layer,
      `${data.length} weights do not make ${out} values out of ${x.channels}x${x.height}x${x.width}`,
    );
  const weight = net.weight(layer, 'weight', [out, x.channels, x.height, x.width], data);
  net.emit(layer, 'Conv', [x.value, weight, ...biasOf(net, layer, param, out)], { kernel_shape: [x.height, x.width] });
  net.define(layer, { channels: out, height: 1, width: 1 });
}

function pooling(net: CaffeLowering, layer: CaffeLayer): void {
  const x = net.bottom(layer);
  const param = layer.param ?? none;
  const kind = param.number(1, 0);
  if (kind !== 0 && kind !== 1) throw net.unsupported(layer, `pooling of kind ${kind}`);
  const isAverage = kind === 1;
  const isGlobal = param.number(12, 0) === 1;
  const pad = pair(net, layer, param, 4, 9, 10, 0, 0);
  const kernel: Pair = isGlobal ? [x.height, x.width] : pair(net, layer, param, 2, 5, 6, 0, 1);
  const stride = pair(net, layer, param, 3, 7, 8, 1, 1);
  // A window over the whole map means "all of it", whatever size the picture has.
  if (kernel[0] === x.height && kernel[1] === x.width && pad[0] === 0 && pad[1] === 0) {
    net.emit(layer, isAverage ? 'GlobalAveragePool' : 'GlobalMaxPool', [x.value]);
    net.define(layer, { channels: x.channels, height: 1, width: 1 });
    return;
  }
  const ceiling = param.number(13, 0) === 0;
  const attributes = {
    kernel_shape: [...kernel],
    strides: [...stride],
    pads: [...pad, ...pad],
    ceil_mode: ceiling ? 1 : 0,
    ...(isAverage ? { count_include_pad: 1 } : {}),
  };
  net.emit(layer, isAverage ? 'AveragePool' : 'MaxPool', [x.value], attributes);
  const after = (size: number, axis: 0 | 1): number => {
    const steps = (size + 2 * pad[axis] - kernel[axis]) / stride[axis];
    const count = (ceiling ? Math.ceil(steps) : Math.floor(steps)) + 1;
    // The last window must begin inside the picture or the border before it (pooling_layer.cpp).
    return pad[axis] > 0 && (count - 1) * stride[axis] >= size + pad[axis] ? count - 1 : count;
  };
  net.define(layer, { channels: x.channels, height: after(x.height, 0), width: after(x.width, 1) });
}

function normaliseLocally(net: CaffeLowering, layer: CaffeLayer): void {
  const param = layer.param ?? none;
  if (param.number(4, 0) !== 0) throw net.unsupported(layer, 'normalisation within channels');
  const size = param.number(1, 5);
  if (!Number.isInteger(size) || size < 1 || size % 2 === 0 || size > maxWindow)
    throw net.damaged(layer, `normalisation over ${size} channels`);
  same(net, layer, 'LRN', { size, alpha: param.number(2, 1), beta: param.number(3, 0.75), bias: param.number(5, 1) });
}

function parts(net: CaffeLowering, layer: CaffeLayer, alike: (a: CaffeValue, b: CaffeValue) => boolean): CaffeValue[] {
  const values = layer.bottoms.map((_, index) => net.bottom(layer, index));
  const [first] = values;
  if (!first || !values.every(value => alike(value, first))) throw net.damaged(layer, 'its inputs differ in size');
  return values;
}

function concat(net: CaffeLowering, layer: CaffeLayer): void {
  const axis = layer.param?.number(2, layer.param.number(1, 1)) ?? 1;
  if (axis !== 1) throw net.unsupported(layer, 'joining of pictures side by side');
  const values = parts(net, layer, (a, b) => a.height === b.height && a.width === b.width);
  net.emit(
    layer,
    'Concat',
    values.map(value => value.value),
    { axis: 1 },
  );
  net.define(layer, { ...values[0]!, channels: values.reduce((sum, value) => sum + value.channels, 0) });
}

function slice(net: CaffeLowering, layer: CaffeLayer): void {
  const x = net.bottom(layer);
  const param = layer.param ?? none;
  if (param.number(3, param.number(1, 1)) !== 1) throw net.unsupported(layer, 'a cut through rows or columns');
  const points = param.ints(2);
  const even = layer.tops.map((_, index) => (x.channels / layer.tops.length) * index).slice(1);
  const edges = [0, ...(points.length > 0 ? points : even), x.channels];
  if (
    edges.length !== layer.tops.length + 1 ||
    edges.some((edge, index) => !Number.isInteger(edge) || (index > 0 && edge <= edges[index - 1]!))
  ) {
    throw net.damaged(layer, `${x.channels} channels cannot be cut at ${points.join(', ')}`);
  }
  layer.tops.forEach((_, index) => {
    const [from, to] = [edges[index]!, edges[index + 1]!];
    net.emit(
      layer,
      'Slice',
      [x.value, net.draft.ints([from]), net.draft.ints([to]), net.draft.ints([1])],
      {},
      false,
      index,
    );
    net.define(layer, { ...x, channels: to - from }, index);
  });
}

function eltwise(net: CaffeLowering, layer: CaffeLayer): void {
  const param = layer.param ?? none;
  const op = ['Mul', 'Add', 'Max'][param.number(1, 1)];
  if (op === undefined) throw net.damaged(layer, `the operation ${param.number(1, 1)}`);
  const values = parts(net, layer, (a, b) => a.channels === b.channels && a.height === b.height && a.width === b.width);
  if (values.length < 2) throw net.damaged(layer, 'it joins fewer than two inputs');
  const factors = param.floats(2);
  if (factors.length > 0 && (op !== 'Add' || factors.length !== values.length))
    throw net.damaged(layer, 'its factors do not fit its inputs');
  const terms = values.map((value, index) => {
    const factor = factors[index] ?? 1;
    return factor === 1 ? value.value : net.emit(layer, 'Mul', [value.value, net.draft.scalar(factor)], {}, true);
  });
  let sum = terms[0]!;
  terms.slice(1).forEach((term, index) => {
    sum = net.emit(layer, op, [sum, term], {}, index < terms.length - 2);
  });
  net.define(layer, values[0]!);
}

function perChannel(net: CaffeLowering, layer: CaffeLayer, word: string, x: CaffeValue, values: Float32Array): string {
  return net.weight(layer, word, [1, x.channels, 1, 1], values);
}

function scale(net: CaffeLowering, layer: CaffeLayer): void {
  const x = net.bottom(layer);
  const param = layer.param ?? none;
  if (param.number(1, 1) !== 1 || layer.bottoms.length > 1)
    throw net.unsupported(layer, 'a scale that is computed, or over other axes');
  const hasBias = param.number(4, 0) === 1;
  const product = net.emit(
    layer,
    'Mul',
    [x.value, perChannel(net, layer, 'scale', x, net.weights(layer, 0).data)],
    {},
    hasBias,
  );
  if (hasBias) net.emit(layer, 'Add', [product, perChannel(net, layer, 'shift', x, net.weights(layer, 1).data)]);
  net.define(layer, x);
}

function bias(net: CaffeLowering, layer: CaffeLayer): void {
  const x = net.bottom(layer);
  if (layer.bottoms.length > 1) throw net.unsupported(layer, 'a bias that is computed');
  net.emit(layer, 'Add', [x.value, perChannel(net, layer, 'shift', x, net.weights(layer, 0).data)]);
  net.define(layer, x);
}

/** Blobs: sum of means, sum of variances, and by how much both are to be divided. */
function batchNorm(net: CaffeLowering, layer: CaffeLayer): void {
  const x = net.bottom(layer);
  const epsilon = layer.param?.number(3, 1e-5) ?? 1e-5;
  const [mean, variance] = [net.weights(layer, 0).data, net.weights(layer, 1).data];
  const [weight = 0] = net.weights(layer, 2).data;
  const divisor = weight === 0 ? 0 : 1 / weight;
  const factor = variance.map(value => 1 / Math.sqrt(value * divisor + epsilon));
  const product = net.emit(layer, 'Mul', [x.value, perChannel(net, layer, 'scale', x, factor)], {}, true);
  const shift = mean.map((value, index) => -value * divisor * (factor[index] ?? 0));
  net.emit(layer, 'Add', [product, perChannel(net, layer, 'shift', x, shift)]);
  net.define(layer, x);
}

/** (shift + scale x) ^ power */
function power(net: CaffeLowering, layer: CaffeLayer): void {
  const x = net.bottom(layer);
  const param = layer.param ?? none;
  const [exponent, factor, shift] = [param.number(1, 1), param.number(2, 1), param.number(3, 0)];
  const product = net.emit(layer, 'Mul', [x.value, net.draft.scalar(factor)], {}, true);
  const isLinear = exponent === 1;
  const sum = net.emit(layer, 'Add', [product, net.draft.scalar(shift)], {}, !isLinear);
  if (!isLinear) net.emit(layer, 'Pow', [sum, net.draft.scalar(exponent)]);
  net.define(layer, x);
}

function prelu(net: CaffeLowering, layer: CaffeLayer): void {
  const x = net.bottom(layer);
  const { data } = net.weights(layer, 0);
  const slope =
    data.length === 1
      ? net.weight(layer, 'slope', [1, 1, 1], data)
      : net.weight(layer, 'slope', [x.channels, 1, 1], data);
  net.emit(layer, 'PRelu', [x.value, slope]);
  net.define(layer, x);
}

/** Matrices look at pictures as they are, so there is nothing to flatten unless something else follows. */
function flatten(net: CaffeLowering, layer: CaffeLayer): void {
  const x = net.bottom(layer);
  if (x.height !== 1 || x.width !== 1) throw net.unsupported(layer, 'flattening of a picture');
  net.alias(layer);
}
