import type { Frame } from '../frame/frame';
import { sampleRange, type YuvMatrix } from './colour';
import { bytesPerSample, pictureBytes, planesOf, samplesOf, type RawFormat, type Samples } from './raw-format';

const ditherSide = 128;

/**
 * Offsets of -0.5 to 0.5 that round a smooth slope to an even scatter instead of steps. The same for every frame, so a
 * still picture stays still. Source: J. Jimenez, interleaved gradient noise (SIGGRAPH 2014).
 */
const dither = Float32Array.from({ length: ditherSide * ditherSide }, (_, at) => {
  const inner = 0.06711056 * (at % ditherSide) + 0.00583715 * Math.floor(at / ditherSide);
  const outer = 52.9829189 * (inner - Math.floor(inner));
  return outer - Math.floor(outer) - 0.5;
});

type Rounding = { readonly top: number; readonly dithered: boolean };

/**
 * Rounds a row into `out`; whole numbers stay what they are, also when dithered. NaN becomes 0. The row is overwritten:
 * one loop over floats and one copy by the engine are faster than storing integers one by one.
 */
function put(row: Float32Array, count: number, out: Samples, at: number, y: number, { top, dithered }: Rounding): void {
  const line = (y % ditherSide) * ditherSide;
  for (let x = 0; x < count; x++) {
    const value = row[x] + 0.5 + (dithered ? dither[line + (x & (ditherSide - 1))] * 0.998 : 0);
    row[x] = value > 0 ? (value < top ? value : top) : 0;
  }
  out.set(count === row.length ? row : row.subarray(0, count), at);
}

/**
 * Turns a frame into the raw planes that an encoder takes. Where width or height of the target is larger (codecs that
 * know even sizes only), the last column or row is repeated; where smaller, it is left out.
 */
export function rgbToPlanes(
  frame: Frame,
  format: RawFormat,
  width: number,
  height: number,
  options: { readonly matrix: YuvMatrix; readonly range: 'tv' | 'pc'; readonly dithered: boolean },
): Uint8Array {
  const bytes = new Uint8Array(pictureBytes(format, width, height));
  const out = samplesOf(format, bytes);
  const planes = planesOf(format, width, height);
  const rounding = { top: 2 ** format.depth - 1, dithered: options.dithered };
  if (bytesPerSample(format) > 2 || format.packing) throw new RangeError(`${format.name} is not written`);
  const size = frame.width * frame.height;
  const rowOf = (plane: Float32Array, from: number, y: number) => {
    const at = from + Math.min(y, frame.height - 1) * frame.width;
    return plane.subarray(at, at + frame.width);
  };
  const row = new Float32Array(width + 2);
  const scaled = (source: Float32Array, scale: number) => {
    for (let x = 0; x < width; x++) {
      const value = source[x < source.length ? x : source.length - 1];
      row[x] = (value > 0 ? (value < 1 ? value : 1) : 0) * scale;
    }
  };
  if (format.model === 'rgb') {
    [1, 2, 0].forEach((channel, order) => {
      for (let y = 0; y < height; y++) {
        scaled(rowOf(frame.rgb, channel * size, y), rounding.top);
        put(row, width, out, planes[order].offset + y * width, y, rounding);
      }
    });
  } else {
    yuvPlanes(frame, format, width, height, options, out, rounding);
  }
  if (format.alpha) {
    const plane = planes[3].offset;
    for (let y = 0; y < height; y++) {
      if (frame.alpha) scaled(rowOf(frame.alpha, 0, y), rounding.top);
      else row.fill(rounding.top);
      // Never dithered: fully opaque and fully clear must stay so beside values in between.
      put(row, width, out, plane + y * width, y, { top: rounding.top, dithered: false });
    }
  }
  return bytes;
}

function yuvPlanes(
  frame: Frame,
  format: RawFormat,
  width: number,
  height: number,
  options: { readonly matrix: YuvMatrix; readonly range: 'tv' | 'pc' },
  out: Samples,
  rounding: Rounding,
): void {
  const [luma, chroma, second] = planesOf(format, width, height);
  const { lumaZero, lumaSpan, chromaZero, chromaSpan } = sampleRange(options.range, format.depth);
  const { red, blue } = options.matrix;
  const green = 1 - red - blue;
  const cbScale = chromaSpan / (2 * (1 - blue));
  const crScale = chromaSpan / (2 * (1 - red));
  const size = frame.width * frame.height;
  const bright = new Float32Array(width);
  const rowCb = new Float32Array(width);
  const rowCr = new Float32Array(width);
  const sumCb = new Float32Array(width);
  const sumCr = new Float32Array(width);
  const narrow = new Float32Array(chroma.width);
  const { rgb } = frame;
  const rows = 1 << format.chromaShiftY;
  for (let y = 0; y < height; y++) {
    const at = Math.min(y, frame.height - 1) * frame.width;
    const inside = Math.min(width, frame.width);
    for (let x = 0; x < inside; x++) {
      let r = rgb[at + x];
      let g = rgb[size + at + x];
      let b = rgb[2 * size + at + x];
      r = r > 0 ? (r < 1 ? r : 1) : 0;
      g = g > 0 ? (g < 1 ? g : 1) : 0;
      b = b > 0 ? (b < 1 ? b : 1) : 0;
      const light = red * r + green * g + blue * b;
      bright[x] = lumaZero + lumaSpan * light;
      rowCb[x] = (b - light) * cbScale;
      rowCr[x] = (r - light) * crScale;
    }
    for (let x = inside; x < width; x++) {
      bright[x] = bright[inside - 1];
      rowCb[x] = rowCb[inside - 1];
      rowCr[x] = rowCr[inside - 1];
    }
    put(bright, width, out, luma.offset + y * width, y, rounding);
    const firstOfPair = y % rows === 0;
    for (let x = 0; x < width; x++) {
      sumCb[x] = (firstOfPair ? 0 : sumCb[x]) + rowCb[x];
      sumCr[x] = (firstOfPair ? 0 : sumCr[x]) + rowCr[x];
    }
    const pairDone = y % rows === rows - 1 || y === height - 1;
    if (!pairDone) continue;
    const share = 1 / ((y % rows) + 1);
    const line = Math.floor(y / rows);
    for (const [sum, plane] of [
      [sumCb, chroma],
      [sumCr, second],
    ] as const) {
      if (format.chromaShiftX) {
        // Samples lie on even columns: half of the column itself, a quarter of each neighbour.
        for (let x = 0, from = 0; x < narrow.length; x++, from += 2) {
          const before = sum[from > 0 ? from - 1 : 0];
          const after = sum[from + 1 < width ? from + 1 : from];
          narrow[x] = chromaZero + share * (0.25 * before + 0.5 * sum[from] + 0.25 * after);
        }
      } else {
        for (let x = 0; x < narrow.length; x++) narrow[x] = chromaZero + share * sum[x];
      }
      put(narrow, narrow.length, out, plane.offset + line * chroma.width, line, rounding);
    }
  }
}
