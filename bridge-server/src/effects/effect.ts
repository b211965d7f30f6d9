import type { ClipInfo } from '#protocol/clip';
import type { Curve } from '#protocol/effects/parameter';
import type { Rate } from '#protocol/time';
import type { Span, StageNode } from '../jobs/task';
import type { Machine, Size } from './size';

/** What an effect may know of the job it is part of. */
export type EffectContext = {
  readonly clip: ClipInfo;
  /** Clip frames that are delivered. */
  readonly range: Span;
  /** Size of the frames that reach this effect. */
  readonly size: Size;
  /** Size of the finished clip. */
  readonly target: Size;
  /** Constant rate of the finished clip. */
  readonly rate: Rate;
  /** True once the stream counts output frames (after a retime or a zoom) instead of clip frames. */
  readonly retimed: boolean;
  /** How many frames the finished clip has. */
  readonly outputFrames: number;
  readonly machine: Machine;
};

/** What an effect becomes: its stages, and the stream that leaves them. */
export type EffectPlan = {
  readonly stages: readonly StageNode[];
  readonly size: Size;
  readonly retimed: boolean;
};

/** Curves are given in frames of the range; stages count as their stream does. */
export function shiftCurve(curve: Curve, context: EffectContext, toOutput: (frame: number) => number): Curve {
  return curve.map(key => ({
    frame: context.retimed ? toOutput(key.frame) : key.frame + context.range.first,
    value: key.value,
  }));
}

export function resizeTo(from: Size, to: Size): StageNode[] {
  if (from.width === to.width && from.height === to.height) return [];
  return [{ stage: 'resize', params: { width: to.width, height: to.height }, sequential: false }];
}
