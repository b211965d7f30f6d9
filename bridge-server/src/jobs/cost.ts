import { laterIterations, type DreamParams } from '#protocol/effects/dream';
import { stepCounts, strokesFor, type FitOrder, type StyleParams } from '#protocol/effects/style';
import type { ZoomParams } from '#protocol/effects/zoom';
import type { RetimeStageParams } from '../effects/retime';
import type { Size } from '../effects/size';
import type { StageNode } from './task';

/**
 * How much work a stage is, in megapixel-steps: megapixels that pass, times optimiser or dream steps where there are
 * any. A table (or a measurement on this machine) turns work into seconds.
 */
export type Work = { readonly stage: string; readonly frames: number; readonly work: number };

function megapixels(size: Size): number {
  return (size.width * size.height) / 1e6;
}

function dreamSteps(params: DreamParams, iterations: number): number {
  // Each smaller octave has 1/scale² of the pixels.
  let area = 0;
  for (let octave = 0; octave < params.octaves; octave++) area += params.octaveScale ** (-2 * octave);
  return area * iterations;
}

/** Work of one stage for `frames` frames of one shot that leave it with `size`. */
export function workOf(node: StageNode, frames: number, size: Size, shots = 1): Work {
  const pixels = megapixels(size);
  const per = (work: number): Work => ({ stage: node.stage, frames, work });
  switch (node.stage) {
    case 'stylize': {
      const params = node.params as StyleParams;
      if (params.method === 'fast') return per(pixels * frames);
      const steps = stepCounts(params);
      let first = steps.first;
      const { scales } = strokesFor(params, size);
      // Each smaller size of the pyramid has half the pixels of the next.
      for (let level = 1; level < scales; level++) first += steps.coarse * 2 ** -level;
      const firsts = Math.min(frames, shots);
      return per(pixels * params.passes * (firsts * first + (frames - firsts) * steps.next));
    }
    case 'dream': {
      const params = node.params as DreamParams;
      const firsts = Math.min(frames, shots);
      const [first, next] = [params.iterations, laterIterations(params)].map(steps => dreamSteps(params, steps));
      return per(pixels * (firsts * first + (frames - firsts) * next));
    }
    case 'zoom': {
      const params = node.params as ZoomParams;
      return per(pixels * frames * dreamSteps(params.dream, params.iterations));
    }
    case 'upscale':
      return per(pixels * frames * ((node.params as { tta?: boolean }).tta ? 8 : 1));
    case 'retime':
      return { stage: `retime-${(node.params as RetimeStageParams).method}`, frames, work: pixels * frames };
    case 'key':
    case 'composite':
    case 'resize':
      return per(pixels * frames);
  }
}

/** Pixels of the picture on which a step of a fit is taken (`stages/stylize/fast/fit.ts`), whatever the size of frames. */
const fitMegapixels = 208 ** 2 / 1e6;

/** A fit counts its steps as frames. */
export function workOfFit({ steps }: FitOrder): Work {
  return { stage: 'fit', frames: steps, work: steps * fitMegapixels };
}

/** Size of frames after a stage. */
export function sizeAfter(node: StageNode, size: Size): Size {
  if (node.stage !== 'resize' && node.stage !== 'upscale') return size;
  const params = node.params as Size;
  return { width: params.width, height: params.height };
}
