import { blur } from '../blur';
import type { Frame } from '../../frame/frame';
import type { KeyParams } from '#protocol/effects/key';
import { chromaRatio, darkFloor, type Screen } from './screen';

export type MatteParams = Pick<KeyParams, 'tolerance' | 'softness' | 'despeckle' | 'erodePx' | 'featherPx' | 'garbage' | 'holdout'>;

/** Where the share of screen colour turns from subject to screen. */
type Edge = (share: number) => number;

function colourEdge(params: MatteParams): Edge {
  // Tolerance 0 takes only the screen's full colour as screen, 100 also a faint tint of it.
  const screenFrom = 0.95 - 0.006 * params.tolerance;
  const subjectTo = screenFrom - Math.max(0.02, 0.01 * params.softness * screenFrom);
  return share => {
    const t = Math.min(1, Math.max(0, (share - subjectTo) / (screenFrom - subjectTo)));
    return 1 - t * t * (3 - 2 * t);
  };
}

/** How fast "like the screen" falls off when the hue turns away from it, beside the fall along it. */
const acrossWeight = 1.6;

/**
 * 1 where the pixel has the screen's colour, 0 where it has none of it: the share of the screen's own chroma, less a
 * penalty for chroma of another hue. Works on chroma divided by brightness, so that folds and shadows stay screen.
 */
export function screenShare(frame: Frame, screen: Screen): Float32Array {
  const { rgb } = frame;
  const area = frame.width * frame.height;
  const out = new Float32Array(area);
  const size = screen.cb * screen.cb + screen.cr * screen.cr;
  for (let i = 0; i < area; i++) {
    const [cb, cr] = chromaRatio(rgb[i], rgb[area + i], rgb[2 * area + i]);
    const along = (cb * screen.cb + cr * screen.cr) / size;
    const across = Math.abs(cb * screen.cr - cr * screen.cb) / size;
    out[i] = along - acrossWeight * across;
  }
  return out;
}

/** The matte (1 subject, 0 screen) from the share of screen colour, with its edge where tolerance and softness put it. */
export function matteFrom(share: Float32Array, width: number, height: number, params: MatteParams): Float32Array {
  const matte = share.map(colourEdge(params));
  return finishMatte(params.despeckle ? median3(matte, width, height) : matte, width, height, params);
}

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
function median3(matte: Float32Array, width: number, height: number): Float32Array {
  const out = matte.slice();
  const around: number[] = [];
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const at = y * width + x;
      around.length = 0;
      for (let dy = -1; dy <= 1; dy++) for (let dx = -1; dx <= 1; dx++) if (dx !== 0 || dy !== 0) around.push(matte[at + dy * width + dx]);
      const [low, high] = [Math.min(...around), Math.max(...around)];
      if (matte[at] >= low && matte[at] <= high) continue;
      around.sort((a, b) => a - b);
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

/** Minimum over a disc of whole pixels. */
export function shrinkMatte(matte: Float32Array, width: number, height: number, radius: number): Float32Array {
  return disc(matte, width, height, radius, true);
}

function disc(matte: Float32Array, width: number, height: number, radius: number, shrink: boolean): Float32Array {
  const out = new Float32Array(matte.length);
  const halfWidths = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.floor(Math.sqrt((radius + 0.5) ** 2 - (i - radius) ** 2)));
  const better = shrink ? Math.min : Math.max;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let value = matte[y * width + x];
      for (let dy = -radius; dy <= radius; dy++) {
        const row = Math.min(height - 1, Math.max(0, y + dy)) * width;
        const half = halfWidths[dy + radius];
        for (let dx = -half; dx <= half; dx++) value = better(value, matte[row + Math.min(width - 1, Math.max(0, x + dx))]);
      }
      out[y * width + x] = value;
    }
  }
  return out;
}

type Point = readonly [number, number];

/** Fills a polygon given in shares of width and height (even-odd rule, pixel centres). */
function paintShape(matte: Float32Array, width: number, height: number, shape: readonly Point[], value: number): void {
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

/**
 * The subject's own colours: at soft edges the screen's part is taken out of the mixture (P = a F + (1 - a) S), and a
 * tint of the screen anywhere else is replaced by grey of the same brightness.
 * @param spill 0..1, how much of the tint goes
 * @returns [3, H, W]
 */
export function withoutScreen(frame: Frame, matte: Float32Array, screen: Screen, spill: number): Float32Array {
  const area = frame.width * frame.height;
  const out = new Float32Array(3 * area);
  const size = screen.cb * screen.cb + screen.cr * screen.cr;
  for (let i = 0; i < area; i++) {
    const a = matte[i];
    let [r, g, b] = [frame.rgb[i], frame.rgb[area + i], frame.rgb[2 * area + i]];
    // Below a fifth the division would only amplify noise; what little shows there takes its neighbours' colour (fill).
    if (a < 1 && a > 0.2) {
      const rest = 1 - a;
      r = Math.min(1, Math.max(0, (r - rest * screen.red) / a));
      g = Math.min(1, Math.max(0, (g - rest * screen.green) / a));
      b = Math.min(1, Math.max(0, (b - rest * screen.blue) / a));
    }
    const y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    const [cb, cr] = chromaRatio(r, g, b);
    const along = (cb * screen.cb + cr * screen.cr) / size;
    const across = Math.abs(cb * screen.cr - cr * screen.cb) / size;
    const tint = Math.min(1, Math.max(0, along - across)) * spill;
    if (tint > 0) {
      const level = y + darkFloor;
      const newCb = (cb - tint * screen.cb) * level * 1.8556;
      const newCr = (cr - tint * screen.cr) * level * 1.5748;
      r = y + newCr;
      b = y + newCb;
      g = (y - 0.2126 * r - 0.0722 * b) / 0.7152;
    }
    out[i] = Math.min(1, Math.max(0, r));
    out[area + i] = Math.min(1, Math.max(0, g));
    out[2 * area + i] = Math.min(1, Math.max(0, b));
  }
  return out;
}
