/** Gaussian blur with repeated edges. */
export function blur(plane: Float32Array, width: number, height: number, sigma: number): Float32Array {
  const radius = Math.max(1, Math.ceil(sigma * 3));
  const weights = Float32Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)),
  );
  const sum = weights.reduce((a, b) => a + b, 0);
  const across = new Float32Array(plane.length);
  const out = new Float32Array(plane.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let value = 0;
      for (let k = -radius; k <= radius; k++)
        value += weights[k + radius] * plane[y * width + Math.min(width - 1, Math.max(0, x + k))];
      across[y * width + x] = value / sum;
    }
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let value = 0;
      for (let k = -radius; k <= radius; k++)
        value += weights[k + radius] * across[Math.min(height - 1, Math.max(0, y + k)) * width + x];
      out[y * width + x] = value / sum;
    }
  }
  return out;
}

/** Mean over squares of an odd side; beyond the edge nothing counts, so the border is a mean of fewer. */
export function boxBlur(plane: Float32Array, width: number, height: number, side: number): Float32Array {
  const radius = (side - 1) / 2;
  const rows = new Float32Array(plane.length);
  const out = new Float32Array(plane.length);
  slide(plane, rows, height, width, width, 1, radius);
  slide(rows, out, width, height, 1, width, radius);
  return out;
}

function slide(
  from: Float32Array,
  to: Float32Array,
  lines: number,
  length: number,
  lineStep: number,
  step: number,
  radius: number,
): void {
  for (let line = 0; line < lines; line++) {
    const base = line * lineStep;
    let sum = 0;
    for (let i = 0; i < Math.min(radius, length); i++) sum += from[base + i * step];
    for (let i = 0; i < length; i++) {
      if (i + radius < length) sum += from[base + (i + radius) * step];
      if (i - radius - 1 >= 0) sum -= from[base + (i - radius - 1) * step];
      const count = Math.min(length - 1, i + radius) - Math.max(0, i - radius) + 1;
      to[base + i * step] = sum / count;
    }
  }
}
