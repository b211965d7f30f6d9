import type { Frame } from '../../frame/frame';
import { luma } from '../../frame/plane';

/** Chroma of a pixel divided by its brightness: shadows on the screen keep its value. */
export type Screen = {
  readonly red: number;
  readonly green: number;
  readonly blue: number;
  readonly cb: number;
  readonly cr: number;
};

/** Keeps noise in the darks from looking like strong colour. */
export const darkFloor = 0.1;

export function chromaRatio(r: number, g: number, b: number): [number, number] {
  const y = luma(r, g, b);
  return [(b - y) / (1.8556 * (y + darkFloor)), (r - y) / (1.5748 * (y + darkFloor))];
}

export function screenOf(red: number, green: number, blue: number): Screen {
  const [cb, cr] = chromaRatio(red, green, blue);
  return { red, green, blue, cb, cr };
}

export function parseColour(text: string): [number, number, number] {
  const value = Number.parseInt(text.slice(1), 16);
  return [(value >> 16) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255];
}

const histogramSide = 48;
/** Ratios beyond this are clipped into the last bin; a saturated green lies near 0.7. */
const histogramReach = 1.2;
/** Hues that a screen can have, in degrees: yellow-green to cyan-green, and blue. Skin lies below 50. */
function isScreenHue(r: number, g: number, b: number): boolean {
  const [low, high] = [Math.min(r, g, b), Math.max(r, g, b)];
  const span = high - low;
  if (span <= 0) return false;
  const sixth = high === r ? (g - b) / span : high === g ? 2 + (b - r) / span : 4 + (r - g) / span;
  const hue = (sixth * 60 + 360) % 360;
  return hue >= 55 && hue <= 260;
}

/**
 * Finds the screen: the most common saturated green or blue, weighted toward the frame's top and sides, where a
 * subject rarely stands.
 * @returns undefined when no such colour covers at least 3 % of the frame
 */
export function findScreen(frame: Frame): Screen | undefined {
  const { width, height, rgb } = frame;
  const area = width * height;
  const bins = new Float64Array(histogramSide * histogramSide);
  const binOf = (cb: number, cr: number) => {
    const at = (value: number) =>
      Math.min(
        histogramSide - 1,
        Math.max(0, Math.floor(((value + histogramReach) / (2 * histogramReach)) * histogramSide)),
      );
    return at(cr) * histogramSide + at(cb);
  };
  const candidate = (i: number): number => {
    const [r, g, b] = [rgb[i], rgb[area + i], rgb[2 * area + i]];
    const [cb, cr] = chromaRatio(r, g, b);
    const saturated = Math.hypot(cb, cr) > 0.18 && Math.max(r, g, b) > 0.12;
    return saturated && isScreenHue(r, g, b) ? binOf(cb, cr) : -1;
  };
  let found = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bin = candidate(y * width + x);
      if (bin < 0) continue;
      const fromSide = Math.min(x, width - 1 - x) / width;
      bins[bin] += fromSide < 0.2 || y < height * 0.2 ? 2 : 1;
      found++;
    }
  }
  if (found < area * 0.03) return undefined;
  let best = 0;
  const smoothed = smooth(bins);
  for (let i = 1; i < smoothed.length; i++) if (smoothed[i] > smoothed[best]) best = i;
  // The mean colour of everything within one bin of the peak.
  const [bestX, bestY] = [best % histogramSide, Math.floor(best / histogramSide)];
  let [count, r, g, b] = [0, 0, 0, 0];
  for (let i = 0; i < area; i++) {
    const bin = candidate(i);
    if (bin < 0 || Math.abs((bin % histogramSide) - bestX) > 1 || Math.abs(Math.floor(bin / histogramSide) - bestY) > 1)
      continue;
    count++;
    r += rgb[i];
    g += rgb[area + i];
    b += rgb[2 * area + i];
  }
  return count === 0 ? undefined : screenOf(r / count, g / count, b / count);
}

function smooth(bins: Float64Array): Float64Array {
  const out = new Float64Array(bins.length);
  for (let y = 1; y < histogramSide - 1; y++) {
    for (let x = 1; x < histogramSide - 1; x++) {
      for (let dy = -1; dy <= 1; dy++)
        for (let dx = -1; dx <= 1; dx++) out[y * histogramSide + x] += bins[(y + dy) * histogramSide + x + dx];
    }
  }
  return out;
}
