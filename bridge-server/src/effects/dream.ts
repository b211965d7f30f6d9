import type { DreamParams } from '#protocol/effects/dream';
import { frameAt } from '#protocol/time';
import { resizeTo, shiftCurve, type EffectContext, type EffectPlan } from './effect';
import { workingSize, type Size } from './size';

/** A picture is dreamt at its own size, a film at what the machine can do, unless lines are named. */
function dreamSize({ workingHeight }: DreamParams, { clip, size, machine }: EffectContext): Size {
  if (workingHeight === 0 && clip.isStill) return size;
  return workingSize(size, workingHeight, machine);
}

export function planDream(params: DreamParams, context: EffectContext): EffectPlan {
  const size = dreamSize(params, context);
  const strengthCurve = shiftCurve(params.strengthCurve, context, frame =>
    frameAt(frame, context.clip.rate, context.rate),
  );
  return {
    stages: [
      ...resizeTo(context.size, size),
      { stage: 'dream', params: { ...params, strengthCurve }, sequential: true },
    ],
    size,
    retimed: context.retimed,
  };
}
