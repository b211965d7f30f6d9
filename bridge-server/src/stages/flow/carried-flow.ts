import { resizeFlow, type Size } from '../warp';
import type { Motion } from './motion';

export type CarriedFlow = {
  /**
   * Full motion from the first to the second frame, as it stands at each pixel of a moment between them: [2, H, W].
   * The array is used again by the next call.
   * @param time 0 at the first frame, 1 at the second
   */
  at(time: number): Float32Array;
};

/** A vector that disagrees with a better one by more than this belongs to another surface. */
const sameSurfacePx2 = 1;
/** Added to a vector's mismatch when its way back does not lead home; in units of 0..1 brightness. */
const contradicted = 0.15;
/** Below this mismatch two vectors are equally good. */
const mismatchFloor = 0.01;

/** Above this the vectors are carried at half size: their flow was searched no finer (see `classical.ts`). */
const largeArea = 1280 * 1024;

/**
 * Carries the vectors of both frames to a moment between them. Where several arrive, those that explain the pictures
 * best win; where none arrives, neighbours fill in.
 * @param a,b [C, H, W]
 */
export function prepareCarriedFlow(a: Float32Array, b: Float32Array, motion: CarriedMotion, size: Size): CarriedFlow {
  const area = size.width * size.height;
  if (area > largeArea) {
    const half = { width: size.width >> 1, height: size.height >> 1 };
    const smaller = {
      forward: halved(motion.forward, size, 0.5),
      backward: halved(motion.backward, size, 0.5),
      intoA: { occluded: halved(motion.intoA.occluded, size) },
      intoB: { occluded: halved(motion.intoB.occluded, size) },
    };
    const small = prepareCarriedFlow(halved(a, size), halved(b, size), smaller, half);
    return { at: time => resizeFlow(small.at(time), half, size) };
  }
  const forward = mismatchOf(a, b, motion.forward, motion.intoA.occluded, size);
  const backward = mismatchOf(b, a, motion.backward, motion.intoB.occluded, size);
  const flow = new Float32Array(2 * area);
  const field: Field = {
    best: new Float32Array(area),
    u: flow.subarray(0, area),
    v: flow.subarray(area),
    sumU: new Float32Array(area),
    sumV: new Float32Array(area),
    weight: new Float32Array(area),
  };
  return {
    at(time) {
      fieldAt(field, motion, forward, backward, size, time);
      return flow;
    },
  };
}

type CarriedMotion = Pick<Motion, 'forward' | 'backward'> & {
  readonly intoA: Pick<Motion['intoA'], 'occluded'>;
  readonly intoB: Pick<Motion['intoB'], 'occluded'>;
};

/** Planes at half size, 2x2 pixels averaged; an odd last row or column is left out. */
function halved(planes: Float32Array, { width, height }: Size, gain = 1): Float32Array {
  const [w, h] = [width >> 1, height >> 1];
  const channels = planes.length / (width * height);
  const out = new Float32Array(channels * w * h);
  for (let c = 0, o = 0; c < channels; c++) {
    for (let y = 0; y < h; y++) {
      let q = (c * height + 2 * y) * width;
      for (let x = 0; x < w; x++, o++, q += 2)
        out[o] = 0.25 * gain * (planes[q] + planes[q + 1] + planes[q + width] + planes[q + width + 1]);
    }
  }
  return out;
}

/** Full motion from the first to the second frame, at each pixel of the moment between. */
type Field = {
  readonly best: Float32Array;
  readonly u: Float32Array;
  readonly v: Float32Array;
  readonly sumU: Float32Array;
  readonly sumV: Float32Array;
  readonly weight: Float32Array;
};

/** How badly each vector explains its pixel: mean absolute difference over channels, more where it is contradicted. */
function mismatchOf(
  from: Float32Array,
  to: Float32Array,
  flow: Float32Array,
  occluded: Float32Array,
  { width, height }: Size,
): Float32Array {
  const area = width * height;
  const channels = from.length / area;
  const out = new Float32Array(area);
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      const sx = Math.min(width - 1, Math.max(0, x + flow[p]));
      const sy = Math.min(height - 1, Math.max(0, y + flow[area + p]));
      const x0 = Math.floor(sx);
      const y0 = Math.floor(sy);
      const fx = sx - x0;
      const fy = sy - y0;
      const right = x0 < width - 1 ? 1 : 0;
      const down = y0 < height - 1 ? width : 0;
      let sum = 0;
      for (let base = 0; base < from.length; base += area) {
        const q = base + y0 * width + x0;
        const top = to[q] + fx * (to[q + right] - to[q]);
        const low = to[q + down] + fx * (to[q + down + right] - to[q + down]);
        sum += Math.abs(top + fy * (low - top) - from[base + p]);
      }
      const left =
        x + flow[p] < 0 || y + flow[area + p] < 0 || x + flow[p] > width - 1 || y + flow[area + p] > height - 1;
      out[p] = sum / channels + (left ? contradicted : contradicted * occluded[p]);
    }
  }
  return out;
}

function fieldAt(
  field: Field,
  motion: CarriedMotion,
  forward: Float32Array,
  backward: Float32Array,
  size: Size,
  time: number,
): void {
  field.best.fill(Infinity);
  field.weight.fill(0);
  field.sumU.fill(0);
  field.sumV.fill(0);
  carry(field, motion.forward, forward, size, time, 1, false);
  carry(field, motion.backward, backward, size, 1 - time, -1, false);
  carry(field, motion.forward, forward, size, time, 1, true);
  carry(field, motion.backward, backward, size, 1 - time, -1, true);
  let holes = 0;
  for (let p = 0; p < field.weight.length; p++) {
    if (field.weight[p] > 0) {
      field.u[p] = field.sumU[p] / field.weight[p];
      field.v[p] = field.sumV[p] / field.weight[p];
    } else holes++;
  }
  if (holes > 0) fillHoles(field, size);
}

/**
 * Carries every vector along itself by `share` onto the four pixels around its end. First the best one is found for
 * each pixel, then those that agree with it are averaged.
 */
function carry(
  field: Field,
  flow: Float32Array,
  mismatch: Float32Array,
  { width, height }: Size,
  share: number,
  sign: 1 | -1,
  average: boolean,
): void {
  const area = width * height;
  const { best, u, v, sumU, sumV, weight } = field;
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      const fu = flow[p];
      const fv = flow[area + p];
      const tx = x + share * fu;
      const ty = y + share * fv;
      if (!(tx > -1 && ty > -1 && tx < width && ty < height)) continue;
      const x0 = Math.floor(tx);
      const y0 = Math.floor(ty);
      const fx = tx - x0;
      const fy = ty - y0;
      const wu = sign * fu;
      const wv = sign * fv;
      const bad = mismatch[p];
      for (let j = 0; j < 2; j++) {
        const yy = y0 + j;
        const wy = j === 0 ? 1 - fy : fy;
        if (yy < 0 || yy >= height || wy === 0) continue;
        for (let i = 0; i < 2; i++) {
          const xx = x0 + i;
          const w = wy * (i === 0 ? 1 - fx : fx);
          if (xx < 0 || xx >= width || w < 0.01) continue;
          const q = yy * width + xx;
          if (!average) {
            if (bad < best[q]) {
              best[q] = bad;
              u[q] = wu;
              v[q] = wv;
            }
            continue;
          }
          const du = wu - u[q];
          const dv = wv - v[q];
          if (du * du + dv * dv > sameSurfacePx2) continue;
          const good = w / (bad + mismatchFloor);
          weight[q] += good;
          sumU[q] += good * wu;
          sumV[q] += good * wv;
        }
      }
    }
  }
}

/** Grows the known vectors into the holes, a ring at a time: each pixel takes the mean of its known neighbours. */
function fillHoles(field: Field, { width, height }: Size): void {
  const { u, v, weight } = field;
  let open: number[] = [];
  for (let p = 0; p < weight.length; p++) if (!(weight[p] > 0)) open.push(p);
  if (open.length === weight.length) {
    u.fill(0);
    v.fill(0);
    return;
  }
  while (open.length > 0) {
    const ring: number[] = [];
    const later: number[] = [];
    for (const p of open) {
      const x = p % width;
      const y = (p - x) / width;
      let count = 0;
      let su = 0;
      let sv = 0;
      for (let j = y > 0 ? -1 : 0; j <= (y < height - 1 ? 1 : 0); j++) {
        for (let i = x > 0 ? -1 : 0; i <= (x < width - 1 ? 1 : 0); i++) {
          const q = p + j * width + i;
          if (!(weight[q] > 0)) continue;
          count++;
          su += u[q];
          sv += v[q];
        }
      }
      if (count === 0) later.push(p);
      else {
        u[p] = su / count;
        v[p] = sv / count;
        ring.push(p);
      }
    }
    for (const p of ring) weight[p] = 1e-6;
    open = later;
  }
}
