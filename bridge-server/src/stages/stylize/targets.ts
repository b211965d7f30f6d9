import { floatTensor, floatsOf } from '../../frame/tensor';
import type { Tensor } from '../../frame/tensor';
import type { Frame } from '../../frame/frame';
import { toModel } from '../../graph/model';
import { encodePainter, painterSides, painterStatistics, readPainter } from '../../nets/painter';
import type { Painter } from '../../nets/painter';
import { styleTargetTensors } from '../../nets/style-loss';
import type { StyleLossKind } from '../../nets/style-loss';
import { blendStatistics, isPaletteLayer } from '../../nets/style-statistics';
import type { LayerStatistics, StyleStatistics } from '../../nets/style-statistics';
import { anchorPrefix, pictureStatistics } from '../../nets/style-step';
import type { NetSource, StageContext } from '../../pipeline/stage';
import { embeddedFeatureNet, type StyleParams } from '#protocol/effects/style';
import { AppError } from '#protocol/errors';
import { resizeFrame } from '../resize';
import { createFeatureSource } from './easel';
import type { FeatureSource } from './easel';

/** A style picture must reach the deepest layer with more than a few positions. */
const leastSidePx = 48;

/**
 * What a picture, scaled so that its longer side has `sidePx` pixels, says of its style.
 * @param measuredAs `whole` for a result, `style` for what painters shall follow: without lines that they cannot paint
 */
export async function measureStyle(
  nets: NetSource,
  features: FeatureSource,
  picture: Frame,
  sidePx: number,
  measuredAs: 'whole' | 'style' = 'whole',
): Promise<StyleStatistics> {
  const factor = sidePx / Math.max(picture.width, picture.height);
  const [width, height] = [picture.width, picture.height].map(side => Math.max(leastSidePx, Math.round(side * factor)));
  const scaled = resizeFrame(picture, width, height);
  const net = await nets.compiled(`style-statistics:${features.name}:${width}x${height}:${measuredAs}`, async () =>
    toModel({ outputs: pictureStatistics(await features.load(), width, height, measuredAs === 'style') }),
  );
  const outputs = (await net.run({ image: floatTensor(scaled.rgb, [1, 3, height, width]) })) as Record<string, Tensor>;
  const statistics: Record<string, LayerStatistics> = {};
  for (const { name } of net.outputs) {
    if (!name.startsWith('mean.')) continue;
    const layer = name.slice('mean.'.length);
    const mean = Float64Array.from(floatsOf(outputs[name]));
    statistics[layer] = {
      channels: mean.length,
      mean,
      covariance: Float64Array.from(floatsOf(outputs[`covariance.${layer}`])),
    };
  }
  return statistics;
}

/** Makes a painter file from a painting. */
export async function computePainter(
  nets: NetSource,
  painting: Frame,
  net = embeddedFeatureNet,
  sides: readonly number[] = painterSides,
): Promise<Uint8Array> {
  const features = createFeatureSource(nets, net);
  const entries = [];
  for (const sidePx of sides)
    entries.push({ sidePx, statistics: await measureStyle(nets, features, painting, sidePx, 'style') });
  return encodePainter({ net, entries });
}

/** The styles of one effect, blended, at any stroke size. */
export type StyleSource = { at(sidePx: number): Promise<StyleStatistics> };

/** Those that count. @throws AppError PARAMETER_WRONG when none does */
export function usedStyles(styles: StyleParams['styles']): StyleParams['styles'] {
  const used = styles.filter(style => style.weight > 0);
  if (used.length > 0) return used;
  throw new AppError('PARAMETER_WRONG', {
    name: 'styles',
    value: 'all of weight 0',
    problem: 'at least one must count.',
  });
}

/** @throws AppError FILE_NOT_FOUND, IMAGE_UNREADABLE, NET_DAMAGED, PARAMETER_WRONG */
export function createStyleSource(
  ctx: Pick<StageContext, 'nets' | 'image' | 'painter'>,
  features: FeatureSource,
  styles: StyleParams['styles'],
): StyleSource {
  const used = usedStyles(styles);
  const painters = new Map<string, Promise<Painter>>();
  const pictures = new Map<string, Promise<Frame>>();
  const blends = new Map<number, Promise<StyleStatistics>>();
  const remembered = <K, V>(map: Map<K, Promise<V>>, key: K, make: () => Promise<V>) => {
    const known = map.get(key) ?? make();
    map.set(key, known);
    return known;
  };
  const one = async (image: StyleParams['styles'][number]['image'], sidePx: number): Promise<StyleStatistics> => {
    if ('painter' in image) {
      const painter = await remembered(painters, image.painter, async () =>
        readPainter(await ctx.painter(image.painter), image.painter),
      );
      if (painter.net !== features.name) {
        const problem = `the painter ${image.painter} was measured with the net ${painter.net}; choose that net, or a picture as style.`;
        throw new AppError('PARAMETER_WRONG', { name: 'net', value: features.name, problem });
      }
      return painterStatistics(painter, sidePx);
    }
    const picture = await remembered(pictures, image.sha256, () => ctx.image(image));
    return measureStyle(ctx.nets, features, picture, sidePx, 'style');
  };
  return {
    at: sidePx =>
      remembered(blends, sidePx, async () => {
        const parts = [];
        for (const { image, weight } of used) parts.push({ statistics: await one(image, sidePx), weight });
        return blendStatistics(parts);
      }),
  };
}

/** The graph's inputs for a style: its layers in the chosen loss, the palette always as W2. */
export function styleTargets(kind: StyleLossKind, statistics: StyleStatistics): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(statistics).flatMap(([layer, each]) =>
      Object.entries(styleTargetTensors(isPaletteLayer(layer) ? 'w2' : kind, `style.${layer}`, each)),
    ),
  );
}

/** The graph's inputs for a palette that the shot should not drift from. */
export function anchorTargets(palette: LayerStatistics): Record<string, Tensor> {
  return styleTargetTensors('w2', anchorPrefix, palette);
}
