import { blur } from '../blur';
import type { KeyParams } from '#protocol/effects/key';

export type MatteParams = Pick<KeyParams, 'erodePx' | 'featherPx' | 'garbage' | 'holdout'>;

/** Shrinks, softens and cuts a matte as the person asked. */
export function finishMatte(wanted: Float32Array, width: number, height: number, params: MatteParams): Float32Array {
  let matte = wanted;
  if (params.erodePx !== 0) matte = spread(matte, width, height, Math.abs(params.erodePx), params.erodePx > 0);
  if (params.featherPx > 0) matte = blur(matte, width, height, params.featherPx / 2);
  for (const shape of params.garbage) paintShape(matte, width, height, shape, 0);
  for (const shape of params.holdout) paintShape(matte, width, height, shape, 1);
  return matte;
}

/** Median of the 3x3 neighbourhood where the pixel disagrees with all of it; soft edges and hair are left alone. */
export function median3(matte: Float32Array, width: number, height: number): Float32Array {
  const out = matte.slice();
  const around = new Float32Array(8);
  const steps = [-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1];
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const at = y * width + x;
      let [low, high] = [1, 0];
      for (let k = 0; k < 8; k++) {
        const value = matte[at + steps[k]];
        around[k] = value;
        if (value < low) low = value;
        if (value > high) high = value;
      }
      if (matte[at] >= low && matte[at] <= high) continue;
      around.sort();
      out[at] = (around[3] + around[4]) / 2;
    }
  }
  return out;
}

/** Minimum (shrink) or maximum (grow) over a disc; fractions of a pixel mix the two whole radii. */
function spread(matte: Float32Array, width: number, height: number, radius: number, shrink: boolean): Float32Array {
  const whole = Math.floor(radius);
  const small = whole === 0 ? matte : disc(matte, width, height, whole, shrink);
  const part = radius - whole;
  if (part === 0) return small;
  const large = disc(matte, width, height, whole + 1, shrink);
  return small.map((value, i) => value * (1 - part) + large[i] * part);
}

/** Minimum over a square. */
export function leastAround(matte: Float32Array, width: number, height: number, radius: number): Float32Array {
  const across = new Float32Array(matte.length);
  const out = new Float32Array(matte.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let least = 1;
      for (let near = Math.max(0, x - radius); near <= Math.min(width - 1, x + radius); near++)
        least = Math.min(least, matte[y * width + near]);
      across[y * width + x] = least;
    }
  }
  for (let y = 0; y < height; y++) {
    out.fill(1, y * width, (y + 1) * width);
    for (let near = Math.max(0, y - radius); near <= Math.min(height - 1, y + radius); near++)
      for (let x = 0; x < width; x++)
        if (across[near * width + x] < out[y * width + x]) out[y * width + x] = across[near * width + x];
  }
  return out;
}

function disc(matte: Float32Array, width: number, height: number, radius: number, shrink: boolean): Float32Array {
  const out = new Float32Array(matte.length);
  const halfWidths = Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.floor(Math.sqrt((radius + 0.5) ** 2 - (i - radius) ** 2)),
  );
  const better = shrink ? Math.min : Math.max;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let value = matte[y * width + x];
      for (let dy = -radius; dy <= radius; dy++) {
        const row = Math.min(height - 1, Math.max(0, y + dy)) * width;
        const half = halfWidths[dy + radius];
        for (let dx = -half; dx <= half; dx++)
          value = better(value, matte[row + Math.min(width - 1, Math.max(0, x + dx))]);
      }
      out[y * width + x] = value;
    }
  }
  return out;
}

type Point = readonly [number, number];

/** Fills a polygon given in shares of width and height (even-odd rule, pixel centres). */
export function paintShape(
  matte: Float32Array,
  width: number,
  height: number,
  shape: readonly Point[],
  value: number,
): void {
  for (let y = 0; y < height; y++) {
    const line = (y + 0.5) / height;
    const crossings: number[] = [];
    shape.forEach(([x1, y1], i) => {
      const [x2, y2] = shape[(i + 1) % shape.length];
      if (y1 <= line !== y2 <= line) crossings.push(x1 + ((line - y1) * (x2 - x1)) / (y2 - y1));
    });
    crossings.sort((a, b) => a - b);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const from = Math.max(0, Math.ceil(crossings[i] * width - 0.5));
      const to = Math.min(width - 1, Math.floor(crossings[i + 1] * width - 0.5));
      for (let x = from; x <= to; x++) matte[y * width + x] = value;
    }
  }
}
