import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import { AppError } from '#protocol/errors';
import type { CodecName } from '#protocol/preset';
import { rate, type Rate } from '#protocol/time';
import { yuvMatrix } from './colour';
import type { Encoder, EncoderOptions } from './encoder';
import { ffmpegInUse, type Ffmpeg } from './find-ffmpeg';
import { rawFormat, type RawFormat } from './raw-format';
import { createSequence } from './picture-sequence';
import { rgbToPlanes } from './rgb-to-planes';
import { commonArgs, crashDetails, isDiskFull, problemOf, startFfmpeg } from './run-ffmpeg';
import { partialName, syncFile, syncFolder, toWriteError } from './write-whole';

type Recipe = {
  readonly title: string;
  readonly encoder: string;
  readonly format: RawFormat;
  readonly args: readonly string[];
  readonly endings: readonly string[];
  readonly evenWidth: boolean;
  readonly evenHeight: boolean;
  readonly smallest: readonly [width: number, height: number];
};

const recipes: Readonly<Record<Exclude<CodecName, 'png'>, Recipe>> = {
  prores422hq: {
    title: 'ProRes 422 HQ',
    encoder: 'prores_ks',
    format: rawFormat('yuv422p10le')!,
    args: ['-profile:v', '3', '-vendor', 'apl0'],
    endings: ['.mov'],
    // It takes odd widths, but writes rubbish into the last column.
    evenWidth: true,
    evenHeight: false,
    smallest: [16, 16],
  },
  prores4444: {
    title: 'ProRes 4444',
    encoder: 'prores_ks',
    format: rawFormat('yuva444p10le')!,
    args: ['-profile:v', '4', '-vendor', 'apl0', '-alpha_bits', '16'],
    endings: ['.mov'],
    evenWidth: false,
    evenHeight: false,
    smallest: [16, 16],
  },
  dnxhr: {
    title: 'DNxHR HQX',
    encoder: 'dnxhd',
    format: rawFormat('yuv422p10le')!,
    args: ['-profile:v', 'dnxhr_hqx'],
    endings: ['.mov'],
    evenWidth: true,
    evenHeight: false,
    // The encoder's own limit.
    smallest: [256, 120],
  },
  h264: {
    title: 'H.264',
    encoder: 'libx264',
    format: rawFormat('yuv420p')!,
    // No B-frames: pictures are stored in the order of showing, so that no edit list is needed, every editor finds
    // frame n at n / rate, and segments can be joined without encoding again.
    args: [
      ...['-profile:v', 'high', '-crf', '14', '-preset', 'medium', '-bf', '0', '-g', '48', '-flags', '+cgop'],
      ...['-x264-params', 'open-gop=0:force-cfr=1'],
    ],
    endings: ['.mp4', '.mov', '.m4v'],
    evenWidth: true,
    evenHeight: true,
    smallest: [16, 16],
  },
};

/** A track's clock in which one frame is a whole number of ticks, for any rate; fine enough for editors (above 10 kHz). */
export function trackTimescale(at: Rate): number {
  const { num } = rate(at.num, at.den);
  return num >= 10_000 ? num : num * Math.ceil(10_000 / num);
}

function even(length: number, needed: boolean): number {
  return needed ? length + (length % 2) : length;
}

/** The size in which a codec writes pictures of this size: some take even sizes only, and repeat the last column or row. */
export function encodedSize(
  codec: CodecName,
  width: number,
  height: number,
): { readonly width: number; readonly height: number } {
  if (codec === 'png') return { width, height };
  const { evenWidth, evenHeight } = recipes[codec];
  return { width: even(width, evenWidth), height: even(height, evenHeight) };
}

/** The ending under which a part of a clip is kept until the parts are joined; none for a folder of pictures. */
export function segmentEnding(codec: CodecName): string {
  return codec === 'png' ? '' : recipes[codec].endings[0];
}

/**
 * Checks that a codec can hold what it is to hold, before any work is done.
 * @throws AppError OUTPUT_UNSUITABLE, OUTPUT_NAME_WRONG, SIZE_REFUSED
 */
export function checkOutput(
  path: string,
  { codec, alpha, width, height }: Pick<EncoderOptions, 'codec' | 'alpha' | 'width' | 'height'>,
): void {
  if (codec === 'png') return;
  const recipe = recipes[codec];
  if (alpha && !recipe.format.alpha)
    throw new AppError('OUTPUT_UNSUITABLE', { codec: recipe.title, what: 'transparency' });
  if (!recipe.endings.includes(extname(path).toLowerCase())) {
    throw new AppError('OUTPUT_NAME_WRONG', { codec: recipe.title, path, endings: recipe.endings.join(', ') });
  }
  const [least, low] = recipe.smallest;
  if (width < least || height < low) {
    throw new AppError('SIZE_REFUSED', { width, height, problem: `too small for ${recipe.title} (${least}x${low})` });
  }
}

/**
 * Starts a clip (or, with codec `png`, a sequence: `path` is a folder, or a name with `%06d` for the number). Frames are
 * written in order; the file has its name only when it is whole.
 * @throws AppError OUTPUT_UNSUITABLE, OUTPUT_NAME_WRONG, OUTPUT_UNWRITABLE, SIZE_REFUSED, ENCODER_MISSING, FFMPEG_NOT_FOUND
 */
export async function createEncoder(path: string, options: EncoderOptions): Promise<Encoder> {
  checkOutput(path, options);
  if (options.codec === 'png') return createSequence(path, options);
  const recipe = recipes[options.codec];
  const ffmpeg = await ffmpegInUse();
  if (!ffmpeg.encoders.has(recipe.encoder)) throw new AppError('ENCODER_MISSING', { codec: recipe.title });
  const target = resolve(path);
  try {
    await mkdir(dirname(target), { recursive: true });
    if ((await stat(target).catch(() => undefined))?.isDirectory())
      throw new AppError('OUTPUT_UNWRITABLE', { path, problem: 'it is a folder' });
  } catch (problem) {
    throw toWriteError(path, problem);
  }
  return startMovie(ffmpeg, target, recipe, options);
}

type Movie = {
  readonly width: number;
  readonly height: number;
  readonly at: Rate;
  readonly target: string;
  readonly partial: string;
};

/** ffmpeg's arguments: raw frames from standard input into the file `partial`, of the kind of `target`. */
function movieArgs({ format, encoder, args }: Recipe, { width, height, at, target, partial }: Movie): string[] {
  const colour = 'color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv';
  const input = `-f rawvideo -pixel_format ${format.name} -video_size ${width}x${height} -framerate ${at.num}/${at.den}`;
  // Some encoders write the colour that frames carry, others the one of the stream: both are told.
  const output =
    `-vf setparams=${colour} -pix_fmt ${format.name} ` +
    '-color_primaries bt709 -color_trc bt709 -colorspace bt709 -color_range tv ' +
    `-movflags +write_colr -video_track_timescale ${trackTimescale(at)} -fflags +bitexact`;
  return [
    ...[...commonArgs(), '-y', ...input.split(' '), '-i', 'pipe:0', '-map_metadata', '-1', '-c:v', encoder, ...args],
    ...[...output.split(' '), '-f', extname(target).toLowerCase() === '.mov' ? 'mov' : 'mp4', `file:${partial}`],
  ];
}

function startMovie(ffmpeg: Ffmpeg, target: string, recipe: Recipe, options: EncoderOptions): Encoder {
  const { width, height } = encodedSize(options.codec, options.width, options.height);
  const partial = partialName(target);
  const at = rate(options.rate.num, options.rate.den);
  const running = startFfmpeg(ffmpeg, movieArgs(recipe, { width, height, at, target, partial }), { stdin: 'pipe' });
  let frames = 0;
  let ended = false;
  let pending: Promise<void> = Promise.resolve();
  void running.done.then(() => (ended = true));
  running.stdout.resume();

  const failure = async (): Promise<AppError> => {
    running.kill();
    const { crashed } = await running.done;
    await rm(partial, { force: true });
    const problem = running.errors().find(isDiskFull);
    if (problem) return new AppError('DISK_FULL', { path: dirname(target), need: 'some space' });
    const words = problemOf(running);
    if (/Permission denied|Read-only file system|No such file or directory/.test(words))
      return new AppError('OUTPUT_UNWRITABLE', { path: target, problem: words });
    return new AppError('FFMPEG_FAILED', {
      task: `write ${recipe.title}`,
      ...(crashed ? crashDetails(crashed) : { problem: words }),
    });
  };

  const send = (bytes: Uint8Array) =>
    new Promise<void>(done => {
      // A broken pipe shows itself in `ended`, with ffmpeg's reason; the callback comes either way.
      running.stdin.write(bytes, () => done());
    });

  return {
    width,
    height,
    ...(width !== options.width || height !== options.height
      ? {
          note: `${recipe.title} takes even sizes only: ${options.width}x${options.height} was written as ${width}x${height}, the edge repeated`,
        }
      : {}),
    async write(frame) {
      if (frame.width !== options.width || frame.height !== options.height) {
        throw new RangeError(
          `a frame of ${frame.width}x${frame.height} in a clip of ${options.width}x${options.height}`,
        );
      }
      const source = options.alpha ? frame : { ...frame, alpha: undefined };
      const bytes = rgbToPlanes(source, recipe.format, width, height, {
        matrix: yuvMatrix('bt709', height),
        range: 'tv',
        dithered: recipe.format.depth === 8,
      });
      await pending;
      if (ended) throw await failure();
      pending = send(bytes);
      frames++;
    },
    async finish() {
      await pending;
      if (frames === 0) {
        const problem = new AppError('RESULT_INCOMPLETE', { actual: 0, expected: 1 });
        await failure();
        throw problem;
      }
      running.stdin.end();
      const { exit } = await running.done;
      if (exit !== 0 || running.errors().some(isDiskFull)) throw await failure();
      try {
        await syncFile(partial);
        await rename(partial, target);
        await syncFolder(dirname(target));
        return { path: target, frames, sizeBytes: (await stat(target)).size };
      } catch (problem) {
        await rm(partial, { force: true });
        throw toWriteError(target, problem);
      }
    },
    async abort() {
      running.kill();
      await running.done;
      await rm(partial, { force: true });
    },
  };
}
