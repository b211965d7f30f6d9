import type { Frame } from '../../frame/frame';
import { gaussianDistance, traceOf } from '../../nets/style-statistics';
import type { StyleStatistics } from '../../nets/style-statistics';
import type { StageContext } from '../../pipeline/stage';
import { embeddedFeatureNet, type StyleParams } from '#protocol/effects/style';
import { createFeatureSource } from './easel';
import { createStyleSource, measureStyle } from './targets';

/** Mean over the layers of the squared distance between two Gaussians, in units of the style's own variance. */
function distanceOf(frame: StyleStatistics, style: StyleStatistics): number {
  const layers = Object.keys(style);
  const shares = layers.map(layer => gaussianDistance(frame[layer], style[layer]) / traceOf(style[layer]));
  return shares.reduce((sum, share) => sum + share, 0) / layers.length;
}

/** How far a finished frame is from a style, whatever painted it: the measure of reports and of `reverie measure`. */
export function createStyleDistance(
  ctx: Pick<StageContext, 'nets' | 'image' | 'painter'>,
  { styles, strokePx }: Pick<StyleParams, 'styles' | 'strokePx'>,
): (frame: Frame) => Promise<number> {
  const features = createFeatureSource(ctx.nets, embeddedFeatureNet);
  const source = createStyleSource(ctx, features, styles);
  return async frame => {
    const own = await measureStyle(ctx.nets, features, frame, Math.max(frame.width, frame.height));
    return distanceOf(own, await source.at(strokePx));
  };
}
