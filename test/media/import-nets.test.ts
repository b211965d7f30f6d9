import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { parseModel } from '../../bridge-server/src/graph/onnx-format';
import { importCaffe } from '../../bridge-server/src/models/import-caffe';
import { importNcnn } from '../../bridge-server/src/models/import-ncnn';
import { importTflite } from '../../bridge-server/src/models/import-tflite';
import { readNetFile } from '../../bridge-server/src/models/import-file';
import { createNetStore } from '../../bridge-server/src/models/store';
import { createInProcessRuntime } from '../../bridge-server/src/runtime/ort';
import { caffeLayersOf } from '../models/caffe-from-onnx';
import { writeCaffeModel } from '../models/caffe-writer';
import { makePicture, runNet } from '../models/run-net';
import { writeTorch } from '../models/torch-writer';
import { worstDifference } from '../compare';

const shared = join(__dirname, '../../../shared');
const models = join(shared, 'models');
const photos = [
  'n01443537_goldfish',
  'n01818515_macaw',
  'n02123045_tabby',
  'n02279972_monarch',
  'n02391049_zebra',
  'n07745940_strawberry',
];

/** Short side 256, the middle 224, as [1, 3, 224, 224]. */
async function classifierInput(
  name: string,
  toInput: (pixel: number, channel: number) => number,
  order: readonly number[],
): Promise<Float32Array> {
  const file = join(shared, 'data/images/imagenet', `${name}.JPEG`);
  const raw = await sharp(file)
    .resize(256, 256, { fit: 'outside' })
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const left = Math.floor((raw.info.width - 224) / 2);
  const top = Math.floor((raw.info.height - 224) / 2);
  return Float32Array.from({ length: 3 * 224 * 224 }, (_, at) => {
    const channel = Math.floor(at / (224 * 224));
    const y = Math.floor(at / 224) % 224;
    const pixel = raw.data[((top + y) * raw.info.width + left + (at % 224)) * 3 + order[channel]!]!;
    return toInput(pixel / 255, channel);
  });
}

function best(values: Float32Array): number {
  return values.indexOf(values.reduce((a, b) => Math.max(a, b)));
}

const describeShared = existsSync(models) ? describe : describe.skip;

describeShared('imported classifiers (skipped where ../shared/models is absent)', () => {
  const classes = existsSync(models) ? readFileSync(join(models, 'classify/synset_words.txt'), 'utf8').split('\n') : [];

  test.each([
    ['bvlc_googlenet.onnx', 'old'],
    ['squeezenet_v1.1.onnx', 'current'],
  ] as const)('%s written as a caffemodel of the %s form classifies photographs as before', async (file, form) => {
    const reference = readFileSync(join(models, 'classify', file));
    const layers = caffeLayersOf(reference);
    const written =
      form === 'old'
        ? writeCaffeModel(
            [
              { name: 'data', type: 'Data', tops: ['data', 'label'], transform: { crop: 224, mean: [104, 117, 123] } },
              ...layers,
            ],
            'old',
          )
        : writeCaffeModel([{ name: 'data', type: 'Input', tops: ['data'], inputDims: [10, 3, 224, 224] }, ...layers]);
    const net = importCaffe(written, { name: file });
    const { convention } = net;
    expect(convention).toEqual({ order: 'bgr', scale: 255, mean: [104, 117, 123] });
    const model = net.draft.toBytes();
    let right = 0;
    for (const name of photos) {
      const data = await classifierInput(
        name,
        (pixel, channel) => pixel * convention.scale - convention.mean[channel]!,
        [2, 1, 0],
      );
      const input = { data: { data, dims: [1, 3, 224, 224] } };
      const ours = (await runNet(model, input)).prob!.data;
      const theirs = (await runNet(reference, input)).prob!.data;
      expect(worstDifference(ours, theirs)).toBeLessThan(1e-4);
      if (classes[best(ours)]!.startsWith(name.split('_')[0]!)) right += 1;
    }
    expect(right).toBeGreaterThanOrEqual(5);
  });

  test('layers of an imported GoogLeNet equal the stored ones at a size that is no classifier size', async () => {
    const reference = readFileSync(join(models, 'classify/bvlc_googlenet.onnx'));
    const taps = ['conv2/3x3', 'inception_3b/output', 'inception_4c/output'];
    const net = importCaffe(
      writeCaffeModel([
        { name: 'data', type: 'Input', tops: ['data'], inputDims: [1, 3, 224, 224] },
        ...caffeLayersOf(reference),
      ]),
      { name: 'googlenet', outputs: taps },
    );
    expect(net.layers.find(layer => layer.name === 'inception_4c/output')?.channels).toBe(512);
    const input = { data: { data: makePicture(3, 101, 150).map(x => 255 * x - 117), dims: [1, 3, 101, 150] } };
    const ours = await runNet(net.draft.toBytes(), input);
    const theirs = await runNet(reference, input);
    for (const tap of taps) {
      expect(ours[tap]!.dims).toEqual(theirs[tap]!.dims);
      expect(worstDifference(ours[tap]!.data, theirs[tap]!.data)).toBeLessThan(1e-2);
    }
  });

  test('the quantised MobileNet classifies photographs as its stored conversion does', async () => {
    const net = importTflite(readFileSync(join(models, 'classify/mobilenet_v2_1.0_224_quant.tflite')), {
      name: 'mobilenet',
    });
    expect(net.convention).toEqual({ order: 'rgb', scale: 2, mean: [1, 1, 1] });
    const reference = readFileSync(join(models, 'classify/mobilenet_v2_1.0_224_f16w.onnx'));
    const model = net.draft.toBytes();
    const output = net.draft.outputs[0]!.name;
    let right = 0;
    for (const name of photos) {
      const input = {
        input: { data: await classifierInput(name, pixel => 2 * pixel - 1, [0, 1, 2]), dims: [1, 3, 224, 224] },
      };
      const ours = (await runNet(model, input))[output]!.data;
      const theirs = (await runNet(reference, input)).prob!.data;
      expect(best(ours)).toBe(best(theirs));
      // The stored conversion rounds its weights to half precision.
      expect(worstDifference(ours, theirs)).toBeLessThan(0.02);
      // Class 0 is the background.
      if (classes[best(ours) - 1]!.startsWith(name.split('_')[0]!)) right += 1;
    }
    expect(right).toBeGreaterThanOrEqual(5);
  });

  test.each([
    ['models-upconv_7_photo/scale2.0x_model', 'upconv_7_photo_scale2.0x_model.onnx', 40],
    ['models-cunet/scale2.0x_model', 'cunet_scale2.0x_model.onnx', 62],
  ])('%s of ncnn draws what the stored conversion draws', async (file, stored, side) => {
    const path = join(models, 'waifu2x/ncnn', file);
    const net = importNcnn(readFileSync(`${path}.param`, 'utf8'), readFileSync(`${path}.bin`), { name: file });
    const data = makePicture(3, side, side + 6);
    const ours = await runNet(net.draft.toBytes(), { Input1: { data, dims: [1, 3, side, side + 6] } });
    const theirs = await runNet(readFileSync(join(models, 'waifu2x', stored)), {
      input: { data, dims: [1, 3, side, side + 6] },
    });
    expect(ours.Eltwise4!.dims).toEqual(theirs.output!.dims);
    expect(worstDifference(ours.Eltwise4!.data, theirs.output!.data)).toBeLessThan(1e-6);
  });

  test('every waifu2x file for ncnn is read to its last byte', () => {
    for (const file of [
      'models-cunet/noise1_model',
      'models-cunet/noise3_scale2.0x_model',
      'models-upconv_7_anime_style_art_rgb/noise1_scale2.0x_model',
      'models-upconv_7_photo/noise2_scale2.0x_model',
    ]) {
      const path = join(models, 'waifu2x/ncnn', file);
      const net = importNcnn(readFileSync(`${path}.param`, 'utf8'), readFileSync(`${path}.bin`), { name: file });
      expect(parseModel(net.draft.toBytes()).outputs.map(output => output.dims![1])).toEqual([3]);
    }
  });
});

describeShared('RAFT out of its PyTorch file (skipped where ../shared/models is absent)', () => {
  /** name, size and place of each tensor stand before the numbers (safetensors). */
  function storedWeights(): Map<string, { dims: number[]; data: Float32Array }> {
    const bytes = readFileSync(join(models, 'flow/raft_small.safetensors'));
    const start = 8 + Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.subarray(8, start).toString()) as Record<
      string,
      { shape: number[]; data_offsets: [number, number] }
    >;
    return new Map(
      Object.entries(header).flatMap(([name, tensor]) => {
        if (name === '__metadata__') return [];
        const [from, to] = tensor.data_offsets;
        return [
          [
            name,
            {
              dims: tensor.shape,
              data: new Float32Array(new Uint8Array(bytes.subarray(start + from, start + to)).buffer),
            },
          ] as const,
        ];
      }),
    );
  }

  test.each(['zip', 'legacy'] as const)('sees the motion that the stored net sees (%s form)', async form => {
    const folder = await mkdtemp(join(tmpdir(), 'reverie-raft-'));
    try {
      const path = join(folder, 'raft-small.pth');
      await writeFile(
        path,
        writeTorch(new Map([...storedWeights()].map(([name, tensor]) => [`module.${name}`, tensor])), form),
      );
      const net = await readNetFile(path, 'raft-small');
      expect(net.uses).toEqual(['flow']);
      const [height, width] = [136, 144];
      const moved = (by: number): Float32Array => {
        const wide = makePicture(3, height, width + 8).map(value => 255 * value);
        return Float32Array.from(
          { length: 3 * height * width },
          (_, at) => wide[Math.floor(at / width) * (width + 8) + (at % width) + by]!,
        );
      };
      const feeds = {
        image1: { data: moved(0), dims: [1, 3, height, width] },
        image2: { data: moved(3), dims: [1, 3, height, width] },
      };
      const ours = (await runNet(net.model, feeds)).flow!;
      const theirs = (await runNet(readFileSync(join(models, 'flow/raft_small_it12.onnx')), feeds)).flow!;
      expect(ours.dims).toEqual([1, 2, height, width]);
      expect(worstDifference(ours.data, theirs.data)).toBeLessThan(1e-3);
      expect(ours.data[(height / 2) * width + width / 2]).toBeCloseTo(-3, 0);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describeShared('reverie models import (skipped where ../shared/models is absent)', () => {
  let home: string;
  beforeAll(async () => void (home = await mkdtemp(join(tmpdir(), 'reverie-import-'))));
  afterAll(() => rm(home, { recursive: true, force: true }));

  test.each([
    ['classify/squeezenet_v1.1.onnx', { uses: ['style-features', 'dream'], order: 'bgr', multipleOf: 1, layers: 64 }],
    ['style/fns_candy_nc8.onnx', { uses: ['style-fast'], order: 'rgb', multipleOf: 4 }],
    ['style/microast.onnx', { uses: ['style-fast'], order: 'rgb', multipleOf: 4 }],
    ['flow/raft_small_it12.onnx', { uses: ['flow'], order: 'rgb', multipleOf: 8 }],
    ['waifu2x/upconv_7_photo_scale2.0x_model.onnx', { uses: ['upscale'], order: 'rgb', multipleOf: 1 }],
    ['waifu2x/ncnn/models-cunet/scale2.0x_model.bin', { uses: ['upscale'], order: 'rgb', multipleOf: 2 }],
    ['classify/mobilenet_v2_1.0_224_quant.tflite', { uses: ['style-features', 'dream'], order: 'rgb', multipleOf: 1 }],
  ] as const)('%s is understood, tried and filed', async (file, expected) => {
    const store = createNetStore({ embeddedDir: home, homeDir: home });
    const runtime = await createInProcessRuntime({ provider: 'cpu', threads: 1 });
    try {
      const { record, inspection } = await store.importFile(join(models, file), undefined, { runtime });
      expect(record.uses).toEqual(expected.uses);
      expect(record.convention.order).toBe(expected.order);
      expect(record.multipleOf).toBe(expected.multipleOf);
      if ('layers' in expected) expect(record.layers.length).toBe(expected.layers);
      const run = inspection.testRun;
      expect(run?.ok && run.outputs.every(output => output.finite && output.max > output.min)).toBe(true);
      expect(Buffer.from(await store.bytes(record.name)).length).toBe(record.sizeBytes);
      expect((await store.list()).find(each => each.name === record.name)?.kind).toBe('imported');
    } finally {
      await runtime.close();
    }
  });

  test('a pair is one net, whichever of its files is named first', async () => {
    const pair = ['magenta_style_transform.onnx', 'magenta_style_predict_f16w.onnx'].map(name =>
      join(models, 'style', name),
    );
    const [one, other] = [
      await readNetFile(pair[0], 'pair', { styleNet: pair[1] }),
      await readNetFile(pair[1], 'pair', { styleNet: pair[0] }),
    ];
    expect(one.uses).toEqual(['style-fast']);
    expect(Buffer.compare(one.model, other.model)).toBe(0);
  });

  test('a net that does not run is not filed', async () => {
    const path = join(home, 'broken.onnx');
    // A convolution for four channels fed with three: well-formed, but it cannot run.
    const { NetDraft } = await import('../../bridge-server/src/models/net-draft');
    const draft = new NetDraft('broken');
    draft.input('x', [1, 3, 'h', 'w']);
    draft.node('Mystery', ['x'], {}, 'y');
    draft.output('y', [1, 3, 'h', 'w']);
    await writeFile(path, draft.toBytes());
    const store = createNetStore({ embeddedDir: home, homeDir: home });
    const runtime = await createInProcessRuntime({ provider: 'cpu', threads: 1 });
    try {
      await expect(store.importFile(path, 'broken', { runtime })).rejects.toMatchObject({ code: 'NET_LOAD_FAILED' });
      await expect(store.info('broken')).rejects.toMatchObject({ code: 'NET_NOT_FOUND' });
    } finally {
      await runtime.close();
    }
  });
});
