import type { FeatureRecipe } from '../../nets/feature-net';
import type { LossWeights } from '../../nets/style-step';
import type { StyleParams } from '#protocol/effects/style';

/** Strength at which the content weighs twice what a landscape needs: faces and text survive, forms still bend. */
const usualStrength = 60;
/** So many points of strength change the content's weight tenfold. */
const strengthPerDecade = 60;

export function contentWeightOf(params: StyleParams, recipe: FeatureRecipe): number {
  if (params.contentWeight > 0) return params.contentWeight;
  return 2 * recipe.contentWeight * restraintOf(params);
}

/** Above 1 the photograph weighs more than usual. */
function restraintOf({ strength }: StyleParams): number {
  return 10 ** ((usualStrength - strength) / strengthPerDecade);
}

/** Pull per unit of mean error at the default stickiness. */
const usualTemporalWeight = 2;
const usualStickiness = 60;

/** 0 lets go altogether; each doubling of the setting pulls four times as hard. */
export function temporalWeightOf(params: StyleParams): number {
  return usualTemporalWeight * (params.stickiness / usualStickiness) ** 2;
}

/** Share of a sure pixel's change that is taken back, at the default stickiness and at most. */
const usualSettleShare = 0.5;
const largestSettleShare = 0.8;

export function settleShareOf(params: StyleParams): number {
  return Math.min(largestSettleShare, (usualSettleShare * params.stickiness) / usualStickiness);
}

/** Against slow drift of colours over a shot (methods reference 2.6). */
const anchorWeight = 0.03;

/**
 * Faces stay of one hue, and stars and lamps still come where the painter wants them. By the features of VGG-19 and two
 * other nets this takes pictures 1.5 % further from their styles (six pictures); twice as much, four times that.
 */
const hueWeight = 0.12;

/** As strong as in the training of feed-forward nets (feature-nets.md 5). */
const rangeWeight = 20;

export function lossWeights(params: StyleParams, recipe: FeatureRecipe): LossWeights {
  return {
    style: 1,
    content: contentWeightOf(params, recipe),
    palette: params.colourWeight,
    variation: params.tvWeight,
    temporal: temporalWeightOf(params),
    anchor: anchorWeight,
    range: rangeWeight,
    hue: hueWeight * restraintOf(params),
  };
}
