import { floatTensor, floatsOf } from '../../../frame/tensor';
import type { Tensor } from '../../../frame/tensor';
import { describeModel, fromModel, toModel } from '../../../graph/model';
import { styleFeatures, usualContentWeight } from '../../../nets/fast-style';
import { paletteLayer } from '../../../nets/style-statistics';
import type { LayerStatistics, StyleStatistics } from '../../../nets/style-statistics';
import type { StageContext } from '../../../pipeline/stage';
import { embeddedFeatureNet, type StyleParams } from '#protocol/effects/style';
import { createFeatureSource } from '../easel';
import { createStyleSource, usedStyles } from '../targets';

/** A style as the net is told it, and its palette. */
export type FastStyle = {
  /** [2, channels] */
  readonly factors: Float32Array;
  readonly palette: LayerStatistics;
  /** What the net was told of the style, and of how much the photograph counts. */
  readonly statistics: StyleStatistics;
  readonly contentWeight: number;
};

/** Longer sides of a style picture for which the net has learnt strokes. */
const strokeLimits = [256, 724] as const;
/** How much the photograph may count, beside the usual, as in training. */
const contentLimits = [usualContentWeight / 4, usualContentWeight * 4] as const;
/** Strength at which the photograph counts as usual, and the points that change it tenfold: those of `optimise`. */
const usualStrength = 60;
const strengthPerDecade = 60;

const within = (value: number, [low, high]: readonly [number, number]) => Math.min(high, Math.max(low, value));

/** Share of the paint in the result: the photograph shows through where strength is below what the net has learnt. */
export function paintShare(strength: number): number {
  const leastStrength = usualStrength - strengthPerDecade * Math.log10(contentLimits[1] / usualContentWeight);
  return Math.min(1, strength / leastStrength);
}

/**
 * Several styles as one: their factors and offsets are averaged by weight, as the pictures of their palettes are.
 * @throws AppError as `createStyleSource`
 */
export async function guideStyle(
  ctx: Pick<StageContext, 'nets' | 'image' | 'painter'>,
  net: string,
  params: StyleParams,
): Promise<FastStyle> {
  const bytes = await ctx.nets.bytes(net);
  const { inputs, metadata } = describeModel(bytes, net);
  const painters = (metadata.painters ?? '').split(',');
  const rowDims = inputs.find(each => each.name === 'painters')?.dims.map(Number) ?? [1, painters.length];
  const guide = await ctx.nets.compiled(`fast-guide:${net}`, async () => {
    const { outputs } = fromModel(bytes, { name: net, layers: ['guided'] });
    return toModel({ outputs });
  });
  const features = createFeatureSource(ctx.nets, embeddedFeatureNet);
  const side = Math.round(within(params.strokePx, strokeLimits));
  const contentWeight = within(
    usualContentWeight * 10 ** ((usualStrength - params.strength) / strengthPerDecade),
    contentLimits,
  );
  const used = usedStyles(params.styles);
  const total = used.reduce((sum, style) => sum + style.weight, 0);
  let factors: Float32Array | undefined;
  for (const style of used) {
    const statistics = await createStyleSource(ctx, features, [style]).at(side);
    const row = new Float32Array(rowDims[1]);
    if ('painter' in style.image && painters.includes(style.image.painter))
      row[painters.indexOf(style.image.painter)] = 1;
    const told = styleFeatures(statistics, contentWeight);
    const { guided } = (await guide.run({
      features: floatTensor(told, [1, told.length]),
      painters: floatTensor(row, rowDims),
    })) as Record<string, Tensor>;
    const share = style.weight / total;
    const values = floatsOf(guided);
    factors ??= new Float32Array(values.length);
    for (let i = 0; i < values.length; i++) factors[i] += share * values[i];
  }
  const statistics = await createStyleSource(ctx, features, params.styles).at(side);
  return { factors: factors as Float32Array, palette: statistics[paletteLayer(1)], statistics, contentWeight };
}
