/** IEEE 754 half precision as bit patterns, rounded to the nearest, ties to even; what is too large becomes infinite. */
const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

export function toHalf(values: ArrayLike<number>): Uint16Array {
  const out = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    float[0] = values[i];
    const word = bits[0];
    const sign = (word >>> 16) & 0x8000;
    const exponent = (word >>> 23) & 0xff;
    const mantissa = word & 0x7fffff;
    if (exponent === 0xff) out[i] = sign | 0x7c00 | (mantissa === 0 ? 0 : 0x200);
    else if (exponent > 142) out[i] = sign | 0x7c00;
    else if (exponent < 102) out[i] = sign;
    else {
      // Subnormal halves keep fewer of the 24 significant bits.
      const shift = exponent < 113 ? 126 - exponent : 13;
      const whole = exponent < 113 ? mantissa | 0x800000 : ((exponent - 112) << 23) | mantissa;
      const half = 1 << (shift - 1);
      const rest = whole & ((1 << shift) - 1);
      const kept = whole >>> shift;
      out[i] = sign | (rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept);
    }
  }
  return out;
}

export function fromHalf(halves: Uint16Array): Float32Array {
  const out = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) {
    const sign = halves[i] & 0x8000 ? -1 : 1;
    const exponent = (halves[i] >>> 10) & 0x1f;
    const mantissa = halves[i] & 0x3ff;
    if (exponent === 0) out[i] = sign * mantissa * 2 ** -24;
    else if (exponent === 31) out[i] = mantissa === 0 ? sign * Infinity : NaN;
    else out[i] = sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
  }
  return out;
}
