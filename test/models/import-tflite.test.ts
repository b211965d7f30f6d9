import { toHalf } from '../../bridge-server/src/graph/half';
import { importTflite } from '../../bridge-server/src/models/import-tflite';
import { damageFile } from './damage';
import { runNet } from './run-net';
import { writeTflite, type WrittenModel, type WrittenOperator, type WrittenTensor } from './tflite-writer';

const codes = {
  add: 0,
  averagePool: 1,
  concatenate: 2,
  convolve: 3,
  depthwise: 4,
  dequantize: 6,
  fullyConnected: 9,
  relu6: 21,
  reshape: 22,
  softmax: 25,
  pad: 34,
  mean: 40,
  custom: 32,
};
const padding = { same: 0, valid: 1 };
const relu6 = 3;

/** A net with one operator after its input of [1, height, width, channels]. */
function single(
  input: readonly number[],
  operator: Omit<WrittenOperator, 'inputs' | 'outputs'>,
  output: readonly number[],
  constants: readonly WrittenTensor[] = [],
): Uint8Array {
  return writeTflite({
    tensors: [{ name: 'picture', shape: input }, { name: 'result', shape: output }, ...constants],
    operators: [{ ...operator, inputs: [0, ...constants.map((_, index) => index + 2)], outputs: [1] }],
    inputs: [0],
    outputs: [1],
  });
}

/** Runs on [channels, height, width]. */
async function run(
  bytes: Uint8Array,
  data: Float32Array,
  dims: readonly number[],
): Promise<{ data: number[]; dims: readonly number[] }> {
  const net = importTflite(bytes, { name: 'small' });
  const { result } = await runNet(net.draft.toBytes(), { input: { data, dims } });
  return { data: [...result!.data], dims: result!.dims };
}

const float = (name: string, shape: readonly number[], values: readonly number[]): WrittenTensor => ({
  name,
  shape,
  data: Float32Array.from(values),
});
const whole = (name: string, values: readonly number[]): WrittenTensor => ({
  name,
  shape: [values.length],
  type: 2,
  data: Int32Array.from(values),
});

describe('a TFLite net', () => {
  test('convolves with channels first, the odd pixel of SAME at the end', async () => {
    // One output channel: sum over a 2x2 window of channel 0 minus channel 1, step 2.
    const kernel = float('kernel', [1, 2, 2, 2], [1, -1, 1, -1, 1, -1, 1, -1]);
    const bytes = single(
      [1, 3, 3, 2],
      { code: codes.convolve, bytes: { 0: padding.same, 3: 0 }, ints: { 1: 2, 2: 2, 4: 1, 5: 1 } },
      [1, 2, 2, 1],
      [kernel, float('bias', [1], [0.5])],
    );
    const first = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    const { data, dims } = await run(bytes, Float32Array.from([...first, ...Array<number>(9).fill(1)]), [1, 2, 3, 3]);
    expect(dims).toEqual([1, 1, 2, 2]);
    // Windows: 1 2 4 5 | 3 6 and border | 7 8 and border | 9 and border.
    expect(data).toEqual([12 - 4 + 0.5, 9 - 2 + 0.5, 15 - 2 + 0.5, 9 - 1 + 0.5]);
  });

  test('convolves each channel on its own and clips at six', async () => {
    const kernel = float('kernel', [1, 1, 1, 2], [1, 10]);
    const bytes = single(
      [1, 1, 2, 2],
      { code: codes.depthwise, bytes: { 0: padding.same, 4: relu6 }, ints: { 1: 1, 2: 1, 3: 1, 5: 1, 6: 1 } },
      [1, 1, 2, 2],
      [kernel, float('bias', [2], [0, -4])],
    );
    const { data } = await run(bytes, Float32Array.of(1, -1, 0.5, 3), [1, 2, 1, 2]);
    expect(data).toEqual([1, 0, 1, 6]);
  });

  test('dequantises weights channel by channel and biases', async () => {
    const kernel: WrittenTensor = {
      name: 'kernel',
      shape: [2, 1, 1, 1],
      type: 9,
      data: Int8Array.of(4, -4),
      scales: [0.5, 0.25],
      zeroPoints: [0, 0],
      axis: 0,
    };
    const bias: WrittenTensor = { name: 'bias', shape: [2], type: 2, data: Int32Array.of(10, 20), scales: [0.1, 0.1] };
    const bytes = single(
      [1, 1, 1, 1],
      { code: codes.convolve, bytes: { 0: padding.valid }, ints: { 1: 1, 2: 1 } },
      [1, 1, 1, 2],
      [kernel, bias],
    );
    const { data } = await run(bytes, Float32Array.of(3), [1, 1, 1, 1]);
    expect(data[0]).toBeCloseTo(7, 6);
    expect(data[1]).toBeCloseTo(-1, 6);
  });

  test('cuts off what the integers of a quantised output cannot hold', async () => {
    const kernel: WrittenTensor = {
      name: 'kernel',
      shape: [1, 1, 1, 1],
      type: 3,
      data: Uint8Array.of(129),
      scales: [1],
      zeroPoints: [128],
    };
    const bytes = writeTflite({
      tensors: [
        { name: 'picture', shape: [1, 1, 3, 1], type: 3, scales: [1 / 128], zeroPoints: [128] },
        { name: 'result', shape: [1, 1, 3, 1], type: 3, scales: [2 / 255], zeroPoints: [0] },
        kernel,
      ],
      operators: [
        { code: codes.convolve, inputs: [0, 2, -1], outputs: [1], bytes: { 0: padding.valid }, ints: { 1: 1, 2: 1 } },
      ],
      inputs: [0],
      outputs: [1],
    });
    expect(importTflite(bytes, { name: 'quantised' }).convention).toEqual({ order: 'rgb', scale: 2, mean: [1, 1, 1] });
    const { data } = await run(bytes, Float32Array.of(-1, 1, 5), [1, 1, 1, 3]);
    expect(data[0]).toBe(0);
    expect(data[1]).toBe(1);
    expect(data[2]).toBeCloseTo(2, 6);
  });

  test('keeps weights of 16 bits as they are, also behind a DEQUANTIZE', async () => {
    const model: WrittenModel = {
      tensors: [
        { name: 'picture', shape: [1, 1, 1, 1] },
        { name: 'result', shape: [1, 1, 1, 1] },
        { name: 'half', shape: [1, 1, 1, 1], type: 1, data: toHalf([1.5]) },
        { name: 'kernel', shape: [1, 1, 1, 1] },
      ],
      operators: [
        { code: codes.dequantize, inputs: [2], outputs: [3] },
        { code: codes.convolve, inputs: [0, 3, -1], outputs: [1], bytes: { 0: padding.valid }, ints: { 1: 1, 2: 1 } },
      ],
      inputs: [0],
      outputs: [1],
    };
    const net = importTflite(writeTflite(model), { name: 'half' });
    expect([...net.draft.weights.values()].map(weight => weight.data)).toEqual([Uint16Array.of(0x3e00)]);
    expect((await run(writeTflite(model), Float32Array.of(2), [1, 1, 1, 1])).data).toEqual([3]);
  });

  test('reshapes in the order of the file: channels last', async () => {
    const bytes = single([1, 1, 2, 3], { code: codes.reshape }, [1, 6], [whole('shape', [1, 6])]);
    const { data, dims } = await run(bytes, Float32Array.of(1, 2, 10, 20, 100, 200), [1, 3, 1, 2]);
    expect(dims).toEqual([1, 6]);
    expect(data).toEqual([1, 10, 100, 2, 20, 200]);
  });

  test('multiplies a matrix with a picture in the order of the file', async () => {
    const bytes = single(
      [1, 1, 2, 2],
      { code: codes.fullyConnected, bytes: { 0: 0 } },
      [1, 1],
      [float('matrix', [1, 4], [1, 2, 3, 4]), float('bias', [1], [0])],
    );
    const { data } = await run(bytes, Float32Array.of(1, 10, 100, 1000), [1, 2, 1, 2]);
    expect(data).toEqual([1 * 1 + 2 * 100 + 3 * 10 + 4 * 1000]);
  });

  test('adds a constant of the last axis to every pixel, and takes the mean of a picture', async () => {
    const added = single(
      [1, 1, 2, 2],
      { code: codes.add, bytes: { 0: 0 } },
      [1, 1, 2, 2],
      [float('constant', [2], [1, 10])],
    );
    expect((await run(added, Float32Array.of(1, 2, 3, 4), [1, 2, 1, 2])).data).toEqual([2, 3, 13, 14]);
    const mean = single([1, 1, 2, 2], { code: codes.mean, bytes: { 0: 0 } }, [1, 2], [whole('axes', [1, 2])]);
    expect((await run(mean, Float32Array.of(1, 2, 3, 5), [1, 2, 1, 2])).data).toEqual([1.5, 4]);
  });

  test('pads rows and columns where the file says rows and columns', async () => {
    const bytes = single(
      [1, 1, 1, 1],
      { code: codes.pad },
      [1, 2, 1, 1],
      [{ ...whole('pads', [0, 0, 0, 1, 0, 0, 0, 0]), shape: [4, 2] }],
    );
    expect(await run(bytes, Float32Array.of(7), [1, 1, 1, 1])).toEqual({ data: [7, 0], dims: [1, 1, 2, 1] });
  });

  test('is cut after the outputs that are asked for, under the names that are given', async () => {
    const kernel = float('kernel', [1, 1, 1, 1], [2]);
    const bytes = writeTflite({
      tensors: [
        { name: 'picture', shape: [1, 4, 4, 1] },
        { name: 'layer/Relu6;fused', shape: [1, 4, 4, 1] },
        { name: 'head', shape: [1, 4, 4, 1] },
        kernel,
      ],
      operators: [
        {
          code: codes.convolve,
          inputs: [0, 3, -1],
          outputs: [1],
          bytes: { 0: padding.same, 3: relu6 },
          ints: { 1: 1, 2: 1 },
        },
        { code: codes.custom, inputs: [1], outputs: [2] },
      ],
      inputs: [0],
      outputs: [2],
    });
    expect(() => importTflite(bytes, { name: 'whole' })).toThrow(
      expect.objectContaining({
        code: 'NET_UNSUPPORTED',
        details: expect.objectContaining({ what: 'the operator CUSTOM (head)' }),
      }),
    );
    const net = importTflite(bytes, { name: 'cut', outputs: { 'layer/Relu6': 'layer' } });
    expect(net.layers).toEqual([{ name: 'layer', channels: 1 }]);
    expect(
      (await runNet(net.draft.toBytes(), { input: { data: Float32Array.of(1, 4), dims: [1, 1, 1, 2] } })).layer!.data,
    ).toEqual(Float32Array.of(2, 6));
  });
});

describe('a damaged TFLite file', () => {
  const model: WrittenModel = {
    tensors: [
      { name: 'picture', shape: [1, 8, 8, 3] },
      float(
        'first/kernel',
        [4, 3, 3, 3],
        Array.from({ length: 108 }, (_, index) => Math.sin(index)),
      ),
      float('first/bias', [4], [0, 1, 2, 3]),
      { name: 'first', shape: [1, 4, 4, 4] },
      {
        name: 'second/kernel',
        shape: [1, 3, 3, 4],
        type: 3,
        data: new Uint8Array(36).fill(130),
        scales: [0.1],
        zeroPoints: [128],
      },
      { name: 'second', shape: [1, 4, 4, 4] },
      { name: 'sum', shape: [1, 4, 4, 4] },
      { name: 'mean', shape: [1, 1, 1, 4] },
      { name: 'flat', shape: [1, 4] },
      { name: 'result', shape: [1, 4] },
      whole('shape', [1, 4]),
    ],
    operators: [
      {
        code: codes.convolve,
        inputs: [0, 1, 2],
        outputs: [3],
        bytes: { 0: padding.same, 3: 1 },
        ints: { 1: 2, 2: 2, 4: 1, 5: 1 },
      },
      {
        code: codes.depthwise,
        inputs: [3, 4, -1],
        outputs: [5],
        bytes: { 0: padding.same, 4: relu6 },
        ints: { 1: 1, 2: 1, 3: 1, 5: 1, 6: 1 },
      },
      { code: codes.add, inputs: [3, 5], outputs: [6], bytes: { 0: 0 } },
      {
        code: codes.averagePool,
        inputs: [6],
        outputs: [7],
        bytes: { 0: padding.valid, 5: 0 },
        ints: { 1: 4, 2: 4, 3: 4, 4: 4 },
      },
      { code: codes.reshape, inputs: [7, 10], outputs: [8] },
      { code: codes.softmax, inputs: [8], outputs: [9], floats: { 0: 1 } },
    ],
    inputs: [0],
    outputs: [9],
  };
  const bytes = writeTflite(model);

  test('is fine before it is damaged', async () => {
    const { result } = await runNet(importTflite(bytes, { name: 'whole' }).draft.toBytes(), {
      input: { data: new Float32Array(192).fill(0.5), dims: [1, 3, 8, 8] },
    });
    expect(result!.data.reduce((sum, value) => sum + value)).toBeCloseTo(1, 5);
  });

  test('never does more than be refused', () => {
    const report = damageFile(bytes, variant => importTflite(variant, { name: 'fuzz' }).draft.toBytes(), {
      cuts: 200,
      flips: 1500,
      headBytes: bytes.length,
    });
    expect(report.refused).toBeGreaterThan(400);
    expect(report.places.size).toBeGreaterThan(15);
    expect(report.slowestMs).toBeLessThan(2000);
  });

  test('is refused by the name of the tensor that lacks bytes', () => {
    const short = {
      ...model,
      tensors: model.tensors.map(tensor =>
        tensor.name === 'first/kernel' ? { ...tensor, data: new Float32Array(107) } : tensor,
      ),
    };
    expect(() => importTflite(writeTflite(short), { name: 'short' })).toThrow(
      expect.objectContaining({ code: 'NET_DAMAGED', details: expect.objectContaining({ where: 'first' }) }),
    );
  });

  test('of another kind is refused as such', () => {
    expect(() => importTflite(new TextEncoder().encode('not a model at all'), { name: 'text' })).toThrow(
      expect.objectContaining({ code: 'NET_UNKNOWN_FORMAT' }),
    );
  });
});
