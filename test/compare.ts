/** Of values that stand in pairs: never of what only one of the two has. */
function assertPaired(a: Float32Array, b: Float32Array): void {
  if (a.length !== b.length) throw new RangeError(`${a.length} values beside ${b.length}`);
}

/** The largest distance of two values in the same place. */
export function worstDifference(a: Float32Array, b: Float32Array): number {
  assertPaired(a, b);
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i])), 0);
}

export function meanDifference(a: Float32Array, b: Float32Array): number {
  assertPaired(a, b);
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;
}

/** In dB, of values 0..1. */
export function psnr(a: Float32Array, b: Float32Array): number {
  assertPaired(a, b);
  return -10 * Math.log10(a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0) / a.length);
}
