import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

// The training itself has one core; decoding shall not take another.
sharp.concurrency(1);

/** Repeatable numbers, 0 to 1 (mulberry32). */
export function createRandom(seed) {
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return Object.assign(random, {
    between: (low, high) => low + (high - low) * random(),
    whole: count => Math.floor(random() * count),
    pick: list => list[Math.floor(random() * list.length)],
    normal: () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
    get state() {
      return state;
    },
    set state(value) {
      state = value;
    },
  });
}

export function listPictures(folder) {
  return readdirSync(folder)
    .filter(name => /\.(jpe?g|png|webp)$/i.test(name))
    .sort()
    .map(name => join(folder, name));
}

/** Interleaved bytes as a frame. */
export function toFrame(data, width, height, index = 0) {
  const count = width * height;
  const rgb = new Float32Array(3 * count);
  for (let p = 0; p < count; p++) for (let c = 0; c < 3; c++) rgb[c * count + p] = data[3 * p + c] / 255;
  return { index, width, height, rgb };
}

export async function readFrame(path, side) {
  let picture = sharp(path).rotate().removeAlpha().toColourspace('srgb');
  if (side !== undefined) picture = picture.resize(side, side, { fit: 'inside' });
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
  return toFrame(data, info.width, info.height);
}

export async function writeJpeg({ rgb, width, height }, path) {
  const count = width * height;
  const bytes = Uint8Array.from({ length: 3 * count }, (_, at) =>
    Math.round(255 * Math.min(1, Math.max(0, rgb[(at % 3) * count + Math.floor(at / 3)]))),
  );
  await sharp(bytes, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 92 })
    .toFile(path);
}

/**
 * A part of a picture of `width` x `height`, enlarged or reduced by a random factor within `scales` of the smallest that
 * covers it, perhaps mirrored.
 */
export async function randomCrop(path, width, height, scales, random) {
  const { width: w, height: h } = await sharp(path).metadata();
  const factor = Math.max(width / w, height / h) * random.between(...scales);
  const [scaledWidth, scaledHeight] = [
    Math.max(width, Math.round(w * factor)),
    Math.max(height, Math.round(h * factor)),
  ];
  const [left, top] = [random.whole(scaledWidth - width + 1), random.whole(scaledHeight - height + 1)];
  const mirrored = random() < 0.5;
  const bytes = await sharp(path)
    .removeAlpha()
    .toColourspace('srgb')
    .resize(scaledWidth, scaledHeight, { fit: 'fill' })
    .extract({ left, top, width, height })
    .flop(mirrored)
    .raw()
    .toBuffer();
  return toFrame(bytes, width, height);
}

/** Other hues, saturation, contrast and brightness, the same for all of a picture: another painter's palette. */
export function recolour(frame, random) {
  const angle = random.between(0, 2 * Math.PI);
  const saturation = random.between(0.4, 1.5);
  const contrast = random.between(0.7, 1.25);
  const lift = random.between(-0.12, 0.12);
  const gamma = Math.exp(random.between(-0.35, 0.35));
  const swap = random() < 0.15;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const count = frame.width * frame.height;
  const rgb = new Float32Array(3 * count);
  for (let p = 0; p < count; p++) {
    const [r, g, b] = [0, 1, 2].map(c => frame.rgb[c * count + p] ** gamma);
    const grey = (r + g + b) / 3;
    // Turned about the axis of greys.
    const u = (2 * r - g - b) / Math.sqrt(6);
    const v = (g - b) / Math.SQRT2;
    const [turnedU, turnedV] = [saturation * (cos * u - sin * v), saturation * (sin * u + cos * v)];
    const light = (swap ? 1 - grey : grey) * contrast + (1 - contrast) / 2 + lift;
    const out = [
      light + (2 * turnedU) / Math.sqrt(6),
      light - turnedU / Math.sqrt(6) + turnedV / Math.SQRT2,
      light - turnedU / Math.sqrt(6) - turnedV / Math.SQRT2,
    ];
    for (let c = 0; c < 3; c++) rgb[c * count + p] = Math.min(1, Math.max(0, out[c]));
  }
  return { ...frame, rgb };
}
