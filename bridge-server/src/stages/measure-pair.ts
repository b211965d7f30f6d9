import type { Frame } from '../frame/frame';
import type { Consistency } from './occlusion';
import { assertPlanes, warpBackward, type Size } from './warp';

/**
 * Mask of Lai et al.: 1 where the warp can be compared, 0 where it is occluded, on an edge of motion or from outside.
 * @param maps made with `differences: 'forward'`
 */
export function comparable(maps: Consistency): Float32Array {
  return maps.occluded.map((occluded, p) => (occluded || maps.motionEdge[p] || maps.outside[p] ? 0 : 1));
}

/** Squared differences of one frame and another one fetched along a flow, summed over unmasked pixels and channels. */
function maskedSquares(
  frame: Float32Array,
  other: Float32Array,
  flow: Float32Array,
  mask: Float32Array,
  size: Size,
): { squares: number; values: number } {
  assertPlanes('mask', mask, 1, size);
  assertPlanes('frame', frame, 3, size);
  const { image } = warpBackward(other, flow, size);
  const area = mask.length;
  let squares = 0;
  let pixels = 0;
  for (let p = 0; p < area; p++) {
    const weight = mask[p];
    if (weight === 0) continue;
    pixels += weight;
    for (let q = p; q < frame.length; q += area) squares += weight * (frame[q] - image[q]) ** 2;
  }
  return { squares, values: 3 * pixels };
}

/**
 * Warping error of two consecutive frames: sum of M |V_t - W(V_t+1; f_t->t+1)|^2 over pixels and channels, divided by
 * the number of values that M lets through: a mean squared error. NaN when M lets nothing through.
 * @param flow [2, H, W], from `frame` to `next`; @param mask [H, W]
 * Source: Lai et al., ECCV 2018, evaluate_WarpError.py.
 */
export function warpingErrorOfPair(
  frame: Float32Array,
  next: Float32Array,
  flow: Float32Array,
  mask: Float32Array,
  size: Size,
): number {
  const { squares, values } = maskedSquares(frame, next, flow, mask, size);
  return values === 0 ? NaN : squares / values;
}

/**
 * What a pair adds to the stability error: 1/D sum M |O_t - W_t(O_t-1)|^2 with D = 3HW, masked pixels counting zero.
 * @param flow [2, H, W], from `frame` back to `previous`
 * Source: Gao et al., ReCoNet, ACCV 2018.
 */
export function stabilityTermOfPair(
  frame: Float32Array,
  previous: Float32Array,
  flow: Float32Array,
  mask: Float32Array,
  size: Size,
): number {
  return maskedSquares(frame, previous, flow, mask, size).squares / frame.length;
}

/** The stability error of a clip from the terms of its pairs: the root of their mean. */
export function stabilityError(terms: readonly number[]): number {
  return Math.sqrt(meanOf(terms));
}

/** Mean squared difference to the right and lower neighbours: blur makes it small. */
export function gradientEnergy({ rgb, width, height }: Frame): number {
  const area = width * height;
  let sum = 0;
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < height; y++) {
      const row = c * area + y * width;
      const down = y + 1 < height ? width : 0;
      for (let x = 0; x < width; x++) {
        const value = rgb[row + x];
        const across = x + 1 < width ? rgb[row + x + 1] - value : 0;
        const below = rgb[row + x + down] - value;
        sum += across * across + below * below;
      }
    }
  }
  return sum / rgb.length;
}

/** 10 log10(1 / mean squared difference); infinite for equal frames. */
export function psnr(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return -10 * Math.log10(sum / a.length);
}

export type FlickerCounter = {
  /**
   * Takes the middle one of three frames: how far each pixel is from the mean of the two around it, both brought onto
   * it by the flow. That is what changes back and forth; a lasting change of light does not count.
   * @returns this frame's 95th percentile
   */
  add(
    frame: Float32Array,
    previous: Float32Array,
    next: Float32Array,
    toPrevious: Float32Array,
    toNext: Float32Array,
    mask: Float32Array,
    size: Size,
  ): number;
  /** The 95th percentile over all pixels of all frames; NaN before the first. */
  percentile(): number;
};

/** Steps of 1/4096: finer than 8 bits can show. */
const bins = 4096;

export function createFlickerCounter(share = 0.95): FlickerCounter {
  const all = new Float64Array(bins);
  return {
    add(frame, previous, next, toPrevious, toNext, mask, size) {
      const before = warpBackward(previous, toPrevious, size).image;
      const after = warpBackward(next, toNext, size).image;
      const area = size.width * size.height;
      const own = new Float64Array(bins);
      for (let p = 0; p < area; p++) {
        if (mask[p] === 0) continue;
        let sum = 0;
        for (let q = p; q < frame.length; q += area) sum += Math.abs(frame[q] - 0.5 * (before[q] + after[q]));
        own[Math.min(bins - 1, Math.floor((sum / 3) * bins))]++;
      }
      for (let i = 0; i < bins; i++) all[i] += own[i];
      return percentileOf(own, share);
    },
    percentile: () => percentileOf(all, share),
  };
}

function percentileOf(histogram: Float64Array, share: number): number {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  let below = 0;
  for (let i = 0; i < histogram.length; i++) {
    below += histogram[i];
    if (total > 0 && below >= share * total) return (i + 0.5) / histogram.length;
  }
  return NaN;
}

/** Mean of the numbers among the values; NaN when there are none. */
export function meanOf(values: readonly (number | undefined)[]): number {
  const known = values.filter((value): value is number => value !== undefined && !Number.isNaN(value));
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}
