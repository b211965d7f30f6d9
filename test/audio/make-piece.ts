import { soundRate } from '../../bridge-server/src/audio/sound-frames';
import { makeRandom } from './make-song';

/** Made-up pieces of music as people make them: bars, chords and a band, sections of whole bars, and what blurs them. */
export const pieceKinds = [
  'same key', // verse and chorus differ by chords, density and brightness only
  'tempo changes', // the same band in another tempo
  'drop', // a build-up with a riser, a drop, a breakdown
  'quiet bridge', // a bridge that is far softer than all else
  'spoken intro', // somebody speaks before and after the music
  'live', // hiss, a room, an uneven hand
  'chamber', // no drums; key, register and loudness change
  'harmony only', // only the chords change, under one beat
  'fades', // a slow fade-in and a long fade-out, which are no boundaries
] as const;
export type PieceKind = (typeof pieceKinds)[number];

/** `starts` are seconds at which sections begin, 0 included. */
export type Piece = { readonly samples: Float32Array; readonly starts: readonly number[] };

type Section = {
  readonly bars: number;
  readonly tempo: number;
  /** Chords by bar, as semitones above A2. */
  readonly chords: readonly (readonly number[])[];
  readonly melody: readonly number[];
  /** Share of each harmonic that the next one has. */
  readonly bright: number;
  readonly level: Readonly<Partial<Record<'pad' | 'pluck' | 'bass' | 'kick' | 'snare' | 'hats' | 'lead', number>>>;
  readonly gain: number;
  /** Noise that swells to the end of the section. */
  readonly riser?: number;
};

const scales = { major: [0, 2, 4, 5, 7, 9, 11], minor: [0, 2, 3, 5, 7, 8, 10] };

function createDice(seed: number) {
  const random = makeRandom(seed);
  const between = (low: number, high: number) => low + (high - low) * random();
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)];
  return { random, between, pick, whole: (low: number, high: number) => Math.floor(between(low, high + 1)) };
}
type Dice = ReturnType<typeof createDice>;

/** Three tones of a scale from one of its degrees. */
const triad = (scale: readonly number[], degree: number) =>
  [0, 2, 4].map(step => scale[(degree + step) % 7] + 12 * Math.floor((degree + step) / 7));

function makeChords({ pick }: Dice, key: number, scale: readonly number[]): number[][] {
  const degrees = pick([
    [0, 4, 5, 3],
    [5, 3, 0, 4],
    [0, 3, 4, 4],
    [0, 5, 3, 4],
    [1, 4, 0, 0],
    [3, 3, 0, 4],
    [5, 4, 3, 4],
  ]);
  return degrees.map(degree => triad(scale, degree).map(tone => tone + key));
}
const makeMelody = ({ whole, pick }: Dice, key: number, scale: readonly number[]) =>
  Array.from({ length: 16 }, () => key + 12 + scale[whole(0, 6)] + pick([0, 0, 12]));

function makeSection(dice: Dice, change: Partial<Section> & { key: number; scale: readonly number[] }): Section {
  const { key, scale, ...rest } = change;
  return {
    bars: dice.pick([4, 8, 8, 8]),
    tempo: 110,
    chords: makeChords(dice, key, scale),
    melody: makeMelody(dice, key, scale),
    bright: dice.between(0.35, 0.6),
    level: { pad: 0.5, bass: 0.6 },
    gain: 1,
    ...rest,
  };
}

/** What the band plays in a verse, a chorus and so on; each song has its own. */
function makeBand(dice: Dice) {
  const { between, pick } = dice;
  const key = dice.whole(0, 11);
  const scale = pick([scales.major, scales.minor]);
  const tempo = between(84, 148);
  const base = { key, scale, tempo };
  const verseLead = between(0.3, 0.6);
  const verse = makeSection(dice, {
    ...base,
    level: { pluck: between(0.4, 0.7), bass: 0.5, kick: 0.5, hats: between(0.05, 0.25), lead: verseLead },
  });
  const chorus = makeSection(dice, {
    ...base,
    bright: verse.bright + between(0.08, 0.25),
    level: {
      pad: between(0.4, 0.8),
      bass: 0.7,
      kick: 0.7,
      snare: 0.6,
      hats: between(0.25, 0.5),
      lead: verseLead + 0.2,
    },
    gain: between(1.1, 1.5),
  });
  const bridge = makeSection(dice, {
    ...base,
    level: { pad: between(0.4, 0.7), lead: pick([0, 0.3]), hats: pick([0, 0.1]) },
    gain: between(0.5, 0.9),
  });
  const intro = makeSection(dice, { ...base, bars: 4, level: { pluck: between(0.4, 0.7) }, gain: 0.7 });
  return { key, scale, tempo, verse, chorus, bridge, intro };
}

function sectionsOf(kind: PieceKind, dice: Dice): Section[] {
  const { between, pick } = dice;
  const band = makeBand(dice);
  const { key, scale, tempo, verse, chorus, bridge, intro } = band;
  const usual = pick([
    [intro, verse, chorus, verse, chorus],
    [verse, chorus, verse, chorus, bridge, chorus],
    [verse, chorus, bridge, chorus],
    [intro, verse, chorus, bridge],
  ]);
  switch (kind) {
    case 'tempo changes': {
      const other = tempo * pick([0.7, 0.8, 1.25, 1.4]);
      return [
        verse,
        { ...verse, tempo: other, melody: chorus.melody },
        { ...chorus, tempo },
        { ...bridge, tempo: other },
      ];
    }
    case 'drop': {
      const beat = { kick: 1, bass: 0.9, hats: 0.4 };
      const build = { ...bridge, bars: 8, riser: between(0.2, 0.5), level: { pluck: 0.5, snare: 0.3 }, gain: 0.7 };
      const drop = { ...chorus, bars: 8, level: { ...beat, pluck: 0.6, lead: 0.6 }, gain: 1.5 };
      const breakdown = { ...bridge, bars: 8, level: { pad: 0.7, lead: 0.3 } };
      return pick([
        [intro, build, drop, breakdown, { ...build, bars: 4 }, drop],
        [{ ...verse, level: beat }, breakdown, build, drop, { ...verse, level: beat }],
      ]);
    }
    case 'quiet bridge':
      return [verse, chorus, { ...bridge, gain: between(0.06, 0.15) }, chorus];
    case 'live':
      return usual.map(section => ({ ...section, gain: Math.sqrt(section.gain) }));
    case 'chamber': {
      const part = (by: number, gain: number, bright: number, scaleOf = scale) =>
        makeSection(dice, {
          key: key + by,
          scale: scaleOf,
          tempo: tempo * between(0.6, 0.9),
          bright,
          level: { pad: between(0.5, 0.9), lead: between(0.3, 0.7), bass: pick([0, 0.3]) },
          gain,
        });
      const [a, b, c] = [
        part(0, 0.6, 0.35),
        part(pick([5, 7]), 1.2, 0.55),
        part(pick([3, 9]), 0.4, 0.25, scales.minor),
      ];
      return pick([
        [a, b, a, c],
        [a, b, c, a],
        [b, a, c],
      ]);
    }
    case 'harmony only': {
      const level = { pad: 0.7, bass: 0.5, kick: 0.5, hats: 0.2 };
      const [a, b, c] = [0, pick([3, 4, 5]), pick([7, 8, 10])].map(by =>
        makeSection(dice, { key: key + by, scale, tempo, level, bars: 8, bright: 0.5 }),
      );
      return pick([
        [a, b, a, c],
        [a, b, c, b],
      ]);
    }
    default:
      return usual;
  }
}

/** Plays instruments into a buffer. Tones of one length and pitch are computed once. */
function createPlayer(out: Float32Array, { random }: Dice) {
  const tones = new Map<string, Float32Array>();
  const makeTone = (length: number, semitones: number, bright: number, decay: number, vibrato: number) => {
    const tone = new Float32Array(length);
    const hertz = 110 * 2 ** (semitones / 12);
    for (let harmonic = 1; harmonic <= 10 && hertz * harmonic < 0.45 * soundRate; harmonic++) {
      const level = bright ** (harmonic - 1);
      for (let at = 0; at < length; at++) {
        const time = at / soundRate;
        const bend = vibrato * Math.sin(2 * Math.PI * 5.5 * time);
        tone[at] += level * Math.sin(2 * Math.PI * harmonic * (hertz * time + bend));
      }
    }
    for (let at = 0; at < length; at++)
      tone[at] *= Math.min(1, at / 220, (length - at) / 440) * Math.exp(-at / soundRate / decay);
    return tone;
  };
  return {
    tone(from: number, length: number, semitones: number, level: number, bright: number, decay: number, vibrato = 0) {
      const key = [length, semitones, bright, decay, vibrato].join();
      const tone = tones.get(key) ?? makeTone(length, semitones, bright, decay, vibrato);
      tones.set(key, tone);
      for (let at = 0; at < length && from + at < out.length; at++) out[from + at] += level * tone[at];
    },
    kick(from: number, level: number) {
      for (let at = 0; at < 0.2 * soundRate && from + at < out.length; at++) {
        const time = at / soundRate;
        out[from + at] +=
          level * Math.sin(2 * Math.PI * (48 * time + 3 * (1 - Math.exp(-time * 30)))) * Math.exp(-time * 18);
      }
    },
    noise(from: number, level: number, decay: number, sharp: boolean) {
      let before = 0;
      for (let at = 0; at < 5 * decay * soundRate && from + at < out.length; at++) {
        const noise = random() * 2 - 1;
        out[from + at] += level * (sharp ? noise - before : noise) * Math.exp(-at / soundRate / decay);
        before = noise;
      }
    },
  };
}

const secondsOf = ({ bars, tempo }: Section) => (bars * 4 * 60) / tempo;

function playSection(section: Section, dice: Dice, unevenness: number): Float32Array {
  const { level, chords, melody, tempo, bright, gain } = section;
  const out = new Float32Array(Math.round(secondsOf(section) * soundRate));
  const player = createPlayer(out, dice);
  const beat = (60 / tempo) * soundRate;
  const beats = section.bars * 4;
  const length = Math.round(beat);
  const at = (count: number) => Math.max(0, Math.round(count * beat + unevenness * soundRate * dice.between(-1, 1)));
  for (let count = 0; count < beats; count++) {
    const chord = chords[Math.floor(count / 4) % chords.length];
    const from = at(count);
    if (level.pad && count % 4 === 0)
      for (const tone of chord) player.tone(from, 4 * length, tone + 12, 0.07 * level.pad, bright, 8);
    if (level.pluck)
      for (const half of [0, 0.5])
        player.tone(at(count + half), length, chord[(2 * count + 2 * half) % 3] + 12, 0.15 * level.pluck, bright, 0.25);
    if (level.bass) player.tone(from, length, chord[0] - 12, 0.2 * level.bass, 0.4, 0.6);
    if (level.kick && count % 2 === 0) player.kick(from, 0.45 * level.kick);
    if (level.snare && count % 2 === 1) player.noise(from, 0.25 * level.snare, 0.06, false);
    if (level.hats) for (const half of [0, 0.5]) player.noise(at(count + half), 0.12 * level.hats, 0.02, true);
    const note = melody[count % melody.length];
    if (level.lead && count % 4 !== 3)
      player.tone(from, length, note + 12, 0.12 * level.lead, bright + 0.15, 1.5, 0.05);
    // The drummer rolls into the next section.
    if (level.snare && count >= beats - 2)
      for (const quarter of [0.25, 0.5, 0.75]) player.noise(at(count + quarter), 0.15 * level.snare, 0.05, false);
  }
  const riser = section.riser ?? 0;
  for (let index = 0; index < out.length; index++) {
    const swell = riser * (index / out.length) ** 2;
    out[index] = gain * (out[index] + swell * 0.3 * (dice.random() * 2 - 1));
  }
  return out;
}

/** Syllables with the resonances of a mouth, words, breaths: a voice that speaks, as far as an ear without language hears. */
function speak(dice: Dice, seconds: number): Float32Array {
  const out = new Float32Array(Math.round(seconds * soundRate));
  const pitch = dice.between(90, 190);
  for (let at = 0; at < out.length;) {
    const length = Math.round(dice.between(0.09, 0.24) * soundRate);
    const [first, second] = [dice.between(300, 800), dice.between(900, 2400)];
    const hertz = pitch * dice.between(0.85, 1.2);
    for (let harmonic = 1; harmonic * hertz < 4000; harmonic++) {
      const peak = (middle: number, width: number) => Math.exp(-0.5 * ((harmonic * hertz - middle) / width) ** 2);
      const level = 0.1 * (peak(first, 120) + 0.5 * peak(second, 200) + 0.02);
      for (let index = 0; index < length && at + index < out.length; index++) {
        const time = index / soundRate;
        const shape = Math.sin((Math.PI * index) / length);
        out[at + index] += level * shape * Math.sin(2 * Math.PI * harmonic * hertz * time * (1 - 0.1 * time));
      }
    }
    at += length;
    for (let index = 0; index < 0.05 * soundRate && at + index < out.length; index++)
      out[at + index] += 0.03 * (dice.random() * 2 - 1);
    at += Math.round(dice.pick([0.03, 0.05, 0.1, 0.45]) * soundRate);
  }
  return out;
}

/** A room: three echoes and their echoes, and the hiss of the tape. */
function makeLive(samples: Float32Array, { random, between }: Dice): Float32Array {
  const hiss = between(0.004, 0.02);
  const out = samples.slice();
  for (const [delay, level] of [
    [0.031, 0.4],
    [0.047, 0.3],
    [0.083, 0.25],
  ]) {
    const by = Math.round(delay * soundRate);
    for (let at = by; at < out.length; at++) out[at] += level * 0.6 * out[at - by];
  }
  return out.map(value => value + hiss * (random() * 2 - 1));
}

/** A piece of 40 s to some 150 s. The same kind and seed are the same piece. */
export function makePiece(kind: PieceKind, seed: number): Piece {
  const dice = createDice(seed * 9176 + pieceKinds.indexOf(kind) * 131 + 7);
  const unevenness = kind === 'live' ? 0.015 : 0.003;
  const sections = sectionsOf(kind, dice);
  const parts = sections.map(section => playSection(section, dice, unevenness));
  if (kind === 'spoken intro') {
    parts.unshift(speak(dice, dice.between(9, 20)));
    if (dice.random() < 0.5) parts.push(speak(dice, dice.between(9, 16)));
  }
  const starts: number[] = [];
  let length = 0;
  for (const part of parts) {
    starts.push(length / soundRate);
    length += part.length;
  }
  let samples: Float32Array = new Float32Array(length);
  parts.forEach((part, order) => samples.set(part, Math.round(starts[order] * soundRate)));
  if (kind === 'live') samples = makeLive(samples, dice);
  if (kind === 'fades') {
    const [fadeIn, fadeOut] = [dice.between(3, 6) * soundRate, dice.between(8, 14) * soundRate];
    samples = samples.map((value, at) => value * Math.min(1, at / fadeIn, (samples.length - at) / fadeOut));
  }
  const peak = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return { samples: samples.map(value => (0.9 * value) / peak), starts };
}
