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
