import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { AppError } from '#protocol/errors';
import { rate, type Rate } from '#protocol/time';
import type { Ffmpeg } from './find-ffmpeg';
import {
  commonArgs,
  inputArgs,
  passthroughArgs,
  plainMessage,
  problemOf,
  startFfmpeg,
  throwIfAborted,
  throwIfCrashed,
} from './run-ffmpeg';
import { parseStreamFacts, type StreamFacts } from './stream-facts';
import type { Timeline } from './timeline';

/** What one pass over a file's packets tells, without decoding. */
export type PacketScan = {
  readonly facts?: StreamFacts;
  /** Absent when the packets cannot tell when the pictures are shown; then `scanPictures` can. */
  readonly timeline?: Timeline;
  readonly packets: number;
  /** The end of the last packet of picture or sound, in seconds. */
  readonly endSeconds: number;
  readonly problems: readonly string[];
};

/**
 * Containers that time every packet and codecs whose packets are pictures, one each. Elsewhere (AVI, transport streams,
 * VP8's hidden frames) packets are not pictures, and only decoding counts them.
 */
const timedContainers = /^(mov|matroska)/;
const onePicturePerPacket = new Set(
  'h264 hevc prores dnxhd mjpeg png qtrle vp9 av1 mpeg4 ffv1 rawvideo v210 cfhd mpeg2video mjpegb utvideo huffyuv ffvhuff'.split(
    ' ',
  ),
);

const discarded = 0x4;
const noTime = -(2 ** 63);

/** A pass at 20 MB/s is slow even for a network drive. */
async function timeLimit(path: string): Promise<number> {
  return 60_000 + (await stat(path)).size / 20_000;
}

/** @throws AppError CANCELLED, MEDIA_DAMAGED when it takes far too long */
export async function scanPackets(ffmpeg: Ffmpeg, path: string, signal?: AbortSignal): Promise<PacketScan> {
  const lines: string[] = [];
  const args = ['-map', '0:V:0?', '-map', '0:a?', '-c', 'copy', '-f', 'framecrc', 'pipe:1'];
  const running = startFfmpeg(ffmpeg, [...commonArgs('info'), '-copyts', ...inputArgs(path), ...args], {
    timeoutMs: await timeLimit(path),
    signal,
    onLine: line => {
      if (lines.length < 2000) lines.push(line);
    },
  });
  const bases = new Map<number, Rate>();
  const pts: number[] = [];
  let certain = true;
  let lastShown = -Infinity;
  let lastDuration = 0;
  let packets = 0;
  let endSeconds = 0;
  for await (const line of createInterface({ input: running.stdout })) {
    const base = /^#tb (\d+): (\d+)\/(\d+)/.exec(line);
    if (base) bases.set(Number(base[1]), rate(Number(base[2]), Number(base[3])));
    if (line.startsWith('#')) continue;
    const fields = line.split(',');
    const stream = Number(fields[0]);
    const timeBase = bases.get(stream);
    if (!timeBase) continue;
    const [time, duration, size] = [Number(fields[2]), Number(fields[3]), Number(fields[4])];
    const flags = Number(/F=(0x[0-9A-Fa-f]+)/.exec(line)?.[1] ?? 1);
    if (time > noTime) endSeconds = Math.max(endSeconds, ((time + duration) * timeBase.num) / timeBase.den);
    if (stream !== 0) continue;
    packets++;
    if (flags & discarded) continue;
    if (time <= noTime || size === 0) certain = false;
    // The last picture shown is the one with the highest time, which need not come last.
    if (time > lastShown) [lastShown, lastDuration] = [time, duration];
    pts.push(time);
  }
  const ended = await running.done;
  throwIfAborted(signal);
  throwIfCrashed(ended, 'read the clip');
  const { exit, timedOut } = ended;
  if (timedOut) throw new AppError('MEDIA_DAMAGED', { path, problem: 'reading it takes far too long' });
  const facts = parseStreamFacts(lines);
  const sorted = [...pts].sort((a, b) => a - b);
  const distinct = sorted.every((time, index) => index === 0 || time > sorted[index - 1]);
  const tellable = facts?.video && timedContainers.test(facts.container) && onePicturePerPacket.has(facts.video.codec);
  const timeBase = bases.get(0);
  return {
    facts,
    ...(tellable && certain && distinct && sorted.length > 0 && timeBase
      ? { timeline: { timeBase, pts: sorted, lastDuration } }
      : {}),
    packets,
    endSeconds,
    problems: [...running.errors().map(plainMessage), ...(exit === 0 ? [] : [problemOf(running)])],
  };
}

export type ShownPicture = {
  readonly pts: number | undefined;
  readonly pixelFormat: string;
  readonly width: number;
  readonly height: number;
  readonly interlaced: boolean;
};

/**
 * Reads the line that ffmpeg's `showinfo` filter prints for each picture, in every version since 2014. A decoder's
 * threads may write into the same line later, so only its beginning counts.
 */
export function parseShownPicture(line: string): ShownPicture | undefined {
  const found = /\bn: *\d+ pts: *(-?\d+|NOPTS)\b.*? fmt:(\w+) .*?\bs:(\d+)x(\d+) i:(.)/.exec(line);
  if (!found) return undefined;
  return {
    pts: found[1] === 'NOPTS' ? undefined : Number(found[1]),
    pixelFormat: found[2],
    width: Number(found[3]),
    height: Number(found[4]),
    interlaced: found[5] === 'T' || found[5] === 'B',
  };
}

/** The time base that the same filter prints before the first picture. */
export function parseShownTimeBase(line: string): Rate | undefined {
  const found = /config in time_base: (\d+)\/(\d+)/.exec(line);
  return found ? rate(Number(found[1]), Number(found[2])) : undefined;
}

export type PictureScan = {
  readonly timeline?: Timeline;
  readonly first?: ShownPicture;
  readonly pictures: number;
  readonly problems: readonly string[];
  readonly exit: number | null;
};

/**
 * Decodes and looks at the times of the pictures; exact for every container, as slow as decoding.
 * @param limit stops after so many pictures
 * @throws AppError CANCELLED, MEDIA_DAMAGED when it takes far too long
 */
export async function scanPictures(
  ffmpeg: Ffmpeg,
  path: string,
  options: { readonly limit?: number; readonly signal?: AbortSignal; readonly onlyWhole?: boolean } = {},
): Promise<PictureScan> {
  const pts: number[] = [];
  let timeBase: Rate | undefined;
  let first: ShownPicture | undefined;
  let pictures = 0;
  let certain = true;
  const args = [
    ...commonArgs('info'),
    ...(options.onlyWhole ? ['-err_detect', 'explode'] : []),
    ...['-copyts', ...inputArgs(path), '-map', '0:V:0', '-vf', ffmpeg.reportFilter, ...passthroughArgs(ffmpeg)],
    ...(options.limit ? ['-frames:v', String(options.limit)] : []),
    ...['-f', 'null', '-'],
  ];
  const running = startFfmpeg(ffmpeg, args, {
    timeoutMs: (await timeLimit(path)) * 20,
    signal: options.signal,
    onLine: line => {
      timeBase ??= parseShownTimeBase(line);
      const shown = parseShownPicture(line);
      if (!shown) return;
      first ??= shown;
      pictures++;
      if (shown.pts === undefined) certain = false;
      else pts.push(shown.pts);
    },
  });
  running.stdout.resume();
  const ended = await running.done;
  throwIfAborted(options.signal);
  throwIfCrashed(ended, 'decode the clip');
  const { exit, timedOut } = ended;
  if (timedOut) throw new AppError('MEDIA_DAMAGED', { path, problem: 'decoding it takes far too long' });
  const rising = pts.every((time, index) => index === 0 || time > pts[index - 1]);
  const problems = running.errors().map(plainMessage);
  return {
    first,
    pictures,
    exit,
    problems,
    ...(certain && rising && timeBase && pts.length > 0 ? { timeline: { timeBase, pts, lastDuration: 0 } } : {}),
  };
}
