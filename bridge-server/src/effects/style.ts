import type { StyleParams } from '#protocol/effects/style';
import { resizeTo, type EffectContext, type EffectPlan } from './effect';
import { workingSize } from './size';

/** Frames are made as small as the machine paints well; what follows makes them large again. */
export function planStyle(params: StyleParams, context: EffectContext): EffectPlan {
  const size = workingSize(context.size, params.workingHeight, context.machine, params.detail);
  return {
    stages: [...resizeTo(context.size, size), { stage: 'stylize', params, sequential: true }],
    size,
    retimed: context.retimed,
  };
}
