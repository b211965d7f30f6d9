import type { StyleParams } from '#protocol/effects/style';
import { resizeTo, type EffectContext, type EffectPlan } from './effect';
import { workingSize, type Machine, type Size } from './size';

/** A feed-forward net takes a frame in one step where a painter takes dozens. */
const fastShare = 1.5;
/** A picture is looked at for longer than a frame, and there is one of it. */
const stillLines = 720;

/** The size at which a clip of `size` is painted. */
export function paintedSize(params: StyleParams, size: Size, isStill: boolean, machine: Machine): Size {
  const { workingHeight, detail, method } = params;
  if (method === 'fast')
    // Its strokes are as long whatever the lines: more would make them small.
    return workingSize(size, workingHeight, machine, detail === 'fine' ? 'normal' : detail, fastShare);
  const usual = workingSize(size, workingHeight, machine, detail);
  if (!isStill || workingHeight > 0 || detail === 'draft') return usual;
  const large = workingSize(size, stillLines, machine);
  return large.width > usual.width ? large : usual;
}

/** Frames are made as small as the machine paints well; what follows makes them large again. */
export function planStyle(params: StyleParams, context: EffectContext): EffectPlan {
  const size = paintedSize(params, context.size, context.clip.isStill, context.machine);
  return {
    stages: [...resizeTo(context.size, size), { stage: 'stylize', params, sequential: true }],
    size,
    retimed: context.retimed,
  };
}
