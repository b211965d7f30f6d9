import { floatTensor } from '../frame/tensor';
import type { Tensor } from '../frame/tensor';

/**
 * The picture that is optimised: x = base + P (R z C * gain), with unknowns z [3, K, L] that start at 0, matrices R
 * [H, K] and C [L, W], a gain per unknown and a 3x3 palette P. What R, C, gain and P hold makes it pixels or
 * decorrelated frequencies, so one compiled graph serves both.
 *
 * The unknowns cover a canvas that is a little larger than what the net sees. R and C hold the rows of that part
 * only: the random shift against the net's grid is a choice among stored matrices and costs nothing in the graph.
 */
export type PictureKind = 'fourier' | 'pixels';

export type Canvas = {
  /** The picture itself. */
  readonly width: number;
  readonly height: number;
  /** What the net sees: multiples of `gridPx`, the picture plus a border that is thrown away. */
  readonly windowWidth: number;
  readonly windowHeight: number;
  readonly canvasWidth: number;
  readonly canvasHeight: number;
  /** Where the picture begins in the canvas. */
  readonly left: number;
  readonly top: number;
};

/** Shifts of 0..3 px reach every phase of the 2- and 4-px grids of strided stems. */
export const shiftCount = 4;
/** At least this much is optimised beyond each edge, so that nothing which padding does inside the net is seen. */
const leastBorderPx = 12;
/** Windows of a multiple of this divide evenly down to the deepest layer that is used (stride 16). */
const gridPx = 16;

export function planCanvas(width: number, height: number): Canvas {
  const windowOf = (size: number) => Math.ceil((size + 2 * leastBorderPx) / gridPx) * gridPx;
  const [windowWidth, windowHeight] = [windowOf(width), windowOf(height)];
  const [canvasWidth, canvasHeight] = [windowWidth + shiftCount - 1, windowHeight + shiftCount - 1];
  return {
    width,
    height,
    windowWidth,
    windowHeight,
    canvasWidth,
    canvasHeight,
    left: Math.floor((canvasWidth - width) / 2),
    top: Math.floor((canvasHeight - height) / 2),
  };
}

/** Index into 0..size-1 of a position that may lie outside: reflected without repeating the edge (reflect 101). */
export function reflect101(position: number, size: number): number {
  if (size === 1) return 0;
  const period = 2 * (size - 1);
  const folded = ((position % period) + period) % period;
  return folded < size ? folded : period - folded;
}

export type Shift = { readonly x: number; readonly y: number };

/**
 * The part of a picture that the net sees at a shift, reflected beyond the picture's edges.
 * @param planes [C, H, W] of the picture
 * @returns [1, C, windowHeight, windowWidth]
 */
export function windowOf(planes: Float32Array, channels: number, canvas: Canvas, shift: Shift): Tensor {
  const { width, height, windowWidth, windowHeight, left, top } = canvas;
  const columns = Int32Array.from({ length: windowWidth }, (_, x) => reflect101(x + shift.x - left, width));
  const from = Math.max(0, left - shift.x);
  const out = new Float32Array(channels * windowWidth * windowHeight);
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < windowHeight; y++) {
      const source = (c * height + reflect101(y + shift.y - top, height)) * width;
      const target = (c * windowHeight + y) * windowWidth;
      for (let x = 0; x < from; x++) out[target + x] = planes[source + columns[x]];
      out.set(planes.subarray(source, source + width), target + from);
      for (let x = from + width; x < windowWidth; x++) out[target + x] = planes[source + columns[x]];
    }
  return floatTensor(out, [1, channels, windowHeight, windowWidth]);
}

/** Cuts the picture out of what `windowOf` made or the graph returned for the same shift. */
export function cropWindow(window: Float32Array, channels: number, canvas: Canvas, shift: Shift): Float32Array {
  const { width, height, windowWidth, windowHeight, left, top } = canvas;
  const out = new Float32Array(channels * width * height);
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y++) {
      const source = (c * windowHeight + y + top - shift.y) * windowWidth + left - shift.x;
      out.set(window.subarray(source, source + width), (c * height + y) * width);
    }
  return out;
}

/** Everything that the graph is fed to know what its unknowns mean. */
export type PictureBasis = {
  readonly kind: PictureKind;
  readonly rows: number;
  readonly columns: number;
  /** [3, K, L] */
  readonly gain: Tensor;
  /** [3, 3] */
  readonly palette: Tensor;
  /** [windowHeight, K] and [L, windowWidth] at a shift. */
  matrices(shift: Shift): { readonly rows: Tensor; readonly columns: Tensor };
};

/** Columns: the decorrelated colour axes of natural pictures (tensorflow/lucid, optvis/param/color.py), before scaling. */
export const lucidPalette = [
  [0.26, 0.09, 0.02],
  [0.27, 0.0, -0.05],
  [0.27, -0.09, 0.03],
];

/**
 * Frequencies of the cosine transform, which continues a picture by its reflection: unlike the Fourier transform it
 * joins no edge to the opposite one. Amplitudes fall with frequency as they do in natural pictures, so that one
 * step of the optimiser moves large forms as readily as texture.
 */
export function createBasis(kind: PictureKind, canvas: Canvas): PictureBasis {
  const { canvasWidth: width, canvasHeight: height, windowWidth, windowHeight } = canvas;
  const gain = new Float32Array(3 * width * height).fill(1);
  const palette = Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
  if (kind === 'fourier') {
    const lowest = 1 / Math.max(width, height);
    const area = width * height;
    for (let k = 0; k < height; k++)
      for (let l = 0; l < width; l++) {
        const at = k * width + l;
        const frequency = Math.max(lowest, Math.hypot(k / (2 * height), l / (2 * width)));
        const natural = amplitude / frequency / Math.max(1, frequency / fine) ** fineFall;
        const held = 1 + (frequency / highestOfStrokes) ** 8;
        gain[at] = natural / held;
        gain[area + at] = gain[2 * area + at] = natural / (held + (frequency / highestOfColour) ** 4);
      }
    const norm = Math.max(...[0, 1, 2].map(c => Math.hypot(...lucidPalette.map(row => row[c]))));
    lucidPalette.forEach((row, i) => row.forEach((value, j) => (palette[3 * i + j] = value / norm)));
  }
  const tall = kind === 'fourier' ? cosineMatrix(height) : identityMatrix(height);
  const wide = kind === 'fourier' ? cosineMatrix(width) : identityMatrix(width);
  const rowsAt = Array.from({ length: shiftCount }, (_, y) =>
    floatTensor(tall.slice(y * height, (y + windowHeight) * height), [windowHeight, height]),
  );
  const columnsAt = Array.from({ length: shiftCount }, (_, x) =>
    floatTensor(transposedRows(wide, width, x, windowWidth), [width, windowWidth]),
  );
  return {
    kind,
    rows: height,
    columns: width,
    gain: floatTensor(gain, [3, height, width]),
    palette: floatTensor(palette, [3, 3]),
    matrices: shift => ({ rows: rowsAt[shift.y], columns: columnsAt[shift.x] }),
  };
}

/**
 * Cycles per pixel above which frequencies are held back, in all directions alike: stems with stride 2 take fine
 * hatching along the axes for brushwork (measured: four times the diagonal's energy above 0.4 cycles), which shows
 * once the picture is enlarged.
 */
export const highest = 0.38;

/** Lower for strokes: lines of less than three pixels cannot move by parts of a pixel without changing, and shimmer in slow pans. */
const highestOfStrokes = 0.32;

/**
 * Colour is held back from here on, as eyes and video do. Of fine colour the net says little but noise (its gradients
 * at different shifts agree to a fifth to a third above this), and Adam makes full steps of any gradient.
 */
const highestOfColour = 0.25;

/**
 * Above this, steps shorten by a further power of the frequency. Adam's are equally long wherever it pulls: unknowns end
 * equally far from 0 at all frequencies (measured), though gradients differ a hundredfold and, above 0.15 cycles, vary
 * more from shift to shift than they amount to on average. Strokes are pulled the same way at each step and arrive all
 * the same; what is pulled hither and thither, and would cover flat parts with a weave, does not.
 */
const fine = 0.1;
const fineFall = 0.35;

/**
 * A style is measured without what no stroke here can show. The net's first layer halves the picture, so that it takes
 * finer lines for coarser ones; to make up for those of the painting, a picture without them weaves lines of the
 * highest frequency it has all over its flat parts.
 * @returns [3, 1, n, n], the kernel of a low-pass filter, alike in all directions
 */
export function strokeFilter(): { readonly kernel: Tensor; readonly reachPx: number } {
  const reachPx = 8;
  const grid = 64;
  const highestShown = 0.36;
  const frequencies = Array.from({ length: grid }, (_, i) => (i - grid / 2) / grid);
  const plane: number[] = [];
  for (let y = -reachPx; y <= reachPx; y++)
    for (let x = -reachPx; x <= reachPx; x++) {
      let sum = 0;
      for (const v of frequencies)
        for (const u of frequencies)
          sum += Math.cos(2 * Math.PI * (u * x + v * y)) / (1 + (Math.hypot(u, v) / highestShown) ** 16);
      const fades = [x, y].map(offset => Math.cos((Math.PI * offset) / (2 * (reachPx + 1))));
      plane.push(sum * fades[0] * fades[1]);
    }
  const total = plane.reduce((sum, value) => sum + value, 0);
  const kernel = [0, 1, 2].flatMap(() => plane.map(value => value / total));
  const side = 2 * reachPx + 1;
  return { kernel: floatTensor(Float32Array.from(kernel), [3, 1, side, side]), reachPx };
}

/** 0.05 as in feature-nets.md; the square root because a cosine coefficient carries half the energy of a Fourier pair. */
const amplitude = 0.05 * Math.SQRT2;

/** [n, n]: position down, frequency across, orthonormal columns (DCT-II). */
export function cosineMatrix(n: number): Float32Array {
  const out = new Float32Array(n * n);
  for (let x = 0; x < n; x++)
    for (let k = 0; k < n; k++) {
      out[x * n + k] = Math.sqrt((k === 0 ? 1 : 2) / n) * Math.cos((Math.PI * (x + 0.5) * k) / n);
    }
  return out;
}

function identityMatrix(n: number): Float32Array {
  const out = new Float32Array(n * n);
  for (let i = 0; i < n; i++) out[i * n + i] = 1;
  return out;
}

function transposedRows(matrix: Float32Array, n: number, first: number, count: number): Float32Array {
  const out = new Float32Array(n * count);
  for (let x = 0; x < count; x++) for (let k = 0; k < n; k++) out[k * count + x] = matrix[(first + x) * n + k];
  return out;
}
