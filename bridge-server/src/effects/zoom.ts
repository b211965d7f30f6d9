import type { ZoomParams } from '#protocol/effects/zoom';
import { resizeTo, type EffectContext, type EffectPlan } from './effect';
import { workingSize } from './size';

/**
 * The zoom takes the range's first frame and makes the rest itself, one for each frame of the result, so its curves
 * count output frames. It is always made forwards; reversed play is a matter of reading the stored frames backwards.
 */
export function planZoom(params: ZoomParams, context: EffectContext): EffectPlan {
  const size = workingSize(context.size, params.dream.workingHeight, context.machine);
  return {
    stages: [
      ...resizeTo(context.size, size),
      { stage: 'zoom', params: { ...params, frames: context.outputFrames, reverse: false }, sequential: true },
    ],
    size,
    retimed: true,
  };
}
