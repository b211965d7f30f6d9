import { differenceOf, fixedSize, scaledBy, shiftedBy, unwindowed, windowed, type AffineSize } from './affine-size';
import type { NcnnLayer } from './ncnn-file';
import type { NcnnBlob, NcnnLowering, NcnnRule } from './ncnn-lowering';

const one = fixedSize(1);
const maxChannels = 16_384;
const maxKernel = 255;
const maxPad = 4096;
const toTheEnd = Number.MAX_SAFE_INTEGER;
// ncnn's "no value" mark, also "read it from the second input".
const absent = -233;

/** One row per layer type of ncnn. */
export const ncnnRules: Readonly<Record<string, NcnnRule>> = {
  Input: (net, layer) => net.input(layer, net.whole(layer, 2, 0, 0, maxChannels)),
  Split: alias,
  Noop: alias,
  Dropout: alias,
  Convolution: (net, layer) => convolution(net, layer, false),
  ConvolutionDepthWise: (net, layer) => convolution(net, layer, true),
  Deconvolution: (net, layer) => deconvolution(net, layer, false),
  DeconvolutionDepthWise: (net, layer) => deconvolution(net, layer, true),
  InnerProduct: innerProduct,
  Pooling: pooling,
  Eltwise: eltwise,
  BinaryOp: binary,
  UnaryOp: unary,
  Crop: crop,
  Padding: padding,
  Scale: scale,
  BatchNorm: batchNorm,
  Concat: concat,
  Interp: interp,
  PixelShuffle: pixelShuffle,
  ReLU: (net, layer) => {
    const slope = net.number(layer, 0);
    same(net, layer, slope === 0 ? 'Relu' : 'LeakyRelu', slope === 0 ? {} : { alpha: slope });
  },
  PReLU: prelu,
  ELU: (net, layer) => same(net, layer, 'Elu', { alpha: net.number(layer, 0, 0.1) }),
  Sigmoid: (net, layer) => same(net, layer, 'Sigmoid'),
  TanH: (net, layer) => same(net, layer, 'Tanh'),
  AbsVal: (net, layer) => same(net, layer, 'Abs'),
  HardSigmoid: (net, layer) =>
    same(net, layer, 'HardSigmoid', { alpha: net.number(layer, 0, 0.2), beta: net.number(layer, 1, 0.5) }),
  Swish: (net, layer) => {
    const x = net.bottom(layer);
    net.emit(layer, 'Mul', [x.value, net.emit(layer, 'Sigmoid', [x.value], {}, true)]);
    keep(net, layer, x);
  },
  Clip: (net, layer) => {
    const x = net.bottom(layer);
    net.emit(layer, 'Clip', [
      x.value,
      net.draft.scalar(net.number(layer, 0, -3.4e38)),
      net.draft.scalar(net.number(layer, 1, 3.4e38)),
    ]);
    keep(net, layer, x);
  },
  Softmax: (net, layer) => same(net, layer, 'Softmax', { axis: net.whole(layer, 0, 0, 0, 2) + 1 }),
  'rife.Warp': warp,
};

function alias(net: NcnnLowering, layer: NcnnLayer): void {
  if (layer.type === 'Dropout' && net.number(layer, 0, 1) !== 1) throw net.unsupported(layer, 'a scaling dropout');
  const x = net.bottom(layer);
  layer.tops.forEach((_, index) => net.define(layer, x, index));
}

/** The layer's output is its input's size under the value that the last `emit` wrote. */
function keep(net: NcnnLowering, layer: NcnnLayer, like: NcnnBlob, over: Partial<NcnnBlob> = {}): void {
  const top = layer.tops[0] ?? '';
  net.define(layer, { ...like, value: net.options.rename?.[top] ?? top, ...over });
}

function same(net: NcnnLowering, layer: NcnnLayer, op: string, attributes: Record<string, number> = {}): void {
  const x = net.bottom(layer);
  net.emit(layer, op, [x.value], attributes);
  keep(net, layer, x);
}

type Window = {
  kernel: [number, number];
  stride: [number, number];
  dilation: [number, number];
  pads: [number, number, number, number];
};

/** Height first, as ONNX wants it; ncnn writes width first and leaves height out when it is the same. */
function windowOf(net: NcnnLowering, layer: NcnnLayer): Window {
  const pair = (id: number, fallback: number, min: number, max: number): [number, number] => {
    const width = net.whole(layer, id, fallback, min, max);
    return [net.whole(layer, id + 10, width, min, max), width];
  };
  if (net.number(layer, 4) <= absent) throw net.unsupported(layer, 'padding that depends on the size');
  const left = net.whole(layer, 4, 0, 0, maxPad);
  const top = net.whole(layer, 14, left, 0, maxPad);
  return {
    kernel: pair(1, 0, 1, maxKernel),
    dilation: pair(2, 1, 1, maxKernel),
    stride: pair(3, 1, 1, maxKernel),
    pads: [top, left, net.whole(layer, 16, top, 0, maxPad), net.whole(layer, 15, left, 0, maxPad)],
  };
}

function spanOf(window: Window, axis: 0 | 1): number {
  return window.dilation[axis] * (window.kernel[axis] - 1) + 1;
}

function attributesOf(window: Window, group: number): Record<string, number | number[]> {
  return { kernel_shape: window.kernel, strides: window.stride, dilations: window.dilation, pads: window.pads, group };
}

type Shape = { out: number; perGroup: number; group: number; taps: number };

/** Takes the layer's channel counts and checks them against the input and the number of weights. */
function shapeOf(net: NcnnLowering, layer: NcnnLayer, x: NcnnBlob, window: Window, grouped: boolean): Shape {
  if (net.number(layer, 8) !== 0) throw net.unsupported(layer, '8-bit integer arithmetic');
  const out = net.whole(layer, 0, 0, 1, maxChannels);
  const group = grouped ? net.whole(layer, 7, 1, 1, maxChannels) : 1;
  const taps = window.kernel[0] * window.kernel[1];
  const perGroup = x.channels / group;
  const count = net.number(layer, 6);
  if (!Number.isInteger(perGroup) || out % group !== 0 || count !== out * perGroup * taps) {
    throw net.damaged(
      layer,
      `${count} weights do not make ${out} channels out of ${x.channels} with a ${window.kernel[1]}x${window.kernel[0]} kernel${group > 1 ? ` in ${group} groups` : ''}`,
    );
  }
  return { out, perGroup, group, taps };
}

function bias(net: NcnnLowering, layer: NcnnLayer, id: number, out: number): string[] {
  return net.whole(layer, id, 0, 0, 1) === 1
    ? [net.draft.weight(`${layer.name}.bias`, [out], net.singleWeights(layer, out))]
    : [];
}

function convolution(net: NcnnLowering, layer: NcnnLayer, grouped: boolean): void {
  const x = net.bottom(layer);
  const window = windowOf(net, layer);
  if (net.number(layer, 18) !== 0) throw net.unsupported(layer, 'padding with a value other than 0');
  if (net.number(layer, 19) !== 0) throw net.unsupported(layer, 'weights that are computed');
  const { out, perGroup, group, taps } = shapeOf(net, layer, x, window, grouped);
  const weight = net.draft.weight(
    `${layer.name}.weight`,
    [out, perGroup, ...window.kernel],
    net.taggedWeights(layer, out * perGroup * taps),
  );
  activated(net, layer, 'Conv', [x.value, weight, ...bias(net, layer, 5, out)], attributesOf(window, group));
  const [top, left, bottom, right] = window.pads;
  keep(net, layer, x, {
    channels: out,
    height: windowed(x.height, spanOf(window, 0), window.stride[0], top + bottom),
    width: windowed(x.width, spanOf(window, 1), window.stride[1], left + right),
  });
}

function deconvolution(net: NcnnLowering, layer: NcnnLayer, grouped: boolean): void {
  const x = net.bottom(layer);
  const window = windowOf(net, layer);
  for (const id of [18, 19, 20, 21, 28])
    if (net.number(layer, id) !== 0) throw net.unsupported(layer, 'an output size given by numbers');
  const { out, perGroup, group, taps } = shapeOf(net, layer, x, window, grouped);
  // ncnn keeps [group][out/group][in/group][taps]; ConvTranspose wants in before out within each group.
  const stored = net.taggedWeights(layer, out * perGroup * taps);
  const turned = stored.slice();
  const outPerGroup = out / group;
  let from = 0;
  for (let g = 0; g < group; g += 1) {
    for (let o = 0; o < outPerGroup; o += 1) {
      for (let i = 0; i < perGroup; i += 1) {
        const to = ((g * perGroup + i) * outPerGroup + o) * taps;
        turned.set(stored.subarray(from, from + taps), to);
        from += taps;
      }
    }
  }
  const weight = net.draft.weight(`${layer.name}.weight`, [x.channels, outPerGroup, ...window.kernel], turned);
  activated(net, layer, 'ConvTranspose', [x.value, weight, ...bias(net, layer, 5, out)], attributesOf(window, group));
  const [top, left, bottom, right] = window.pads;
  keep(net, layer, x, {
    channels: out,
    height: unwindowed(x.height, spanOf(window, 0), window.stride[0], top + bottom),
    width: unwindowed(x.width, spanOf(window, 1), window.stride[1], left + right),
  });
}

/** A matrix on a vector of channels, which in these nets always follows a global mean: a 1x1 convolution. */
function innerProduct(net: NcnnLowering, layer: NcnnLayer): void {
  const x = net.bottom(layer);
  if (net.number(layer, 8) !== 0) throw net.unsupported(layer, '8-bit integer arithmetic');
  const out = net.whole(layer, 0, 0, 1, maxChannels);
  const count = net.number(layer, 2);
  if (differenceOf(x.height, one) !== 0 || differenceOf(x.width, one) !== 0)
    throw net.unsupported(layer, 'an inner product over a whole picture');
  if (count !== out * x.channels)
    throw net.damaged(layer, `${count} weights do not make ${out} values out of ${x.channels}`);
  const weight = net.draft.weight(`${layer.name}.weight`, [out, x.channels, 1, 1], net.taggedWeights(layer, count));
  activated(net, layer, 'Conv', [x.value, weight, ...bias(net, layer, 1, out)], { kernel_shape: [1, 1] });
  keep(net, layer, x, { channels: out });
}

/** Writes the layer's node and the activation that ncnn has fused into it (parameters 9 and 10). */
function activated(
  net: NcnnLowering,
  layer: NcnnLayer,
  op: string,
  inputs: readonly string[],
  attributes: Record<string, number | number[]>,
): void {
  const kind = net.whole(layer, 9, 0, 0, 6);
  if (kind === 0) {
    net.emit(layer, op, inputs, attributes);
    return;
  }
  const x = net.emit(layer, op, inputs, attributes, true);
  const [a, b] = net.list(layer, 10) ?? [];
  switch (kind) {
    case 1:
      net.emit(layer, 'Relu', [x]);
      return;
    case 2:
      if (a === undefined) throw net.damaged(layer, 'the slope of its activation is missing');
      net.emit(layer, 'LeakyRelu', [x], { alpha: a });
      return;
    case 3:
      if (a === undefined || b === undefined) throw net.damaged(layer, 'the limits of its activation are missing');
      net.emit(layer, 'Clip', [x, net.draft.scalar(a), net.draft.scalar(b)]);
      return;
    case 4:
      net.emit(layer, 'Sigmoid', [x]);
      return;
    default:
      throw net.unsupported(layer, `activation ${kind}`);
  }
}

function pooling(net: NcnnLowering, layer: NcnnLayer): void {
  const x = net.bottom(layer);
  const average = net.whole(layer, 0, 0, 0, 1) === 1;
  if (net.number(layer, 7) !== 0) throw net.unsupported(layer, 'adaptive pooling');
  if (net.whole(layer, 4, 0, 0, 1) === 1) {
    net.emit(layer, average ? 'GlobalAveragePool' : 'GlobalMaxPool', [x.value]);
    keep(net, layer, x, { height: one, width: one });
    return;
  }
  const kernelWidth = net.whole(layer, 1, 0, 1, maxKernel);
  const strideWidth = net.whole(layer, 2, 1, 1, maxKernel);
  const left = net.whole(layer, 3, 0, 0, maxPad);
  const kernel = [net.whole(layer, 11, kernelWidth, 1, maxKernel), kernelWidth];
  const strides = [net.whole(layer, 12, strideWidth, 1, maxKernel), strideWidth];
  const top = net.whole(layer, 13, left, 0, maxPad);
  const pads = [top, left, net.whole(layer, 15, top, 0, maxPad), net.whole(layer, 14, left, 0, maxPad)];
  const mode = net.whole(layer, 5, 0, 0, 3);
  if (mode > 1) throw net.unsupported(layer, 'padding that depends on the size');
  const ceiling = mode === 0 ? 1 : 0;
  const attributes = {
    kernel_shape: kernel,
    strides,
    pads,
    ceil_mode: ceiling,
    ...(average ? { count_include_pad: net.whole(layer, 6, 0, 0, 1) } : {}),
  };
  net.emit(layer, average ? 'AveragePool' : 'MaxPool', [x.value], attributes);
  const after = (size: AffineSize, axis: 0 | 1): AffineSize =>
    windowed(size, kernel[axis]!, strides[axis]!, pads[axis]! + pads[axis + 2]! + ceiling * (strides[axis]! - 1));
  keep(net, layer, x, { height: after(x.height, 0), width: after(x.width, 1) });
}

function requireSameSize(net: NcnnLowering, layer: NcnnLayer, a: NcnnBlob, b: NcnnBlob): void {
  const matches = (p: AffineSize, q: AffineSize): boolean =>
    differenceOf(p, q) === 0 || differenceOf(p, one) === 0 || differenceOf(q, one) === 0;
  const channels = a.channels === b.channels || a.channels === 1 || b.channels === 1;
  if (!channels || !matches(a.height, b.height) || !matches(a.width, b.width)) {
    throw net.damaged(layer, `it joins ${a.channels} and ${b.channels} channels, or pictures of two sizes`);
  }
}

function larger(a: NcnnBlob, b: NcnnBlob): NcnnBlob {
  const size = (p: AffineSize, q: AffineSize): AffineSize => (differenceOf(p, one) === 0 ? q : p);
  return {
    value: a.value,
    channels: Math.max(a.channels, b.channels),
    height: size(a.height, b.height),
    width: size(a.width, b.width),
  };
}

function eltwise(net: NcnnLowering, layer: NcnnLayer): void {
  const op = ['Mul', 'Add', 'Max'][net.whole(layer, 0, 0, 0, 2)]!;
  const coefficients = net.list(layer, 1) ?? [];
  if (layer.bottoms.length < 2) throw net.damaged(layer, 'it joins fewer than two inputs');
  const terms = layer.bottoms.map((_, index) => net.bottom(layer, index));
  const first = terms[0]!;
  for (const term of terms) requireSameSize(net, layer, first, term);
  if (coefficients.length !== 0 && (op !== 'Add' || coefficients.length !== terms.length))
    throw net.damaged(layer, 'its coefficients do not fit its inputs');
  const values = terms.map((term, index) => {
    const coefficient = coefficients[index] ?? 1;
    return coefficient === 1
      ? term.value
      : net.emit(layer, 'Mul', [term.value, net.draft.scalar(coefficient)], {}, true);
  });
  let sum = values[0]!;
  values.slice(1).forEach((value, index) => {
    sum = net.emit(layer, op, [sum, value], {}, index < values.length - 2);
  });
  keep(net, layer, terms.reduce(larger));
}

const binaryOps = ['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min', 'Pow', 'Sub', 'Div', 'Pow'] as const;
const firstReversed = 7;

function binary(net: NcnnLowering, layer: NcnnLayer): void {
  const kind = net.whole(layer, 0, 0, 0, binaryOps.length - 1);
  const a = net.bottom(layer);
  const withNumber = net.whole(layer, 1, 0, 0, 1) === 1;
  const b = withNumber ? undefined : net.bottom(layer, 1);
  if (b) requireSameSize(net, layer, a, b);
  const second = b ? b.value : net.draft.scalar(net.number(layer, 2));
  net.emit(layer, binaryOps[kind]!, kind >= firstReversed ? [second, a.value] : [a.value, second]);
  keep(net, layer, b ? larger(a, b) : a);
}

const unaryOps: Readonly<Record<number, string>> = {
  0: 'Abs',
  1: 'Neg',
  2: 'Floor',
  3: 'Ceil',
  5: 'Sqrt',
  7: 'Exp',
  8: 'Log',
  9: 'Sin',
  10: 'Cos',
  15: 'Reciprocal',
  16: 'Tanh',
};

function unary(net: NcnnLowering, layer: NcnnLayer): void {
  const kind = net.number(layer, 0);
  const x = net.bottom(layer);
  const op = unaryOps[kind];
  if (kind === 4) net.emit(layer, 'Mul', [x.value, x.value]);
  else if (op) net.emit(layer, op, [x.value]);
  else throw net.unsupported(layer, `the function ${kind} of one value`);
  keep(net, layer, x);
}

function crop(net: NcnnLowering, layer: NcnnLayer): void {
  const x = net.bottom(layer);
  const starts: number[] = [];
  const ends: number[] = [];
  const axes: number[] = [];
  const result: { channels: number; height: AffineSize; width: AffineSize } = {
    channels: x.channels,
    height: x.height,
    width: x.width,
  };
  // Cuts `before` and `after` pixels off; what is cut from a free size must not depend on it.
  const cut = (axis: 1 | 2 | 3, before: number, after: number): void => {
    if (before === 0 && after === 0) return;
    if (before < 0 || after < 0) throw net.damaged(layer, 'it cuts out more than there is');
    starts.push(before);
    ends.push(after === 0 ? toTheEnd : -after);
    axes.push(axis);
    if (axis === 1) result.channels -= before + after;
    else result[axis === 2 ? 'height' : 'width'] = shiftedBy(axis === 2 ? x.height : x.width, -before - after);
  };
  const sizes = { 1: fixedSize(x.channels), 2: x.height, 3: x.width } as const;

  const listed = net.list(layer, 9);
  if (listed) {
    const listedEnds = net.list(layer, 10) ?? [];
    const listedAxes = net.list(layer, 11) ?? listed.map((_, index) => index);
    if (listedEnds.length !== listed.length || listedAxes.length !== listed.length)
      throw net.damaged(layer, 'starts, ends and axes are not equally many');
    listed.forEach((start, index) => {
      const axis = ((listedAxes[index]! + 3) % 3) + 1;
      if (axis !== 1 && axis !== 2 && axis !== 3) throw net.damaged(layer, `there is no axis ${listedAxes[index]}`);
      const end = listedEnds[index]!;
      if (start < 0) throw net.unsupported(layer, 'a cut that starts from the end');
      cut(axis, start, end <= 0 ? (end === absent ? 0 : -end) : fixedCut(net, layer, sizes[axis], start, end - start));
    });
  } else {
    const reference = layer.bottoms.length > 1 ? net.bottom(layer, 1) : undefined;
    const rows = [
      { axis: 3, offset: 0, size: 3, after: 6, like: reference?.width },
      { axis: 2, offset: 1, size: 4, after: 7, like: reference?.height },
      { axis: 1, offset: 2, size: 5, after: 8, like: reference && fixedSize(reference.channels) },
    ] as const;
    for (const row of rows) {
      const start = net.whole(layer, row.offset, 0, 0, maxPad);
      const wanted = net.number(layer, row.size);
      const after = net.whole(layer, row.after, 0, 0, maxPad);
      if (row.like) {
        // With a second input, channels stay as they are unless an offset was given for them.
        if (row.axis === 1 && start === 0) continue;
        const more = differenceOf(sizes[row.axis], row.like);
        if (more === undefined) throw net.unsupported(layer, 'a cut that depends on the size');
        cut(row.axis, start, more - start);
      } else if (wanted > 0) {
        cut(row.axis, start, fixedCut(net, layer, sizes[row.axis], start, wanted));
      } else {
        cut(row.axis, start, after);
      }
    }
  }
  if (!(result.channels > 0)) throw net.damaged(layer, 'it cuts every channel off');
  if (axes.length === 0) net.emit(layer, 'Identity', [x.value]);
  else net.emit(layer, 'Slice', [x.value, net.draft.ints(starts), net.draft.ints(ends), net.draft.ints(axes)]);
  keep(net, layer, x, result);
}

function fixedCut(net: NcnnLowering, layer: NcnnLayer, size: AffineSize, start: number, wanted: number): number {
  const left = differenceOf(size, fixedSize(start + wanted));
  if (left === undefined) throw net.unsupported(layer, 'a cut to a fixed size');
  if (left < 0 || wanted <= 0) throw net.damaged(layer, 'it cuts out more than there is');
  return left;
}

function padding(net: NcnnLowering, layer: NcnnLayer): void {
  const x = net.bottom(layer);
  const [top, bottom, left, right] = [0, 1, 2, 3].map(id => net.whole(layer, id, 0, 0, maxPad)) as [
    number,
    number,
    number,
    number,
  ];
  const mode = ['constant', 'edge', 'reflect'][net.whole(layer, 4, 0, 0, 2)]!;
  if (net.number(layer, 7) !== 0 || net.number(layer, 8) !== 0) throw net.unsupported(layer, 'padding of channels');
  net.emit(
    layer,
    'Pad',
    [x.value, net.draft.ints([0, 0, top, left, 0, 0, bottom, right]), net.draft.scalar(net.number(layer, 5))],
    { mode },
  );
  keep(net, layer, x, { height: shiftedBy(x.height, top + bottom), width: shiftedBy(x.width, left + right) });
}

function perChannel(net: NcnnLowering, layer: NcnnLayer, word: string, values: Float32Array): string {
  return net.draft.weight(`${layer.name}.${word}`, [values.length, 1, 1], values);
}

function requireCount(net: NcnnLowering, layer: NcnnLayer, count: number, x: NcnnBlob): void {
  if (count !== x.channels) throw net.damaged(layer, `it holds ${count} values for ${x.channels} channels`);
}

function scale(net: NcnnLowering, layer: NcnnLayer): void {
  const x = net.bottom(layer);
  const count = net.number(layer, 0);
  if (count === absent) {
    const factor = net.bottom(layer, 1);
    requireSameSize(net, layer, x, factor);
    net.emit(layer, 'Mul', [x.value, factor.value]);
  } else {
    requireCount(net, layer, count, x);
    const hasBias = net.whole(layer, 1, 0, 0, 1) === 1;
    const product = net.emit(
      layer,
      'Mul',
      [x.value, perChannel(net, layer, 'scale', net.singleWeights(layer, count))],
      {},
      hasBias,
    );
    if (hasBias) net.emit(layer, 'Add', [product, perChannel(net, layer, 'bias', net.singleWeights(layer, count))]);
  }
  keep(net, layer, x);
}

function batchNorm(net: NcnnLowering, layer: NcnnLayer): void {
  const x = net.bottom(layer);
  const count = net.number(layer, 0);
  requireCount(net, layer, count, x);
  const epsilon = net.number(layer, 1);
  const [slope, mean, variance, shift] = [0, 1, 2, 3].map(() => net.singleWeights(layer, count)) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const factor = slope.map((value, index) => value / Math.sqrt(variance[index]! + epsilon));
  const product = net.emit(layer, 'Mul', [x.value, perChannel(net, layer, 'scale', factor)], {}, true);
  net.emit(layer, 'Add', [
    product,
    perChannel(
      net,
      layer,
      'bias',
      shift.map((value, index) => value - mean[index]! * factor[index]!),
    ),
  ]);
  keep(net, layer, x);
}

function prelu(net: NcnnLowering, layer: NcnnLayer): void {
  const x = net.bottom(layer);
  const count = net.whole(layer, 0, 0, 1, maxChannels);
  if (count !== 1) requireCount(net, layer, count, x);
  net.emit(layer, 'PRelu', [x.value, perChannel(net, layer, 'slope', net.singleWeights(layer, count))]);
  keep(net, layer, x);
}

function concat(net: NcnnLowering, layer: NcnnLayer): void {
  const axis = net.whole(layer, 0, 0, -3, 2);
  if (axis !== 0 && axis !== -3) throw net.unsupported(layer, 'joining of pictures side by side');
  const parts = layer.bottoms.map((_, index) => net.bottom(layer, index));
  const first = net.bottom(layer);
  for (const part of parts) {
    if (differenceOf(part.height, first.height) !== 0 || differenceOf(part.width, first.width) !== 0)
      throw net.damaged(layer, 'it joins pictures of two sizes');
  }
  net.emit(
    layer,
    'Concat',
    parts.map(part => part.value),
    { axis: 1 },
  );
  keep(net, layer, first, { channels: parts.reduce((sum, part) => sum + part.channels, 0) });
}

function interp(net: NcnnLowering, layer: NcnnLayer): void {
  const x = net.bottom(layer);
  const kind = net.whole(layer, 0, 0, 1, 3);
  if (
    layer.bottoms.length > 1 ||
    net.number(layer, 3) !== 0 ||
    net.number(layer, 4) !== 0 ||
    net.number(layer, 5) !== 0
  )
    throw net.unsupported(layer, 'scaling to a fixed size');
  if (net.number(layer, 6) !== 0) throw net.unsupported(layer, 'scaling with aligned corners');
  const factors = [net.number(layer, 1, 1), net.number(layer, 2, 1)] as const;
  const [height, width] = factors.map(factor => wholeRatio(net, layer, factor)) as [[number, number], [number, number]];
  const scales = net.draft.weight(`${layer.name}.scales`, [4], Float32Array.of(1, 1, ...factors));
  // ncnn samples bilinear and bicubic at pixel centres, nearest at pixel corners (src/layer/interp.cpp).
  const attributes: Record<string, number | string> =
    kind === 1
      ? { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }
      : {
          mode: kind === 2 ? 'linear' : 'cubic',
          coordinate_transformation_mode: 'half_pixel',
          ...(kind === 3 ? { cubic_coeff_a: -0.75 } : {}),
        };
  net.emit(layer, 'Resize', [x.value, '', scales], attributes);
  keep(net, layer, x, { height: scaledBy(x.height, ...height), width: scaledBy(x.width, ...width) });
}

const maxFactor = 64;

/** The factor as a fraction of whole numbers; anything finer than 1/64 is not a scaling that a net uses. */
function wholeRatio(net: NcnnLowering, layer: NcnnLayer, factor: number): [number, number] {
  for (let den = 1; den <= maxFactor; den += 1) {
    const num = factor * den;
    if (num >= 1 && num <= maxFactor * den && Math.abs(num - Math.round(num)) < 1e-6) return [Math.round(num), den];
  }
  throw net.damaged(layer, `it scales by ${factor}`);
}

function pixelShuffle(net: NcnnLowering, layer: NcnnLayer): void {
  const x = net.bottom(layer);
  const factor = net.whole(layer, 0, 1, 1, maxFactor);
  const channels = x.channels / (factor * factor);
  if (!Number.isInteger(channels))
    throw net.damaged(layer, `${x.channels} channels do not make ${factor}x${factor} pixels each`);
  net.emit(layer, 'DepthToSpace', [x.value], {
    blocksize: factor,
    mode: net.whole(layer, 1, 0, 0, 1) === 0 ? 'CRD' : 'DCR',
  });
  keep(net, layer, x, { channels, height: scaledBy(x.height, factor, 1), width: scaledBy(x.width, factor, 1) });
}

/**
 * RIFE's own layer: fetches the picture from where the flow (pixels, x then y) points, bilinear, the border repeated.
 * GridSample counts from -1 to 1 between the centres of the outer pixels.
 */
function warp(net: NcnnLowering, layer: NcnnLayer): void {
  const { draft } = net;
  const image = net.bottom(layer);
  const flow = net.bottom(layer, 1);
  if (flow.channels !== 2) throw net.damaged(layer, `its flow has ${flow.channels} channels`);
  if (differenceOf(image.height, flow.height) !== 0 || differenceOf(image.width, flow.width) !== 0)
    throw net.damaged(layer, 'picture and flow differ in size');
  const { base, step } = pixelGrid(net, flow);
  const where = draft.node('Add', [draft.node('Mul', [flow.value, step]), base]);
  const grid = draft.node('Transpose', [where], { perm: [0, 2, 3, 1] });
  net.emit(layer, 'GridSample', [image.value, grid], { mode: 'bilinear', padding_mode: 'border', align_corners: 1 });
  keep(net, layer, image);
}

/** `base` [1, 2, H, W]: every pixel's own place, -1..1. `step` [1, 2, 1, 1]: one pixel in that measure. Written once per size. */
function pixelGrid(net: NcnnLowering, like: NcnnBlob): { base: string; step: string } {
  const { draft } = net;
  const key = [like.height, like.width].map(size => `${size.num}/${size.den}+${size.plus}`).join('x');
  const base = `grid.${key}`;
  const step = `step.${key}`;
  if (draft.nodes.some(node => node.name === base)) return { base, step };
  const shape = draft.node('Shape', [like.value]);
  const axis = (index: 2 | 3): { place: string; pixel: string } => {
    const side = draft.node('Gather', [
      shape,
      draft.weight(`${base}.axis${index}`, [], BigInt64Array.of(BigInt(index))),
    ]);
    const length = draft.node('Cast', [side], { to: 1 });
    const pixel = draft.node('Div', [draft.scalar(2), draft.node('Sub', [length, draft.scalar(1)])]);
    const count = draft.node('Range', [draft.scalar(0), length, draft.scalar(1)]);
    const place = draft.node('Sub', [draft.node('Mul', [count, pixel]), draft.scalar(1)]);
    return {
      place: draft.node('Reshape', [place, draft.ints(index === 2 ? [1, 1, -1, 1] : [1, 1, 1, -1])]),
      pixel: draft.node('Reshape', [pixel, draft.ints([1, 1, 1, 1])]),
    };
  };
  const [y, x] = [axis(2), axis(3)];
  draft.node('Concat', [x.pixel, y.pixel], { axis: 1 }, step);
  // One plane each: x repeated over the rows, y over the columns.
  const zeroX = draft.node('Mul', [x.place, draft.scalar(0)]);
  const zeroY = draft.node('Mul', [y.place, draft.scalar(0)]);
  draft.node('Concat', [draft.node('Add', [x.place, zeroY]), draft.node('Add', [y.place, zeroX])], { axis: 1 }, base);
  return { base, step };
}
