import { curveAt } from '#protocol/effects/parameter';
import type { DreamParams } from '#protocol/effects/dream';
import { lumaOf } from '../../frame/plane';
import type { StageContext } from '../../pipeline/stage';
import { resizeFrame } from '../resize';
import type { Size } from './octaves';

/**
 * Lays a dream over its picture: as strongly as the frame's strength says, and where the mask is white.
 * @param detail [3, H, W], what the whole dream adds to `rgb`
 */
export type LayOver = (rgb: Float32Array, detail: Float32Array, size: Size, frame: number) => Float32Array;

/** @throws AppError FILE_NOT_FOUND, IMAGE_UNREADABLE for the mask */
export async function openLayOver(params: DreamParams, ctx: Pick<StageContext, 'image'>): Promise<LayOver> {
  const picture = params.mask && (await ctx.image(params.mask));
  const sizes = new Map<string, Float32Array>();
  const maskOf = ({ width, height }: Size): Float32Array | undefined => {
    if (!picture) return undefined;
    const key = `${width}x${height}`;
    const known = sizes.get(key);
    if (known) return known;
    const { rgb, alpha } = resizeFrame(picture, width, height);
    const mask = lumaOf(rgb).map((light, p) => Math.min(1, Math.max(0, light)) * (alpha ? alpha[p] : 1));
    sizes.set(key, mask);
    return mask;
  };
  return (rgb, detail, size, frame) => {
    const strength = curveAt(params.strengthCurve, frame, params.strength) / 100;
    const mask = maskOf(size);
    const area = size.width * size.height;
    return rgb.map((value, i) => {
      const share = mask ? strength * mask[i % area] : strength;
      return Math.min(1, Math.max(0, value + share * detail[i]));
    });
  };
}
