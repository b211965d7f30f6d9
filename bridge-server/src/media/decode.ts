import type { ClipInfo } from '#protocol/clip';
import { AppError } from '#protocol/errors';
import { sameRate, type Rate } from '#protocol/time';
import type { Frame } from '../frame/frame';
import { convertToBt709, isSdrBt709, yuvMatrix } from './colour';
import { ffmpegInUse, type Ffmpeg } from './find-ffmpeg';
import { pictureBytes, rawFormat, rawFormatFor, samplesOf, type RawFormat } from './raw-format';
import { planesToRgb, type RgbOptions } from './planes-to-rgb';
import { alphaDecoder, packetsOf, timelineOf } from './probe';
import { RawPictures } from './raw-pictures';
import { resample } from './resample';
import { commonArgs, inputArgs, passthroughArgs, throwIfAborted } from './run-ffmpeg';
import { loadPicture } from './still';
import { slotOf, type Timeline } from './timeline';

export type DecodeOptions = {
  /** First frame wanted, counted from 0 at the clip's constant rate. */
  readonly first: number;
  /** Last frame wanted, included. */
  readonly last: number;
  /** Size of the frames; the clip's own (as shown) otherwise. */
  readonly scaleTo?: { readonly width: number; readonly height: number };
  readonly signal?: AbortSignal;
  /** Told of each frame that stands in for one that could not be decoded: the one before it, or the next good one. */
  readonly concealed?: (frame: number, why: string) => void;
};

/** A picture as it came through the pipe: the clip's own samples, not yet converted. */
type Held = { readonly slot: number; readonly bytes: Uint8Array };

/** How much is decoded before the first picture that is needed, so that a damaged one there has a good one to repeat. */
const leadPictures = 32;

/** Everything about a clip that does not change from frame to frame. */
type Plan = {
  readonly format: RawFormat;
  /** As piped: stored orientation, sample aspect applied when scaling. */
  readonly width: number;
  readonly height: number;
  readonly filters: readonly string[];
  readonly decoder?: string;
  readonly keepsAlpha: boolean;
  readonly toRgb: RgbOptions;
  readonly toBt709?: (rgb: Float32Array) => void;
  /** Scaling left for afterwards: alpha must weigh the colours, which ffmpeg's scaler does not do. */
  readonly scaleAfter?: { readonly width: number; readonly height: number };
};

function planConversion(ffmpeg: Ffmpeg, info: ClipInfo, scaleTo: DecodeOptions['scaleTo']): Plan {
  const decoder = info.hasAlpha && /^vp[89]$/.test(info.codec) ? alphaDecoder(ffmpeg, info.codec) : undefined;
  const source = rawFormatFor(decoder ? info.pixelFormat.replace(/^yuv4/, 'yuva4') : info.pixelFormat);
  const target = scaleTo ?? { width: info.width, height: info.height };
  const turned = info.rotation === 90 || info.rotation === 270;
  const stored = turned ? { width: target.height, height: target.width } : target;
  const scales = stored.width !== info.codedWidth || stored.height !== info.codedHeight;
  const scaleAfter = scales && source.alpha;
  const piped = scales && !scaleAfter ? scaledFormat(source) : source;
  const { range } = info.colour;
  const keepRange = source.model === 'rgb' || source.model === 'packed' ? '' : `in_range=${range}:out_range=${range}:`;
  const size = scales && !scaleAfter ? `w=${stored.width}:h=${stored.height}:` : '';
  const own = piped.name === info.pixelFormat || (decoder !== undefined && piped.name === source.name);
  const colour = { primaries: info.colour.primaries, transfer: info.colour.transfer };
  return {
    format: piped,
    width: scales && !scaleAfter ? stored.width : info.codedWidth,
    height: scales && !scaleAfter ? stored.height : info.codedHeight,
    filters: [
      ...(info.interlaced ? ['bwdif=mode=send_frame:deint=interlaced'] : []),
      // The scaler is named only where it has work: left alone, the decoder's samples pass untouched.
      ...(size !== '' || !own
        ? [`scale=${size}${keepRange}flags=lanczos+accurate_rnd+full_chroma_int+full_chroma_inp`]
        : []),
      `format=${piped.name}`,
    ],
    decoder,
    keepsAlpha: info.hasAlpha,
    toRgb: {
      matrix: yuvMatrix(info.colour.matrix, info.codedHeight),
      range,
      siting: /^(mjpeg|mpeg1video)$/.test(info.codec) ? 'centre' : 'left',
      rotation: info.rotation,
    },
    ...(isSdrBt709(colour) ? {} : { toBt709: convertToBt709(colour) }),
    ...(scaleAfter ? { scaleAfter: target } : {}),
  };
}

/** Scaling makes values between the samples' steps, and chroma as fine as luma. */
function scaledFormat(source: RawFormat): RawFormat {
  if (source.model === 'yuv') return rawFormat(`yuv444p${source.depth > 10 ? 16 : 10}le`)!;
  if (source.model === 'grey') return rawFormat('gray16le')!;
  return rawFormat(source.depth === 32 ? 'gbrpf32le' : 'gbrp16le')!;
}

function toFrame(plan: Plan, bytes: Uint8Array, index: number): Frame {
  const samples = samplesOf(plan.format, bytes);
  const picture = planesToRgb(samples, plan.format, plan.width, plan.height, plan.toRgb);
  plan.toBt709?.(picture.rgb);
  // Some formats have room for alpha that the clip does not use.
  const { alpha, ...opaque } = picture;
  const frame = { index, ...opaque, ...(plan.keepsAlpha && alpha ? { alpha } : {}) };
  return plan.scaleAfter ? resample(frame, plan.scaleAfter.width, plan.scaleAfter.height) : frame;
}

/** Index of the last picture that is shown at or before a place on the grid; 0 when none is. */
function pictureAt(slots: readonly number[], slot: number): number {
  let [low, high] = [0, slots.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (slots[middle] <= slot) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Containers whose index leads exactly to a picture; elsewhere decoding begins at the beginning. */
const seekable = /^(mov|matroska)/;

/**
 * Decodes frames `first` to `last`: upright, square pixels, at the clip's constant rate, as many as were asked for.
 * Any range yields exactly what the same frames are in the whole. Only a few pictures are held; decoding waits for the
 * reader, and stops at once when the reader does.
 * @throws AppError RANGE_OUTSIDE, MEDIA_DAMAGED (no picture at all), FFMPEG_FAILED, FFMPEG_NOT_FOUND, CANCELLED
 */
export async function* decodeFrames(
  path: string,
  info: ClipInfo,
  options: DecodeOptions,
): AsyncGenerator<Frame, void, undefined> {
  const { first, last, signal } = options;
  if (first < 0 || last < first || last >= info.frames) {
    throw new AppError('RANGE_OUTSIDE', { first, last, frames: info.frames });
  }
  throwIfAborted(signal);
  if (info.isStill) {
    const still = await loadPicture(path, { scaleTo: options.scaleTo });
    for (let index = first; index <= last; index++) yield { ...still, index };
    return;
  }
  const ffmpeg = await ffmpegInUse();
  const { facts } = await packetsOf(ffmpeg, path, signal);
  const found = await timelineOf(ffmpeg, path, signal);
  if (!found) throw new AppError('MEDIA_DAMAGED', { path, problem: 'no picture can be decoded' });
  const { timeline, timed } = found;
  const plan = planConversion(ffmpeg, info, options.scaleTo);
  const slots = timeline.pts.map(pts => slotOf(pts, timeline.pts[0], timeline.timeBase, info.rate));
  const needed = pictureAt(slots, first);
  const start = timed && facts && seekable.test(facts.container) && needed > leadPictures ? needed - leadPictures : 0;
  const source = new PictureSource(ffmpeg, path, plan, timeline, timed, info.rate, signal);
  try {
    yield* place(source.pictures(start, slots[needed]), source, slots, plan, options);
  } finally {
    await source.close();
  }
}

/** Puts pictures on the constant grid: each place shows the latest picture at or before it. */
async function* place(
  pictures: AsyncIterable<Held>,
  source: PictureSource,
  slots: readonly number[],
  plan: Plan,
  { first, last, concealed }: DecodeOptions,
): AsyncGenerator<Frame> {
  let next = first;
  let held: Held | undefined;
  const show = (slot: number, from: Held): Frame => {
    // The picture that belongs here is the last one meant for this place or one before; any other is a stand-in.
    if (slots[pictureAt(slots, slot)] !== from.slot)
      concealed?.(slot, source.lastProblem() ?? 'the decoder gave no picture');
    return toFrame(plan, from.bytes, slot);
  };
  for await (const picture of pictures) {
    if (held && picture.slot < held.slot) continue; // damaged times: what has been shown stays shown
    // Nothing good before the range: the first good picture stands in for what is missing.
    const shown = held ?? picture;
    while (next <= last && next < picture.slot) yield show(next++, shown);
    if (next > last) return;
    held = picture;
  }
  if (!held) throw await source.failure();
  while (next <= last) yield show(next++, held);
}

/** The pictures of a clip from some point on, each with its place on the constant grid. */
class PictureSource {
  private running?: RawPictures;

  constructor(
    private readonly ffmpeg: Ffmpeg,
    private readonly path: string,
    private readonly plan: Plan,
    private readonly timeline: Timeline,
    private readonly timed: boolean,
    private readonly rate: Rate,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /**
   * @param start picture to seek to, 0 for the beginning
   * @param mustReach place that the first picture must not lie behind; if it does, the container's index led astray and
   *   decoding begins again at the beginning
   */
  async *pictures(start: number, mustReach: number): AsyncGenerator<Held> {
    let order = 0;
    for await (const { bytes, pts, timeBase } of this.open(start)) {
      const slot = this.timed && pts !== undefined && timeBase ? this.slotOf(pts, timeBase) : order;
      if (order === 0 && start > 0 && slot > mustReach) break;
      order++;
      if (slot >= 0) yield { slot, bytes };
    }
    if (order > 0 || start === 0) return;
    await this.close();
    yield* this.pictures(0, mustReach);
  }

  private slotOf(pts: number, timeBase: Rate): number {
    const own = this.timeline.timeBase;
    const ticks = sameRate(timeBase, own) ? pts : Math.round((pts * timeBase.num * own.den) / (timeBase.den * own.num));
    return slotOf(ticks, this.timeline.pts[0], own, this.rate);
  }

  private open(start: number): RawPictures {
    const { plan, timeline } = this;
    const seconds = (timeline.pts[start] * timeline.timeBase.num) / timeline.timeBase.den;
    const seek = start > 0 ? ['-noaccurate_seek', '-seek_timestamp', '1', '-ss', seconds.toFixed(6)] : [];
    const args = [
      ...commonArgs('info'),
      // A picture with damage is dropped, so that it is noticed and the one before it shown instead.
      ...['-err_detect', 'explode', '-copyts', ...seek],
      ...(plan.decoder ? ['-c:v', plan.decoder] : []),
      ...[...inputArgs(this.path), '-map', '0:V:0', '-vf', [this.ffmpeg.reportFilter, ...plan.filters].join(',')],
      ...[...passthroughArgs(this.ffmpeg), '-an', '-sn', '-dn', '-c:v', 'rawvideo', '-f', 'rawvideo', 'pipe:1'],
    ];
    this.running = new RawPictures(this.ffmpeg, args, pictureBytes(plan.format, plan.width, plan.height), this.signal);
    return this.running;
  }

  lastProblem(): string | undefined {
    return this.running?.lastProblem();
  }

  async failure(): Promise<AppError> {
    const problem = this.lastProblem() ?? 'no picture can be decoded';
    await this.close();
    throwIfAborted(this.signal);
    return new AppError('MEDIA_DAMAGED', { path: this.path, problem });
  }

  async close(): Promise<void> {
    await this.running?.close();
    this.running = undefined;
  }
}
