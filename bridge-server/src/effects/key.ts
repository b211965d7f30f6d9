import type { KeyParams } from '#protocol/effects/key';
import type { StageNode } from '../jobs/task';
import { resizeTo, type EffectContext, type EffectPlan } from './effect';
import type { Size } from './size';

export function planKey(params: KeyParams, context: EffectContext): EffectPlan {
  const stage: StageNode = {
    stage: 'key',
    params: { ...params, clip: context.clip.sha256, screenFrame: context.range.first },
    sequential: false,
  };
  return { stages: [stage], size: context.size, retimed: context.retimed };
}

/**
 * What is laid over what once the painting is done. The matte has the clip's own detail, so painted frames are made as
 * large as the clip first.
 */
export function planComposite(params: KeyParams, context: EffectContext): EffectPlan {
  const size: Size = { width: context.clip.width, height: context.clip.height };
  const composite: StageNode = {
    stage: 'composite',
    params: { ...params, clip: context.clip.sha256, screenFrame: context.range.first },
    sequential: false,
  };
  return { stages: [...resizeTo(context.size, size), composite], size, retimed: context.retimed };
}

/** A result with see-through parts needs a codec that holds them. */
export function leavesAlpha(params: KeyParams): boolean {
  return params.over === 'alpha' && params.view === 'result';
}
