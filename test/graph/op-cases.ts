import * as g from '../../bridge-server/src/graph/build';
import { named } from '../../bridge-server/src/graph/value';
import type { Value } from '../../bridge-server/src/graph/value';
import { randomNumbers } from './run-model';

export type OpCase = {
  readonly name: string;
  /** Sizes of the inputs that carry a gradient: `in0`, `in1` ... */
  readonly inputs: readonly (readonly number[])[];
  readonly build: (...inputs: Value[]) => Value;
  /** Where the op is only defined (or only smooth) on part of the numbers: turns -1 .. 1 into them. */
  readonly domain?: (x: number, input: number) => number;
  /** No finite-difference test: the op is flat or has no gradient. */
  readonly flat?: true;
};

const positive = (x: number): number => 1.1 + x;
/** Keeps finite differences away from the kink at `at`. */
const awayFrom = (at: number) => (x: number) => (Math.abs(x - at) < 0.02 ? x + 0.05 : x);
const plane = [1, 3, 6, 7] as const;
const weights = (...dims: number[]): Value =>
  g.constant(
    Float32Array.from(
      randomNumbers(
        dims.reduce((a, b) => a * b, 1),
        7,
      ),
    ),
    dims,
  );
const unary = (name: string, op: (x: Value) => Value, domain?: OpCase['domain']): OpCase => ({
  name,
  inputs: [plane],
  build: op,
  domain,
});
const binary = (name: string, op: (a: Value, b: Value) => Value, domain?: OpCase['domain']): OpCase[] => [
  {
    name,
    inputs: [
      [2, 3, 4],
      [2, 3, 4],
    ],
    build: op,
    domain,
  },
  {
    name: `${name}, right broadcast`,
    inputs: [
      [2, 3, 4],
      [3, 1],
    ],
    build: op,
    domain,
  },
  { name: `${name}, left broadcast`, inputs: [[1], [2, 3, 4]], build: op, domain },
];

export const opCases: readonly OpCase[] = [
  unary('identity', g.identity),
  unary('relu', g.relu, awayFrom(0)),
  unary(
    'relu6',
    x => g.relu6(g.mul(x, 10)),
    x => awayFrom(0.6)(awayFrom(0)(x)),
  ),
  unary('clip above only', x => g.clip(x, -0.3, Infinity), awayFrom(-0.3)),
  unary('leakyRelu', x => g.leakyRelu(x, 0.1), awayFrom(0)),
  unary('elu', x => g.elu(x, 0.7), awayFrom(0)),
  unary('sigmoid', g.sigmoid),
  unary('tanh', g.tanh),
  unary('exp', g.exp),
  unary('log', g.log, positive),
  unary('sqrt', g.sqrt, positive),
  unary('reciprocal', g.reciprocal, positive),
  unary('abs', g.abs, awayFrom(0)),
  unary('neg', g.neg),
  unary('erf', x => g.erf(g.mul(x, 3))),
  unary('sin', g.sin),
  unary('cos', g.cos),
  unary('gelu', g.gelu),
  unary('softplus', g.softplus, awayFrom(0)),
  unary(
    'hardSigmoid',
    x => g.hardSigmoid(g.mul(x, 4)),
    x => awayFrom(0.625)(awayFrom(-0.625)(x)),
  ),
  { ...unary('floor', x => g.add(g.floor(g.mul(x, 5)), g.ceil(x))), flat: true },
  { ...unary('round', x => g.round(g.mul(x, 5))), flat: true },
  unary('softmax over channels', x => g.softmax(g.mul(x, 3), 1)),
  unary('softmax over columns', x => g.softmax(x)),
  unary('cumSum', x => g.cumSum(x, 2)),
  unary('cumSum from the end', x => g.cumSum(x, 1, true)),
  unary('square', g.square),
  unary('pow 3', x => g.pow(x, 3)),
  unary('pow 0.5', x => g.pow(x, 0.5), positive),
  unary('pow 1', x => g.pow(x, 1)),
  ...binary('add', g.add),
  ...binary('sub', g.sub),
  ...binary('mul', g.mul),
  ...binary('div', g.div, positive),
  ...binary('pow', g.pow, positive),
  ...binary('max', g.max),
  ...binary('min', g.min),
  { name: 'prelu', inputs: [plane, [3, 1, 1]], build: g.prelu, domain: (x, at) => (at === 0 ? awayFrom(0)(x) : x) },
  {
    name: 'where',
    inputs: [
      [2, 3, 4],
      [3, 1],
    ],
    build: (a, b) => g.where(g.greater(a, 0.1), a, b),
    domain: awayFrom(0.1),
  },
  {
    name: 'masks',
    inputs: [[2, 3, 4]],
    build: x => g.mul(x, g.cast(g.or(g.and(g.greater(x, -0.5), g.less(x, 0.1)), g.not(g.less(x, 0.4))), 'float32')),
    domain: x => awayFrom(0.4)(awayFrom(0.1)(awayFrom(-0.5)(x))),
  },
  {
    name: 'matmul',
    inputs: [
      [4, 5],
      [5, 3],
    ],
    build: g.matmul,
  },
  {
    name: 'matmul, batched',
    inputs: [
      [2, 3, 4, 5],
      [3, 5, 2],
    ],
    build: g.matmul,
  },
  {
    name: 'matmul, left broadcast',
    inputs: [
      [4, 5],
      [2, 3, 5, 2],
    ],
    build: g.matmul,
  },
  {
    name: 'matmul with its own transpose, batched',
    inputs: [[2, 3, 4]],
    build: x => g.matmul(x, g.transposeMatrix(x)),
  },
  { name: 'gram', inputs: [plane], build: g.gram },

  { name: 'conv 3x3', inputs: [plane, [4, 3, 3, 3], [4]], build: (x, w, b) => g.conv(x, w, b, { pads: 1 }) },
  {
    name: 'conv 3x3 with constant weights',
    inputs: [plane],
    build: x => g.conv(x, weights(4, 3, 3, 3), weights(4), { pads: 1 }),
  },
  { name: 'conv without padding', inputs: [plane, [5, 3, 3, 2]], build: (x, w) => g.conv(x, w) },
  {
    name: 'conv, uneven pads',
    inputs: [plane, [2, 3, 3, 4]],
    build: (x, w) => g.conv(x, w, undefined, { pads: [1, 0, 2, 3] }),
  },
  {
    name: 'conv, pads wider than the kernel',
    inputs: [plane, [2, 3, 2, 2]],
    build: (x, w) => g.conv(x, w, undefined, { pads: 2 }),
  },
  {
    name: 'conv, stride 2',
    inputs: [plane, [4, 3, 3, 3]],
    build: (x, w) => g.conv(x, w, undefined, { strides: 2, pads: 1 }),
  },
  {
    name: 'conv 7x7, stride 2',
    inputs: [
      [1, 3, 12, 11],
      [4, 3, 7, 7],
    ],
    build: (x, w) => g.conv(x, w, undefined, { strides: 2, pads: 3 }),
  },
  {
    name: 'conv, strides 2 and 1',
    inputs: [plane, [2, 3, 3, 3]],
    build: (x, w) => g.conv(x, w, undefined, { strides: [2, 1], pads: 1 }),
  },
  {
    name: 'conv, stride 3 that leaves rows over',
    inputs: [
      [1, 3, 9, 10],
      [2, 3, 2, 2],
    ],
    build: (x, w) => g.conv(x, w, undefined, { strides: 3 }),
  },
  {
    name: 'conv, dilation 2',
    inputs: [plane, [4, 3, 3, 3]],
    build: (x, w) => g.conv(x, w, undefined, { dilations: 2, pads: 2 }),
  },
  {
    name: 'conv, two groups',
    inputs: [[2, 4, 5, 5], [6, 2, 3, 3], [6]],
    build: (x, w, b) => g.conv(x, w, b, { group: 2, pads: 1 }),
  },
  {
    name: 'conv, two groups, constant weights',
    inputs: [[2, 4, 5, 5]],
    build: x => g.conv(x, weights(6, 2, 3, 3), undefined, { group: 2, pads: 1 }),
  },
  {
    name: 'conv, depthwise',
    inputs: [
      [1, 4, 6, 5],
      [4, 1, 3, 3],
    ],
    build: (x, w) => g.conv(x, w, undefined, { group: 4, pads: 1 }),
  },
  {
    name: 'conv, depthwise, stride 2',
    inputs: [
      [1, 4, 6, 5],
      [4, 1, 3, 3],
    ],
    build: (x, w) => g.conv(x, w, undefined, { group: 4, pads: 1, strides: 2 }),
  },
  {
    name: 'conv 1x1 of many channels',
    inputs: [
      [1, 20, 3, 4],
      [4, 20, 1, 1],
    ],
    build: (x, w) => g.conv(x, w),
  },
  {
    name: 'conv 3x3 of many channels',
    inputs: [
      [2, 18, 3, 4],
      [4, 18, 3, 3],
    ],
    build: (x, w) => g.conv(x, w, undefined, { pads: 1 }),
  },
  {
    name: 'conv of 6 channels (zero channels are added)',
    inputs: [
      [1, 6, 5, 4],
      [8, 6, 3, 3],
    ],
    build: (x, w) => g.conv(x, w, undefined, { pads: 1 }),
  },
  {
    name: 'convTranspose 4x4, stride 2',
    inputs: [[1, 3, 4, 5], [3, 2, 4, 4], [2]],
    build: (x, w, b) => g.convTranspose(x, w, b, { strides: 2, pads: 1 }),
  },
  {
    name: 'convTranspose 2x2, stride 2',
    inputs: [
      [1, 3, 4, 5],
      [3, 2, 2, 2],
    ],
    build: (x, w) => g.convTranspose(x, w, undefined, { strides: 2 }),
  },
  {
    name: 'convTranspose with output padding',
    inputs: [
      [1, 3, 4, 5],
      [3, 2, 3, 3],
    ],
    build: (x, w) => g.convTranspose(x, w, undefined, { strides: 2, pads: 1, outputPadding: 1 }),
  },
  {
    name: 'convTranspose, stride 1, dilation 2',
    inputs: [
      [1, 3, 4, 5],
      [3, 2, 3, 3],
    ],
    build: (x, w) => g.convTranspose(x, w, undefined, { dilations: 2, pads: 1 }),
  },
  {
    name: 'convTranspose, two groups',
    inputs: [
      [1, 4, 4, 5],
      [4, 3, 2, 2],
    ],
    build: (x, w) => g.convTranspose(x, w, undefined, { strides: 2, group: 2 }),
  },

  { name: 'averagePool 2x2', inputs: [[1, 3, 6, 8]], build: x => g.averagePool(x, 2) },
  { name: 'averagePool 2x2, odd sides', inputs: [[1, 3, 7, 5]], build: x => g.averagePool(x, 2) },
  { name: 'averagePool 2x2, odd sides, ceil', inputs: [[1, 3, 7, 5]], build: x => g.averagePool(x, 2, { ceil: true }) },
  {
    name: 'averagePool 3x3 s1, padding counted',
    inputs: [plane],
    build: x => g.averagePool(x, 3, { strides: 1, pads: 1, countPad: true }),
  },
  {
    name: 'averagePool 3x3 s1, padding not counted',
    inputs: [plane],
    build: x => g.averagePool(x, 3, { strides: 1, pads: 1 }),
  },
  { name: 'averagePool 3x3 s2', inputs: [[1, 3, 7, 8]], build: x => g.averagePool(x, 3, { strides: 2, pads: 1 }) },
  {
    name: 'averagePool 3x3 s2, padding counted',
    inputs: [[1, 3, 7, 8]],
    build: x => g.averagePool(x, 3, { strides: 2, pads: 1, countPad: true }),
  },
  {
    name: 'averagePool 3x3 s2, ceil',
    inputs: [[1, 2, 8, 8]],
    build: x => g.averagePool(x, 3, { strides: 2, ceil: true }),
  },
  { name: 'maxPool 2x2', inputs: [[1, 3, 6, 8]], build: x => g.maxPool(x, 2) },
  { name: 'maxPool 2x2, odd sides', inputs: [[1, 3, 7, 5]], build: x => g.maxPool(x, 2) },
  { name: 'maxPool 2x2, odd sides, ceil', inputs: [[1, 3, 7, 5]], build: x => g.maxPool(x, 2, { ceil: true }) },
  { name: 'maxPool 3x3 s2, ceil', inputs: [[1, 3, 8, 9]], build: x => g.maxPool(x, 3, { strides: 2, ceil: true }) },
  { name: 'maxPool 3x3 s2, pad 1', inputs: [[1, 3, 8, 9]], build: x => g.maxPool(x, 3, { strides: 2, pads: 1 }) },
  { name: 'maxPool 3x3 s1, pad 1', inputs: [plane], build: x => g.maxPool(x, 3, { strides: 1, pads: 1 }) },
  { name: 'maxPool 5x5 s2', inputs: [[1, 2, 10, 11]], build: x => g.maxPool(x, 5, { strides: 2 }) },
  {
    name: 'maxPool 2x2 s3 that leaves pixels out',
    inputs: [[1, 2, 9, 10]],
    build: x => g.maxPool(x, 2, { strides: 3 }),
  },
  {
    name: 'maxPool 3x2, strides 2 and 1',
    inputs: [[1, 2, 7, 6]],
    build: x => g.maxPool(x, [3, 2], { strides: [2, 1] }),
  },
  {
    name: 'maxPool of an overlapping maxPool (equal maxima of one source)',
    inputs: [[1, 2, 11, 10]],
    build: x => g.maxPool(g.maxPool(x, 3, { strides: 2, ceil: true }), 3, { strides: 1, pads: 1 }),
  },
  {
    name: 'maxPool 2x2 of a maxPool 3x3 s1',
    inputs: [[1, 2, 8, 9]],
    build: x => g.maxPool(g.maxPool(x, 3, { strides: 1, pads: 1 }), 2),
  },
  unary('globalAveragePool', g.globalAveragePool),
  { name: 'lrn', inputs: [[1, 7, 3, 4]], build: x => g.lrn(x, { size: 5, alpha: 0.9, beta: 0.75 }) },
  {
    name: 'lrn, other power',
    inputs: [[1, 7, 3, 4]],
    build: x => g.lrn(x, { size: 4, alpha: 0.9, beta: 0.6, bias: 2 }),
  },
  { name: 'instanceNorm', inputs: [[2, 3, 4, 5], [3], [3]], build: (x, s, b) => g.instanceNorm(x, s, b) },
  {
    name: 'batchNorm, folded',
    inputs: [plane],
    build: x => g.batchNorm(x, weights(3), weights(3), weights(3), g.constant([0.5, 1, 2], [3])),
  },
  {
    name: 'batchNorm, computed',
    inputs: [plane, [3], [3], [3], [3]],
    build: (x, s, b, m, v) => g.batchNorm(x, s, b, m, v),
    domain: (x, at) => (at === 4 ? positive(x) : x),
  },

  unary('reduceMean over planes', x => g.reduceMean(x, { axes: [2, 3] })),
  unary('reduceMean of all', g.meanAll),
  unary('reduceSum, axes dropped', x => g.reduceSum(x, { axes: [1, -1], keepDims: false })),
  unary('reduceMax', x => g.reduceMax(x, { axes: [2, 3] })),
  unary('reduceMin', x => g.reduceMin(x, { axes: [1], keepDims: false })),
  unary('reduceProd', x => g.reduceProd(x, { axes: [3] }), positive),
  unary('reduceL2', x => g.reduceL2(x, { axes: [1] })),
  unary('normalise', x => g.normalise(x, { axes: [1] })),

  unary('reshape', x => g.mul(g.reshape(x, [3, -1]), weights(3, 1))),
  unary('transpose', x => g.transpose(x, [3, 1, 0, 2])),
  {
    name: 'concat',
    inputs: [
      [1, 2, 3],
      [1, 4, 3],
      [1, 1, 3],
    ],
    build: (a, b, c) => g.concat([a, b, c], 1),
  },
  {
    name: 'split',
    inputs: [[2, 6, 3]],
    build: x => {
      const [a, , c] = g.split(x, [1, 2, 3], 1);
      return g.mul(a, c);
    },
  },
  unary('slice', x =>
    g.sliceAxes(x, [
      { axis: 2, start: 1, end: -1 },
      { axis: 3, start: 2, end: 100 },
    ]),
  ),
  unary('slice with steps', x =>
    g.sliceAxes(x, [
      { axis: 2, start: 1, end: 6, step: 2 },
      { axis: 3, start: 0, end: 6, step: 3 },
    ]),
  ),
  unary('slice backwards', x =>
    g.sliceAxes(x, [
      { axis: 2, start: -1, end: -Infinity, step: -1 },
      { axis: 3, start: 5, end: 0, step: -2 },
    ]),
  ),
  unary('pad with a number', x => g.padPlanes(x, 1, 2, 0, 3, 'constant', 0.5)),
  unary('pad that crops', x => g.padPlanes(x, -1, 2, 1, -2)),
  unary('pad reflect', x => g.padPlanes(x, 2, 1, 1, 3, 'reflect')),
  unary('pad reflect, as wide as can be', x => g.padPlanes(x, 5, 6, 5, 6, 'reflect')),
  unary('pad edge', x => g.padPlanes(x, 2, 1, 0, 3, 'edge')),
  { name: 'pad edge of one row', inputs: [[1, 2, 1, 3]], build: x => g.padPlanes(x, 2, 1, 1, 1, 'edge') },
  { name: 'expand', inputs: [[3, 1]], build: x => g.expand(x, [2, 3, 4]) },
  unary('gather rows', x => g.gather(x, [3, 0, 3, -1], 2)),
  { name: 'depthToSpace DCR', inputs: [[1, 8, 2, 3]], build: x => g.depthToSpace(x, 2) },
  { name: 'depthToSpace CRD', inputs: [[2, 18, 2, 3]], build: x => g.depthToSpace(x, 3, 'CRD') },
  { name: 'spaceToDepth', inputs: [[1, 2, 4, 6]], build: x => g.spaceToDepth(x, 2) },

  unary('resizeNearest x2', x => g.resizeNearest(x, 12, 14)),
  unary('resizeNearest x3 and x2', x =>
    g.resizeNearest(x, 18, 14, { coordinates: 'half_pixel', rounding: 'round_prefer_floor' }),
  ),
  unary('resizeNearest to any size', x => g.resizeNearest(x, 9, 5)),
  unary('resizeBilinear x2', x => g.resizeBilinear(x, 12, 14)),
  unary('resizeBilinear x1.4', x => g.resizeBilinear(x, 8, 10)),
  unary('resizeBilinear x0.5', x => g.resizeBilinear(x, 3, 4)),
  unary('resizeBilinear, corners aligned', x => g.resizeBilinear(x, 11, 5, { coordinates: 'align_corners' })),
  unary('resizeBilinear, asymmetric', x => g.resizeBilinear(x, 12, 14, { coordinates: 'asymmetric' })),
  ...(['zeros', 'border'] as const).flatMap(padding =>
    [true, false].map(alignCorners => ({
      name: `gridSample, ${padding}${alignCorners ? ', corners aligned' : ''}`,
      inputs: [
        [2, 3, 6, 7],
        [2, 4, 5, 2],
      ],
      build: (x: Value, grid: Value) => g.gridSample(x, grid, { padding, alignCorners }),
      domain: (x: number, at: number) => (at === 1 ? x * 1.3 : x),
    })),
  ),
];

/** The inputs of a case, its result, and numbers to feed. */
export function makeCase(each: OpCase): {
  inputs: Value[];
  output: Value;
  feeds: Record<string, { data: Float64Array; dims: readonly number[] }>;
} {
  const inputs = each.inputs.map((dims, at) => g.input(`in${at}`, dims));
  const output = named(each.build(...inputs), 'result');
  const feeds = Object.fromEntries(
    each.inputs.map((dims, at) => {
      const raw = randomNumbers(
        dims.reduce((a, b) => a * b, 1),
        at + 11,
      );
      // Rounded to float32, so that both sides compute with the same numbers.
      return [`in${at}`, { dims, data: raw.map(x => Math.fround(each.domain ? each.domain(x, at) : x)) }];
    }),
  );
  return { inputs, output, feeds };
}
