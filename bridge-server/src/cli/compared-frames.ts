import type { ClipInfo } from '#protocol/clip';
import { framesToCover, frameAt, rateToNumber, sameRate, type Rate } from '#protocol/time';
import type { Frame } from '../frame/frame';
import { decodeFrames } from '../media/decode';
import { retimeFrames, type RetimeContext, type RetimeStageParams } from '../stages/retime';

export type ComparedClip = { readonly path: string; readonly info: ClipInfo };

export type Compared = {
  readonly rate: Rate;
  readonly frames: number;
  /** Frame k of both shows the same instant; marked where a shot begins. */
  readonly result: AsyncIterable<Frame>;
  readonly source: AsyncIterable<Frame>;
};

export type CompareOptions = {
  /** Frame of the source with which the result begins. */
  readonly begin: number;
  /** Frames of the source that begin a shot. */
  readonly cuts: ReadonlySet<number>;
  /**
   * How the source is brought to the rate of a faster result: as the result was. Frames that were only repeated say
   * nothing about steadiness: with `repeat` compared is at the slower of the two rates.
   */
  readonly method: RetimeStageParams['method'];
};

/** The frames of a result and of its source that belong together. */
export function compareFrames(
  result: ComparedClip,
  source: ComparedClip,
  options: CompareOptions,
  ctx: RetimeContext,
): Compared {
  const faster = rateToNumber(result.info.rate) > rateToNumber(source.info.rate);
  if (!faster || options.method === 'repeat') return atSlowerRate(result, source, options);
  const { begin, cuts, method } = options;
  const [from, to] = [source.info.rate, result.info.rate];
  const last = source.info.frames - 1;
  const frames = Math.min(result.info.frames, framesToCover(last - begin + 1, from, to));
  const out = { first: 0, last: frames - 1 };
  const params = { method, from, to, first: begin, last, cuts: [...cuts], out };
  return {
    rate: to,
    frames,
    result: decodeFrames(result.path, result.info, out),
    source: retimeFrames(decodeFrames(source.path, source.info, { first: begin, last }), params, ctx),
  };
}

function atSlowerRate(result: ComparedClip, source: ComparedClip, { begin, cuts }: CompareOptions): Compared {
  const slower =
    sameRate(result.info.rate, source.info.rate) || rateToNumber(result.info.rate) < rateToNumber(source.info.rate)
      ? result.info.rate
      : source.info.rate;
  const resultAt: number[] = [];
  const sourceAt: number[] = [];
  for (let k = 0; ; k++) {
    const [r, s] = [frameAt(k, slower, result.info.rate), begin + frameAt(k, slower, source.info.rate)];
    if (r >= result.info.frames || s >= source.info.frames) break;
    resultAt.push(r);
    sourceAt.push(s);
  }
  const starts = new Set(
    sourceAt.flatMap((frame, k) => (k > 0 && [...cuts].some(cut => cut > sourceAt[k - 1] && cut <= frame) ? [k] : [])),
  );
  return {
    rate: slower,
    frames: resultAt.length,
    result: framesAt(result, resultAt, starts),
    source: framesAt(source, sourceAt, starts),
  };
}

/** Frames of a clip by number, in order; each is decoded once. */
async function* framesAt(
  { path, info }: ComparedClip,
  at: readonly number[],
  starts: ReadonlySet<number>,
): AsyncGenerator<Frame> {
  let next = 0;
  for await (const frame of decodeFrames(path, info, { first: at[0], last: at[at.length - 1] })) {
    while (next < at.length && at[next] === frame.index) {
      yield { ...frame, index: next, shotStart: starts.has(next) };
      next++;
    }
  }
}
