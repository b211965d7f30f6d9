import type { StyleParams } from '#protocol/effects/style';
import { resizeTo, type EffectContext, type EffectPlan } from './effect';
import { workingSize } from './size';

/** A feed-forward net takes a frame in one step where a painter takes dozens. */
const fastShare = 1.5;

/** Frames are made as small as the machine paints well; what follows makes them large again. */
export function planStyle(params: StyleParams, context: EffectContext): EffectPlan {
  const size = workingSize(
    context.size,
    params.workingHeight,
    context.machine,
    params.detail,
    params.method === 'fast' ? fastShare : 1,
  );
  return {
    stages: [...resizeTo(context.size, size), { stage: 'stylize', params, sequential: true }],
    size,
    retimed: context.retimed,
  };
}
