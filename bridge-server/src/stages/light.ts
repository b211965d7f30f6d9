import type { Frame } from '../frame/frame';
import { boxBlur } from './blur';
import type { FlowPair } from './flow/provider';
import { averaged, smallSize } from './flow/small-grey';
import { consistency } from './occlusion';
import { resizeFlow, warpBackward, type Size } from './warp';

/** What became of the light of a whole scene: a gain and an offset for each colour, as a fade or another exposure makes them. */
export type Light = { readonly gain: readonly number[]; readonly offset: readonly number[] };

/** Half a grey level squared: contrast below it is rounding. */
const leastVariance = (0.5 / 255) ** 2;
/** Light falls on areas: without the detail in them, interpolation between pixels does not pass for a loss of contrast. */
const [areaSidePx, widthInLight] = [5, 192];

/**
 * What the light of `before` has become in `now`: the points that both show are compared. Only so much of it counts as
 * the difference between them is explained by it, so that neither noise nor a wrong flow passes for a change of light.
 */
export function lightBetween(before: Frame, now: Frame, flow: FlowPair): Light {
  const size = smallSize(now, widthInLight);
  const [forward, backward] = [flow.forward, flow.backward].map(way => resizeFlow(way, now, size));
  const weight = consistency(backward, forward, size).reliability;
  const then = warpBackward(areasOf(before, size), backward, size, { border: 'reflect', filter: 'cubic' }).image;
  const since = areasOf(now, size);
  const gain: number[] = [];
  const offset: number[] = [];
  for (let c = 0; c < 3; c++) {
    const planes = [then, since].map(rgb => rgb.subarray(c * weight.length, (c + 1) * weight.length));
    const [from, to] = planes.map(plane => moments(plane, weight));
    const found = Math.sqrt((to.variance + leastVariance) / (from.variance + leastVariance));
    const shift = to.mean - found * from.mean;
    const [before, after] = [difference(planes, weight, 1, 0), difference(planes, weight, found, shift)];
    const explained = before > 0 ? Math.max(0, 1 - after / before) : 0;
    gain.push(1 + explained * (found - 1));
    offset.push(explained * shift);
  }
  return { gain, offset };
}

/** Weighted sum of squares of what a gain and an offset leave between two planes. */
function difference([from, to]: readonly Float32Array[], weight: Float32Array, gain: number, offset: number): number {
  let sum = 0;
  for (let p = 0; p < weight.length; p++) sum += weight[p] * (to[p] - gain * from[p] - offset) ** 2;
  return sum;
}

/** @param rgb [3, H, W] */
export function relight(rgb: Float32Array, { gain, offset }: Light): Float32Array {
  const area = rgb.length / 3;
  return rgb.map((value, i) => gain[Math.floor(i / area)] * value + offset[Math.floor(i / area)]);
}

/** [3, H, W] of `size` */
function areasOf(frame: Frame, size: Size): Float32Array {
  const [area, small] = [frame.width * frame.height, size.width * size.height];
  const out = new Float32Array(3 * small);
  for (let c = 0; c < 3; c++) {
    const plane = averaged(frame.rgb.subarray(c * area, (c + 1) * area), frame, size);
    out.set(boxBlur(plane, size.width, size.height, areaSidePx), c * small);
  }
  return out;
}

function moments(plane: Float32Array, weight: Float32Array): { readonly mean: number; readonly variance: number } {
  let [total, sum, squares] = [0, 0, 0];
  for (let p = 0; p < weight.length; p++) {
    total += weight[p];
    sum += weight[p] * plane[p];
    squares += weight[p] * plane[p] ** 2;
  }
  if (total === 0) return { mean: 0, variance: 0 };
  const mean = sum / total;
  return { mean, variance: Math.max(0, squares / total - mean ** 2) };
}
