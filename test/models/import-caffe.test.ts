import { importCaffe } from '../../bridge-server/src/models/import-caffe';
import { smallClassifier, wavyBlob, writeCaffeModel, type WrittenLayer } from './caffe-writer';
import { damageFile } from './damage';
import { runNet } from './run-net';

const blob = (dims: readonly number[], values: readonly number[]) => ({ dims, data: Float32Array.from(values) });

const input = (dims: readonly number[]): WrittenLayer => ({
  name: 'data',
  type: 'Input',
  tops: ['data'],
  inputDims: dims,
});

async function run(
  layers: readonly WrittenLayer[],
  data: readonly number[],
  dims: readonly number[],
  form: 'current' | 'old' = 'current',
): Promise<{ data: number[]; dims: readonly number[] }> {
  const net = importCaffe(writeCaffeModel(layers, form), { name: 'small' });
  const outputs = await runNet(net.draft.toBytes(), { data: { data: Float32Array.from(data), dims } });
  const output = outputs[net.draft.outputs[0]!.name]!;
  return { data: [...output.data], dims: output.dims };
}

describe('a caffemodel', () => {
  test('convolves, and names a blob after what a ReLU has made of it in place', async () => {
    const layers: WrittenLayer[] = [
      input([1, 1, 3, 3]),
      {
        name: 'conv',
        type: 'Convolution',
        bottoms: ['data'],
        tops: ['conv'],
        param: { 1: 1, 4: 2 },
        blobs: [blob([1, 1, 2, 2], [1, 0, 0, -1]), blob([1], [1])],
      },
      { name: 'relu', type: 'ReLU', bottoms: ['conv'], tops: ['conv'] },
    ];
    const net = importCaffe(writeCaffeModel(layers), { name: 'small' });
    expect(net.layers).toEqual([{ name: 'conv', channels: 1 }]);
    // x[y][x] - x[y+1][x+1] + 1
    expect((await run(layers, [9, 1, 1, 1, 2, 1, 1, 1, 20], [1, 1, 3, 3])).data).toEqual([8, 1, 1, 0]);
  });

  test('pools to the last pixel: sizes are rounded up', async () => {
    const layers: WrittenLayer[] = [
      input([1, 1, 4, 4]),
      { name: 'pool', type: 'Pooling', bottoms: ['data'], tops: ['pool'], param: { 1: 0, 2: 3, 3: 2 } },
    ];
    const numbers = Array.from({ length: 16 }, (_, index) => index);
    expect(await run(layers, numbers, [1, 1, 4, 4])).toEqual({ data: [10, 11, 14, 15], dims: [1, 1, 2, 2] });
  });

  test('counts the border in a mean', async () => {
    const layers: WrittenLayer[] = [
      input([1, 1, 2, 2]),
      { name: 'pool', type: 'Pooling', bottoms: ['data'], tops: ['pool'], param: { 1: 1, 2: 3, 3: 3, 4: 1 } },
    ];
    expect((await run(layers, [9, 9, 9, 9], [1, 1, 2, 2])).data).toEqual([4]);
  });

  test('normalises over neighbouring channels, alpha divided by their number', async () => {
    const layers: WrittenLayer[] = [
      input([1, 3, 1, 1]),
      { name: 'norm', type: 'LRN', bottoms: ['data'], tops: ['norm'], param: { 1: 3 }, floats: { 2: 3, 3: 1 } },
    ];
    const { data } = await run(layers, [1, 2, 3], [1, 3, 1, 1]);
    [1 / (1 + 1 + 4), 2 / (1 + 1 + 4 + 9), 3 / (1 + 4 + 9)].forEach((value, index) =>
      expect(data[index]).toBeCloseTo(value, 5),
    );
  });

  test('multiplies a matrix with all that it sees, and takes larger pictures too', async () => {
    const layers: WrittenLayer[] = [
      input([1, 1, 2, 2]),
      {
        name: 'fc',
        type: 'InnerProduct',
        bottoms: ['data'],
        tops: ['fc'],
        param: { 1: 1 },
        blobs: [blob([1, 4], [1, 2, 3, 4]), blob([1], [0.5])],
      },
    ];
    expect((await run(layers, [1, 10, 100, 1000], [1, 1, 2, 2])).data).toEqual([4321.5]);
    expect((await run(layers, [1, 10, 100, 100, 1000, 0], [1, 1, 2, 3])).dims).toEqual([1, 1, 1, 2]);
  });

  test('undoes the sums of a batch norm, then scales', async () => {
    const layers: WrittenLayer[] = [
      input([1, 2, 1, 1]),
      // Sums over four batches: mean 2 and 3, variance 4 and 9.
      {
        name: 'bn',
        type: 'BatchNorm',
        bottoms: ['data'],
        tops: ['data2'],
        blobs: [blob([2], [8, 12]), blob([2], [16, 36]), blob([1], [4])],
        floats: { 3: 0 },
      },
      {
        name: 'scale',
        type: 'Scale',
        bottoms: ['data2'],
        tops: ['data2'],
        param: { 4: 1 },
        blobs: [blob([2], [10, 100]), blob([2], [1, 2])],
      },
    ];
    expect((await run(layers, [4, 6], [1, 2, 1, 1])).data).toEqual([11, 102]);
  });

  test('joins, splits, adds with factors and cuts by channels', async () => {
    const layers: WrittenLayer[] = [
      input([1, 2, 1, 1]),
      { name: 'split', type: 'Split', bottoms: ['data'], tops: ['one', 'two'] },
      { name: 'concat', type: 'Concat', bottoms: ['one', 'two'], tops: ['both'] },
      { name: 'slice', type: 'Slice', bottoms: ['both'], tops: ['low', 'high'], param: { 2: [1] } },
      { name: 'drop', type: 'Dropout', bottoms: ['high'], tops: ['high'] },
      { name: 'power', type: 'Power', bottoms: ['high'], tops: ['out'], floats: { 1: 2, 2: 1, 3: -1 } },
    ];
    const net = importCaffe(writeCaffeModel(layers), { name: 'small', outputs: ['low', 'out'] });
    const outputs = await runNet(net.draft.toBytes(), { data: { data: Float32Array.of(3, 5), dims: [1, 2, 1, 1] } });
    expect([...outputs.low!.data]).toEqual([3]);
    expect([...outputs.out!.data]).toEqual([16, 4, 16]);
  });

  test('of 2014, saved in training, gives its classes and leaves labels and losses out', async () => {
    const layers: WrittenLayer[] = [
      { name: 'data', type: 'Data', tops: ['data', 'label'], transform: { crop: 4, mean: [104, 117, 123] } },
      {
        name: 'conv',
        type: 'Convolution',
        bottoms: ['data'],
        tops: ['conv'],
        param: { 1: 2, 4: 3, 3: 1 },
        blobs: [wavyBlob([2, 3, 3, 3]), wavyBlob([2])],
      },
      { name: 'pool', type: 'Pooling', bottoms: ['conv'], tops: ['pool'], param: { 1: 1, 2: 4 } },
      { name: 'loss', type: 'SoftmaxWithLoss', bottoms: ['pool', 'label'], tops: ['loss'] },
      { name: 'accuracy', type: 'Accuracy', bottoms: ['pool', 'label'], tops: ['accuracy'] },
    ];
    const net = importCaffe(writeCaffeModel(layers, 'old'), { name: 'small' });
    expect(net.draft.outputs.map(output => output.name)).toEqual(['loss']);
    expect(net.convention).toEqual({ order: 'bgr', scale: 255, mean: [104, 117, 123] });
    const { loss } = await runNet(net.draft.toBytes(), {
      data: { data: new Float32Array(3 * 30).fill(1), dims: [1, 3, 5, 6] },
    });
    expect(loss!.data[0]! + loss!.data[1]!).toBeCloseTo(1, 6);
  });

  test('with its input named at the top works the same', async () => {
    const relu: WrittenLayer = { name: 'relu', type: 'ReLU', bottoms: ['data'], tops: ['out'], floats: { 1: 0.5 } };
    const net = importCaffe(writeCaffeModel([relu], 'old', [{ name: 'data', dims: [1, 3, 8, 8] }]), { name: 'small' });
    const { out } = await runNet(net.draft.toBytes(), {
      data: { data: Float32Array.of(-2, 2, 4), dims: [1, 3, 1, 1] },
    });
    expect([...out!.data]).toEqual([-1, 2, 4]);
  });

  test('is cut where it is told to be, and what follows is not even read', () => {
    const layers: WrittenLayer[] = [
      input([1, 3, 8, 8]),
      {
        name: 'conv',
        type: 'Convolution',
        bottoms: ['data'],
        tops: ['conv'],
        param: { 1: 2, 4: 3 },
        blobs: [wavyBlob([2, 3, 3, 3]), wavyBlob([2])],
      },
      { name: 'relu', type: 'ReLU', bottoms: ['conv'], tops: ['conv'] },
      { name: 'odd', type: 'NeverHeardOf', bottoms: ['conv'], tops: ['odd'] },
    ];
    expect(
      importCaffe(writeCaffeModel(layers), { name: 'cut', outputs: ['conv'] }).draft.outputs.map(output => output.name),
    ).toEqual(['conv']);
    expect(() => importCaffe(writeCaffeModel(layers), { name: 'whole' })).toThrow(
      expect.objectContaining({
        code: 'NET_UNSUPPORTED',
        details: expect.objectContaining({ what: 'layers of type NeverHeardOf (odd)' }),
      }),
    );
  });
});

describe('a damaged caffemodel', () => {
  test.each(['current', 'old'] as const)('never does more than be refused (%s form)', form => {
    const bytes =
      form === 'current'
        ? writeCaffeModel(smallClassifier)
        : writeCaffeModel(smallClassifier.slice(1), 'old', [{ name: 'data', dims: [1, 3, 16, 16] }]);
    expect(importCaffe(bytes, { name: 'whole' }).draft.outputs.map(output => output.name)).toEqual(['prob']);
    const report = damageFile(bytes, variant => importCaffe(variant, { name: 'fuzz' }).draft.toBytes(), {
      cuts: 200,
      flips: 1200,
    });
    expect(report.refused).toBeGreaterThan(300);
    expect(report.places.size).toBeGreaterThan(8);
    expect(report.slowestMs).toBeLessThan(2000);
  });

  test('is refused by the name of the layer whose weights do not fit', () => {
    const wrong = smallClassifier.map(layer =>
      layer.name === 'conv2' ? { ...layer, blobs: [wavyBlob([6, 3, 1, 1]), wavyBlob([6])] } : layer,
    );
    expect(() => importCaffe(writeCaffeModel(wrong), { name: 'wrong' })).toThrow(
      expect.objectContaining({ code: 'NET_DAMAGED', details: expect.objectContaining({ where: 'conv2' }) }),
    );
  });

  test('of another kind is refused as such', () => {
    expect(() => importCaffe(new Uint8Array(0), { name: 'empty' })).toThrow(
      expect.objectContaining({ code: 'NET_UNKNOWN_FORMAT' }),
    );
  });
});
