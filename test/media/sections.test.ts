import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSoundReader, soundRate } from '../../bridge-server/src/audio/sound-frames';
import { findSong } from '../../bridge-server/src/audio/song';
import { decodeSound } from '../../bridge-server/src/media/decode-sound';
import { runSections } from '../../bridge-server/src/worker/run-sections';
import { makePiece, pieceKinds } from '../audio/make-piece';
import { ffmpeg, tempFolder } from './numbered-clip';

const folder = tempFolder();
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const shared = join(__dirname, '../../../shared/data');
const testWithMusic = existsSync(join(shared, 'audio')) ? test : test.skip;
if (!existsSync(join(shared, 'audio'))) console.warn('skipped: no music in ../shared/data/audio');

async function samplesOf(path: string): Promise<Float32Array> {
  const pieces: Float32Array[] = [];
  for await (const piece of decodeSound(path, { rate: soundRate })) pieces.push(piece);
  const samples = new Float32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  pieces.reduce((from, piece) => (samples.set(piece, from), from + piece.length), 0);
  return samples;
}
const codeOf = (path: string) =>
  runSections(path, {}).then(
    song => `${song.sections.length} sections`,
    (problem: { code?: string }) => problem.code,
  );

function score(found: readonly number[], truth: readonly number[]): { recall: number; precision: number } {
  const hits = truth.filter(boundary => found.some(start => Math.abs(start - boundary) <= 3)).length;
  return { recall: hits / truth.length, precision: found.length === 0 ? 1 : hits / found.length };
}

testWithMusic('sections of music with known boundaries are found within three seconds', async () => {
  const song = await runSections(join(shared, 'audio/sections_abac.ogg'), {});
  const { recall, precision } = score(
    [...song.sections.map(section => section.startSeconds), song.sections.at(-1)!.endSeconds],
    [0, 16, 30, 46, 60],
  );
  expect(recall).toBe(1);
  expect(precision).toBeGreaterThan(0.75);
  expect(song.sections[1].label).toBe(song.sections[3].label);
  expect(song.waveform.length).toBeGreaterThan(1000);
});

testWithMusic('music put together anew, with and without cross-fades, is cut where it was joined', async () => {
  const [jazz, brahms] = await Promise.all(
    ['vibe_ace', 'hungarian_dance_5'].map(name => samplesOf(join(shared, `audio/${name}.ogg`))),
  );
  const cut = (from: Float32Array, first: number, last: number) => from.subarray(first * soundRate, last * soundRate);
  const pieces = [
    { parts: [cut(brahms, 0, 12), cut(jazz, 20, 38), cut(brahms, 0, 12), cut(jazz, 45, 60)], fade: 0 },
    { parts: [cut(jazz, 10, 25), cut(brahms, 14, 25), cut(jazz, 25, 44)], fade: 2 },
    { parts: [cut(jazz, 8, 30), cut(brahms, 26, 34), new Float32Array(6 * soundRate), cut(jazz, 8, 30)], fade: 0 },
  ];
  const scores = pieces.map(({ parts, fade }) => {
    const overlap = fade * soundRate;
    const starts = [0];
    for (const part of parts) starts.push(starts[starts.length - 1] + part.length - overlap);
    const samples = new Float32Array(starts[starts.length - 1] + overlap);
    parts.forEach((part, order) =>
      part.forEach((value, index) => {
        const gain = overlap === 0 ? 1 : Math.min(1, index / overlap, (part.length - index) / overlap);
        samples[starts[order] + index] += value * gain;
      }),
    );
    const reader = createSoundReader();
    reader.push(samples);
    const found = findSong(reader.finish()).sections.map(section => section.startSeconds);
    const truth = starts.slice(0, -1).map((start, order) => start / soundRate + (order > 0 ? fade / 2 : 0));
    return score(found, truth);
  });
  const mean = (key: 'recall' | 'precision') => scores.reduce((sum, each) => sum + each[key], 0) / scores.length;
  expect(mean('recall')).toBeGreaterThanOrEqual(0.75);
  expect(mean('precision')).toBeGreaterThanOrEqual(0.75);
});

test('in made-up pieces of every kind, what begins is found and little else', () => {
  const scores = pieceKinds.map(kind => {
    const { samples, starts } = makePiece(kind, 2001);
    const reader = createSoundReader();
    reader.push(samples);
    const found = findSong(reader.finish()).sections.map(section => section.startSeconds);
    return score(found.slice(1), starts.slice(1));
  });
  const mean = (key: 'recall' | 'precision') => scores.reduce((sum, each) => sum + each[key], 0) / scores.length;
  expect(mean('recall')).toBeGreaterThan(0.85);
  expect(mean('precision')).toBeGreaterThan(0.85);
});

test('mono, stereo and 5.1 are heard the same', async () => {
  const tune = 'aevalsrc=0.3*sin(2*PI*220*t)+0.2*sin(2*PI*330*t*mod(floor(t)\\,2)):d=6:s=44100';
  await ffmpeg(['-f', 'lavfi', '-i', tune, '-ac', '1', at('mono.wav')]);
  await ffmpeg(['-f', 'lavfi', '-i', tune, '-ac', '2', '-c:a', 'flac', at('stereo.flac')]);
  await ffmpeg(['-f', 'lavfi', '-i', tune, '-ac', '6', '-c:a', 'ac3', at('surround.mkv')]);
  for (const name of ['mono.wav', 'stereo.flac', 'surround.mkv']) {
    const song = await runSections(at(name), {});
    expect([name, song.sections.length]).toEqual([name, 1]);
    expect(song.sections[0].endSeconds).toBeCloseTo(6, 1);
    expect(Math.max(...song.waveform)).toBeGreaterThan(0.2);
  }
});

test('sound that sets in after the picture keeps its place', async () => {
  await ffmpeg([
    ...['-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=25:d=8', '-itsoffset', '3', '-f', 'lavfi', '-i', 'sine=440:d=5'],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'aac', at('late.mp4')],
  ]);
  const samples = await samplesOf(at('late.mp4'));
  expect(samples.subarray(0, 2.9 * soundRate).every(value => Math.abs(value) < 0.01)).toBe(true);
  expect(samples.subarray(3.1 * soundRate, 7.5 * soundRate).some(value => Math.abs(value) > 0.05)).toBe(true);
});

test('what cannot be listened to has a code; what is silent or short has one section', async () => {
  await ffmpeg(['-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=25:d=1', at('mute.mp4')]);
  await ffmpeg(['-f', 'lavfi', '-i', 'anullsrc=r=48000', '-t', '12', at('silent.wav')]);
  await ffmpeg(['-f', 'lavfi', '-i', 'sine=440', '-t', '0.05', at('blip.wav')]);
  writeFileSync(at('notes.mp3'), 'la la la\n'.repeat(300));
  expect(await codeOf(at('nowhere.wav'))).toBe('FILE_NOT_FOUND');
  expect(await codeOf(at('notes.mp3'))).toBe('NOT_MEDIA');
  expect(await codeOf(at('mute.mp4'))).toBe('NO_SOUND');
  expect(await codeOf(at('silent.wav'))).toBe('1 sections');
  expect(await codeOf(at('blip.wav'))).toBe('1 sections');
});

test('a file of floats with no numbers in it does no harm', async () => {
  const samples = Float32Array.from({ length: 44100 }, (_, index) =>
    index % 100 === 7 ? NaN : index % 100 === 9 ? Infinity : 0.1,
  );
  const path = at('odd.wav');
  execFileSync(
    process.env.FFMPEG ?? 'ffmpeg',
    ['-v', 'error', '-f', 'f32le', '-ar', '44100', '-ac', '1', '-i', '-', '-c:a', 'pcm_f32le', path],
    {
      input: Buffer.from(samples.buffer),
    },
  );
  const song = await runSections(path, {});
  expect(song.waveform.every(Number.isFinite)).toBe(true);
  expect(song.sections).toHaveLength(1);
});

test('ten minutes are listened to in pieces, and stopped at once', async () => {
  await ffmpeg(['-f', 'lavfi', '-i', 'sine=330:d=600:r=22050', '-c:a', 'pcm_s16le', at('long.wav')]);
  const song = await runSections(at('long.wav'), {});
  expect(song.sections).toHaveLength(1);
  expect(song.sections[0].endSeconds).toBeCloseTo(600, 0);
  const control = new AbortController();
  let heard = 0;
  const stopped = runSections(at('long.wav'), {
    signal: control.signal,
    onSecond: second => {
      heard = second;
      if (second > 20) control.abort();
    },
  });
  await expect(stopped).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(heard).toBeLessThan(300);
});
