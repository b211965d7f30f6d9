import type { RetimeParams } from '#protocol/effects/retime';
import { sameRate, type Rate } from '#protocol/time';
import type { Span } from '../jobs/task';
import type { EffectContext, EffectPlan } from './effect';

/** Parameters of the retime stage; cuts and the output frames of a task are filled in when the tasks are cut. */
export type RetimeStageParams = {
  readonly method: RetimeParams['method'];
  readonly from: Rate;
  readonly to: Rate;
  /** Clip frames of the whole range. */
  readonly first: number;
  readonly last: number;
  /** Clip frames that begin a shot. */
  readonly cuts: readonly number[];
  /** Output frames that this task makes, counted from 0 at the range's first. */
  readonly out: Span;
};

/** Nothing at all where the rates are the same: such clips pass through frame for frame. */
export function planRetime(params: RetimeParams, context: EffectContext): EffectPlan {
  if (context.retimed || sameRate(context.clip.rate, context.rate))
    return { stages: [], size: context.size, retimed: true };
  const stage: RetimeStageParams = {
    method: params.method,
    from: context.clip.rate,
    to: context.rate,
    first: context.range.first,
    last: context.range.last,
    cuts: [],
    out: { first: 0, last: context.outputFrames - 1 },
  };
  return { stages: [{ stage: 'retime', params: stage, sequential: false }], size: context.size, retimed: true };
}
