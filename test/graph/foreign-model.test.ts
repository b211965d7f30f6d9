import { AppError } from '#protocol/errors';
import { fromModel, toModel } from '../../bridge-server/src/graph/model';
import { topological } from '../../bridge-server/src/graph/value';
import { makeForeignModel } from './foreign-model';
import type { ForeignAttribute, ForeignModel, ForeignNode, ForeignTensor } from './foreign-model';
import { randomNumbers, relativeDifference, runModel } from './run-model';

const floats = (name: string, dims: readonly number[], seed = 3): ForeignTensor => ({
  name,
  dims,
  floats: Array.from(
    randomNumbers(
      dims.reduce((a, b) => a * b, 1),
      seed,
    ),
  ),
});
const whole = (name: string, ...values: number[]): ForeignTensor => ({ name, dims: [values.length], int64s: values });
const number = (name: string, value: number): ForeignTensor => ({ name, dims: [], int64s: [value] });
const node = (
  op: string,
  inputs: string,
  outputs = 'y',
  attributes: Record<string, ForeignAttribute> = {},
): ForeignNode => ({
  op,
  inputs: inputs === '' ? [] : inputs.split(' ').map(name => (name === '-' ? '' : name)),
  outputs: outputs.split(' '),
  attributes,
});

type Case = { readonly name: string; readonly dims?: readonly number[] } & Omit<ForeignModel, 'inputs' | 'outputs'> & {
    readonly outputs?: readonly string[];
  };

const cases: readonly Case[] = [
  {
    name: 'Upsample by scales computed from the shape, Pad by attribute (the usual fast-neural-style file)',
    opset: 9,
    nodes: [
      node('Pad', 'x', 'p', { mode: 'reflect', pads: [0, 0, 1, 1, 0, 0, 1, 1] }),
      node('Conv', 'p w', 'c', { kernel_shape: [3, 3] }),
      node('InstanceNormalization', 'c s b', 'n', { epsilon: { float: 1e-5 } }),
      node('Constant', '', 'two', { value: { tensor: { name: '', dims: [], floats: [2] } } }),
      ...[2, 3].flatMap(axis => [
        node('Constant', '', `axis${axis}`, { value: { tensor: number('', axis) } }),
        node('Shape', 'n', `shape${axis}`),
        node('Gather', `shape${axis} axis${axis}`, `size${axis}`, { axis: 0 }),
        node('Cast', `size${axis}`, `real${axis}`, { to: 1 }),
        node('Mul', `real${axis} two`, `twice${axis}`),
        node('Floor', `twice${axis}`, `whole${axis}`),
        node('Div', `whole${axis} real${axis}`, `ratio${axis}`),
        node('Unsqueeze', `ratio${axis}`, `scale${axis}`, { axes: [0] }),
      ]),
      node('Concat', 'ones scale2 scale3', 'scales', { axis: 0 }),
      node('Upsample', 'n scales', 'y', { mode: 'nearest' }),
    ],
    tensors: [
      floats('w', [4, 3, 3, 3]),
      floats('s', [4]),
      floats('b', [4]),
      { name: 'ones', dims: [2], floats: [1, 1] },
    ],
  },
  ...(['SAME_UPPER', 'SAME_LOWER', 'VALID'] as const).map(auto_pad => ({
    name: `Conv with auto_pad ${auto_pad}`,
    opset: 11,
    nodes: [node('Conv', 'x w', 'y', { auto_pad, strides: [2, 2] })],
    tensors: [floats('w', [4, 3, 3, 4])],
  })),
  {
    name: 'pools with auto_pad, and a global maximum',
    opset: 11,
    nodes: [
      node('MaxPool', 'x', 'm', { auto_pad: 'SAME_UPPER', kernel_shape: [3, 2], strides: [2, 2] }),
      node('AveragePool', 'm', 'y', { kernel_shape: [2, 2], auto_pad: 'SAME_LOWER' }),
      node('GlobalMaxPool', 'x', 'z'),
    ],
    outputs: ['y', 'z'],
  },
  {
    name: 'ConvTranspose to a stated size',
    opset: 11,
    nodes: [node('ConvTranspose', 'x w', 'y', { strides: [2, 2], output_shape: [12, 15] })],
    tensors: [floats('w', [3, 2, 3, 3])],
  },
  {
    name: 'ConvTranspose with auto_pad',
    opset: 11,
    nodes: [node('ConvTranspose', 'x w', 'y', { strides: [2, 2], auto_pad: 'SAME_UPPER' })],
    tensors: [floats('w', [3, 2, 3, 3])],
  },
  {
    name: 'a classifier: BatchNormalization, Flatten, Gemm, Softmax over everything after the first axis',
    opset: 9,
    nodes: [
      node('BatchNormalization', 'x s b m v', 'n', { epsilon: { float: 1e-3 } }),
      node('Dropout', 'n', 'd'),
      node('Clip', 'd', 'c', { min: { float: -0.5 }, max: { float: 0.75 } }),
      node('Flatten', 'c', 'f', { axis: 1 }),
      node('Gemm', 'f g c0', 'h', { transB: 1, alpha: { float: 0.5 }, beta: { float: 2 } }),
      node('Reshape', 'h shape', 'r'),
      node('Softmax', 'r', 'y'),
      node('LogSoftmax', 'r', 'z', { axis: 2 }),
    ],
    tensors: [
      floats('s', [3]),
      floats('b', [3], 5),
      floats('m', [3], 6),
      { name: 'v', dims: [3], floats: [0.5, 1, 2] },
      floats('g', [6, 126]),
      floats('c0', [6]),
      whole('shape', 1, 2, -1),
    ],
    outputs: ['y', 'z'],
  },
  {
    name: 'Split, Squeeze, Unsqueeze, Transpose without order, Slice by attribute',
    opset: 9,
    nodes: [
      node('Split', 'x', 'a b', { axis: 2, split: [2, 4] }),
      node('Slice', 'b', 'c', { axes: [2, 3], starts: [1, -3], ends: [1000, -1] }),
      node('Squeeze', 'c', 'd', { axes: [0] }),
      node('Unsqueeze', 'd', 'e', { axes: [1, 4] }),
      node('Transpose', 'e', 'y'),
      node('Identity', 'a', 'z'),
    ],
    outputs: ['y', 'z'],
  },
  {
    name: 'coordinates from Range, ConstantOfShape, Tile, CumSum and Where',
    opset: 13,
    nodes: [
      node('Shape', 'x', 'shape'),
      node('Gather', 'shape three', 'width', { axis: 0 }),
      node('Range', 'zero width one', 'columns'),
      node('Cast', 'columns', 'real', { to: 1 }),
      node('ConstantOfShape', 'shape', 'ones', { value: { tensor: { name: '', dims: [1], floats: [1] } } }),
      node('CumSum', 'ones two', 'rows', { exclusive: 1 }),
      node('Add', 'rows real', 'grid'),
      node('Tile', 'real times', 'tiled'),
      node('Greater', 'x grid', 'larger'),
      node('Where', 'larger x grid', 'y'),
      node('Mul', 'tiled x', 'z'),
    ],
    tensors: [number('zero', 0), number('one', 1), number('two', 2), number('three', 3), whole('times', 1)],
    outputs: ['y', 'z'],
  },
  {
    name: 'sums of several, signs, hard and soft activations, reductions',
    opset: 14,
    nodes: [
      node('HardSwish', 'x', 'a'),
      node('HardSigmoid', 'x', 'b', { alpha: { float: 0.3 } }),
      node('Softplus', 'x', 'c'),
      node('Sum', 'a b c', 'd'),
      node('Mean', 'a b c', 'e'),
      node('Sign', 'e', 'f'),
      node('GreaterOrEqual', 'd e', 'g'),
      node('Cast', 'g', 'h', { to: 1 }),
      node('Max', 'd f h', 'i'),
      node('ReduceL1', 'i', 'y', { axes: [1] }),
      node('ReduceSumSquare', 'i', 'z', { keepdims: 0 }),
      node('ReduceL2', 'i', 'q', { axes: [2, -1], keepdims: 0 }),
    ],
    outputs: ['y', 'z', 'q'],
  },
  {
    name: 'LayerNormalization and MatMul with vectors',
    opset: 17,
    nodes: [
      node('LayerNormalization', 'x s b', 'n', { axis: -1 }),
      node('MatMul', 'n v', 'y'),
      node('MatMul', 'u n', 'z'),
    ],
    tensors: [floats('s', [7]), floats('b', [7]), floats('v', [7]), floats('u', [6])],
    outputs: ['y', 'z'],
  },
  {
    name: 'Resize of opset 10, and by scales that leave a fraction',
    opset: 10,
    nodes: [node('Resize', 'x scales', 'y', { mode: 'linear' }), node('Resize', 'x scales', 'z', { mode: 'nearest' })],
    tensors: [{ name: 'scales', dims: [4], floats: [1, 1, 1.7, 1.3] }],
    outputs: ['y', 'z'],
  },
  {
    name: 'Resize by scales that leave a fraction, by PyTorch and TensorFlow rules',
    opset: 13,
    nodes: [
      node('Resize', 'x - scales', 'y', { mode: 'linear', coordinate_transformation_mode: 'pytorch_half_pixel' }),
      node('Resize', 'x - scales', 'z', {
        mode: 'nearest',
        coordinate_transformation_mode: 'half_pixel',
        nearest_mode: 'round_prefer_ceil',
      }),
      node('Resize', 'x - - sizes', 'q', { mode: 'linear', coordinate_transformation_mode: 'align_corners' }),
    ],
    tensors: [{ name: 'scales', dims: [4], floats: [1, 1, 1.7, 1.3] }, whole('sizes', 1, 3, 11, 4)],
    outputs: ['y', 'z', 'q'],
  },
  {
    name: 'SpaceToDepth, DepthToSpace, PRelu, Expand, Pad with a number, Pow by a whole number',
    opset: 13,
    nodes: [
      node('PRelu', 'x slope', 'a'),
      node('Pad', 'a pads value', 'b'),
      node('SpaceToDepth', 'b', 'c', { blocksize: 2 }),
      node('DepthToSpace', 'c', 'd', { blocksize: 2, mode: 'CRD' }),
      node('Pow', 'd two', 'e'),
      node('Expand', 'e shape', 'y'),
    ],
    tensors: [
      floats('slope', [3, 1, 1]),
      whole('pads', 0, 0, 0, 1, 0, 0, 0, 0),
      { name: 'value', dims: [], floats: [0.5] },
      number('two', 2),
      whole('shape', 2, 1, 1, 1),
    ],
  },
];

const read = (model: Uint8Array) => {
  try {
    return fromModel(model, { name: 'foreign', inputDims: { x: [1, 3, 6, 7] } });
  } catch (error) {
    if (error instanceof AppError) return { code: error.code, ...error.details };
    throw error;
  }
};

describe('files of other programs compute the same after reading', () => {
  test.each(cases)('$name', async ({ outputs = ['y'], ...rest }) => {
    const model = makeForeignModel({ ...rest, inputs: { x: ['batch', 3, 'height', 'width'] }, outputs });
    const net = fromModel(model, { inputDims: { x: [1, 3, 6, 7] } });
    const feeds = { x: { dims: [1, 3, 6, 7], data: randomNumbers(126, 21) } };
    const expected = await runModel(model, feeds);
    const actual = await runModel(toModel({ inputs: net.inputs, outputs: net.outputs }), feeds);
    for (const name of outputs) {
      expect(actual[name].length).toBe(expected[name].length);
      expect(relativeDifference(actual[name], expected[name])).toBeLessThan(1e-5);
    }
  });

  test('shape arithmetic leaves nothing behind', () => {
    const [{ outputs = ['y'], ...rest }] = cases;
    const net = fromModel(makeForeignModel({ ...rest, inputs: { x: [1, 3, 'h', 'w'] }, outputs }), {
      inputDims: { x: [1, 3, 6, 7] },
    });
    const ops = topological([net.outputs.y]).flatMap(value => (value.inputs.length > 0 ? [value.op] : []));
    expect(ops).toEqual(['Pad', 'Conv', 'InstanceNormalization', 'Resize']);
    expect(net.outputs.y.dims).toEqual([1, 4, 12, 14]);
  });
});

describe('what cannot be run is refused by name', () => {
  const refused = (nodes: readonly ForeignNode[], tensors: readonly ForeignTensor[] = [], opset = 13) =>
    read(makeForeignModel({ opset, nodes, tensors, inputs: { x: ['n', 3, 'h', 'w'] }, outputs: ['y'] }));

  test.each([
    ['an unknown operator', [node('NonMaxSuppression', 'x')], [], 'NonMaxSuppression'],
    [
      'a shape that is computed from pixels',
      [node('Cast', 'x', 's', { to: 7 }), node('Reshape', 'x s')],
      [],
      'Reshape with a computed input 2',
    ],
    [
      'cubic resizing',
      [node('Resize', 'x - scales', 'y', { mode: 'cubic' })],
      [{ name: 'scales', dims: [4], floats: [1, 1, 2, 2] }],
      'Resize cubic',
    ],
    ['indices of a pool', [node('MaxPool', 'x', 'y i', { kernel_shape: [2, 2] })], [], 'MaxPool with indices'],
    [
      'a wrapped border',
      [node('Pad', 'x pads', 'y', { mode: 'wrap' })],
      [whole('pads', 0, 0, 1, 1, 0, 0, 1, 1)],
      'Pad with mode wrap',
    ],
    [
      'more coordinates than memory',
      [node('Range', 'a b c', 'y')],
      [number('a', 0), number('b', 2 ** 40), number('c', 1)],
      'Range',
    ],
  ] as const)('%s', (_, nodes, tensors, what) => {
    expect(refused(nodes, tensors)).toMatchObject({ code: 'NET_UNSUPPORTED', what: expect.stringContaining(what) });
  });

  test('many large ranges together', () => {
    const nodes = Array.from({ length: 40 }, (_, at) => node('Range', 'a b c', at === 39 ? 'y' : `r${at}`));
    expect(refused(nodes, [number('a', 0), number('b', 2 ** 18), number('c', 1)])).toMatchObject({
      code: 'NET_UNSUPPORTED',
    });
  });

  test('an operator set of the far future', () => {
    expect(refused([node('Relu', 'x')], [], 99)).toMatchObject({
      code: 'NET_UNSUPPORTED',
      what: expect.stringContaining('99'),
    });
  });

  test('an input that nothing computes', () => {
    expect(refused([node('Add', 'x ghost')])).toMatchObject({
      code: 'NET_DAMAGED',
      where: 'Add y',
      problem: expect.stringContaining('ghost'),
    });
  });

  test('weights that do not fit name their node', () => {
    expect(refused([node('Conv', 'x w')], [floats('w', [4, 5, 3, 3])])).toMatchObject({
      code: 'NET_INPUT_WRONG',
      expected: expect.stringContaining('Conv y'),
    });
  });

  test('a shape with thousands of axes', () => {
    expect(
      refused([node('Reshape', 'x shape')], [whole('shape', ...new Array<number>(5000).fill(1), -1)]),
    ).toMatchObject({ code: 'NET_INPUT_WRONG' });
  });
});
