import { sampleRange, type YuvMatrix } from './colour';
import { planesOf, type RawFormat, type Samples } from './raw-format';

export type RgbOptions = {
  readonly matrix: YuvMatrix;
  readonly range: 'tv' | 'pc';
  /** Where chroma samples lie between two columns of luma: at the left one (video) or in the middle (JPEG, MPEG-1). */
  readonly siting: 'left' | 'centre';
  /** Degrees clockwise by which the picture is turned on the way. */
  readonly rotation: 0 | 90 | 180 | 270;
};

export type RgbPicture = {
  readonly width: number;
  readonly height: number;
  readonly rgb: Float32Array;
  readonly alpha?: Float32Array;
};

type Walk = { readonly base: number; readonly stepX: number; readonly stepY: number };

/** Where pixel (x, y) of the stored picture goes in the turned one. */
function walk(width: number, height: number, rotation: RgbOptions['rotation']): Walk {
  switch (rotation) {
    case 0:
      return { base: 0, stepX: 1, stepY: width };
    case 90:
      return { base: height - 1, stepX: height, stepY: -1 };
    case 180:
      return { base: width * height - 1, stepX: -1, stepY: -width };
    case 270:
      return { base: (width - 1) * height, stepX: -height, stepY: 1 };
  }
}

type Scale = { readonly zero: number; readonly span: number };

/** Copies one plane, scaled so that `zero` becomes 0 and `zero + span` 1. */
function spread(
  samples: Samples,
  from: number,
  width: number,
  height: number,
  scale: Scale,
  to: Walk,
  out: Float32Array,
  at: number,
) {
  const row = new Float32Array(width);
  for (let y = 0; y < height; y++) {
    row.set(samples.subarray(from + y * width, from + (y + 1) * width));
    let target = at + to.base + y * to.stepY;
    for (let x = 0; x < width; x++, target += to.stepX) {
      const value = (row[x] - scale.zero) / scale.span;
      out[target] = value < 0 ? 0 : value > 1 ? 1 : value;
    }
  }
}

/** Doubles a row of chroma; `left`: even columns lie on samples, odd ones halfway; centred: a quarter beside. */
function widen(row: Float32Array, wide: Float32Array, width: number, left: boolean): void {
  const last = row.length - 1;
  for (let index = 0, x = 0; index <= last; index++, x += 2) {
    const here = row[index];
    const next = row[index < last ? index + 1 : last];
    if (left) {
      wide[x] = here;
      if (x + 1 < width) wide[x + 1] = 0.5 * (here + next);
    } else {
      const before = row[index > 0 ? index - 1 : 0];
      wide[x] = 0.25 * before + 0.75 * here;
      if (x + 1 < width) wide[x + 1] = 0.75 * here + 0.25 * next;
    }
  }
}

/** Takes packed pixels apart. */
function unpack(
  samples: Samples,
  format: RawFormat,
  width: number,
  height: number,
  to: Walk,
): { rgb: Float32Array; alpha?: Float32Array } {
  const { samples: step, places, bigEndian } = format.packing!;
  const size = width * height;
  const rgb = new Float32Array(3 * size);
  const alpha = format.alpha ? new Float32Array(size) : undefined;
  const top = 2 ** format.depth - 1;
  places.forEach((place, channel) => {
    const out = channel < 3 ? rgb : alpha!;
    const at = channel < 3 ? channel * size : 0;
    for (let y = 0; y < height; y++) {
      let from = y * width * step + place;
      let target = at + to.base + y * to.stepY;
      for (let x = 0; x < width; x++, from += step, target += to.stepX) {
        const value = samples[from];
        out[target] = (bigEndian ? ((value & 0xff) << 8) | (value >> 8) : value) / top;
      }
    }
  });
  return alpha ? { rgb, alpha } : { rgb };
}

function yuvToRgb(
  samples: Samples,
  format: RawFormat,
  width: number,
  height: number,
  options: RgbOptions,
): Float32Array {
  const [, chroma, second] = planesOf(format, width, height);
  const { lumaZero, lumaSpan, chromaZero, chromaSpan } = sampleRange(options.range, format.depth);
  const { red, blue } = options.matrix;
  const green = 1 - red - blue;
  // R = Y + 2(1-Kr)Cr, B = Y + 2(1-Kb)Cb, and G from Y = Kr R + Kg G + Kb B. Source: ITU-T H.273, equations 38 to 40.
  const redFromCr = (2 * (1 - red)) / chromaSpan;
  const blueFromCb = (2 * (1 - blue)) / chromaSpan;
  const greenFromCb = (-blueFromCb * blue) / green;
  const greenFromCr = (-redFromCr * red) / green;
  const lumaScale = 1 / lumaSpan;
  const to = walk(width, height, options.rotation);
  const size = width * height;
  const rgb = new Float32Array(3 * size);
  const luma = new Float32Array(width);
  const narrow = new Float32Array(chroma.width);
  const other = new Float32Array(chroma.width);
  const cb = new Float32Array(width + 1);
  const cr = new Float32Array(width + 1);
  const left = options.siting === 'left';
  const fetchChroma = (plane: { offset: number }, y: number, wide: Float32Array) => {
    const row = format.chromaShiftY ? y >> 1 : y;
    const at = plane.offset + row * chroma.width;
    narrow.set(samples.subarray(at, at + chroma.width));
    if (format.chromaShiftY) {
      // Chroma rows lie midway between two rows of luma: three quarters of the near one, a quarter of the other.
      const beside = Math.min(Math.max(row + (y & 1 ? 1 : -1), 0), chroma.height - 1);
      const from = plane.offset + beside * chroma.width;
      other.set(samples.subarray(from, from + chroma.width));
      for (let x = 0; x < narrow.length; x++) narrow[x] = 0.75 * narrow[x] + 0.25 * other[x];
    }
    if (format.chromaShiftX) widen(narrow, wide, width, left);
    else wide.set(narrow);
  };
  for (let y = 0; y < height; y++) {
    luma.set(samples.subarray(y * width, (y + 1) * width));
    fetchChroma(chroma, y, cb);
    fetchChroma(second, y, cr);
    let target = to.base + y * to.stepY;
    for (let x = 0; x < width; x++, target += to.stepX) {
      const bright = (luma[x] - lumaZero) * lumaScale;
      const u = cb[x] - chromaZero;
      const v = cr[x] - chromaZero;
      const r = bright + redFromCr * v;
      const g = bright + greenFromCb * u + greenFromCr * v;
      const b = bright + blueFromCb * u;
      rgb[target] = r < 0 ? 0 : r > 1 ? 1 : r;
      rgb[size + target] = g < 0 ? 0 : g > 1 ? 1 : g;
      rgb[2 * size + target] = b < 0 ? 0 : b > 1 ? 1 : b;
    }
  }
  return rgb;
}

/**
 * Turns a raw picture into planar RGB 0..1, exactly: no table, no rounding between.
 * @param samples as `samplesOf` views them, `width` x `height` as stored
 */
export function planesToRgb(
  samples: Samples,
  format: RawFormat,
  width: number,
  height: number,
  options: RgbOptions,
): RgbPicture {
  const size = width * height;
  const to = walk(width, height, options.rotation);
  const planes = planesOf(format, width, height);
  const whole = { zero: 0, span: format.depth === 32 ? 1 : 2 ** format.depth - 1 };
  const { lumaZero, lumaSpan } = sampleRange(options.range, format.depth);
  const scale = format.model === 'grey' && options.range === 'tv' ? { zero: lumaZero, span: lumaSpan } : whole;
  const turned = options.rotation === 90 || options.rotation === 270;
  const shown = { width: turned ? height : width, height: turned ? width : height };
  if (format.packing) return { ...shown, ...unpack(samples, format, width, height, to) };
  let rgb: Float32Array;
  if (format.model === 'yuv') {
    rgb = yuvToRgb(samples, format, width, height, options);
  } else {
    rgb = new Float32Array(3 * size);
    // Planes of ffmpeg's planar RGB are G, B, R; a grey one serves all three.
    const sources = format.model === 'rgb' ? [planes[2], planes[0], planes[1]] : [planes[0], planes[0], planes[0]];
    sources.forEach((plane, channel) => spread(samples, plane.offset, width, height, scale, to, rgb, channel * size));
  }
  let alpha: Float32Array | undefined;
  if (format.alpha) {
    alpha = new Float32Array(size);
    spread(samples, planes[3].offset, width, height, whole, to, alpha, 0);
  }
  return { ...shown, rgb, ...(alpha ? { alpha } : {}) };
}
