import { withPixels, type Frame } from '../frame/frame';
import type { Stage } from '../pipeline/stage';

export type ResizeParams = { readonly width: number; readonly height: number };

/** Lobes of the Lanczos window: 3 is what ffmpeg, sharp and the hosts call Lanczos. */
const lobes = 3;

type Taps = { readonly count: number; readonly starts: Int32Array; readonly weights: Float32Array };

function lanczos(x: number): number {
  if (x === 0) return 1;
  if (Math.abs(x) >= lobes) return 0;
  const angle = Math.PI * x;
  return (lobes * Math.sin(angle) * Math.sin(angle / lobes)) / (angle * angle);
}

/**
 * For each new pixel the old ones that make it and their weights (sum 1). Pixel centres coincide at the halves; when
 * the picture gets smaller the window widens with it, so that nothing aliases. Beyond the edge the edge is repeated.
 */
function planTaps(from: number, to: number): Taps {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const reach = lobes * stretch;
  const count = Math.min(from, Math.ceil(2 * reach) + 1);
  const starts = new Int32Array(to);
  const weights = new Float32Array(to * count);
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale - 0.5;
    const first = Math.ceil(centre - reach);
    const start = Math.min(Math.max(0, first), from - count);
    starts[i] = start;
    let sum = 0;
    const row = new Float64Array(count);
    for (let j = first; j <= Math.floor(centre + reach); j++) {
      const weight = lanczos((j - centre) / stretch);
      const at = Math.min(Math.max(j, 0), from - 1) - start;
      if (at < 0 || at >= count) continue;
      row[at] += weight;
      sum += weight;
    }
    for (let k = 0; k < count; k++) weights[i * count + k] = row[k] / sum;
  }
  return { count, starts, weights };
}

const tapCache = new Map<string, Taps>();

function tapsFor(from: number, to: number): Taps {
  const key = `${from}>${to}`;
  let taps = tapCache.get(key);
  if (!taps) {
    if (tapCache.size >= 64) tapCache.clear();
    taps = planTaps(from, to);
    tapCache.set(key, taps);
  }
  return taps;
}

/**
 * Lanczos resampling of `channels` planes, antialiased when shrinking. Values are not clamped.
 *
 * Works on the sRGB-encoded values, as ffmpeg and the hosts do: thin bright lines come out a little darker than in
 * linear light when shrinking, but enlarging rings far less, and a frame that only passes through keeps its look.
 * @param planes [channels, height, width]
 */
export function resizePlanes(
  planes: Float32Array,
  channels: number,
  width: number,
  height: number,
  newWidth: number,
  newHeight: number,
): Float32Array {
  if (width === newWidth && height === newHeight) return planes;
  const across = tapsFor(width, newWidth);
  const down = tapsFor(height, newHeight);
  const out = new Float32Array(channels * newWidth * newHeight);
  const wide = new Float32Array(newWidth * height);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      const row = (c * height + y) * width;
      for (let x = 0; x < newWidth; x++) {
        const from = row + across.starts[x];
        const weight = x * across.count;
        let sum = 0;
        for (let k = 0; k < across.count; k++) sum += across.weights[weight + k] * planes[from + k];
        wide[y * newWidth + x] = sum;
      }
    }
    for (let y = 0; y < newHeight; y++) {
      const to = (c * newHeight + y) * newWidth;
      for (let k = 0; k < down.count; k++) {
        const weight = down.weights[y * down.count + k];
        if (weight === 0) continue;
        const from = (down.starts[y] + k) * newWidth;
        for (let x = 0; x < newWidth; x++) out[to + x] += weight * wide[from + x];
      }
    }
  }
  return out;
}

function clampToUnit(values: Float32Array): Float32Array {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value < 0) values[i] = 0;
    else if (value > 1) values[i] = 1;
  }
  return values;
}

/**
 * The frame at another size; overshoots of the window are cut off at 0 and 1. Where there is alpha the colours are
 * weighted by it, so that what lies hidden behind an edge does not bleed into it.
 */
export function resizeFrame(frame: Frame, width: number, height: number): Frame {
  if (frame.width === width && frame.height === height) return frame;
  const { alpha } = frame;
  const resize = (planes: Float32Array, channels: number) =>
    resizePlanes(planes, channels, frame.width, frame.height, width, height);
  if (!alpha) return withPixels(frame, clampToUnit(resize(frame.rgb, 3)), width, height);
  const weighted = new Float32Array(frame.rgb.length);
  const plane = alpha.length;
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < plane; i++) weighted[c * plane + i] = frame.rgb[c * plane + i] * alpha[i];
  const rgb = resize(weighted, 3);
  const plain = resize(frame.rgb, 3);
  const newAlpha = clampToUnit(resize(alpha, 1));
  const newPlane = newAlpha.length;
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < newPlane; i++) {
      const at = c * newPlane + i;
      // Where nothing shows the colours are kept as they are: a later effect may still look at them.
      rgb[at] = newAlpha[i] > 1 / 1024 ? rgb[at] / newAlpha[i] : plain[at];
    }
  }
  return { ...withPixels(frame, clampToUnit(rgb), width, height), alpha: newAlpha };
}

/** Brings every frame to one size. */
export const resize: Stage<ResizeParams> = async function* (input, params, ctx) {
  for await (const frame of input) {
    ctx.signal.throwIfAborted();
    yield resizeFrame(frame, params.width, params.height);
  }
};
