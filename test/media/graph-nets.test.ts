import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeModel, fromModel, toModel } from '../../bridge-server/src/graph/model';
import { randomNumbers, relativeDifference, runModel } from '../graph/run-model';

const models = join(__dirname, '../../../shared/models');
const nets: readonly (readonly [string, Record<string, readonly number[]>, number])[] = [
  ['classify/bvlc_googlenet.onnx', { data: [1, 3, 64, 96] }, 1],
  ['classify/squeezenet_v1.1.onnx', { data: [1, 3, 65, 96] }, 1],
  ['classify/mobilenet_v2_1.0_224_f16w.onnx', { input: [1, 3, 64, 64] }, 1],
  ['classify/openimages_mobilenet_v2_f16w.onnx', {}, 1],
  ['features/wct16x_encoder5.onnx', { image: [1, 3, 48, 64] }, 1],
  ['features/wct16x_decoder5.onnx', { features: [1, 128, 3, 4] }, 1],
  ['features/vgg19_normalised_relu3_1.onnx', { image: [1, 3, 32, 40] }, 1],
  ['waifu2x/upconv_7_photo_scale2.0x_model.onnx', {}, 1],
  ['waifu2x/cunet_scale2.0x_model.onnx', {}, 1],
  ['style/fns_candy_nc16.onnx', { image: [1, 3, 48, 64] }, 255],
  ['style/fns_udnie_nc8.onnx', { image: [1, 3, 48, 64] }, 255],
  ['style/microast.onnx', { content: [1, 3, 48, 64], style: [1, 3, 32, 48] }, 1],
  ['style/magenta_style_predict_f16w.onnx', {}, 1],
  ['style/magenta_style_transform.onnx', { content_image: [1, 3, 48, 64] }, 1],
  ['flow/raft_small_it12.onnx', { image1: [1, 3, 128, 136], image2: [1, 3, 128, 136] }, 255],
];

(existsSync(models) ? describe : describe.skip)('a stored net (skipped where ../shared/models is absent)', () => {
  test.each(nets)('%s computes the same after reading and writing', async (file, inputDims, scale) => {
    const bytes = readFileSync(join(models, file));
    const described = describeModel(bytes);
    const dims = Object.fromEntries(
      described.inputs.map(port => [
        port.name,
        inputDims[port.name] ?? port.dims.map((dim, axis) => (typeof dim === 'number' ? dim : axis === 0 ? 1 : 64)),
      ]),
    );
    const model = fromModel(bytes, { inputDims: dims, name: file });
    const rewritten = toModel({ inputs: model.inputs, outputs: model.outputs });
    const feeds = Object.fromEntries(
      model.inputs.map(value => {
        const count = value.dims.reduce((a, b) => a * b, 1);
        return [
          value.name as string,
          { dims: value.dims, data: randomNumbers(count, 3).map(x => ((x + 1) / 2) * scale) },
        ];
      }),
    );
    const expected = await runModel(bytes, feeds);
    const actual = await runModel(rewritten, feeds);
    expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
    for (const name of Object.keys(expected))
      expect([name, relativeDifference(actual[name], expected[name]) < 1e-4]).toEqual([name, true]);
    // Half-precision weights stay half the size.
    expect(rewritten.length).toBeLessThan(bytes.length * 1.02 + 4096);
  });
});
