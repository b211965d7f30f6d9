import type { Frame } from '../frame/frame';

type Taps = { readonly from: Int32Array; readonly weights: Float32Array; readonly count: number };

function lanczos(x: number): number {
  if (x === 0) return 1;
  if (Math.abs(x) >= 3) return 0;
  const pi = Math.PI * x;
  return (3 * Math.sin(pi) * Math.sin(pi / 3)) / (pi * pi);
}

/** Weights of the source samples under each target sample; wider when shrinking, so that nothing aliases. */
function taps(source: number, target: number): Taps {
  const scale = source / target;
  const stretch = Math.max(1, scale);
  const count = Math.min(source, Math.ceil(6 * stretch) + 1);
  const from = new Int32Array(target);
  const weights = new Float32Array(target * count);
  for (let index = 0; index < target; index++) {
    const centre = (index + 0.5) * scale - 0.5;
    const start = Math.min(Math.max(Math.ceil(centre - 3 * stretch), 0), source - count);
    from[index] = start;
    let sum = 0;
    for (let tap = 0; tap < count; tap++)
      sum += weights[index * count + tap] = lanczos((start + tap - centre) / stretch);
    for (let tap = 0; tap < count; tap++) weights[index * count + tap] /= sum;
  }
  return { from, weights, count };
}

/** Scales one plane, rows first. */
function scalePlane(plane: Float32Array, width: number, height: number, across: Taps, down: Taps): Float32Array {
  const targetWidth = across.from.length;
  const targetHeight = down.from.length;
  const narrow = new Float32Array(targetWidth * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < targetWidth; x++) {
      const at = y * width + across.from[x];
      let sum = 0;
      for (let tap = 0; tap < across.count; tap++) sum += plane[at + tap] * across.weights[x * across.count + tap];
      narrow[y * targetWidth + x] = sum;
    }
  }
  const out = new Float32Array(targetWidth * targetHeight);
  for (let y = 0; y < targetHeight; y++) {
    for (let tap = 0; tap < down.count; tap++) {
      const weight = down.weights[y * down.count + tap];
      const row = (down.from[y] + tap) * targetWidth;
      for (let x = 0; x < targetWidth; x++) out[y * targetWidth + x] += weight * narrow[row + x];
    }
  }
  return out;
}

/** Alpha below which dividing by it would only blow up rounding. */
const barelySeen = 1e-3;

function weigh(plane: Float32Array, alpha: Float32Array): Float32Array {
  const out = new Float32Array(plane.length);
  for (let index = 0; index < out.length; index++) out[index] = plane[index] * alpha[index];
  return out;
}

function clip(plane: Float32Array): void {
  for (let index = 0; index < plane.length; index++) {
    const value = plane[index];
    plane[index] = value > 0 ? (value < 1 ? value : 1) : 0;
  }
}

/**
 * Scales a frame with Lanczos-3; where there is alpha, colours count as much as they are seen, so that what lies under
 * the transparent parts does not bleed into the edges.
 */
export function resample(frame: Frame, width: number, height: number): Frame {
  if (width === frame.width && height === frame.height) return frame;
  const [across, down] = [taps(frame.width, width), taps(frame.height, height)];
  const size = frame.width * frame.height;
  const scaled = (plane: Float32Array) => scalePlane(plane, frame.width, frame.height, across, down);
  const seeThrough = frame.alpha !== undefined && !frame.alpha.every(value => value === 1);
  const alpha = frame.alpha && (seeThrough ? scaled(frame.alpha) : new Float32Array(width * height).fill(1));
  const rgb = new Float32Array(3 * width * height);
  for (let channel = 0; channel < 3; channel++) {
    const plane = frame.rgb.subarray(channel * size, (channel + 1) * size);
    const target = scaled(seeThrough ? weigh(plane, frame.alpha!) : plane);
    if (seeThrough) {
      // Where nothing is seen, the hidden colours are kept as they are.
      const hidden = alpha!.some(value => value <= barelySeen) ? scaled(plane) : target;
      for (let index = 0; index < target.length; index++) {
        const cover = alpha![index];
        target[index] = cover > barelySeen ? target[index] / cover : hidden[index];
      }
    }
    clip(target);
    rgb.set(target, channel * width * height);
  }
  if (alpha) clip(alpha);
  return {
    index: frame.index,
    width,
    height,
    rgb,
    ...(alpha ? { alpha } : {}),
    ...(frame.shotStart ? { shotStart: true } : {}),
  };
}
