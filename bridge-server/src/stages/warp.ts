import { AppError } from '#protocol/errors';

/** Anything that has a width and a height; a Frame is one. */
export type Size = { readonly width: number; readonly height: number };

export type WarpOptions = {
  /** What lies beyond the edge: the edge pixel again, or the picture mirrored without doubling the edge (reflect-101). */
  readonly border?: 'clamp' | 'reflect';
  /** `cubic` is Catmull-Rom: sharper when a picture is warped many times in a row, and may overshoot 0..1 a little. */
  readonly filter?: 'linear' | 'cubic';
};

export type Warped = {
  /** [C, H, W] */
  readonly image: Float32Array;
  /** [H, W], 1 where the sample lay in the picture (0 <= x <= W-1 and 0 <= y <= H-1, both included), else 0. */
  readonly inside: Float32Array;
};

/**
 * Fetches every pixel of `image` from where `flow` says it came. Samples beyond the edge are never a constant: a flat
 * fill is what grew into the grey patches of artistic-videos (its issues 53, 54). Zero flow returns the image bit for
 * bit. Where the flow is not a finite number the pixel stays in place and counts as outside.
 * @param image [C, H, W], any number of channels
 * @param flow  [2, H, W], pixels, x then y, from the frame that is made to the frame that `image` shows
 * @throws AppError SHAPE_MISMATCH
 */
export function warpBackward(image: Float32Array, flow: Float32Array, size: Size, options: WarpOptions = {}): Warped {
  const { width, height } = size;
  const area = width * height;
  assertPlanes('flow', flow, 2, size);
  if (area === 0 || image.length % area !== 0) {
    throw new AppError('SHAPE_MISMATCH', {
      what: 'image to warp',
      expected: `planes of ${width}x${height}`,
      actual: `${image.length} values`,
    });
  }
  const out = new Float32Array(image.length);
  const inside = new Float32Array(area);
  const reflects = options.border === 'reflect';
  const cubic = options.filter === 'cubic';
  const [maxX, maxY] = [width - 1, height - 1];
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      let sx = x + flow[p];
      let sy = y + flow[area + p];
      if (!(Math.abs(sx) < 1e9 && Math.abs(sy) < 1e9)) {
        for (let c = p; c < image.length; c += area) out[c] = image[c];
        continue;
      }
      if (sx >= 0 && sx <= maxX && sy >= 0 && sy <= maxY) {
        inside[p] = 1;
      } else if (reflects) {
        sx = reflected(sx, maxX);
        sy = reflected(sy, maxY);
      } else {
        sx = sx < 0 ? 0 : sx > maxX ? maxX : sx;
        sy = sy < 0 ? 0 : sy > maxY ? maxY : sy;
      }
      const x0 = Math.floor(sx);
      const y0 = Math.floor(sy);
      const fx = sx - x0;
      const fy = sy - y0;
      const at = y0 * width + x0;
      if (fx === 0 && fy === 0) {
        for (let c = 0; c < image.length; c += area) out[c + p] = image[c + at];
      } else if (cubic) {
        sampleCubic(image, out, p, area, x0, y0, fx, fy, width, height);
      } else {
        const right = fx === 0 ? 0 : 1;
        const down = fy === 0 ? 0 : width;
        for (let c = at, o = p; o < image.length; c += area, o += area) {
          const top = image[c] + fx * (image[c + right] - image[c]);
          const low = image[c + down] + fx * (image[c + down + right] - image[c + down]);
          out[o] = top + fy * (low - top);
        }
      }
    }
  }
  return { image: out, inside };
}

function reflected(v: number, max: number): number {
  if (max === 0) return 0;
  const period = 2 * max;
  const folded = ((v % period) + period) % period;
  return folded > max ? period - folded : folded;
}

const cubicX = new Float64Array(4);
const cubicY = new Float64Array(4);

function catmullRom(f: number, into: Float64Array): void {
  const f2 = f * f;
  const f3 = f2 * f;
  into[0] = -0.5 * f3 + f2 - 0.5 * f;
  into[1] = 1.5 * f3 - 2.5 * f2 + 1;
  into[2] = -1.5 * f3 + 2 * f2 + 0.5 * f;
  into[3] = 0.5 * f3 - 0.5 * f2;
}

function sampleCubic(
  image: Float32Array,
  out: Float32Array,
  p: number,
  area: number,
  x0: number,
  y0: number,
  fx: number,
  fy: number,
  width: number,
  height: number,
): void {
  catmullRom(fx, cubicX);
  catmullRom(fy, cubicY);
  for (let base = 0, o = p; o < image.length; base += area, o += area) {
    let sum = 0;
    for (let j = 0; j < 4; j++) {
      const yy = Math.min(height - 1, Math.max(0, y0 + j - 1));
      const row = base + yy * width;
      let line = 0;
      for (let i = 0; i < 4; i++) {
        const xx = Math.min(width - 1, Math.max(0, x0 + i - 1));
        line += cubicX[i] * image[row + xx];
      }
      sum += cubicY[j] * line;
    }
    out[o] = sum;
  }
}

/**
 * The flow from the first frame of three to the last, given both steps: first(p) + second(p + first(p)).
 * @param first  [2, H, W], from A to B, on A's grid
 * @param second [2, H, W], from B to C, on B's grid
 * @returns the flow from A to C, and where its middle lay in the picture (elsewhere the edge's motion was used)
 * @throws AppError SHAPE_MISMATCH
 */
export function composeFlow(
  first: Float32Array,
  second: Float32Array,
  size: Size,
): { readonly flow: Float32Array; readonly inside: Float32Array } {
  assertPlanes('second flow', second, 2, size);
  const { image: flow, inside } = warpBackward(second, first, size);
  for (let i = 0; i < flow.length; i++) flow[i] += first[i];
  return { flow, inside };
}

/**
 * Flow for a picture of another size: sampled bilinearly with pixel centres aligned, and lengthened with the size.
 * @throws AppError SHAPE_MISMATCH
 */
export function resizeFlow(flow: Float32Array, from: Size, to: Size): Float32Array {
  assertPlanes('flow', flow, 2, from);
  if (from.width === to.width && from.height === to.height) return flow.slice();
  const out = new Float32Array(2 * to.width * to.height);
  const [sx, sy] = [from.width / to.width, from.height / to.height];
  const area = from.width * from.height;
  const outArea = to.width * to.height;
  for (let y = 0; y < to.height; y++) {
    const py = Math.min(from.height - 1, Math.max(0, (y + 0.5) * sy - 0.5));
    const y0 = Math.floor(py);
    const y1 = Math.min(from.height - 1, y0 + 1);
    const fy = py - y0;
    for (let x = 0; x < to.width; x++) {
      const px = Math.min(from.width - 1, Math.max(0, (x + 0.5) * sx - 0.5));
      const x0 = Math.floor(px);
      const x1 = Math.min(from.width - 1, x0 + 1);
      const fx = px - x0;
      for (let c = 0; c < 2; c++) {
        const base = c * area;
        const top = flow[base + y0 * from.width + x0] * (1 - fx) + flow[base + y0 * from.width + x1] * fx;
        const low = flow[base + y1 * from.width + x0] * (1 - fx) + flow[base + y1 * from.width + x1] * fx;
        out[c * outArea + y * to.width + x] = (top * (1 - fy) + low * fy) / (c === 0 ? sx : sy);
      }
    }
  }
  return out;
}

/** @throws AppError SHAPE_MISMATCH when `data` is not exactly `planes` planes of that size */
export function assertPlanes(what: string, data: Float32Array, planes: number, size: Size): void {
  if (data.length !== planes * size.width * size.height) {
    throw new AppError('SHAPE_MISMATCH', {
      what,
      expected: `[${planes}, ${size.height}, ${size.width}]`,
      actual: `${data.length} values`,
    });
  }
}
