import { createSpectrum } from './spectrum';

/** Samples a second of the sound that is listened to: one channel, highs up to 11 kHz. */
export const soundRate = 22050;
export const hopSamples = 512;
export const hopSeconds = hopSamples / soundRate;
/** Hops that share one chroma: tones need long windows and change slowly. */
export const hopsPerChroma = 4;
export const melBands = 40;

const shortWindow = 2048;
const longWindow = 8192;
/** Peaks kept of the waveform: some 20 a second, brought down to what is drawn later. */
const peakSamples = 1024;

/** What is kept of a sound while it streams by: 7 kB a second. */
export type SoundFrames = {
  readonly seconds: number;
  /** [hops, melBands], power; hop h is centred on h * hopSeconds. */
  readonly mel: Float32Array;
  /** [hops / hopsPerChroma, 12], magnitudes by pitch class, A first. */
  readonly chroma: Float32Array;
  /** Largest magnitude of each 1024 samples, 0 to 1. */
  readonly peaks: Float32Array;
};

/** Triangles of equal width on the mel scale (Slaney's formula, 40 bands from 40 Hz to 11 kHz). */
function makeMelWeights(): { readonly first: number; readonly weights: Float32Array }[] {
  const toMel = (hertz: number) =>
    hertz < 1000 ? hertz / (200 / 3) : 15 + Math.log(hertz / 1000) / (Math.log(6.4) / 27);
  const toHertz = (mel: number) => (mel < 15 ? mel * (200 / 3) : 1000 * Math.exp((mel - 15) * (Math.log(6.4) / 27)));
  const [low, high] = [toMel(40), toMel(soundRate / 2)];
  const edges = Array.from({ length: melBands + 2 }, (_, at) => toHertz(low + ((high - low) * at) / (melBands + 1)));
  const binHertz = soundRate / shortWindow;
  return Array.from({ length: melBands }, (_, band) => {
    const [from, middle, to] = edges.slice(band, band + 3);
    const first = Math.max(0, Math.floor(from / binHertz));
    const last = Math.min(shortWindow / 2, Math.ceil(to / binHertz));
    const weights = Float32Array.from({ length: last - first + 1 }, (_, at) => {
      const hertz = (first + at) * binHertz;
      return Math.max(0, Math.min((hertz - from) / (middle - from), (to - hertz) / (to - middle)));
    });
    return { first, weights };
  });
}

/** Bins of the long window that hold a tone between A1 and A7, with their pitch class. */
function makePitchClasses(): { readonly bin: number; readonly pitch: number }[] {
  const binHertz = soundRate / longWindow;
  return Array.from({ length: longWindow / 2 }, (_, bin) => ({ bin, hertz: bin * binHertz }))
    .filter(({ hertz }) => hertz >= 55 && hertz <= 3520)
    .map(({ bin, hertz }) => ({ bin, pitch: ((Math.round(12 * Math.log2(hertz / 440)) % 12) + 12) % 12 }));
}

class Growing {
  private values = new Float32Array(1 << 16);
  length = 0;
  add(value: number): void {
    if (this.length === this.values.length) {
      const larger = new Float32Array(this.values.length * 2);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.length++] = value;
  }
  take(): Float32Array {
    return this.values.slice(0, this.length);
  }
}

export type SoundReader = {
  /** Mono, at `soundRate`, in pieces of any length. */
  push(samples: Float32Array): void;
  finish(): SoundFrames;
};

/** Listens to a sound of any length in little memory. */
export function createSoundReader(): SoundReader {
  const shortSpectrum = createSpectrum(shortWindow);
  const longSpectrum = createSpectrum(longWindow);
  const melWeights = makeMelWeights();
  const pitchClasses = makePitchClasses();
  const mel = new Growing();
  const chroma = new Growing();
  const peaks = new Growing();
  // Half a window of silence before the beginning: hop 0 is centred on sample 0.
  const buffer = new Float32Array(longWindow * 4);
  let filled = longWindow / 2;
  let hops = 0;
  let total = 0;
  let peak = 0;
  const short = new Float32Array(shortWindow);
  const classes = new Float64Array(12);

  function hop(): void {
    short.set(buffer.subarray((longWindow - shortWindow) / 2, (longWindow + shortWindow) / 2));
    const magnitudes = shortSpectrum(short);
    for (const { first, weights } of melWeights) {
      let power = 0;
      for (let at = 0; at < weights.length; at++) power += weights[at] * magnitudes[first + at] ** 2;
      mel.add(power);
    }
    if (hops % hopsPerChroma === 0) {
      const tones = longSpectrum(buffer.subarray(0, longWindow));
      classes.fill(0);
      for (const { bin, pitch } of pitchClasses) {
        // Peaks only: what lies between two tones belongs to neither.
        if (tones[bin] > tones[bin - 1] && tones[bin] >= tones[bin + 1]) classes[pitch] += tones[bin];
      }
      for (const value of classes) chroma.add(value);
    }
    hops++;
    buffer.copyWithin(0, hopSamples, filled);
    filled -= hopSamples;
  }

  function take(samples: Float32Array): void {
    for (let at = 0; at < samples.length;) {
      const count = Math.min(samples.length - at, buffer.length - filled);
      buffer.set(samples.subarray(at, at + count), filled);
      filled += count;
      at += count;
      while (filled >= longWindow) hop();
    }
  }

  return {
    push(samples) {
      for (const sample of samples) {
        peak = Math.max(peak, Math.min(1, Math.abs(sample)));
        if (++total % peakSamples === 0) {
          peaks.add(peak);
          peak = 0;
        }
      }
      take(samples);
    },
    finish() {
      if (total % peakSamples !== 0) peaks.add(peak);
      const wanted = Math.ceil(total / hopSamples);
      const silence = new Float32Array(hopSamples);
      while (hops < wanted) take(silence);
      return {
        seconds: total / soundRate,
        mel: mel.take().subarray(0, wanted * melBands),
        chroma: chroma.take().subarray(0, Math.ceil(wanted / hopsPerChroma) * 12),
        peaks: peaks.take(),
      };
    },
  };
}
