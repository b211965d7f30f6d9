import { stat } from 'node:fs/promises';
import { AppError } from '#protocol/errors';
import { sameRate, type Rate } from '#protocol/time';
import { findMissingEnd } from './container-end';
import { ffmpegInUse } from './find-ffmpeg';
import { listSequence } from './picture-sequence';
import { hasAlphaPlane } from './raw-format';
import { hashFile } from './probe';
import { scanPackets, scanPictures } from './scan';
import { probeStill } from './still';
import { findPace } from './timeline';

export type ExpectedClip = {
  readonly frames: number;
  readonly rate: Rate;
  readonly width: number;
  readonly height: number;
  /** True where the clip must have room for alpha. */
  readonly alpha?: boolean;
};

export type VerifiedClip = {
  readonly frames: number;
  readonly rate: Rate;
  readonly width: number;
  readonly height: number;
  readonly codec: string;
  readonly pixelFormat: string;
  readonly hasAlpha: boolean;
  readonly hasAudio: boolean;
  readonly sizeBytes: number;
  /** Of the file; of a sequence, of its first picture. */
  readonly sha256: string;
};

/**
 * Decodes a finished clip in full, counts its pictures and checks that their times are exactly those of the rate.
 * @param path a clip, or what `createEncoder` took as the path of a PNG sequence
 * @throws AppError RESULT_INCOMPLETE (another count), RESULT_WRONG (anything else), FFMPEG_NOT_FOUND, CANCELLED
 */
export async function verifyClip(path: string, expected: ExpectedClip, signal?: AbortSignal): Promise<VerifiedClip> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return verifySequence(path, expected);
  const wrong = (problem: string) => new AppError('RESULT_WRONG', { path, problem });
  const missing = await findMissingEnd(path);
  if (missing) throw wrong(missing);
  const ffmpeg = await ffmpegInUse();
  const pictures = await scanPictures(ffmpeg, path, { signal, onlyWhole: true });
  checkCount(pictures.pictures, expected, path);
  if (pictures.problems.length > 0) throw wrong(pictures.problems[0]);
  const { timeline, first } = pictures;
  const packets = await scanPackets(ffmpeg, path, signal);
  if (!timeline || !first) throw wrong('its pictures have no times');
  // Exactly, not nearly: time x rate is the number of the picture, in integers.
  const { num, den } = timeline.timeBase;
  const off = timeline.pts.findIndex(
    (pts, index) =>
      BigInt(pts) * BigInt(num) * BigInt(expected.rate.num) !== BigInt(index) * BigInt(den) * BigInt(expected.rate.den),
  );
  if (off >= 0)
    throw wrong(`picture ${off} is shown at another time than at ${expected.rate.num}/${expected.rate.den}`);
  const pace = findPace(timeline, packets.facts?.video?.claimedRates ?? []);
  if (expected.frames > 1 && !sameRate(pace.rate, expected.rate)) throw wrong('another rate');
  if (first.width !== expected.width || first.height !== expected.height)
    throw wrong(`its size is ${first.width}x${first.height}`);
  const hasAlpha = hasAlphaPlane(first.pixelFormat);
  if (expected.alpha && !hasAlpha) throw wrong('it has no alpha');
  return {
    frames: pictures.pictures,
    rate: expected.rate,
    width: first.width,
    height: first.height,
    codec: packets.facts?.video?.codec ?? 'unknown',
    pixelFormat: first.pixelFormat,
    hasAlpha,
    hasAudio: packets.facts?.hasAudio ?? false,
    sizeBytes: found.size,
    sha256: await hashFile(path),
  };
}

function checkCount(actual: number, { frames }: ExpectedClip, path: string): void {
  if (actual !== frames) throw new AppError('RESULT_INCOMPLETE', { actual, expected: frames, path });
}

async function verifySequence(path: string, expected: ExpectedClip): Promise<VerifiedClip> {
  const pictures = await listSequence(path);
  const wrong = (problem: string) => new AppError('RESULT_WRONG', { path, problem });
  checkCount(pictures.length, expected, path);
  let sizeBytes = 0;
  let hasAlpha = false;
  for (const [index, picture] of pictures.entries()) {
    if (picture.number !== pictures[0].number + index) throw wrong(`number ${pictures[0].number + index} is missing`);
    // Reads all pixels: a torn PNG still has a sound header.
    const facts = await probeStill(picture.path, picture.path, { decode: true }).catch((problem: unknown) => {
      throw wrong(`${picture.path}: ${problem instanceof Error ? problem.message : String(problem)}`);
    });
    if (facts.width !== expected.width || facts.height !== expected.height)
      throw wrong(`picture ${index} is ${facts.width}x${facts.height}`);
    if (expected.alpha && !facts.hasAlpha) throw wrong(`picture ${index} has no alpha`);
    hasAlpha ||= facts.hasAlpha;
    sizeBytes += (await stat(picture.path)).size;
  }
  return {
    ...{ frames: pictures.length, rate: expected.rate, width: expected.width, height: expected.height },
    ...{ codec: 'png', pixelFormat: hasAlpha ? 'rgba64be' : 'rgb48be', hasAlpha, hasAudio: false, sizeBytes },
    sha256: await hashFile(pictures[0].path),
  };
}
