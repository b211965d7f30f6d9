import type { Frame } from '../../frame/frame';
import { fillUnknown } from './fill';
import { chromaRatio, type Screen } from './screen';

/** The empty screen of one frame, smooth over folds and uneven light. */
export type ScreenPlate = {
  /** [3, H, W] */
  readonly rgb: Float32Array;
  /** How strongly single pixels of the screen scatter about it, as a share of the screen's colour. */
  readonly noise: number;
};

/** Lines for each cell of the coarse plate: finer than shadows and folds, coarser than hair. */
const linesPerCell = 68;
/** From this share of the screen's own chroma ratio a pixel helps to make the plate. */
const surelyScreen = 0.8;

/** How fast "like the screen" falls off when the hue turns away from it, beside the fall along it. */
const acrossWeight = 1.6;

/**
 * 1 where the pixel has the screen's colour, 0 where it has none of it: the share of the screen's own chroma, less a
 * penalty for chroma of another hue. Works on chroma divided by brightness, so that folds and shadows stay screen.
 */
function screenLikeness(frame: Frame, screen: Screen): Float32Array {
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

/** The screen as it is lit in this frame, continued behind the subject. */
export function screenPlate(frame: Frame, screen: Screen, axis: readonly [number, number, number]): ScreenPlate {
  const { width, height, rgb } = frame;
  const area = width * height;
  const likeness = screenLikeness(frame, screen);
  const cell = Math.max(2, Math.round(height / linesPerCell));
  const [w, h] = [Math.ceil(width / cell), Math.ceil(height / cell)];
  const coarse = new Float32Array(3 * w * h);
  const weight = new Float32Array(w * h);
  const brightness = (i: number) => rgb[i] + rgb[area + i] + rgb[2 * area + i];
  const eachOf = (cx: number, cy: number, take: (i: number) => void) => {
    for (let y = cy * cell; y < Math.min(height, (cy + 1) * cell); y++)
      for (let i = y * width + cx * cell; i < y * width + Math.min(width, (cx + 1) * cell); i++)
        if (likeness[i] >= surelyScreen) take(i);
  };
  for (let cy = 0; cy < h; cy++) {
    for (let cx = 0; cx < w; cx++) {
      let [count, sum, bright] = [0, 0, 0];
      eachOf(cx, cy, i => {
        count++;
        sum += brightness(i);
      });
      if (count < (cell * cell) / 4) continue;
      const to = cy * w + cx;
      // Dark hair before the screen has its hue too and would darken the plate: the brighter half counts.
      eachOf(cx, cy, i => {
        if (brightness(i) * count < sum) return;
        bright++;
        for (let c = 0; c < 3; c++) coarse[c * w * h + to] += rgb[c * area + i];
      });
      for (let c = 0; c < 3; c++) coarse[c * w * h + to] /= bright;
      weight[to] = count / (cell * cell);
    }
  }
  if (weight.every(value => value === 0)) {
    [screen.red, screen.green, screen.blue].forEach((value, c) => coarse.fill(value, c * w * h, (c + 1) * w * h));
    weight.fill(1);
  }
  const plate = enlargeSmoothly(fillUnknown(coarse, weight, w, h), w, h, cell, width, height);
  return { rgb: plate, noise: scatter(frame, plate, likeness, axis) };
}

/** Bilinear between the middles of cells. */
function enlargeSmoothly(
  coarse: Float32Array,
  w: number,
  h: number,
  cell: number,
  width: number,
  height: number,
): Float32Array {
  const out = new Float32Array(3 * width * height);
  const place = (at: number, count: number): [number, number, number] => {
    const position = Math.min(count - 1, Math.max(0, (at + 0.5) / cell - 0.5));
    const low = Math.floor(position);
    return [low, Math.min(count - 1, low + 1), position - low];
  };
  const columns = Array.from({ length: width }, (_, x) => place(x, w));
  for (let y = 0; y < height; y++) {
    const [y0, y1, fy] = place(y, h);
    for (let x = 0; x < width; x++) {
      const [x0, x1, fx] = columns[x];
      for (let c = 0; c < 3; c++) {
        const base = c * w * h;
        const top = coarse[base + y0 * w + x0] * (1 - fx) + coarse[base + y0 * w + x1] * fx;
        const bottom = coarse[base + y1 * w + x0] * (1 - fx) + coarse[base + y1 * w + x1] * fx;
        out[(c * height + y) * width + x] = top * (1 - fy) + bottom * fy;
      }
    }
  }
  return out;
}

/** Standard deviation along the axis, from the median distance: what stands before the screen does not count. */
function scatter(
  frame: Frame,
  plate: Float32Array,
  likeness: Float32Array,
  axis: readonly [number, number, number],
): number {
  const { rgb } = frame;
  const area = likeness.length;
  const step = Math.max(1, Math.floor(area / 20_000));
  const distances: number[] = [];
  for (let i = 0; i < area; i += step) {
    if (likeness[i] < surelyScreen) continue;
    const along = (planes: Float32Array) =>
      axis[0] * planes[i] + axis[1] * planes[area + i] + axis[2] * planes[2 * area + i];
    distances.push(Math.abs(1 - along(rgb) / along(plate)));
  }
  distances.sort((a, b) => a - b);
  return distances.length === 0 ? 0 : 1.4826 * distances[distances.length >> 1];
}
