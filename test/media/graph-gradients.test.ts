import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as g from '../../bridge-server/src/graph/build';
import { evaluate } from '../../bridge-server/src/graph/evaluate';
import { gradient } from '../../bridge-server/src/graph/gradient';
import { fromModel, toModel } from '../../bridge-server/src/graph/model';
import type { Value } from '../../bridge-server/src/graph/value';
import { makeVgg19 } from '../graph/vgg19';
import { randomNumbers, relativeDifference, runModel } from '../graph/run-model';

const models = join(__dirname, '../../../shared/models');
const stored = existsSync(models);

/** The layers of a stored net whose Gram matrices (or, where marked, whose values) make the loss. */
function taps(file: string, input: string, dims: readonly number[], layers: readonly string[]) {
  return (): { image: Value; features: Value[] } => {
    const net = fromModel(readFileSync(join(models, file)), { inputDims: { [input]: dims }, layers, name: file });
    return { image: net.inputs[0], features: layers.map(layer => net.outputs[layer]) };
  };
}

const vgg = (): { image: Value; features: Value[] } => {
  const image = g.input('image', [1, 3, 16, 16]);
  const layers = makeVgg19(image);
  return {
    image,
    features: ['relu1_1', 'relu2_1', 'relu3_1', 'relu4_1', 'relu5_1'].map(name => layers.get(name) as Value),
  };
};

type NetCase = { name: string; needsStored: boolean; scale: number; make: () => { image: Value; features: Value[] } };
const nets: readonly NetCase[] = [
  { name: 'VGG-19 to relu5_1 (random weights)', needsStored: false, scale: 1, make: vgg },
  {
    name: 'GoogLeNet to 4e',
    needsStored: true,
    scale: 100,
    make: taps(
      'classify/bvlc_googlenet.onnx',
      'data',
      [1, 3, 40, 48],
      ['conv2/3x3', 'inception_3b/output', 'inception_4e/output'],
    ),
  },
  {
    name: 'SqueezeNet',
    needsStored: true,
    scale: 100,
    make: taps('classify/squeezenet_v1.1.onnx', 'data', [1, 3, 49, 56], ['conv1', 'fire5/concat', 'fire9/concat']),
  },
  {
    name: 'MobileNet v2',
    needsStored: true,
    scale: 1,
    make: taps(
      'classify/mobilenet_v2_1.0_224_f16w.onnx',
      'input',
      [1, 3, 48, 48],
      [
        'MobilenetV2/Conv/Relu6',
        'MobilenetV2/expanded_conv_5/add',
        'MobilenetV2/expanded_conv_10/expand/Relu6',
        'prob',
      ],
    ),
  },
  {
    name: 'distilled VGG to relu5_1',
    needsStored: true,
    scale: 1,
    make: taps('features/wct16x_encoder5.onnx', 'image', [1, 3, 48, 56], ['relu1_1', 'relu4_1', 'relu5_1']),
  },
  {
    name: 'fast style net with instance norm',
    needsStored: true,
    scale: 100,
    make: taps('style/fns_candy_nc8.onnx', 'image', [1, 3, 24, 32], ['output']),
  },
  {
    name: 'U-Net with squeeze and excitation',
    needsStored: true,
    scale: 1,
    make: taps('waifu2x/cunet_scale2.0x_model.onnx', 'input', [1, 3, 44, 48], ['output']),
  },
];

describe('the gradient of a whole net (skipped without ../shared/models where the net lies there)', () => {
  test.each(nets)(
    '$name',
    async ({ make, needsStored, scale }) => {
      if (needsStored && !stored) return console.warn('skipped: ../shared/models is absent');
      const { image, features } = make();
      const loss = g.addAll(
        features.map(feature => g.mul(g.meanAll(g.square(feature.dims.length === 4 ? g.gram(feature) : feature)), 1e2)),
      );
      const [toImage] = gradient(loss, [image]);
      const name = image.name as string;
      const picture = randomNumbers(
        image.dims.reduce((a, b) => a * b, 1),
        5,
      ).map(x => Math.fround(x * scale));
      const [exact, total] = evaluate([toImage, loss], { [name]: picture });
      // Along the gradient itself the slope is its length, and rounding matters least; a random direction catches the rest.
      const length = Math.sqrt(exact.data.reduce((sum, x) => sum + x * x, 0));
      const random = randomNumbers(picture.length, 77);
      for (const direction of [exact.data.map(x => x / length), random.map(x => x / Math.sqrt(picture.length / 3))]) {
        const slope = direction.reduce((sum, x, at) => sum + x * exact.data[at], 0);
        const h = 1e-6 * scale;
        const moved = (by: number) =>
          evaluate([loss], { [name]: picture.map((x, at) => x + by * direction[at]) })[0].data[0];
        const numeric = (moved(h) - moved(-h)) / (2 * h);
        expect(Math.abs(numeric - slope)).toBeLessThan(
          1e-3 * Math.max(Math.abs(slope), length / Math.sqrt(picture.length)),
        );
      }
      const run = await runModel(toModel({ inputs: [image], outputs: { gradient: toImage, loss } }), {
        [name]: { dims: image.dims, data: picture },
      });
      expect(Math.abs(run.loss[0] / total.data[0] - 1)).toBeLessThan(1e-4);
      const error = Math.sqrt(run.gradient.reduce((sum, x, at) => sum + (x - exact.data[at]) ** 2, 0)) / length;
      expect(error).toBeLessThan(1e-3);
      expect(relativeDifference(run.gradient, exact.data)).toBeLessThan(1e-2);
    },
    600_000,
  );
});
