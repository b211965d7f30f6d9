import { withPixels, type Frame } from '../frame/frame';
import type { NetSource, Stage, StageContext } from '../pipeline/stage';
import type { RetimeParams as RetimeChoice } from '#protocol/effects/retime';
import { AppError } from '#protocol/errors';
import { sourcePosition, type Rate } from '#protocol/time';
import { createFlowProvider } from './flow';
import { prepareBetween, type Between } from './flow/interpolate';
import { createMotionSource, type MotionSource } from './flow/motion';
import { openInterpolator } from './flow/net-flow';

export type RetimeStageParams = {
  readonly method: RetimeChoice['method'];
  readonly from: Rate;
  readonly to: Rate;
  /** Source frames of the whole range, both included; output frame 0 shows `first`. */
  readonly first: number;
  readonly last: number;
  /** Source frames that begin a shot. Frames marked `shotStart` are added to them. */
  readonly cuts: readonly number[];
  /** Output frames to make, both included. */
  readonly out: { readonly first: number; readonly last: number };
};

/** Which source frames an output frame is made of. */
export type Placement = {
  readonly frame: number;
  /** Part of the way to the next source frame; 0 where the source frame itself is shown. */
  readonly fraction: number;
  readonly shotStart: boolean;
};

/**
 * The place of output frame `k` between the source frames: exact, and the same whichever part of the clip is asked for.
 * Nothing lies between the last frame of a shot and the first of the next: there the last one stays.
 */
export function placeFrame(
  k: number,
  params: Pick<RetimeStageParams, 'from' | 'to' | 'first' | 'last' | 'method'>,
  isCut: (frame: number) => boolean,
): Placement {
  const at = (index: number) => {
    const { frame, fraction } = sourcePosition(index, params.to, params.from);
    const wanted = params.first + frame;
    return wanted >= params.last ? { frame: params.last, fraction: 0 } : { frame: wanted, fraction };
  };
  const { frame, fraction } = at(k);
  let shotStart = k === 0;
  for (let cut = frame; k > 0 && !shotStart && cut > at(k - 1).frame; cut--) shotStart = isCut(cut);
  return { frame, fraction: params.method === 'repeat' || isCut(frame + 1) ? 0 : fraction, shotStart };
}

/** Nets that make a frame between two, in the order in which they are tried. */
export const interpolationNets = ['rife-v4.6'] as const;

/**
 * Any constant rate to another one. Holds two frames; each output frame depends on nothing but them, so a part of the
 * clip comes out as it does within the whole. Frames that fall on a source frame pass through untouched, and so does
 * everything when the rates are the same.
 */
export const retime: Stage<RetimeStageParams> = (input, params, ctx) => retimeFrames(input, params, ctx);

/** What retiming needs of its surroundings; without nets `rife` becomes `flow`. */
export type RetimeContext = Pick<StageContext, 'signal' | 'notice' | 'flows'> & { readonly nets?: NetSource };

/** The same outside a pipeline: to bring a source to the rate of a result before the two are compared. */
export async function* retimeFrames(
  input: AsyncIterable<Frame>,
  params: RetimeStageParams,
  ctx: RetimeContext,
): AsyncIterable<Frame> {
  const maker = createMaker(params, ctx);
  const cuts = new Set(params.cuts);
  const isCut = (frame: number) => cuts.has(frame);
  const frames = input[Symbol.asyncIterator]();
  let left: Frame | undefined;
  let right: Frame | undefined;
  let ended = false;
  const pull = async () => {
    const item = await frames.next();
    if (item.done) ended = true;
    else {
      // The first frame that arrives is marked only because nothing came before it.
      if (item.value.shotStart && left) cuts.add(item.value.index);
      left = right ?? item.value;
      right = item.value;
    }
  };
  try {
    await pull();
    for (let k = params.out.first; k <= params.out.last; k++) {
      ctx.signal.throwIfAborted();
      const wanted = sourcePosition(k, params.to, params.from);
      // A frame is complete when the one after it is known too: that one may begin a shot.
      const need = Math.min(params.last, params.first + wanted.frame + (wanted.fraction > 0 ? 1 : 0));
      while (!ended && (right === undefined || right.index < need)) await pull();
      if (!left || !right)
        throw new AppError('RESULT_INCOMPLETE', { actual: 0, expected: params.out.last - params.out.first + 1 });
      const place = placeFrame(k, params, isCut);
      const { shotStart: _, ...frame } = await frameAt(place, left, right, maker);
      yield { ...frame, index: k, ...(place.shotStart ? { shotStart: true } : {}) };
    }
  } finally {
    await frames.return?.();
    await maker.close();
  }
}

/** @throws AppError RESULT_INCOMPLETE when the input left out a frame that is needed */
async function frameAt(place: Placement, left: Frame, right: Frame, maker: Maker): Promise<Frame> {
  if (place.frame === right.index) return right;
  // The chunk's input may end with the last frame of a shot: nothing after it is needed then.
  if (place.frame === left.index && place.fraction === 0) return left;
  if (place.frame === left.index && right.index === left.index + 1) return maker.between(left, right, place.fraction);
  throw new AppError('RESULT_INCOMPLETE', { actual: right.index, expected: place.frame });
}

type Maker = { between(a: Frame, b: Frame, time: number): Promise<Frame>; close(): Promise<void> };

function createMaker(params: RetimeStageParams, ctx: RetimeContext): Maker {
  switch (params.method) {
    case 'repeat':
    case 'blend':
      return { between: async (a, b, time) => mix(a, b, time), close: async () => undefined };
    case 'flow':
      return createFlowMaker(ctx);
    case 'rife':
      return createNetMaker(ctx);
  }
}

/** Colours weighted with alpha, and alpha itself: what may be blended and moved. */
function planesOf(frame: Frame): Float32Array {
  const { rgb, alpha } = frame;
  if (!alpha) return rgb;
  const out = new Float32Array(rgb.length + alpha.length);
  for (let i = 0; i < rgb.length; i++) out[i] = rgb[i] * alpha[i % alpha.length];
  out.set(alpha, rgb.length);
  return out;
}

function frameOf(planes: Float32Array, like: Frame): Frame {
  const area = like.width * like.height;
  if (planes.length === 3 * area) return withPixels(like, planes);
  const alpha = planes.slice(3 * area);
  const rgb = planes.slice(0, 3 * area);
  for (let i = 0; i < rgb.length; i++) {
    const share = alpha[i % area];
    rgb[i] = share > 1 / 1024 ? Math.min(1, rgb[i] / share) : like.rgb[i];
  }
  return { ...withPixels(like, rgb), alpha };
}

/** An opaque frame beside one with alpha is opaque in every pixel. */
function withAlpha(frame: Frame, other: Frame): Frame {
  return frame.alpha || !other.alpha
    ? frame
    : { ...frame, alpha: new Float32Array(frame.width * frame.height).fill(1) };
}

function mix(a: Frame, b: Frame, time: number): Frame {
  const [first, second] = [planesOf(withAlpha(a, b)), planesOf(withAlpha(b, a))];
  return frameOf(
    first.map((value, i) => (1 - time) * value + time * second[i]),
    a,
  );
}

function createFlowMaker(ctx: RetimeContext): Maker {
  const motions: MotionSource = createMotionSource(createFlowProvider('auto', ctx), {
    stage: 'retime',
    notice: notice => ctx.notice(notice),
    limit: 2,
    flows: ctx.flows,
  });
  let current: { a: Frame; b: Frame; between?: Between } | undefined;
  return {
    async between(a, b, time) {
      if (current?.a !== a || current.b !== b) {
        const motion = await motions.between(a, b);
        const [first, second] = [withAlpha(a, b), withAlpha(b, a)];
        current = {
          a,
          b,
          ...(motion.doubt === undefined
            ? { between: prepareBetween(planesOf(first), planesOf(second), motion, a) }
            : {}),
        };
      }
      return current.between ? frameOf(current.between.at(time), a) : mix(a, b, time);
    },
    close: () => motions.close(),
  };
}

/** RIFE or another net that makes the frame between; without one, motion. */
function createNetMaker(ctx: RetimeContext): Maker {
  const open = async () => {
    for (const name of ctx.nets ? interpolationNets : []) {
      try {
        return await openInterpolator(ctx.nets!, name);
      } catch (error) {
        if (!(error instanceof AppError && error.code === 'NET_NOT_FOUND')) throw error;
      }
    }
    ctx.notice({
      kind: 'fallback',
      stage: 'retime',
      text: `The net ${interpolationNets[0]} is not installed; new frames were made by motion.`,
    });
    return createFlowMaker(ctx);
  };
  let opened: ReturnType<typeof open> | undefined;
  return {
    async between(a, b, time) {
      const net = await (opened ??= open());
      if ('between' in net) return net.between(a, b, time);
      const picture = withPixels(a, await net(a, b, time));
      const alpha = mix(a, b, time).alpha;
      return alpha ? { ...picture, alpha } : picture;
    },
    async close() {
      const net = await opened?.catch(() => undefined);
      if (net && 'between' in net) await net.close();
    },
  };
}
