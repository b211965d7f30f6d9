export type Size = { readonly width: number; readonly height: number };

/** A net's later layers see nothing sensible in a picture smaller than this. */
export const smallestOctave = 48;

/**
 * Sizes of the octaves from small to large, each the next divided by `scale` and rounded (google/deepdream);
 * octaves too small for a net are left out.
 */
export function octaveSizes(size: Size, count: number, scale: number): Size[] {
  const sizes: Size[] = [size];
  for (let i = 1; i < count; i++) {
    const last = sizes[0];
    const next = { width: Math.round(last.width / scale), height: Math.round(last.height / scale) };
    if (Math.min(next.width, next.height) < smallestOctave) break;
    sizes.unshift(next);
  }
  return sizes;
}

/**
 * Linear resampling that maps corners to corners, as `scipy.ndimage.zoom(order=1)` does in the original: keeps a
 * detail layer exactly in place from octave to octave.
 * @param planes [channels, H, W]
 */
export function zoomPlanes(planes: Float32Array, channels: number, from: Size, to: Size): Float32Array {
  if (from.width === to.width && from.height === to.height) return planes.slice();
  const out = new Float32Array(channels * to.width * to.height);
  const stepX = to.width > 1 ? (from.width - 1) / (to.width - 1) : 0;
  const stepY = to.height > 1 ? (from.height - 1) / (to.height - 1) : 0;
  for (let y = 0; y < to.height; y++) {
    const sy = y * stepY;
    const y0 = Math.min(from.height - 1, Math.floor(sy));
    const y1 = Math.min(from.height - 1, y0 + 1);
    const fy = sy - y0;
    for (let x = 0; x < to.width; x++) {
      const sx = x * stepX;
      const x0 = Math.min(from.width - 1, Math.floor(sx));
      const x1 = Math.min(from.width - 1, x0 + 1);
      const fx = sx - x0;
      for (let c = 0; c < channels; c++) {
        const [top, bottom] = [(c * from.height + y0) * from.width, (c * from.height + y1) * from.width];
        const upper = planes[top + x0] * (1 - fx) + planes[top + x1] * fx;
        const lower = planes[bottom + x0] * (1 - fx) + planes[bottom + x1] * fx;
        out[(c * to.height + y) * to.width + x] = upper * (1 - fy) + lower * fy;
      }
    }
  }
  return out;
}

/** A picture at the size of each octave, each made from the next larger one, as google/deepdream does. */
export function octavePictures(
  planes: Float32Array,
  channels: number,
  size: Size,
  octaves: readonly Size[],
): Float32Array[] {
  const pictures: Float32Array[] = [];
  let [larger, from] = [planes, size];
  for (const octave of octaves.toReversed()) {
    larger = zoomPlanes(larger, channels, from, octave);
    from = octave;
    pictures.unshift(larger);
  }
  return pictures;
}
