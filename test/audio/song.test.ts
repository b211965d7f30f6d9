import { createSoundReader, soundRate } from '../../bridge-server/src/audio/sound-frames';
import { findSong, type Song } from '../../bridge-server/src/audio/song';
import { createSpectrum } from '../../bridge-server/src/audio/spectrum';
import { join, makePart, makeRandom, playPart } from './make-song';

function listen(samples: Float32Array): Song {
  const reader = createSoundReader();
  reader.push(samples);
  return findSong(reader.finish());
}
const startsOf = (song: Song) => song.sections.map(section => section.startSeconds).slice(1);
const found = (starts: readonly number[], truth: readonly number[]) =>
  truth.filter(at => starts.some(start => Math.abs(start - at) <= 3)).length;

/** A song of parts that differ in key, chords, tones, drums and loudness; `order` says which comes when. */
function makeSong(seed: number, order: string, fadeSeconds = 0) {
  const random = makeRandom(seed);
  const parts = new Map([...'ABC'].map(name => [name, makePart(random, 9 + random() * 9)]));
  return join(
    [...order].map(name => playPart(parts.get(name)!, random)),
    fadeSeconds,
  );
}

test('the spectrum is that of the definition', () => {
  const random = makeRandom(1);
  const samples = Float32Array.from({ length: 64 }, () => random() - 0.5);
  const magnitudes = createSpectrum(64)(samples);
  for (let bin = 0; bin <= 32; bin++) {
    let [re, im] = [0, 0];
    samples.forEach((sample, at) => {
      const windowed = sample * (0.5 - 0.5 * Math.cos((2 * Math.PI * at) / 64));
      re += windowed * Math.cos((2 * Math.PI * bin * at) / 64);
      im -= windowed * Math.sin((2 * Math.PI * bin * at) / 64);
    });
    expect(magnitudes[bin]).toBeCloseTo(Math.hypot(re, im), 5);
  }
});

test('the same sound in pieces of any length is heard the same', () => {
  const { samples } = makeSong(5, 'AB');
  const whole = createSoundReader();
  whole.push(samples);
  const pieces = createSoundReader();
  for (let at = 0, length = 1; at < samples.length; at += length, length = (length * 7 + 3) % 9000)
    pieces.push(samples.subarray(at, at + length));
  expect(pieces.finish()).toEqual(whole.finish());
});

test('over many songs that were made at random, four boundaries of five are found and four of five found are right', () => {
  const orders = ['ABAC', 'ABCB', 'AB', 'ABC', 'ABACA', 'ABAB'];
  let [hits, truths, said] = [0, 0, 0];
  for (let seed = 1; seed <= 8; seed++) {
    const { samples, starts } = makeSong(seed * 31, orders[seed % orders.length], [0, 0, 1.5][seed % 3]);
    const own = startsOf(listen(samples));
    hits += found(own, starts.slice(1));
    truths += starts.length - 1;
    said += own.length;
  }
  expect(hits / truths).toBeGreaterThan(0.8);
  expect(hits / said).toBeGreaterThan(0.8);
});

test('a part that comes again has its letter again', () => {
  const { samples, starts } = makeSong(77, 'ABAC');
  const song = listen(samples);
  expect(found(startsOf(song), starts.slice(1))).toBe(3);
  expect(song.sections.map(section => section.label).join('')).toBe('ABAC');
});

test('beats are strokes of the drums, also after the tempo has changed', () => {
  const random = makeRandom(3);
  const base = { ...makePart(random, 15), drums: 0.6, bass: 0, gain: 1 };
  const { samples } = join([playPart({ ...base, tempo: 96 }, random), playPart({ ...base, tempo: 132 }, random)]);
  const { beats } = listen(samples);
  const late = (beat: number) => {
    // Drums are struck on every beat and half way between two.
    const [from, stroke] = beat < 15 ? [0, 30 / 96] : [15, 30 / 132];
    return Math.abs((beat - from) / stroke - Math.round((beat - from) / stroke)) * stroke;
  };
  const steady = beats.filter(beat => Math.abs(beat - 15) > 2);
  expect(steady.length).toBeGreaterThan(30);
  expect(steady.filter(beat => late(beat) < 0.05).length / steady.length).toBeGreaterThan(0.9);
  const early = beats.filter(beat => beat < 13);
  expect((60 * (early.length - 1)) / (early[early.length - 1] - early[0])).toBeCloseTo(96, -0.6);
});

test('boundaries lie on beats', () => {
  const { samples } = makeSong(31, 'ABAC');
  const song = listen(samples);
  expect(song.beats.length).toBeGreaterThan(20);
  for (const start of startsOf(song)) expect(song.beats).toContain(start);
});

test('silence, a moment, nothing: no beats and no invented sections', () => {
  const silent = listen(new Float32Array(20 * soundRate));
  expect(silent).toMatchObject({ beats: [], sections: [{ startSeconds: 0, endSeconds: 20, label: 'A' }] });
  expect(Math.max(...silent.waveform)).toBe(0);
  const moment = listen(Float32Array.from({ length: 800 }, (_, at) => Math.sin(at / 5)));
  expect(moment).toMatchObject({ beats: [], sections: [{ startSeconds: 0, endSeconds: 0.036, label: 'A' }] });
  expect(moment.waveform).toEqual([1]);
  expect(listen(new Float32Array(0))).toEqual({ beats: [], sections: [], waveform: [] });
});

test('silence between two parts neither hides nor multiplies boundaries', () => {
  const random = makeRandom(8);
  const parts = [makePart(random, 14), makePart(random, 14)].map(part => playPart(part, random));
  const { samples } = join([parts[0], new Float32Array(8 * soundRate), parts[1]]);
  const starts = startsOf(listen(samples));
  expect(found(starts, [14, 22])).toBe(2);
  expect(starts.length).toBeLessThanOrEqual(3);
});

test('steady noise and a held tone are one section each', () => {
  const random = makeRandom(2);
  const noise = Float32Array.from({ length: 40 * soundRate }, () => random() - 0.5);
  expect(listen(noise).sections).toHaveLength(1);
  const tone = Float32Array.from(
    { length: 90 * soundRate },
    (_, at) => Math.round(4000 * Math.sin((2 * Math.PI * 330 * at) / soundRate)) / 32768,
  );
  expect(listen(tone).sections).toHaveLength(1);
});
