import type { Frame } from '../../frame/frame';
import type { StageContext } from '../../pipeline/stage';
import type { StyleParams } from '#protocol/effects/style';
import type { MotionSource } from '../flow/motion';
import { carryPaint } from './carry';
import type { ColourMap } from './colour';
import { paintNext, riper } from './next-frame';
import { finished, maskOf, toEasel } from './painted-frame';
import type { PaintedFrame, Shot } from './shot';
import type { Studio } from './studio';

export type PassesWork = {
  readonly studio: Studio;
  readonly params: StyleParams;
  readonly ctx: Pick<StageContext, 'signal' | 'random'>;
  readonly motions: MotionSource;
  readonly shot: Shot;
  readonly group: readonly Frame[];
  /** Those in which each frame of the group is painted. */
  readonly colours: readonly ColourMap[];
  /** The frame before the group, which is delivered already and stays as it is. */
  readonly leading: PaintedFrame | undefined;
  /** Frames of the group that were painted without any before them. */
  readonly begins: ReadonlySet<number>;
};

/**
 * Paints a group of frames again and again, backward and forward in turn, each time from a blend of what the frame
 * was and what the neighbour that was just painted says: what entered at an edge or from behind something is no longer
 * bound to the past alone. The last pass runs forward, into the frames that follow.
 * @param painted the group after the first pass
 * Source: Ruder et al., arXiv:1604.08610, section 5.3; blending as artistic_video_multiPass.lua.
 */
export async function paintPasses(work: PassesWork, painted: readonly PaintedFrame[]): Promise<PaintedFrame[]> {
  const { group, colours, begins, leading, params } = work;
  let now = [...painted];
  for (let pass = 1; pass < params.passes; pass++) {
    // Backward first, but forward at the end.
    const forward = (params.passes - 1 - pass) % 2 === 0;
    const order = forward ? [...group.keys()] : [...group.keys()].reverse();
    const next = [...now];
    const neighbourOf = (i: number): PaintedFrame | undefined => {
      if (begins.has(forward ? i : i + 1)) return undefined;
      return forward ? (i === 0 ? leading : next[i - 1]) : next[i + 1];
    };
    for (const i of order) {
      const neighbour = neighbourOf(i);
      if (neighbour !== undefined) next[i] = await repaint(work, group[i], colours[i], now[i], neighbour);
    }
    now = next;
  }
  return now;
}

async function repaint(
  { studio, ctx, motions, shot }: PassesWork,
  frame: Frame,
  colours: ColourMap,
  was: PaintedFrame,
  neighbour: PaintedFrame,
): Promise<PaintedFrame> {
  ctx.signal.throwIfAborted();
  const near = { ...shot, colours, previous: neighbour, earlier: [] };
  const carried = await carryPaint(near, frame, motions, false);
  const area = frame.width * frame.height;
  // What the neighbour does not show has its own paint already: nothing is exposed any more.
  const start = was.painted.map(
    (value, i) => (value + carried.reliability[i % area] * carried.target[i]) / (1 + carried.reliability[i % area]),
  );
  const order = {
    photograph: toEasel(frame.rgb, colours),
    ...maskOf(frame),
    carried: { ...carried, start, exposed: new Float32Array(area), exposedShare: 0 },
    shot: near,
    random: ctx.random(frame.index),
  };
  return finished(frame, await paintNext(studio, order, ctx), riper(was.maturity));
}
