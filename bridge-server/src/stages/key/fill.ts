/**
 * Colours for where nothing is known, smoothly continued from where something is (push and pull over a pyramid:
 * Gortler et al., The Lumigraph, 1996). What a painter gets to see behind a keyed subject.
 * @param planes [C, H, W], colours or anything else that may be averaged
 * @param weight [H, W], 0 unknown to 1 known
 * @returns [C, H, W]
 */
export function fillUnknown(planes: Float32Array, weight: Float32Array, width: number, height: number): Float32Array {
  const area = width * height;
  const channels = planes.length / area;
  if (width <= 1 && height <= 1) {
    return weight[0] > 0 ? planes.slice() : new Float32Array(channels).fill(0.5);
  }
  const [w, h] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const small = new Float32Array(channels * w * h);
  const smallWeight = new Float32Array(w * h);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [from, to] = [y * width + x, (y >> 1) * w + (x >> 1)];
      smallWeight[to] += weight[from];
      for (let c = 0; c < channels; c++) small[c * w * h + to] += planes[c * area + from] * weight[from];
    }
  }
  for (let i = 0; i < w * h; i++) {
    if (smallWeight[i] > 0) for (let c = 0; c < channels; c++) small[c * w * h + i] /= smallWeight[i];
    smallWeight[i] = Math.min(1, smallWeight[i]);
  }
  const below = fillUnknown(small, smallWeight, w, h);
  const out = new Float32Array(channels * area);
  for (let y = 0; y < height; y++) {
    const sy = Math.min(h - 1, Math.max(0, (y - 0.5) / 2));
    const [y0, fy] = [Math.floor(sy), sy - Math.floor(sy)];
    const y1 = Math.min(h - 1, y0 + 1);
    for (let x = 0; x < width; x++) {
      const sx = Math.min(w - 1, Math.max(0, (x - 0.5) / 2));
      const [x0, fx] = [Math.floor(sx), sx - Math.floor(sx)];
      const x1 = Math.min(w - 1, x0 + 1);
      const at = y * width + x;
      const known = weight[at];
      for (let c = 0; c < channels; c++) {
        const base = c * w * h;
        const top = below[base + y0 * w + x0] * (1 - fx) + below[base + y0 * w + x1] * fx;
        const bottom = below[base + y1 * w + x0] * (1 - fx) + below[base + y1 * w + x1] * fx;
        out[c * area + at] = known * planes[c * area + at] + (1 - known) * (top * (1 - fy) + bottom * fy);
      }
    }
  }
  return out;
}
