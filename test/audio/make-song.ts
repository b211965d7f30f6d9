import { soundRate } from '../../bridge-server/src/audio/sound-frames';

/** One part of a made-up song. */
export type Part = {
  readonly seconds: number;
  readonly tempo: number;
  /** Semitones above A3. */
  readonly key: number;
  /** Chords as semitones above the key, one a bar. */
  readonly chords: readonly (readonly number[])[];
  /** Loudness of the harmonics of each tone. */
  readonly timbre: readonly number[];
  readonly drums: number;
  readonly bass: number;
  readonly gain: number;
  /** Tones die away in so many seconds: small for plucked, large for held ones. */
  readonly decay: number;
};

/** A repeatable source of chance. */
export function makeRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const major = [0, 4, 7];
const minor = [0, 3, 7];
const shift = (chord: readonly number[], by: number) => chord.map(tone => tone + by);
const progressions = [
  [major, shift(major, 7), shift(minor, 9), shift(major, 5)],
  [minor, shift(major, 8), shift(major, 3), shift(major, 10)],
  [major, shift(minor, 2), shift(major, 7), major],
  [minor, minor, shift(minor, 5), shift(major, 7)],
];

export function makePart(random: () => number, seconds: number): Part {
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)];
  const bright = 0.3 + 0.6 * random();
  return {
    seconds,
    tempo: 70 + Math.floor(random() * 90),
    key: Math.floor(random() * 12) - 6,
    chords: pick(progressions),
    timbre: Array.from({ length: 8 }, (_, harmonic) => bright ** harmonic * (0.4 + 0.6 * random())),
    drums: pick([0, 0.3, 0.6]),
    bass: pick([0, 0.3]),
    gain: 0.4 + 0.6 * random(),
    decay: pick([0.15, 0.5, 3]),
  };
}

/** Samples of one part at `soundRate`. */
export function playPart(part: Part, random: () => number): Float32Array {
  const out = new Float32Array(Math.round(part.seconds * soundRate));
  const beat = (60 / part.tempo) * soundRate;
  const tones = new Map<string, Float32Array>();
  const makeTone = (length: number, semitones: number, timbre: readonly number[]) => {
    const hertz = 220 * 2 ** (semitones / 12);
    return Float32Array.from({ length }, (_, at) => {
      const time = at / soundRate;
      const envelope = Math.min(1, time / 0.01) * Math.exp(-time / part.decay) * Math.min(1, (length - at) / 200);
      const heard = timbre.filter((__, harmonic) => hertz * (harmonic + 1) < soundRate / 2);
      return (
        envelope *
        heard.reduce((sum, level, harmonic) => sum + level * Math.sin(2 * Math.PI * hertz * (harmonic + 1) * time), 0)
      );
    });
  };
  const tone = (from: number, length: number, semitones: number, level: number, timbre: readonly number[]) => {
    const key = `${length} ${semitones} ${timbre.length}`;
    const samples = tones.get(key) ?? makeTone(length, semitones, timbre);
    tones.set(key, samples);
    for (let at = 0; at < length && from + at < out.length; at++) out[from + at] += level * samples[at];
  };
  const hit = (from: number, level: number, low: boolean) => {
    let before = 0;
    for (let at = 0; at < 0.15 * soundRate && from + at < out.length; at++) {
      const time = at / soundRate;
      const noise = random() * 2 - 1;
      const value = low ? Math.sin(2 * Math.PI * (50 + 80 * Math.exp(-time * 30)) * time) : noise - before;
      before = noise;
      out[from + at] += level * value * Math.exp(-time * (low ? 20 : 45));
    }
  };
  for (let count = 0; count * beat < out.length; count++) {
    const from = Math.round(count * beat);
    const chord = part.chords[Math.floor(count / 4) % part.chords.length];
    for (const semitones of chord) tone(from, Math.round(beat), part.key + semitones, 0.08, part.timbre);
    if (part.bass > 0) tone(from, Math.round(beat / 2), part.key + chord[0] - 24, part.bass, [1, 0.4]);
    if (part.drums > 0) {
      if (count % 2 === 0) hit(from, part.drums, true);
      else hit(from, part.drums, false);
      hit(Math.round(from + beat / 2), part.drums * 0.4, false);
    }
  }
  return out.map(value => value * part.gain);
}

/** Puts parts behind one another, each overlapping the one before by `fadeSeconds`. */
export function join(parts: readonly Float32Array[], fadeSeconds = 0): { samples: Float32Array; starts: number[] } {
  const fade = Math.round(fadeSeconds * soundRate);
  const starts: number[] = [];
  let length = 0;
  for (const part of parts) {
    starts.push(length / soundRate);
    length += part.length - fade;
  }
  const samples = new Float32Array(length + fade);
  parts.forEach((part, order) => {
    const from = Math.round(starts[order] * soundRate);
    part.forEach((value, at) => {
      const fadeIn = order === 0 || fade === 0 ? 1 : Math.min(1, at / fade);
      const fadeOut = order === parts.length - 1 || fade === 0 ? 1 : Math.min(1, (part.length - at) / fade);
      samples[from + at] += value * fadeIn * fadeOut;
    });
  });
  return { samples, starts: starts.map((start, order) => (order === 0 ? 0 : start + fadeSeconds / 2)) };
}
