import type { UpscaleParams } from '#protocol/effects/upscale';
import type { EffectContext, EffectPlan } from './effect';
import type { Size } from './size';

/** Catalogue names of the waifu2x nets that are always there. */
const embedded = 'upconv7';

/**
 * waifu2x has a net for each noise level with and without enlarging. Names in the catalogue are
 * `<family>-noise<level>-scale2x`, `<family>-scale2x` and `<family>-noise<level>`.
 */
export function upscaleNets(params: UpscaleParams): { enlarge?: string; clean?: string } {
  const family = params.net === 'auto' ? embedded : params.net;
  const known = family === 'upconv7' || family === 'cunet';
  if (!known) return { enlarge: family };
  if (params.scale === '1') return { clean: `${family}-noise${Math.max(0, params.noise)}` };
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
        params: { ...upscaleNets(params), tta: params.tta, tilePx: params.tilePx, width: size.width, height: size.height },
        sequential: false,
      },
    ],
    size,
    retimed: context.retimed,
  };
}
