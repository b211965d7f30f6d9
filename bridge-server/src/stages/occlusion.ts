import { assertPlanes, type Size } from './warp';

/** Where a warp may be trusted, one map per reason; all [H, W], 0..1, on the grid of the frame that is made. */
export type Consistency = {
  /** 1 where the two flows disagree: the pixel is hidden in the other frame, or the flow is wrong there. */
  readonly occluded: Float32Array;
  /** 1 along edges of motion, where a flow field is never exact. */
  readonly motionEdge: Float32Array;
  /** 1 where the flow leaves the picture (inclusive bounds: the last row and column are inside), or is not a number. */
  readonly outside: Float32Array;
  /**
   * How far each pixel may be held to the warped one: 1 inside reliable areas, falling to 0 towards their edges,
   * exactly 0 on every pixel that one of the three maps marks.
   */
  readonly reliability: Float32Array;
  /** Share of pixels that one of the maps marks. */
  readonly unreliableShare: number;
};

export type ConsistencyOptions = {
  /** Central differences as in consistencyChecker.cpp, or forward ones as in Lai's evaluation. */
  readonly differences?: 'central' | 'forward';
  /** Whether edges of motion lower the reliability; the map is made all the same. fast-artistic-videos ignores them. */
  readonly edgesCount?: boolean;
};

/**
 * Checks a flow against its opposite.
 * @param flow     [2, H, W], the one that `warpBackward` would use: from this frame to the other
 * @param opposite [2, H, W], from the other frame to this one
 * @throws AppError SHAPE_MISMATCH
 * Source: Ruder et al., arXiv:1604.08610, section 4.2, after Sundaram et al. 2010: occluded where
 * |f + b'|^2 > 0.01 (|f|^2 + |b'|^2) + 0.5, edge where |grad u|^2 + |grad v|^2 > 0.01 |f|^2 + 0.002.
 */
export function consistency(
  flow: Float32Array,
  opposite: Float32Array,
  size: Size,
  options: ConsistencyOptions = {},
): Consistency {
  assertPlanes('flow', flow, 2, size);
  assertPlanes('opposite flow', opposite, 2, size);
  const { width, height } = size;
  const area = width * height;
  const occluded = new Float32Array(area);
  const motionEdge = new Float32Array(area);
  const outside = new Float32Array(area);
  const forwardOnly = options.differences === 'forward';
  const edgesCount = options.edgesCount ?? true;
  const trusted = new Float32Array(area);
  let marked = 0;
  for (let y = 0, p = 0; y < height; y++) {
    const up = y > 0 && !forwardOnly ? -width : 0;
    const down = y < height - 1 ? width : 0;
    for (let x = 0; x < width; x++, p++) {
      const u = flow[p];
      const v = flow[area + p];
      const sx = x + u;
      const sy = y + v;
      // Written so that NaN counts as outside.
      if (!(sx >= 0 && sx <= width - 1 && sy >= 0 && sy <= height - 1)) {
        outside[p] = 1;
        marked++;
        continue;
      }
      const x0 = Math.floor(sx);
      const y0 = Math.floor(sy);
      const fx = sx - x0;
      const fy = sy - y0;
      const right = fx === 0 ? 0 : 1;
      const below = fy === 0 ? 0 : width;
      const at = y0 * width + x0;
      const w00 = (1 - fx) * (1 - fy);
      const w01 = fx * (1 - fy);
      const w10 = (1 - fx) * fy;
      const w11 = fx * fy;
      const bu =
        w00 * opposite[at] +
        w01 * opposite[at + right] +
        w10 * opposite[at + below] +
        w11 * opposite[at + below + right];
      const q = area + at;
      const bv =
        w00 * opposite[q] + w01 * opposite[q + right] + w10 * opposite[q + below] + w11 * opposite[q + below + right];
      const du = u + bu;
      const dv = v + bv;
      const length2 = u * u + v * v;
      if (!(du * du + dv * dv <= 0.01 * (length2 + bu * bu + bv * bv) + 0.5)) occluded[p] = 1;

      const left = x > 0 && !forwardOnly ? -1 : 0;
      const next = x < width - 1 ? 1 : 0;
      const half = forwardOnly ? 1 : 0.5;
      const ux = (flow[p + next] - flow[p + left]) * half;
      const uy = (flow[p + down] - flow[p + up]) * half;
      const vx = (flow[area + p + next] - flow[area + p + left]) * half;
      const vy = (flow[area + p + down] - flow[area + p + up]) * half;
      if (!(ux * ux + uy * uy + vx * vx + vy * vy <= 0.01 * length2 + 0.002)) motionEdge[p] = 1;

      if (occluded[p] === 1 || (edgesCount && motionEdge[p] === 1)) marked++;
      else trusted[p] = 1;
    }
  }
  return {
    occluded,
    motionEdge,
    outside,
    reliability: eroded(trusted, size),
    unreliableShare: area === 0 ? 0 : marked / area,
  };
}

/** Five taps of a Gaussian with sigma 0.8, as in consistencyChecker.cpp. */
const taps = [0.0219, 0.2285, 0.4991, 0.2285, 0.0219];
const tapSum = taps.reduce((sum, tap) => sum + tap, 0);

/**
 * A map of 0 and 1, smoothed so that the reliable side falls off towards its edge while the unreliable side stays
 * exactly 0. Smoothing alone would let the ring around a hole pull at pixels that have nothing to be pulled to.
 */
function eroded(trusted: Float32Array, size: Size): Float32Array {
  const { width, height } = size;
  const rows = new Float32Array(trusted.length);
  const out = new Float32Array(trusted.length);
  const w = taps.map(tap => tap / tapSum);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let x = 0; x < width; x++) {
      const a = trusted[row + Math.max(0, x - 2)];
      const b = trusted[row + Math.max(0, x - 1)];
      const d = trusted[row + Math.min(width - 1, x + 1)];
      const e = trusted[row + Math.min(width - 1, x + 2)];
      rows[row + x] = w[0] * (a + e) + w[1] * (b + d) + w[2] * trusted[row + x];
    }
  }
  for (let y = 0; y < height; y++) {
    const [r0, r1, r2, r3, r4] = [-2, -1, 0, 1, 2].map(k => Math.min(height - 1, Math.max(0, y + k)) * width);
    for (let x = 0; x < width; x++) {
      if (trusted[r2 + x] === 0) continue;
      const smooth = w[0] * (rows[r0 + x] + rows[r4 + x]) + w[1] * (rows[r1 + x] + rows[r3 + x]) + w[2] * rows[r2 + x];
      // Without the last bits of rounding: a pixel whose neighbours are all reliable is 1.
      out[r2 + x] = smooth > 0.999999 ? 1 : Math.max(0, 2 * smooth - 1);
    }
  }
  return out;
}

/**
 * Shares each pixel out among several earlier frames so that it follows the closest one that shows it:
 * c_j <- max(c_j - sum of the closer c_k, 0).
 * @param maps reliabilities [H, W], the closest frame first
 * @param method `normalize` divides by the sum instead, where it exceeds 1
 * Source: Ruder et al., arXiv:1604.08610, equation 9; artistic_video.lua, combine_flowWeights_method.
 */
export function longTermReliability(
  maps: readonly Float32Array[],
  method: 'closestFirst' | 'normalize' = 'closestFirst',
): Float32Array[] {
  if (maps.length === 0) return [];
  const sum = new Float32Array(maps[0].length);
  if (method === 'normalize') {
    for (const map of maps) for (let p = 0; p < sum.length; p++) sum[p] += map[p];
    return maps.map(map => map.map((c, p) => (sum[p] > 1 ? c / sum[p] : c)));
  }
  return maps.map(map => {
    const share = map.map((c, p) => Math.max(0, c - sum[p]));
    for (let p = 0; p < sum.length; p++) sum[p] += map[p];
    return share;
  });
}
