import { AppError } from '#protocol/errors';

/** Anything that has a width and a height; a Frame is one. */
export type Size = { readonly width: number; readonly height: number };

export type WarpOptions = {
  /** What lies beyond the edge: the edge pixel again, or the picture mirrored without doubling the edge (reflect-101). */
  readonly border?: 'clamp' | 'reflect';
  /** `cubic` is the spline through all pixels: keeps a picture sharp that is warped many times in a row, and may overshoot 0..1. */
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
  const spline = options.filter === 'cubic' ? splineOf(image, size) : undefined;
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
      } else if (spline) {
        sampleSpline(spline, out, p, x0, y0, fx, fy, size);
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

/** Pole of the recursive filter that turns samples into coefficients of a cubic B-spline. */
const pole = Math.sqrt(3) - 2;
/** Terms after which powers of the pole are less than a float can show. */
const poleReach = 14;

/**
 * Coefficients of the cubic B-spline through the pixels of all planes, which mirror at the edges.
 * Source: Unser, Splines: a perfect fit for signal and image processing, IEEE Signal Processing Magazine 16 (1999), box 2.
 */
function splineOf(image: Float32Array, { width, height }: Size): Float32Array {
  const out = Float32Array.from(image);
  for (let base = 0; base < out.length; base += width * height) {
    for (let y = 0; y < height; y++) filterLine(out, base + y * width, width, 1);
    for (let x = 0; x < width; x++) filterLine(out, base + x, height, width);
  }
  return out;
}

function filterLine(values: Float32Array, first: number, count: number, step: number): void {
  if (count === 1) return;
  const last = first + (count - 1) * step;
  let sum = 0;
  for (let k = Math.min(poleReach, count - 1); k > 0; k--) sum = pole * (sum + values[first + k * step]);
  values[first] += sum;
  for (let at = first + step; at <= last; at += step) values[at] += pole * values[at - step];
  values[last] = (pole / (pole * pole - 1)) * (values[last] + pole * values[last - step]);
  for (let at = last - step; at >= first; at -= step) values[at] = pole * (values[at + step] - values[at]);
  for (let at = first; at <= last; at += step) values[at] *= 6;
}

const [weightsX, weightsY] = [new Float64Array(4), new Float64Array(4)];
const [columns, rows] = [new Int32Array(4), new Int32Array(4)];

function splineWeights(f: number, into: Float64Array): void {
  const g = 1 - f;
  into[0] = (g * g * g) / 6;
  into[1] = 2 / 3 - (f * f * (2 - f)) / 2;
  into[2] = 2 / 3 - (g * g * (2 - g)) / 2;
  into[3] = (f * f * f) / 6;
}

function sampleSpline(
  spline: Float32Array,
  out: Float32Array,
  p: number,
  x0: number,
  y0: number,
  fx: number,
  fy: number,
  { width, height }: Size,
): void {
  splineWeights(fx, weightsX);
  splineWeights(fy, weightsY);
  for (let k = 0; k < 4; k++) {
    columns[k] = reflected(x0 + k - 1, width - 1);
    rows[k] = reflected(y0 + k - 1, height - 1) * width;
  }
  const area = width * height;
  for (let base = 0, o = p; o < spline.length; base += area, o += area) {
    let sum = 0;
    for (let j = 0; j < 4; j++) {
      const row = base + rows[j];
      let line = 0;
      for (let i = 0; i < 4; i++) line += weightsX[i] * spline[row + columns[i]];
      sum += weightsY[j] * line;
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
