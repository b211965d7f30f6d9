import * as g from '../build';
import { UnsupportedError } from '../onnx-format';
import type { Value } from '../value';
import { refuse } from './context';
import type { NodeReader, ReadNode } from './context';
import type { CoordinateMode, NearestMode } from '../build/resample';

type Two = [number, number];
type Quad = [number, number, number, number];

/** Kernels are of two dimensions here; anything else is refused by its number of sizes. */
function twoOf(node: ReadNode, name: string, otherwise = 1): Two {
  const values = node.ints(name) ?? [otherwise, otherwise];
  refuse(
    values.length !== 2 || values.some(each => !Number.isInteger(each) || each < 0),
    `${node.op} with ${name} [${values.join(', ')}]`,
  );
  return [values[0], values[1]];
}

/** Explicit pads, or those that `auto_pad` stands for. */
function padsOf(node: ReadNode, x: Value, kernel: Two, strides: Two, dilations: Two): Quad {
  const auto = node.string('auto_pad', 'NOTSET');
  if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
    const along = (axis: 0 | 1): Two => {
      const size = x.dims[axis + 2];
      const total = Math.max(
        0,
        (Math.ceil(size / strides[axis]) - 1) * strides[axis] + dilations[axis] * (kernel[axis] - 1) + 1 - size,
      );
      const small = Math.floor(total / 2);
      return auto === 'SAME_UPPER' ? [small, total - small] : [total - small, small];
    };
    const [[top, bottom], [left, right]] = [along(0), along(1)];
    return [top, left, bottom, right];
  }
  const pads = auto === 'VALID' ? undefined : node.ints('pads');
  refuse(pads !== undefined && pads.length !== 4, `${node.op} with ${pads?.length} pads`);
  return (pads ?? [0, 0, 0, 0]) as Quad;
}

const conv: NodeReader = node => {
  const [x, w] = [node.input(0), node.input(1)];
  planes(node, x, w);
  const strides = twoOf(node, 'strides');
  const dilations = twoOf(node, 'dilations');
  const pads = padsOf(node, x, [w.dims[2], w.dims[3]], strides, dilations);
  return g.conv(x, w, node.optional(2), { strides, dilations, pads, group: node.int('group', 1) });
};

const convTranspose: NodeReader = node => {
  const [x, w] = [node.input(0), node.input(1)];
  planes(node, x, w);
  const strides = twoOf(node, 'strides');
  const dilations = twoOf(node, 'dilations');
  let outputPadding = twoOf(node, 'output_padding', 0);
  let pads = (node.ints('pads') ?? [0, 0, 0, 0]) as Quad;
  const auto = node.string('auto_pad', 'NOTSET');
  const wanted =
    node.ints('output_shape')?.slice(-2) ??
    (auto.startsWith('SAME') ? x.dims.slice(2).map((dim, axis) => dim * strides[axis]) : undefined);
  if (wanted) {
    // The sizes are given, the pads follow from them.
    const full = [0, 1].map(
      axis =>
        strides[axis] * (x.dims[axis + 2] - 1) + outputPadding[axis] + dilations[axis] * (w.dims[axis + 2] - 1) + 1,
    );
    const totals = full.map((size, axis) => size - wanted[axis]);
    outputPadding = outputPadding.map((each, axis) => each + Math.max(0, -totals[axis])) as Two;
    const start = totals.map(total =>
      auto === 'SAME_UPPER' ? Math.floor(Math.max(0, total) / 2) : Math.ceil(Math.max(0, total) / 2),
    );
    pads = [start[0], start[1], Math.max(0, totals[0]) - start[0], Math.max(0, totals[1]) - start[1]];
  }
  return g.convTranspose(x, w, node.optional(2), {
    strides,
    dilations,
    pads,
    outputPadding,
    group: node.int('group', 1),
  });
};

function planes(node: ReadNode, ...values: readonly Value[]): void {
  for (const value of values) refuse(value.dims.length !== 4, `${node.op} in ${value.dims.length - 2} dimensions`);
}

/** A pool looks at this many pixels at most: its gradient is built from as many slices. */
const widestPool = 64;

const pool =
  (kind: 'max' | 'average'): NodeReader =>
  node => {
    const x = node.input(0);
    planes(node, x);
    const kernel = twoOf(node, 'kernel_shape');
    const strides = twoOf(node, 'strides');
    const dilations = twoOf(node, 'dilations');
    refuse(
      kernel.some(each => each > Math.max(widestPool, x.dims[2], x.dims[3])),
      `${node.op} over ${kernel.join('x')} pixels`,
    );
    refuse(
      dilations.some(each => each !== 1),
      `${node.op} with dilation`,
    );
    refuse(node.outputCount > 1, `${node.op} with indices`);
    const pads = padsOf(node, x, kernel, strides, dilations);
    const options = { strides, pads, ceil: node.int('ceil_mode', 0) === 1 };
    return kind === 'max'
      ? g.maxPool(x, kernel, options)
      : g.averagePool(x, kernel, { ...options, countPad: node.int('count_include_pad', 0) === 1 });
  };

const batchNorm: NodeReader = node => {
  const [scale, bias, mean, variance] = [1, 2, 3, 4].map(at => node.input(at));
  refuse(node.int('training_mode', 0) === 1, 'BatchNormalization in training mode');
  return g.batchNorm(node.input(0), scale, bias, mean, variance, node.float('epsilon', 1e-5));
};

const layerNorm: NodeReader = node => {
  const x = node.input(0);
  const axis = node.int('axis', -1);
  const first = axis < 0 ? axis + x.dims.length : axis;
  const axes = x.dims.map((_, at) => at).filter(at => at >= first);
  const centred = g.sub(x, g.reduceMean(x, { axes }));
  const normal = g.div(centred, g.sqrt(g.add(g.reduceMean(g.square(centred), { axes }), node.float('epsilon', 1e-5))));
  const scaled = g.mul(normal, node.input(1));
  const bias = node.optional(2);
  return bias === undefined ? scaled : g.add(scaled, bias);
};

const gemm: NodeReader = node => {
  const turn = (x: Value, name: string) => (node.int(name, 0) === 1 ? g.transpose(x, [1, 0]) : x);
  const product = g.matmul(turn(node.input(0), 'transA'), turn(node.input(1), 'transB'));
  const [alpha, beta] = [node.float('alpha', 1), node.float('beta', 1)];
  const scaled = alpha === 1 ? product : g.mul(product, alpha);
  const c = node.optional(2);
  return c === undefined ? scaled : g.add(scaled, beta === 1 ? c : g.mul(c, beta));
};

/** Vectors are matrices of one row or column for the time of the product. */
const matMul: NodeReader = node => {
  const [a, b] = [node.input(0), node.input(1)];
  if (a.dims.length === 0 || b.dims.length === 0) throw new UnsupportedError('MatMul with a number');
  const left = a.dims.length === 1 ? g.reshape(a, [1, a.dims[0]]) : a;
  const right = b.dims.length === 1 ? g.reshape(b, [b.dims[0], 1]) : b;
  const product = g.matmul(left, right);
  const kept = product.dims.filter(
    (_, at, all) => !(a.dims.length === 1 && at === all.length - 2) && !(b.dims.length === 1 && at === all.length - 1),
  );
  return g.reshape(product, kept);
};

const reducer =
  (build: (x: Value, options: g.ReduceOptions) => Value): NodeReader =>
  node => {
    const x = node.input(0);
    const byInput = node.opset >= 18 || (node.op === 'ReduceSum' && node.opset >= 13);
    const axes = byInput ? node.numbers(1) : node.ints('axes');
    if ((axes === undefined || axes.length === 0) && node.int('noop_with_empty_axes', 0) === 1) return x;
    return build(x, { axes: axes?.length ? axes : undefined, keepDims: node.int('keepdims', 1) === 1 });
  };

const coordinateModes: readonly CoordinateMode[] = ['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'];

/** Resize of opset 10 and Upsample know one rule: position / scale, rounded down. */
const resize: NodeReader = node => {
  const x = node.input(0);
  refuse(x.dims.length !== 4, `${node.op} in ${x.dims.length} dimensions`);
  const old = node.op === 'Upsample' || node.opset < 11;
  const given = node.op === 'Upsample' && node.opset < 9 ? node.attribute('scales')?.floats : node.numbers(old ? 1 : 2);
  const scales = given?.length ? given : undefined;
  const sizes = old ? undefined : node.numbers(3);
  const wanted = sizes?.length ? sizes : scales && x.dims.map((dim, axis) => Math.floor(dim * scales[axis]));
  if (wanted?.length !== 4) throw new UnsupportedError(`${node.op} without a size`);
  refuse(wanted[0] !== x.dims[0] || wanted[1] !== x.dims[1], `${node.op} of channels`);
  refuse(node.int('antialias', 0) === 1, `${node.op} with smoothing`);
  refuse(node.ints('axes') !== undefined, `${node.op} of some axes`);
  const coordinates = (
    old ? 'asymmetric' : node.string('coordinate_transformation_mode', 'half_pixel')
  ) as CoordinateMode;
  const mode = node.string('mode', 'nearest');
  refuse(
    !coordinateModes.includes(coordinates) || (mode !== 'nearest' && mode !== 'linear' && mode !== 'bilinear'),
    `${node.op} ${mode} ${coordinates}`,
  );
  const options = { coordinates, ...(scales && !sizes?.length ? { scales: [scales[2], scales[3]] as const } : {}) };
  if (mode !== 'nearest') return g.resizeBilinear(x, wanted[2], wanted[3], options);
  const rounding = (old ? 'floor' : node.string('nearest_mode', 'round_prefer_floor')) as NearestMode;
  return g.resizeNearest(x, wanted[2], wanted[3], { ...options, rounding });
};

const gridSample: NodeReader = node => {
  const mode = node.string('mode', 'bilinear');
  const padding = node.string('padding_mode', 'zeros');
  const linear = mode === 'bilinear' || mode === 'linear';
  if ((!linear && mode !== 'nearest') || (padding !== 'zeros' && padding !== 'border'))
    throw new UnsupportedError(`GridSample ${mode} ${padding}`);
  return g.gridSample(node.input(0), node.input(1), {
    mode: linear ? 'bilinear' : 'nearest',
    padding,
    alignCorners: node.int('align_corners', 0) === 1,
  });
};

export const convolveReaders: Readonly<Record<string, NodeReader>> = {
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: pool('max'),
  AveragePool: pool('average'),
  GlobalAveragePool: node => {
    planes(node, node.input(0));
    return g.globalAveragePool(node.input(0));
  },
  GlobalMaxPool: node => g.reduceMax(node.input(0), { axes: [2, 3] }),
  LRN: node => {
    // It is computed with a matrix of channels by channels.
    refuse(node.input(0).dims[1] > 2048, 'LRN of so many channels');
    return g.lrn(node.input(0), {
      size: node.int('size'),
      alpha: node.float('alpha', 1e-4),
      beta: node.float('beta', 0.75),
      bias: node.float('bias', 1),
    });
  },
  InstanceNormalization: node =>
    g.instanceNorm(node.input(0), node.input(1), node.input(2), node.float('epsilon', 1e-5)),
  BatchNormalization: batchNorm,
  LayerNormalization: layerNorm,
  Gemm: gemm,
  MatMul: matMul,
  ReduceMean: reducer(g.reduceMean),
  ReduceSum: reducer(g.reduceSum),
  ReduceMax: reducer(g.reduceMax),
  ReduceMin: reducer(g.reduceMin),
  ReduceProd: reducer(g.reduceProd),
  ReduceL2: reducer(g.reduceL2),
  ReduceL1: reducer((x, options) => g.reduceSum(g.abs(x), options)),
  ReduceSumSquare: reducer((x, options) => g.reduceSum(g.square(x), options)),
  Resize: resize,
  Upsample: resize,
  GridSample: gridSample,
};
