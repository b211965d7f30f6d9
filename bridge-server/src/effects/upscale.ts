import type { UpscaleParams } from '#protocol/effects/upscale';
import type { EffectContext, EffectPlan } from './effect';
import type { Size } from './size';

/** waifu2x families of the catalogue: `<family>-noise<level>-scale2x`, `<family>-scale2x`, `<family>-noise<level>`. */
const families = ['upconv7', 'cunet', 'upconv7-photo'] as const;
/** Noise levels with which cunet comes embedded; the others have to be pulled. */
const embeddedCunetNoise = [-1, 1, 3];

/**
 * The nets behind a choice, by catalogue name. "auto" is cunet for stills and on a GPU, upconv_7 (a third of the work)
 * for video on a CPU. Any other name is an enlarging net as it stands.
 */
export function upscaleNets(
  params: UpscaleParams,
  { clip, machine }: Pick<EffectContext, 'clip' | 'machine'>,
): { enlarge?: string; clean?: string } {
  const cunetFits =
    (clip.isStill || machine.provider !== 'cpu') && params.scale !== '1' && embeddedCunetNoise.includes(params.noise);
  const family = params.net === 'auto' ? (cunetFits ? 'cunet' : 'upconv7') : params.net;
  if (!families.some(known => known === family)) return { enlarge: family };
  // The photo family has no net that only cleans.
  if (params.scale === '1')
    return { clean: `${family === 'upconv7-photo' ? 'upconv7' : family}-noise${Math.max(0, params.noise)}` };
  return { enlarge: params.noise >= 0 ? `${family}-noise${params.noise}-scale2x` : `${family}-scale2x` };
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
