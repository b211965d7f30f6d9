import { AppError } from '#protocol/errors';
import { ffmpegInUse } from './find-ffmpeg';
import { fileSize, packetsOf } from './probe';
import { commonArgs, inputArgs, problemOf, startFfmpeg, throwIfAborted, throwIfCrashed } from './run-ffmpeg';

/** Decoding sound at ten times its own pace is slow. */
const slowest = 10;

export type SoundFacts = { readonly seconds: number };

async function soundOf(path: string, signal?: AbortSignal) {
  await fileSize(path);
  const ffmpeg = await ffmpegInUse();
  const { facts, endSeconds, problems } = await packetsOf(ffmpeg, path, signal);
  if (!facts) throw new AppError('NOT_MEDIA', { path, problem: problems[0] ?? '' });
  if (!facts.hasAudio) throw new AppError('NO_SOUND', { path });
  return { ffmpeg, endSeconds };
}

/** @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, NO_SOUND, NOT_MEDIA, FFMPEG_NOT_FOUND */
export async function probeSound(path: string): Promise<SoundFacts> {
  return { seconds: (await soundOf(path)).endSeconds };
}

/**
 * The first sound of a file as one channel, in pieces of any length. It begins where the file begins: sound that sets
 * in later is preceded by silence.
 * @param rate samples a second
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, NO_SOUND, NOT_MEDIA, MEDIA_DAMAGED, FFMPEG_FAILED, FFMPEG_NOT_FOUND, CANCELLED
 */
export async function* decodeSound(
  path: string,
  { rate, signal }: { readonly rate: number; readonly signal?: AbortSignal },
): AsyncGenerator<Float32Array, void, undefined> {
  const { ffmpeg, endSeconds } = await soundOf(path, signal);
  const args = [
    ...[...commonArgs(), ...inputArgs(path), '-map', '0:a:0', '-vn', '-sn', '-dn'],
    ...['-af', 'aresample=async=1:first_pts=0', '-ac', '1', '-ar', String(rate), '-c:a', 'pcm_f32le', '-f', 'f32le'],
    'pipe:1',
  ];
  const running = startFfmpeg(ffmpeg, args, { timeoutMs: 60_000 + (endSeconds / slowest) * 1000, signal });
  let samples = 0;
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const part of running.stdout) {
      const bytes = rest.length > 0 ? Buffer.concat([rest, part as Buffer]) : (part as Buffer);
      const whole = bytes.length - (bytes.length % 4);
      rest = bytes.subarray(whole);
      const piece = new Float32Array(whole / 4);
      for (let at = 0; at < piece.length; at++) {
        const sample = bytes.readFloatLE(at * 4);
        // Files of floats may hold anything.
        piece[at] = Number.isFinite(sample) ? sample : 0;
      }
      samples += piece.length;
      yield piece;
    }
    const ended = await running.done;
    throwIfAborted(signal);
    throwIfCrashed(ended, 'decode the sound');
    if (ended.timedOut) throw new AppError('MEDIA_DAMAGED', { path, problem: 'decoding its sound takes far too long' });
    if (samples === 0) throw new AppError('MEDIA_DAMAGED', { path, problem: problemOf(running) });
  } finally {
    running.kill();
    await running.done;
  }
}
