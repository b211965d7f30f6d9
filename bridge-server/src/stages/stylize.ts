import type { Stage } from '../pipeline/stage';
import type { StyleParams } from '#protocol/effects/style';
import { AppError } from '#protocol/errors';
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
      throw new AppError('PARAMETER_WRONG', { name: 'method', value: 'fast', problem: 'no net for it is installed; choose "optimise".' });
  }
};
