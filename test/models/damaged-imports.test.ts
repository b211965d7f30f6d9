import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '#protocol/errors';
import { readNetFile } from '../../bridge-server/src/models/import-file';
import { inspectNet } from '../../bridge-server/src/models/inspect';
import { NetDraft } from '../../bridge-server/src/models/net-draft';
import { createInProcessRuntime } from '../../bridge-server/src/runtime/ort';
import type { Runtime } from '../../bridge-server/src/runtime/runtime';
import { smallClassifier, writeCaffeModel } from './caffe-writer';
import { makeDice } from './damage';
import { spoilMessage, spoilTables, spoilText } from './spoil';
import { writeTflite } from './tflite-writer';

/**
 * The whole way of an import, from the file to the test run, for files in which one thing is wrong: a size, a name, a
 * length, an operator. More are tried with REVERIE_SPOILT=5000.
 */
const count = Number(process.env.REVERIE_SPOILT ?? 80);

let folder: string;
let runtime: Runtime;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reverie-spoilt-'));
  runtime = await createInProcessRuntime({ provider: 'cpu', threads: 1 });
});
afterAll(async () => {
  await runtime.close();
  rmSync(folder, { recursive: true, force: true });
});

const waves = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i) / 4);

/** A net that halves, enlarges by a stored size, joins, pads, slices and averages. */
function makeOnnx(): Uint8Array {
  const draft = new NetDraft('tiny');
  const x = draft.input('picture', [1, 3, 'height', 'width']);
  const conv = draft.node(
    'Conv',
    [x, draft.weight('w1', [4, 3, 3, 3], waves(108)), draft.weight('b1', [4], waves(4))],
    { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] },
    'first',
  );
  const relu = draft.node('Relu', [conv], {}, 'relu');
  const large = draft.node(
    'Resize',
    [relu, '', draft.weight('scales', [4], Float32Array.of(1, 1, 2, 2))],
    { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
    'large',
  );
  const joined = draft.node('Concat', [large, x], { axis: 1 }, 'joined');
  const padded = draft.node('Pad', [joined, draft.ints([0, 0, 1, 1, 0, 0, 1, 1])], { mode: 'edge' }, 'padded');
  const cut = draft.node(
    'Slice',
    [padded, draft.ints([1]), draft.ints([-1]), draft.ints([2]), draft.ints([1])],
    {},
    'cut',
  );
  const mean = draft.node('GlobalAveragePool', [cut], {}, 'mean');
  const flat = draft.node('Reshape', [mean, draft.ints([1, 7])], {}, 'flat');
  const shape = draft.node('Shape', [cut], {}, 'shape');
  const zeros = draft.node('ConstantOfShape', [shape], {}, 'zeros');
  draft.output(draft.node('Add', [cut, zeros], {}, 'sum'), [1, 7, 'h', 'w']);
  draft.output(flat, [1, 7]);
  return draft.toBytes();
}

const floatOf = (name: string, shape: readonly number[]) => ({
  name,
  shape,
  data: waves(shape.reduce((a, b) => a * b, 1)),
});

function makeTflite(): Uint8Array {
  return writeTflite({
    tensors: [
      { name: 'picture', shape: [1, 8, 8, 3] },
      floatOf('kernel', [4, 3, 3, 3]),
      floatOf('bias', [4]),
      { name: 'first', shape: [1, 4, 4, 4] },
      { name: 'mean', shape: [1, 1, 1, 4] },
      { name: 'flat', shape: [1, 4] },
      { name: 'shape', shape: [2], type: 2, data: Int32Array.of(1, 4) },
    ],
    operators: [
      { code: 3, inputs: [0, 1, 2], outputs: [3], bytes: { 0: 0, 3: 1 }, ints: { 1: 2, 2: 2, 4: 1, 5: 1 } },
      { code: 1, inputs: [3], outputs: [4], bytes: { 0: 1, 5: 0 }, ints: { 1: 4, 2: 4, 3: 4, 4: 4 } },
      { code: 22, inputs: [4, 6], outputs: [5] },
    ],
    inputs: [0],
    outputs: [5],
  });
}

const ncnnText = [
  '7767517',
  '5 6',
  'Input in 0 1 x',
  'Split twice 1 2 x x1 x2',
  'Convolution conv 1 1 x1 a 0=4 1=3 4=1 5=1 6=108 -23310=1,0.1 9=2',
  'Deconvolution up 1 1 a b 0=3 1=4 3=2 4=1 5=1 6=192',
  'Pooling pool 1 1 b c 0=1 1=2 2=2',
].join('\n');
const ncnnWeights = (): Uint8Array => {
  const raw = (values: Float32Array) => Buffer.from(values.buffer);
  const tag = Buffer.alloc(4);
  return Buffer.concat([tag, raw(waves(108)), raw(waves(4)), tag, raw(waves(192)), raw(waves(3))]);
};

type Outcome = { readonly refusals: Map<string, number>; accepted: number; slowestMs: number; places: Set<string> };

const expected = ['NET_DAMAGED', 'NET_UNSUPPORTED', 'NET_UNKNOWN_FORMAT', 'NET_INPUT_WRONG'];

/** Everything an import does with a file but filing it. */
async function tryImports(write: (dice: (limit: number) => number) => string, seed: number): Promise<Outcome> {
  const dice = makeDice(seed);
  const outcome: Outcome = { refusals: new Map(), accepted: 0, slowestMs: 0, places: new Set() };
  const before = process.memoryUsage().rss;
  for (let trial = 0; trial < count; trial++) {
    const path = write(dice);
    const started = performance.now();
    try {
      await inspectNet(await readNetFile(path, 'spoilt'), runtime);
      outcome.accepted++;
    } catch (error) {
      if (!(error instanceof AppError) || !expected.includes(error.code))
        throw new Error(`trial ${trial}: ${String(error)}`, { cause: error });
      outcome.refusals.set(error.code, (outcome.refusals.get(error.code) ?? 0) + 1);
      outcome.places.add(String(error.details.where ?? error.details.what ?? ''));
    }
    outcome.slowestMs = Math.max(outcome.slowestMs, performance.now() - started);
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(1e9);
  return outcome;
}

const file = (name: string, bytes: Uint8Array | string) => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};

describe.each([
  [
    'ONNX',
    () => file('net.onnx', makeOnnx()),
    (dice: (limit: number) => number) => file('net.onnx', spoilMessage(makeOnnx(), dice)),
  ],
  [
    'Caffe',
    () => file('net.caffemodel', writeCaffeModel(smallClassifier)),
    (dice: (limit: number) => number) => file('net.caffemodel', spoilMessage(writeCaffeModel(smallClassifier), dice)),
  ],
  [
    'TFLite',
    () => file('net.tflite', makeTflite()),
    (dice: (limit: number) => number) => file('net.tflite', spoilTables(makeTflite(), dice)),
  ],
  [
    'ncnn',
    () => {
      file('net.bin', ncnnWeights());
      return file('net.param', ncnnText);
    },
    (dice: (limit: number) => number) => {
      file('net.bin', dice(8) === 0 ? ncnnWeights().subarray(0, dice(1200)) : ncnnWeights());
      return file('net.param', spoilText(ncnnText, dice));
    },
  ],
] as const)('%s', (_, whole, spoilt) => {
  test('is imported as it is', async () => {
    const { testRun } = await inspectNet(await readNetFile(whole(), 'whole'), runtime);
    expect(testRun).toMatchObject({ ok: true });
  });

  test('with one thing wrong is read, or refused with the place', async () => {
    const { refusals, slowestMs, places } = await tryImports(spoilt, 5);
    const refused = [...refusals.values()].reduce((a, b) => a + b, 0);
    expect(refused).toBeGreaterThan(count / 5);
    expect(places.size).toBeGreaterThan(5);
    expect(slowestMs).toBeLessThan(10_000);
  });
});

describe('a file that asks for all memory', () => {
  const onnx = (
    build: (draft: NetDraft, x: string) => string,
    dims: readonly (number | string)[] = [1, 3, 'h', 'w'],
  ) => {
    const draft = new NetDraft('greedy');
    draft.output(build(draft, draft.input('picture', dims)), [1, 3, 'h', 'w']);
    return file('greedy.onnx', draft.toBytes());
  };
  const wide = 2 ** 31 - 1;

  test.each([
    ['a picture of 40000 x 40000', () => onnx((draft, x) => draft.node('Relu', [x], {}, 'relu'), [1, 3, 40000, 40000])],
    ['a picture wider than any', () => onnx((draft, x) => draft.node('Relu', [x], {}, 'relu'), [1, 3, 64, wide])],
    [
      'ten thousand millions of zeros',
      () =>
        onnx((draft, x) => {
          const zeros = draft.node('ConstantOfShape', [draft.ints([1, 3, 100000, 30000])], {}, 'zeros');
          return draft.node('Add', [x, draft.node('ReduceMean', [zeros], { keepdims: 0 }, 'mean')], {}, 'sum');
        }),
    ],
    [
      'a border of two thousand millions',
      () => onnx((draft, x) => draft.node('Pad', [x, draft.ints([0, 0, 0, wide, 0, 0, 0, 0])], {}, 'padded')),
    ],
    [
      'an enlargement to thousands of millions',
      () =>
        onnx((draft, x) =>
          draft.node('Resize', [x, '', '', draft.ints([1, 3, 60000, 60000])], { mode: 'nearest' }, 'large'),
        ),
    ],
  ])('for %s is not tried', async (_, write) => {
    const before = process.memoryUsage().rss;
    const started = performance.now();
    const outcome = await readNetFile(write(), 'greedy').then(
      net => inspectNet(net, runtime),
      (error: unknown) => error,
    );
    if (outcome instanceof AppError) expect(expected).toContain(outcome.code);
    else expect(outcome).toMatchObject({ testRun: undefined, notes: [expect.stringContaining('not tried')] });
    expect(process.memoryUsage().rss - before).toBeLessThan(5e8);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test('for weights that are not there is refused with the layer', async () => {
    const caffe = writeCaffeModel([
      { name: 'data', type: 'Input', tops: ['data'], inputDims: [1, 3, 16, 16] },
      {
        name: 'conv1',
        type: 'Convolution',
        bottoms: ['data'],
        tops: ['conv1'],
        param: { 1: wide, 4: 3 },
        blobs: [{ dims: [wide, 3, 3, 3], data: waves(108) }],
      },
    ]);
    await expect(readNetFile(file('wide.caffemodel', caffe), 'wide')).rejects.toMatchObject({
      code: 'NET_DAMAGED',
      details: { where: 'conv1' },
    });
    file('wide.bin', ncnnWeights());
    const text = ncnnText.replace('0=4 1=3', `0=${wide} 1=3`).replace('6=108', `6=${27 * wide}`);
    await expect(readNetFile(file('wide.param', text), 'wide')).rejects.toMatchObject({
      code: 'NET_DAMAGED',
      details: { where: 'conv' },
    });
  });
});
