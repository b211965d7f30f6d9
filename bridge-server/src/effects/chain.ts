import type { ClipInfo } from '#protocol/clip';
import type { Effect } from '#protocol/effects';
import type { KeyParams } from '#protocol/effects/key';
import { AppError } from '#protocol/errors';
import { strokesFor } from '#protocol/effects/style';
import type { Preset } from '#protocol/preset';
import { framesToCover, sameRate, type Rate } from '#protocol/time';
import type { Span, StageNode } from '../jobs/task';
import { planDream } from './dream';
import { resizeTo, type EffectContext, type EffectPlan } from './effect';
import { leavesAlpha, planComposite, planKey } from './key';
import { planRetime } from './retime';
import { checkSize, sizeForCodec, smallestSide, type Machine, type Size } from './size';
import { paintedSize, planStyle } from './style';
import { planUpscale, upscaledSize } from './upscale';
import { planZoom } from './zoom';

/** A preset on a clip: every stage in the order of work, and what comes out. */
export type Chain = {
  readonly stages: readonly StageNode[];
  readonly width: number;
  readonly height: number;
  readonly rate: Rate;
  readonly frames: number;
  /** The stored frames are played backwards (zoom out). */
  readonly reversed: boolean;
};

const planners: { readonly [E in Effect as E['effect']]: (params: E['params'], context: EffectContext) => EffectPlan } =
  {
    key: planKey,
    style: planStyle,
    dream: planDream,
    zoom: planZoom,
    upscale: planUpscale,
    retime: planRetime,
  };

function planEffect(effect: Effect, context: EffectContext): EffectPlan {
  return (planners[effect.effect] as (params: Effect['params'], context: EffectContext) => EffectPlan)(
    effect.params,
    context,
  );
}

/** Size of the finished clip. @throws AppError SIZE_REFUSED */
export function outputSize(preset: Preset, clip: ClipInfo): Size {
  const own: Size = preset.effects.reduce<Size>(
    (size, effect) => (effect.effect === 'upscale' ? upscaledSize(effect.params, size) : size),
    { width: clip.width, height: clip.height },
  );
  return checkSize(sizeForCodec(preset.output.size === 'source' ? own : preset.output.size, preset.output.codec));
}

export function outputRate(preset: Preset, clip: ClipInfo): Rate {
  return preset.output.rate === 'source' ? clip.rate : preset.output.rate;
}

function outputFrames(preset: Preset, clip: ClipInfo, range: Span): number {
  for (const effect of preset.effects) {
    if (effect.effect === 'zoom' && effect.params.frames > 0) return effect.params.frames;
  }
  return framesToCover(range.last - range.first + 1, clip.rate, outputRate(preset, clip));
}

const painting: readonly Effect['effect'][] = ['style', 'dream', 'zoom'];

/**
 * Turns a preset into stages, in the preset's own order. A key's composite follows the last painting effect after it;
 * a clip whose rate is not the output's gets a retime at the end when the preset has none.
 * @param range clip frames that are delivered
 * @throws AppError SIZE_REFUSED, OUTPUT_UNSUITABLE
 */
export function planChain(preset: Preset, clip: ClipInfo, range: Span, machine: Machine): Chain {
  const target = outputSize(preset, clip);
  const rate = outputRate(preset, clip);
  const frames = outputFrames(preset, clip, range);
  const { codec } = preset.output;

  const stages: StageNode[] = [];
  let context: EffectContext = {
    clip,
    range,
    size: { width: clip.width, height: clip.height },
    target,
    rate,
    retimed: false,
    outputFrames: frames,
    machine,
  };
  const add = (plan: EffectPlan) => {
    stages.push(...plan.stages);
    context = { ...context, size: plan.size, retimed: plan.retimed };
  };

  let key: KeyParams | undefined;
  preset.effects.forEach((effect, index) => {
    add(planEffect(effect, context));
    if (effect.effect === 'key') {
      key = effect.params;
      if (leavesAlpha(key) && codec !== 'prores4444' && codec !== 'png')
        throw new AppError('OUTPUT_UNSUITABLE', { codec, what: 'transparency' });
    }
    const morePainting = preset.effects.slice(index + 1).some(later => painting.includes(later.effect));
    if (key && !morePainting) {
      if (key.view === 'result') add(planComposite(key, context));
      key = undefined;
    }
  });
  if (!context.retimed && !sameRate(clip.rate, rate)) add(planRetime({ method: 'flow' }, context));
  stages.push(...resizeTo(context.size, target));

  const reversed = preset.effects.some(effect => effect.effect === 'zoom' && effect.params.reverse);
  return { stages, width: target.width, height: target.height, rate, frames, reversed };
}

/**
 * The stages of one frame for looking at, with its longer side at most `maxSide`: nothing that makes time, and strokes
 * as long in proportion as they will be in the finished clip. After painting it is enlarged only where the whole result
 * is not larger than `maxSide`.
 */
export function planStill(
  preset: Preset,
  clip: ClipInfo,
  frame: number,
  machine: Machine,
  maxSide: number,
): { stages: readonly StageNode[]; width: number; height: number } {
  const factor = Math.min(1, maxSide / Math.max(clip.width, clip.height));
  const small =
    factor < 1 ? { ...clip, width: evenSide(clip.width * factor), height: evenSide(clip.height * factor) } : clip;
  const effects = preset.effects
    .filter(effect => effect.effect !== 'retime')
    .map((effect): Effect => {
      if (effect.effect === 'zoom') return { ...effect, params: { ...effect.params, frames: 1 } };
      if (effect.effect !== 'style') return effect;
      const { params } = effect;
      const [whole, shown] = [clip, small].map(size => paintedSize(params, size, clip.isStill, machine));
      const strokesOf = (size: Size) => strokesFor(params, size).strokePx;
      const ratio = strokesOf(whole) / whole.height / (strokesOf(shown) / shown.height);
      return { ...effect, params: { ...params, strokePx: Math.min(2048, Math.max(64, params.strokePx * ratio)) } };
    });
  const output = { ...preset.output, codec: 'png' as const, rate: 'source' as const, size: 'source' as const };
  const { stages, width, height } = planChain(
    { ...preset, effects, output },
    small,
    { first: frame, last: frame },
    machine,
  );
  const lastPainting = stages.findLastIndex(node => node.stage !== 'upscale' && node.stage !== 'resize');
  const isWhole = Math.max(width, height) <= maxSide;
  return {
    stages: isWhole || lastPainting < 0 ? stages : stages.slice(0, lastPainting + 1),
    width: small.width,
    height: small.height,
  };
}

function evenSide(value: number): number {
  return Math.max(smallestSide, 2 * Math.round(value / 2));
}
