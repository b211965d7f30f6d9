import { AppError } from '#protocol/errors';
import { upscaleFamilies, upscaleFamilyOf, type UpscaleParams } from '#protocol/effects/upscale';
import type { EffectContext, EffectPlan } from './effect';
import type { Size } from './size';

/**
 * The nets behind a choice, by catalogue name: `enlarge` makes the picture larger, `clean` gives it back as large as
 * it was. "auto" is cunet for stills and on a GPU and upconv_7 (a third of the work) for video on a CPU; where only
 * noise goes, cunet, which is the quicker of the two there. Any other name is a net as it stands.
 * @throws AppError PARAMETER_WRONG for a net that only cleans where the picture shall become larger
 */
export function upscaleNets(
  params: UpscaleParams,
  { clip, machine }: Pick<EffectContext, 'clip' | 'machine'>,
): { enlarge?: string; clean?: string } {
  const { net, noise } = params;
  const cleansOnly = params.scale === '1';
  const affordsCunet = clip.isStill || machine.provider !== 'cpu' || cleansOnly;
  const family = net === 'auto' ? (affordsCunet ? 'cunet' : 'upconv7') : net;
  if (!upscaleFamilies.some(known => known === family)) {
    if (!cleansOnly && upscaleFamilyOf(net) && !net.endsWith('-scale2x'))
      throw new AppError('PARAMETER_WRONG', {
        name: 'upscale net',
        value: net,
        problem: `it keeps the size: choose "${upscaleFamilyOf(net)}", or scale 1`,
      });
    return cleansOnly ? { clean: net } : { enlarge: net };
  }
  if (!cleansOnly) return { enlarge: noise >= 0 ? `${family}-noise${noise}-scale2x` : `${family}-scale2x` };
  // Nothing to remove and nothing to enlarge: the gentlest level. The photo family has no nets that keep the size.
  const level = `${family}-noise${Math.max(0, noise)}`;
  return { clean: family === 'upconv7-photo' ? `${level}-scale2x` : level };
}

export function upscaledSize(params: UpscaleParams, size: Size): Size {
  const scale = Number(params.scale);
  return { width: size.width * scale, height: size.height * scale };
}

/** Painted frames may be smaller than the clip: nets are repeated until the target is reached, then Lanczos makes it exact. */
export function planUpscale(params: UpscaleParams, context: EffectContext): EffectPlan {
  const size = params.scale === '1' ? context.size : context.target;
  return {
    stages: [
      {
        stage: 'upscale',
        params: {
          ...upscaleNets(params, context),
          tta: params.tta,
          tilePx: params.tilePx,
          width: size.width,
          height: size.height,
        },
        sequential: false,
      },
    ],
    size,
    retimed: context.retimed,
  };
}
