/**
 * Measures the embedded nets on pictures and a clip, for the table in bridge-server/nets/README.md.
 *   node --import ./scripts/prepare-nets/typescript.mjs scripts/prepare-nets/measure.mjs PICTURE… [--clip FILE]
 * Enlarging: the middle 256x256 of each picture, made half as large by the mean of 2x2. Cleaning: the same part through
 * JPEG. New frames: every second frame of the clip, from its neighbours.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as ort from 'onnxruntime-node';
import sharp from 'sharp';
import { createNetStore } from '../../bridge-server/src/models/store.ts';

const { values: options, positionals: pictures } = parseArgs({
  allowPositionals: true,
  options: { clip: { type: 'string' } },
});
const store = createNetStore({
  embeddedDir: fileURLToPath(new URL('../../bridge-server/nets', import.meta.url)),
  homeDir: '/nowhere',
});
const side = 256;

async function open(name) {
  return ort.InferenceSession.create(Buffer.from(await store.bytes(name)), {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
}

/** [3, H, W], 0..1 */
function planes(raw, width, height) {
  const count = width * height;
  return Float32Array.from({ length: 3 * count }, (_, at) => raw[(at % count) * 3 + Math.floor(at / count)] / 255);
}

function bytesOf(pixels, width, height) {
  const count = width * height;
  return Uint8Array.from({ length: 3 * count }, (_, at) =>
    Math.round(255 * Math.min(1, Math.max(0, pixels[(at % 3) * count + Math.floor(at / 3)]))),
  );
}

function psnr(a, b) {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (Math.min(1, Math.max(0, a[at])) - b[at]) ** 2;
  return -10 * Math.log10(sum / a.length);
}

/** The picture with `border` pixels around it, repeated from the edge. */
function padded(pixels, width, height, border) {
  const [w, h] = [width + 2 * border, height + 2 * border];
  const clamp = (at, size) => Math.min(size - 1, Math.max(0, at));
  return Float32Array.from({ length: 3 * w * h }, (_, at) => {
    const channel = Math.floor(at / (w * h));
    const y = clamp((Math.floor(at / w) % h) - border, height);
    return pixels[(channel * height + y) * width + clamp((at % w) - border, width)];
  });
}

async function draw(session, pixels, width, height, border) {
  const dims = [1, 3, height + 2 * border, width + 2 * border];
  const outputs = await session.run({ input: new ort.Tensor('float32', padded(pixels, width, height, border), dims) });
  return outputs[session.outputNames[0]].data;
}

const mean = values => (values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(2);

async function jpeg(pixels, width, height, quality) {
  const file = await sharp(bytesOf(pixels, width, height), { raw: { width, height, channels: 3 } })
    .jpeg({ quality })
    .toBuffer();
  return planes(await sharp(file).raw().toBuffer(), width, height);
}

function halved(pixels) {
  const half = side / 2;
  return Float32Array.from({ length: 3 * half * half }, (_, at) => {
    const row = Math.floor(at / half);
    const from = (Math.floor(row / half) * side + (row % half) * 2) * side + (at % half) * 2;
    return (pixels[from] + pixels[from + 1] + pixels[from + side] + pixels[from + side + 1]) / 4;
  });
}

const parts = [];
for (const picture of pictures) {
  const { width, height } = await sharp(picture).metadata();
  const left = Math.floor((width - side) / 2);
  const top = Math.floor((height - side) / 2);
  const raw = await sharp(picture)
    .extract({ left, top, width: side, height: side })
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer();
  parts.push(planes(raw, side, side));
}

const small = side / 2;
const cubic = [];
for (const part of parts) {
  const raw = await sharp(bytesOf(halved(part), small, small), { raw: { width: small, height: small, channels: 3 } })
    .resize(side, side, { kernel: 'cubic' })
    .raw()
    .toBuffer();
  cubic.push(psnr(planes(raw, side, side), part));
}
console.log(`bicubic 2x: ${mean(cubic)} dB`);
for (const [name, border, quality] of [
  ['upconv7-scale2x', 7],
  ['cunet-scale2x', 18],
  ...[90, 75, 50, 30].map((jpegQuality, noise) => [`upconv7-noise${noise}-scale2x`, 7, jpegQuality]),
  ['cunet-noise1-scale2x', 18, 75],
  ['cunet-noise3-scale2x', 18, 30],
]) {
  const session = await open(name);
  const [plain, ours] = [[], []];
  for (const part of parts) {
    const input = quality ? await jpeg(halved(part), small, small, quality) : halved(part);
    const raw = await sharp(bytesOf(input, small, small), { raw: { width: small, height: small, channels: 3 } })
      .resize(side, side, { kernel: 'cubic' })
      .raw()
      .toBuffer();
    plain.push(psnr(planes(raw, side, side), part));
    ours.push(psnr(await draw(session, input, small, small, border), part));
  }
  console.log(`${name}${quality ? ` after JPEG ${quality}` : ''}: ${mean(ours)} dB (bicubic ${mean(plain)})`);
  await session.release();
}
for (const [noise, quality] of [90, 75, 50, 30].entries()) {
  const session = await open(`upconv7-noise${noise}`);
  const [before, after] = [[], []];
  for (const part of parts) {
    const input = await jpeg(part, side, side, quality);
    before.push(psnr(input, part));
    after.push(psnr(await draw(session, input, side, side, 7), part));
  }
  console.log(`upconv7-noise${noise} after JPEG ${quality}: ${mean(after)} dB (before ${mean(before)})`);
  await session.release();
}

if (options.clip) {
  const [width, height, frames] = [640, 352, 24];
  const args = [
    '-v',
    'error',
    '-ss',
    '17',
    '-i',
    options.clip,
    '-frames:v',
    String(frames),
    '-vf',
    `scale=${width}:${height}`,
    '-f',
    'rawvideo',
    '-pix_fmt',
    'rgb24',
    '-',
  ];
  const raw = spawnSync('ffmpeg', args, { maxBuffer: 2 ** 30 }).stdout;
  const frame = index =>
    planes(raw.subarray(index * width * height * 3, (index + 1) * width * height * 3), width, height);
  const session = await open('rife');
  const [net, blend] = [[], []];
  for (let index = 0; index + 2 < frames; index += 2) {
    const [a, truth, b] = [frame(index), frame(index + 1), frame(index + 2)];
    const tensor = pixels => new ort.Tensor('float32', pixels, [1, 3, height, width]);
    const { image } = await session.run({
      img0: tensor(a),
      img1: tensor(b),
      timestep: new ort.Tensor('float32', [0.5], [1, 1, 1, 1]),
    });
    net.push(psnr(image.data, truth));
    blend.push(
      psnr(
        a.map((value, at) => (value + b[at]) / 2),
        truth,
      ),
    );
  }
  console.log(`rife: ${mean(net)} dB over ${net.length} frames (blend ${mean(blend)})`);
}
