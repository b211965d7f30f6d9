import type { DreamParams } from '#protocol/effects/dream';
import { frameAt } from '#protocol/time';
import { resizeTo, shiftCurve, type EffectContext, type EffectPlan } from './effect';
import { workingSize } from './size';

export function planDream(params: DreamParams, context: EffectContext): EffectPlan {
  const size = workingSize(context.size, 0, context.machine);
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
