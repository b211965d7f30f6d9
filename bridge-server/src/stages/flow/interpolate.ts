import type { Consistency } from '../occlusion';
import type { Size } from '../warp';
import { prepareCarriedFlow } from './carried-flow';
import { completeFlow } from './completed-flow';
import type { Motion } from './motion';

/** Motion both ways, and where it may be trusted. */
type KnownMotion = Pick<Motion, 'forward' | 'backward' | 'intoA' | 'intoB'>;

export type Between = {
  /** The picture at a moment between the two. @param time 0 at the first, 1 at the second; @returns [C, H, W] */
  at(time: number): Float32Array;
};

/**
 * Prepares pictures between two frames from the motion both ways.
 *
 * What only one frame shows is given the motion of its surroundings (`completed-flow.ts`), and the vectors of both frames
 * are carried to the wanted moment (`carried-flow.ts`). Each pixel is then fetched from both frames, and each frame counts
 * as far as it shows that surface: what is covered in one is taken from the other. Where neither can be trusted, and where
 * nothing changes but noise, the two frames are blended in place.
 * @param a,b [C, H, W]
 * Source: Baker et al., IJCV 2011, section 3.3.2 (interpolation with occlusion reasoning), with soft visibility.
 */
export function prepareBetween(a: Float32Array, b: Float32Array, motion: KnownMotion, size: Size): Between {
  const trust = { a: trustOf(motion.intoA, size), b: trustOf(motion.intoB, size) };
  const whole = {
    ...motion,
    forward: completeFlow(motion.forward, trust.a, a, size),
    backward: completeFlow(motion.backward, trust.b, b, size),
  };
  const known = { a: surroundings(trust.a, size), b: surroundings(trust.b, size) };
  const carried = prepareCarriedFlow(a, b, whole, size);
  const alive = boxMean(changeOf(a, b, size.width * size.height), size, 2).map(change =>
    Math.min(1, Math.max(0, (change - grain) / grain)),
  );
  return { at: time => compose(a, b, carried.at(time), whole, known, alive, size, time) };
}

/** How far the motion of each pixel is known, 0..1, for both frames. */
type Known = { readonly a: Float32Array; readonly b: Float32Array };

/** Nothing is known of what is hidden, nor of the few that agree by chance where most around them are; of what leaves, little. */
function trustOf({ occluded, outside }: Consistency, size: Size): Float32Array {
  const share = boxMean(occluded, size, 4);
  return occluded.map((hidden, p) => (hidden || share[p] > 0.5 ? 0 : outside[p] ? 0.5 : 1));
}

/** 1 where at least half of what lies around is known: along the edge of something, too. */
function surroundings(trust: Float32Array, size: Size): Float32Array {
  return boxMean(trust, size, 8).map(share => Math.min(1, 2 * share));
}

/** What is fetched along the motion, and how well the two fetches agree. */
type Moved = {
  readonly picture: Float32Array;
  /** Share of the moved picture that visibility alone would allow, 0..1. */
  readonly seen: Float32Array;
  /** Mean absolute difference of the two fetches, where both frames show the surface. */
  readonly apart: Float32Array;
  /** The same for the frames in place. */
  readonly apartStill: Float32Array;
};

function compose(
  a: Float32Array,
  b: Float32Array,
  field: Float32Array,
  motion: Pick<Motion, 'forward' | 'backward'>,
  known: Known,
  alive: Float32Array,
  size: Size,
  time: number,
): Float32Array {
  const area = size.width * size.height;
  const { picture, seen, apart, apartStill } = fetchMoved(a, b, field, motion, known, alive, size, time);
  const moved = boxMean(apart, size, 2);
  const still = boxMean(apartStill, size, 2);
  for (let p = 0; p < area; p++) {
    // Where motion brings the frames no closer together it is not the motion: rather a blend than a wrong move.
    const ratio = moved[p] / (still[p] + apartFloor);
    const trust = seen[p] * Math.min(1, Math.max(0, (hopeless - ratio) / (hopeless - helpful)));
    if (trust === 1) continue;
    for (let q = p; q < picture.length; q += area) {
      picture[q] = trust * picture[q] + (1 - trust) * ((1 - time) * a[q] + time * b[q]);
    }
  }
  return picture;
}

/** Ratios of difference with motion to difference without: up to the first motion is followed, from the second on not. */
const helpful = 0.5;
const hopeless = 1.1;
const apartFloor = 0.01;
/** Frames that differ by no more than this differ by noise: their mean has less of it, and loses nothing by resampling. */
const grain = 1 / 255;

/** Mean absolute difference of two pictures over the channels, pixel by pixel. */
function changeOf(a: Float32Array, b: Float32Array, area: number): Float32Array {
  const out = new Float32Array(area);
  const share = area / a.length;
  for (let base = 0; base < a.length; base += area)
    for (let p = 0; p < area; p++) out[p] += share * Math.abs(a[base + p] - b[base + p]);
  return out;
}

function fetchMoved(
  a: Float32Array,
  b: Float32Array,
  field: Float32Array,
  motion: Pick<Motion, 'forward' | 'backward'>,
  known: Known,
  alive: Float32Array,
  { width, height }: Size,
  time: number,
): Moved {
  const area = width * height;
  const picture = new Float32Array(a.length);
  const seen = new Float32Array(area);
  const apart = new Float32Array(area);
  const apartStill = new Float32Array(area);
  const [maxX, maxY] = [width - 1, height - 1];
  const { forward, backward } = motion;
  const channels = a.length / area;
  const fromA = new Float64Array(channels);
  const fromB = new Float64Array(channels);
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      const u = field[p];
      const v = field[area + p];
      // Stripes may look the same in both frames and yet have changed places.
      const moves = Math.max(alive[p], Math.min(1, Math.sqrt(u * u + v * v) - 1));
      if (moves <= 0) continue;
      const ax = x - time * u;
      const ay = y - time * v;
      const bx = x + (1 - time) * u;
      const by = y + (1 - time) * v;
      const cax = ax < 0 ? 0 : ax > maxX ? maxX : ax;
      const cay = ay < 0 ? 0 : ay > maxY ? maxY : ay;
      const cbx = bx < 0 ? 0 : bx > maxX ? maxX : bx;
      const cby = by < 0 ? 0 : by > maxY ? maxY : by;
      // Whether each frame moves there as this pixel does: then it shows the same surface.
      const spread = 0.5 + 0.01 * (u * u + v * v);
      let seenA = 0;
      if (ax >= -0.5 && ay >= -0.5 && ax <= maxX + 0.5 && ay <= maxY + 0.5) {
        const du = linearAt(forward, 0, cax, cay, width, height) - u;
        const dv = linearAt(forward, area, cax, cay, width, height) - v;
        seenA = Math.exp(-(du * du + dv * dv) / (2 * spread));
      }
      let seenB = 0;
      if (bx >= -0.5 && by >= -0.5 && bx <= maxX + 0.5 && by <= maxY + 0.5) {
        const du = linearAt(backward, 0, cbx, cby, width, height) + u;
        const dv = linearAt(backward, area, cbx, cby, width, height) + v;
        seenB = Math.exp(-(du * du + dv * dv) / (2 * spread));
      }
      const wa = (1 - time) * seenA;
      const wb = time * seenB;
      const sum = wa + wb;
      const both = Math.min(seenA, seenB);
      if (sum < 1e-6) continue;
      const share = wa / sum;
      // A surface is taken from one frame alone where it is known what covers it in the other, or where it has left that.
      const inside = seenA > seenB ? bx === cbx && by === cby : ax === cax && ay === cay;
      const cover = !inside
        ? 1
        : seenA > seenB
          ? known.b[Math.round(by) * width + Math.round(bx)]
          : known.a[Math.round(ay) * width + Math.round(ax)];
      seen[p] = moves * Math.min(1, 4 * Math.max(seenA, seenB)) * (1 - Math.abs(seenA - seenB) * (1 - cover));
      sampleCubic(a, area, cax, cay, width, height, fromA);
      sampleCubic(b, area, cbx, cby, width, height, fromB);
      let moved = 0;
      let still = 0;
      for (let c = 0, q = p; c < channels; c++, q += area) {
        const [first, second] = [fromA[c], fromB[c]];
        picture[q] = second + share * (first - second);
        moved += Math.abs(first - second);
        still += Math.abs(a[q] - b[q]);
      }
      apart[p] = (both * moved) / channels;
      apartStill[p] = (both * still) / channels;
    }
  }
  return { picture, seen, apart, apartStill };
}

function linearAt(plane: Float32Array, base: number, x: number, y: number, width: number, height: number): number {
  const x0 = Math.floor(x);
  const y0 = Math.floor(y);
  const q = base + y0 * width + x0;
  const right = x0 < width - 1 ? 1 : 0;
  const down = y0 < height - 1 ? width : 0;
  const top = plane[q] + (x - x0) * (plane[q + right] - plane[q]);
  const low = plane[q + down] + (x - x0) * (plane[q + down + right] - plane[q + down]);
  return top + (y - y0) * (low - top);
}

/** Catmull-Rom, all channels at one place; linear at the picture's border. */
function sampleCubic(
  planes: Float32Array,
  area: number,
  x: number,
  y: number,
  width: number,
  height: number,
  into: Float64Array,
): void {
  const x0 = Math.floor(x);
  const y0 = Math.floor(y);
  if (x0 < 1 || y0 < 1 || x0 > width - 3 || y0 > height - 3) {
    for (let c = 0; c < into.length; c++) into[c] = linearAt(planes, c * area, x, y, width, height);
    return;
  }
  const f = x - x0;
  const g = y - y0;
  const f0 = f * (-0.5 + f * (1 - 0.5 * f));
  const f1 = 1 + f * f * (1.5 * f - 2.5);
  const f2 = f * (0.5 + f * (2 - 1.5 * f));
  const f3 = f * f * (0.5 * f - 0.5);
  const g0 = g * (-0.5 + g * (1 - 0.5 * g));
  const g1 = 1 + g * g * (1.5 * g - 2.5);
  const g2 = g * (0.5 + g * (2 - 1.5 * g));
  const g3 = g * g * (0.5 * g - 0.5);
  for (let c = 0, q = y0 * width + x0; c < into.length; c++, q += area) {
    const up = q - width;
    const down = q + width;
    const low = down + width;
    into[c] =
      g0 * (f0 * planes[up - 1] + f1 * planes[up] + f2 * planes[up + 1] + f3 * planes[up + 2]) +
      g1 * (f0 * planes[q - 1] + f1 * planes[q] + f2 * planes[q + 1] + f3 * planes[q + 2]) +
      g2 * (f0 * planes[down - 1] + f1 * planes[down] + f2 * planes[down + 1] + f3 * planes[down + 2]) +
      g3 * (f0 * planes[low - 1] + f1 * planes[low] + f2 * planes[low + 1] + f3 * planes[low + 2]);
  }
}

/** Mean over a square of 2r+1 pixels a side, fewer at the border. */
function boxMean(map: Float32Array, { width, height }: Size, r: number): Float32Array {
  const rows = new Float32Array(map.length);
  const out = new Float32Array(map.length);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    let sum = 0;
    for (let x = 0; x < Math.min(r, width); x++) sum += map[row + x];
    for (let x = 0; x < width; x++) {
      if (x + r < width) sum += map[row + x + r];
      if (x - r - 1 >= 0) sum -= map[row + x - r - 1];
      rows[row + x] = sum / (Math.min(width - 1, x + r) - Math.max(0, x - r) + 1);
    }
  }
  const sums = new Float64Array(width);
  for (let y = 0; y < Math.min(r, height); y++) for (let x = 0; x < width; x++) sums[x] += rows[y * width + x];
  for (let y = 0; y < height; y++) {
    const add = y + r < height ? (y + r) * width : -1;
    const drop = y - r - 1 >= 0 ? (y - r - 1) * width : -1;
    const count = Math.min(height - 1, y + r) - Math.max(0, y - r) + 1;
    for (let x = 0; x < width; x++) {
      if (add >= 0) sums[x] += rows[add + x];
      if (drop >= 0) sums[x] -= rows[drop + x];
      out[y * width + x] = Math.max(0, sums[x] / count);
    }
  }
  return out;
}
