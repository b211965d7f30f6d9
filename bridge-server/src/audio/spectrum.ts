/**
 * Magnitudes of the spectrum of real frames, one frame after the other.
 * @param size samples a frame, a power of two
 * @returns a function from `size` samples (windowed here, Hann) to `size / 2 + 1` magnitudes; the array is used again
 */
export function createSpectrum(size: number): (samples: Float32Array) => Float32Array {
  const half = size / 2;
  const window = Float32Array.from({ length: size }, (_, at) => 0.5 - 0.5 * Math.cos((2 * Math.PI * at) / size));
  const cosines = Float64Array.from({ length: size }, (_, at) => Math.cos((2 * Math.PI * at) / size));
  const sines = Float64Array.from({ length: size }, (_, at) => -Math.sin((2 * Math.PI * at) / size));
  const bits = Math.log2(half);
  const reversed = Uint32Array.from({ length: half }, (_, at) => {
    let back = 0;
    for (let bit = 0; bit < bits; bit++) back |= ((at >> bit) & 1) << (bits - 1 - bit);
    return back;
  });
  const real = new Float64Array(half);
  const imaginary = new Float64Array(half);
  const magnitudes = new Float32Array(half + 1);

  /** In place, decimation in time. */
  function transform(): void {
    for (let width = 2; width <= half; width *= 2) {
      const step = size / width;
      for (let start = 0; start < half; start += width) {
        for (let at = 0; at < width / 2; at++) {
          const [c, s] = [cosines[at * step], sines[at * step]];
          const [low, high] = [start + at, start + at + width / 2];
          const re = real[high] * c - imaginary[high] * s;
          const im = real[high] * s + imaginary[high] * c;
          real[high] = real[low] - re;
          imaginary[high] = imaginary[low] - im;
          real[low] += re;
          imaginary[low] += im;
        }
      }
    }
  }

  return samples => {
    // Even samples as real, odd ones as imaginary parts: one transform of half the length gives the whole spectrum.
    for (let at = 0; at < half; at++) {
      real[reversed[at]] = samples[2 * at] * window[2 * at];
      imaginary[reversed[at]] = samples[2 * at + 1] * window[2 * at + 1];
    }
    transform();
    for (let at = 0; at <= half; at++) {
      const [here, mirror] = [at % half, (half - at) % half];
      const evenRe = (real[here] + real[mirror]) / 2;
      const evenIm = (imaginary[here] - imaginary[mirror]) / 2;
      const oddRe = (imaginary[here] + imaginary[mirror]) / 2;
      const oddIm = (real[mirror] - real[here]) / 2;
      const re = evenRe + cosines[at] * oddRe - sines[at] * oddIm;
      const im = evenIm + cosines[at] * oddIm + sines[at] * oddRe;
      magnitudes[at] = Math.hypot(re, im);
    }
    return magnitudes;
  };
}
