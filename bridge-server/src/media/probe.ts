import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ClipInfo } from '#protocol/clip';
import { AppError } from '#protocol/errors';
import { rate } from '#protocol/time';
import { findMissingEnd } from './container-end';
import { ffmpegInUse, type Ffmpeg } from './find-ffmpeg';
import { bitDepthOf, hasAlphaPlane } from './raw-format';
import { maxSide } from './run-ffmpeg';
import { scanPackets, scanPictures } from './scan';
import { isStillFile, probeStill } from './still';
import type { VideoFacts } from './stream-facts';
import { findPace, type Timeline } from './timeline';

export type ProbeLimits = {
  readonly minSide: number;
  readonly maxSide: number;
  readonly maxFrames: number;
};

export const defaultLimits: ProbeLimits = { minSide: 16, maxSide, maxFrames: 500_000 };

export type ProbeOptions = {
  /** Of the file's bytes; computed when it is not given. */
  readonly sha256?: string;
  /** What the person calls the clip; its file name otherwise. */
  readonly name?: string;
  readonly limits?: Partial<ProbeLimits>;
  readonly signal?: AbortSignal;
};

/** @returns SHA-256 in hexadecimal, read in pieces */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, NOT_MEDIA when it is empty */
export async function fileSize(path: string): Promise<number> {
  try {
    const found = await stat(path);
    if (!found.isFile()) throw new AppError('FILE_UNREADABLE', { path, problem: 'it is a folder or a device' });
    await access(path, constants.R_OK);
    if (found.size === 0) throw new AppError('NOT_MEDIA', { path, problem: 'the file is empty' });
    return found.size;
  } catch (problem) {
    if (problem instanceof AppError) throw problem;
    const { code } = problem as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new AppError('FILE_NOT_FOUND', { path }, { cause: problem });
    throw new AppError('FILE_UNREADABLE', { path, problem: code ?? String(problem) }, { cause: problem });
  }
}

/** @throws AppError SIZE_REFUSED */
export function checkSize(width: number, height: number, limits: ProbeLimits): void {
  const problem =
    Math.min(width, height) < limits.minSide
      ? 'too small'
      : Math.max(width, height) > limits.maxSide
        ? 'too large'
        : undefined;
  if (problem) throw new AppError('SIZE_REFUSED', { width, height, problem });
}

/** A picture so large that ffmpeg does not even begin with it is known from its complaint only. */
function checkClaimedSize(problems: readonly string[], limits: ProbeLimits): void {
  for (const problem of problems) {
    const size = /Picture size (\d+)x(\d+)/.exec(problem);
    if (size) checkSize(Number(size[1]), Number(size[2]), limits);
  }
}

/** Width and height as shown: width stretched by the sample aspect (height kept), then turned. */
export function shownSize(video: Pick<VideoFacts, 'width' | 'height' | 'sampleAspect' | 'rotation'>): {
  width: number;
  height: number;
} {
  const { num, den } = video.sampleAspect;
  const stretched = Math.max(1, Math.round((video.width * num) / den));
  const turned = video.rotation === 90 || video.rotation === 270;
  return turned ? { width: video.height, height: stretched } : { width: stretched, height: video.height };
}

/**
 * An aspect of 1 to 100 or more is a damaged header, not a lens; and a stretch that would change nothing is none.
 */
function soundAspect({ num, den }: { num: number; den: number }): { num: number; den: number } {
  const stretch = num / den;
  return stretch > 0.1 && stretch < 10 && num !== den ? rate(num, den) : { num: 1, den: 1 };
}

/** Remembers the last few answers about files, each for as long as the file stays what it is. */
function rememberPerFile<T>(ask: (ffmpeg: Ffmpeg, path: string, signal?: AbortSignal) => Promise<T>): typeof ask {
  const answers = new Map<string, Promise<T>>();
  return async function answer(ffmpeg, path, signal): Promise<T> {
    const { size, mtimeMs } = await stat(path);
    const key = `${ffmpeg.path}\n${path}\n${size}\n${mtimeMs}`;
    const asked = answers.get(key) ?? ask(ffmpeg, path, signal);
    answers.set(key, asked);
    if (answers.size > 16) answers.delete(answers.keys().next().value!);
    try {
      return await asked;
    } catch (problem) {
      if (answers.get(key) === asked) answers.delete(key);
      // Somebody else's asking was cancelled, not ours.
      const elsewhere = problem instanceof AppError && problem.code === 'CANCELLED' && !signal?.aborted;
      if (!elsewhere) throw problem;
      return answer(ffmpeg, path, signal);
    }
  };
}

/** One pass over the packets per file and process: probing and each decoding of a range ask for it. */
export const packetsOf = rememberPerFile(scanPackets);

const picturesOf = rememberPerFile((ffmpeg, path, signal) => scanPictures(ffmpeg, path, { signal }));

/**
 * When each picture is shown: from the packets where they tell, else by decoding; by counting alone where a stream has
 * no usable times at all.
 * @returns undefined when there is no picture
 */
export async function timelineOf(
  ffmpeg: Ffmpeg,
  path: string,
  signal?: AbortSignal,
): Promise<{ timeline: Timeline; timed: boolean } | undefined> {
  const scan = await packetsOf(ffmpeg, path, signal);
  if (scan.timeline) return { timeline: scan.timeline, timed: true };
  const pictures = await picturesOf(ffmpeg, path, signal);
  if (pictures.timeline) return { timeline: pictures.timeline, timed: true };
  if (pictures.pictures === 0) return undefined;
  const [claim] = scan.facts?.video?.claimedRates ?? [];
  const hundredths = Math.round(Number(claim ?? 25) * 100) || 2500;
  const timeline = {
    timeBase: rate(100, hundredths),
    pts: Array.from({ length: pictures.pictures }, (_, index) => index),
    lastDuration: 1,
  };
  return { timeline, timed: false };
}

/**
 * Reads what a clip is, from its own timestamps and a decoded picture; ffprobe is not needed.
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, NOT_MEDIA, NO_VIDEO, MEDIA_DAMAGED, SIZE_REFUSED, DURATION_REFUSED,
 *   FFMPEG_NOT_FOUND, CANCELLED
 */
export async function probeClip(path: string, options: ProbeOptions = {}): Promise<ClipInfo> {
  const sizeBytes = await fileSize(path);
  const limits = { ...defaultLimits, ...options.limits };
  const own = {
    sha256: options.sha256 ?? (await hashFile(path)),
    name: (options.name ?? basename(path)).slice(0, 255),
    sizeBytes,
  };
  if (await isStillFile(path)) return { ...own, ...(await describeStill(path, limits)) };
  const ffmpeg = await ffmpegInUse();
  const scan = await packetsOf(ffmpeg, path, options.signal);
  const { facts } = scan;
  if (!facts) {
    const missing = await findMissingEnd(path);
    if (missing) throw new AppError('MEDIA_DAMAGED', { path, problem: missing });
    throw new AppError('NOT_MEDIA', { path, problem: scan.problems[0] ?? '' });
  }
  const { video } = facts;
  if (!video) throw new AppError(facts.hasAudio ? 'NO_VIDEO' : 'NOT_MEDIA', { path, problem: 'no stream of pictures' });
  if (video.width > 0 && video.height > 0) checkSize(video.width, video.height, limits);
  const missing = await findMissingEnd(path);
  if (missing) throw new AppError('MEDIA_DAMAGED', { path, problem: missing });
  if (scan.packets > limits.maxFrames)
    throw new AppError('DURATION_REFUSED', { frames: scan.packets, limit: limits.maxFrames });
  const broken = scan.problems.find(problem => /partial file|ended prematurely|truncat/i.test(problem));
  if (broken) throw new AppError('MEDIA_DAMAGED', { path, problem: broken });
  const alphaBeside = video.alphaBeside && alphaDecoder(ffmpeg, video.codec) !== undefined;
  const look = await scanPictures(ffmpeg, path, { limit: 1, signal: options.signal });
  if (!look.first) {
    checkClaimedSize([...look.problems, ...scan.problems], limits);
    const unknown = look.problems.find(problem =>
      /no decoder|Decoder .*not found|not implemented|Unsupported codec/i.test(problem),
    );
    if (unknown) throw new AppError('NOT_MEDIA', { path, problem: unknown });
    throw new AppError('MEDIA_DAMAGED', { path, problem: look.problems[0] ?? 'no picture can be decoded' });
  }
  const found = await timelineOf(ffmpeg, path, options.signal);
  if (!found) throw new AppError('MEDIA_DAMAGED', { path, problem: 'no picture can be decoded' });
  const pace = findPace(found.timeline, video.claimedRates);
  if (pace.frames > limits.maxFrames)
    throw new AppError('DURATION_REFUSED', { frames: pace.frames, limit: limits.maxFrames });
  const coded = { width: look.first.width, height: look.first.height };
  const sampleAspect = soundAspect(video.sampleAspect);
  const shown = shownSize({ ...coded, sampleAspect, rotation: video.rotation });
  checkSize(coded.width, coded.height, limits);
  checkSize(shown.width, shown.height, limits);
  const { pixelFormat } = look.first;
  const isRgb = /^(?:[rgba0]{3,4}\d*|gbr|pal8|x2)/.test(pixelFormat.replace(/^gray.*|^ya.*/, ''));
  return {
    ...own,
    ...shown,
    codedWidth: coded.width,
    codedHeight: coded.height,
    rotation: video.rotation,
    sampleAspect,
    rate: pace.rate,
    variableRate: pace.variable,
    frames: pace.frames,
    codec: video.codec,
    pixelFormat,
    bitDepth: bitDepthOf(pixelFormat),
    hasAlpha: hasAlphaPlane(pixelFormat) || alphaBeside,
    hasAudio: facts.hasAudio,
    colour: {
      matrix: isRgb ? 'gbr' : video.matrix,
      primaries: video.primaries,
      transfer: video.transfer,
      range: video.range ?? (isRgb || pixelFormat.startsWith('yuvj') || /^(gray|ya)/.test(pixelFormat) ? 'pc' : 'tv'),
    },
    isStill: false,
    ...(look.first.interlaced || video.interlaced ? { interlaced: true } : {}),
  };
}

/** Only libvpx reads the second picture in which VP8 and VP9 keep their alpha. */
export function alphaDecoder(ffmpeg: Ffmpeg, codec: string): string | undefined {
  const name = codec === 'vp9' ? 'libvpx-vp9' : codec === 'vp8' ? 'libvpx' : undefined;
  return name && ffmpeg.decoders.has(name) ? name : undefined;
}

async function describeStill(
  path: string,
  limits: ProbeLimits,
): Promise<Omit<ClipInfo, 'sha256' | 'name' | 'sizeBytes'>> {
  const facts = await probeStill(path);
  checkSize(facts.width, facts.height, limits);
  return {
    width: facts.width,
    height: facts.height,
    codedWidth: facts.width,
    codedHeight: facts.height,
    rotation: 0,
    sampleAspect: { num: 1, den: 1 },
    rate: rate(25),
    variableRate: false,
    frames: 1,
    codec: facts.format,
    pixelFormat: facts.hasAlpha ? 'rgba' : 'rgb24',
    bitDepth: facts.depth,
    hasAlpha: facts.hasAlpha,
    hasAudio: false,
    colour: { matrix: 'gbr', primaries: 'bt709', transfer: 'iec61966-2-1', range: 'pc' },
    isStill: true,
  };
}
