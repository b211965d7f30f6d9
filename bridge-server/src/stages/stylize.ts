import type { Stage } from '../pipeline/stage';
import type { StyleParams } from '#protocol/effects/style';
import { stylizeFast } from './stylize/fast/stylize-fast';
import { stylizeByOptimising } from './stylize/optimise';

export { computePainter } from './stylize/targets';
export { stylizeStill } from './stylize/still';
export type { StillStep } from './stylize/still';

/** Paints frames in the manner of pictures, at the size in which they come. */
export const stylize: Stage<StyleParams> = (input, params, ctx) => {
  switch (params.method) {
    case 'optimise':
      return stylizeByOptimising(input, params, ctx);
    case 'fast':
      return stylizeFast(input, params, ctx);
  }
};
