import type { Tensor } from '../../frame/tensor';
import type { LayerStatistics } from '../../nets/style-statistics';
import { paletteLayer } from '../../nets/style-statistics';
import type { LossWeights } from '../../nets/style-step';
import type { StageContext } from '../../pipeline/stage';
import { embeddedFeatureNet, stepCounts, strokesFor, type StepCounts, type StyleParams } from '#protocol/effects/style';
import { resizePlanes } from '../resize';
import { createFeatureSource, openEasel } from './easel';
import { adamRates, paint } from './paint';
import type { Easel, PaintHooks, PaintOrder, Painted } from './paint';
import { lossWeights, settleShareOf } from './settings';
import { anchorTargets, createStyleSource, styleTargets } from './targets';

type Size = { readonly width: number; readonly height: number };

/** Everything that paints frames of one size in one manner. */
export type Studio = {
  readonly size: Size;
  /** Of the pyramid, the smallest first. */
  readonly scales: readonly number[];
  /** Whether statistics are those of the part that a mask marks. */
  readonly masked: boolean;
  readonly weights: LossWeights;
  readonly steps: StepCounts;
  /** The colours of the style. */
  readonly stylePalette: LayerStatistics;
  /** Share of a sure pixel's change that is taken back. */
  readonly settleShare: number;
  /** Adam's step size for a picture that starts anew. */
  readonly rate: number;
  /** Paints at `scale` (1 = full size); planes in the order are of that size. */
  at(scale: number): Promise<{ readonly size: Size; paint(order: StudioOrder, hooks: PaintHooks): Promise<Painted> }>;
};

export type StudioOrder = Omit<PaintOrder, 'targets' | 'weights'> & {
  readonly weights?: Partial<LossWeights>;
  /** Palette of the shot, if it has one. */
  readonly anchor?: LayerStatistics;
};

/** Pictures smaller than this hold no strokes: the pyramid ends there. */
const leastSidePx = 48;

export async function openStudio(
  ctx: Pick<StageContext, 'nets' | 'image' | 'painter'>,
  params: StyleParams,
  { width: fullWidth, height: fullHeight }: Size,
  masked: boolean,
): Promise<Studio> {
  const size = { width: fullWidth, height: fullHeight };
  const features = createFeatureSource(ctx.nets, params.net === 'auto' ? embeddedFeatureNet : params.net);
  const styles = createStyleSource(ctx, features, params.styles);
  const { recipe } = await features.load();
  const weights = lossWeights(params, recipe);
  const { strokePx, scales } = strokesFor(params, size);
  const full = await styles.at(strokePx);
  const stylePalette = full[paletteLayer(1)];
  const easels = new Map<number, Promise<{ easel: Easel; targets: Record<string, Tensor> }>>();
  const open = async (scale: number) => {
    const { width, height } = scaledSize(size, scale);
    const targets = styleTargets(params.loss, await styles.at(Math.max(1, Math.round(strokePx * scale))));
    const easel = await openEasel(ctx.nets, features, {
      net: features.name,
      width,
      height,
      loss: params.loss,
      picture: params.picture,
      optimiser: params.optimiser,
      masked,
    });
    return { easel, targets };
  };
  return {
    size,
    scales: pyramidScales(size, scales),
    masked,
    weights,
    steps: stepCounts(params),
    settleShare: settleShareOf(params),
    stylePalette,
    rate: adamRates[params.picture],
    async at(scale) {
      const opened = easels.get(scale) ?? open(scale);
      easels.set(scale, opened);
      const { easel, targets } = await opened;
      return {
        size: scaledSize(size, scale),
        paint: ({ anchor, ...order }, hooks) =>
          paint(
            easel,
            {
              ...order,
              targets: { ...targets, ...anchorTargets(anchor ?? stylePalette) },
              weights: {
                ...weights,
                ...(anchor ? {} : { anchor: 0 }),
                ...(order.temporal ? {} : { temporal: 0 }),
                ...order.weights,
              },
            },
            hooks,
          ),
      };
    },
  };
}

export function scaledSize({ width, height }: Size, scale: number): Size {
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** Scales of a coarse-to-fine pyramid, the smallest first: steps of sqrt(2) up to 1. */
export function pyramidScales(size: Size, count: number): number[] {
  const scales = Array.from({ length: count }, (_, i) => Math.SQRT1_2 ** (count - 1 - i));
  return scales.filter(scale => scale === 1 || Math.min(size.width, size.height) * scale >= leastSidePx);
}

/** [C, H, W] at another size. */
export function resizedPlanes(planes: Float32Array, channels: number, from: Size, to: Size): Float32Array {
  return resizePlanes(planes, channels, from.width, from.height, to.width, to.height);
}
