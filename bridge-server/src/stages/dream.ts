import { curveAt } from '#protocol/effects/parameter';
import type { DreamParams } from '#protocol/effects/dream';
import { withPixels, type Frame } from '../frame/frame';
import { floatTensor, floatsOf } from '../frame/tensor';
import type { Stage, StageContext } from '../pipeline/stage';
import { openDreamer, type Dreamer } from './dream/dreamer';
import { octaveSizes, type Size } from './dream/octaves';
import { createFlowProvider } from './flow';
import { blur } from './blur';
import { consistency } from './occlusion';
import { warpBackward } from './warp';

/** Octaves, and the share of the iterations and of the step, that keep a carried dream alive from frame to frame (methods 5.5). */
const upkeep = { octaves: 2, iterations: 0.4, step: 0.5 } as const;
/** When more than this share of a frame was not visible before, that part is dreamt from the start. */
const freshShare = 0.002;
/** Softness, in pixels, of the border between what is carried and what is dreamt anew. */
const freshBlurPx = 8;

/** What a dream looks like before its strength is applied, and the picture it was laid on. */
type Carried = { readonly image: Float32Array; readonly dream: Float32Array };

/** The first frame of a shot, or a still: every octave, from nothing. */
export async function dreamFresh(
  frame: Frame,
  params: DreamParams,
  dreamer: Dreamer,
  ctx: StageContext,
  free = frame.alpha,
): Promise<Float32Array> {
  const size = { width: frame.width, height: frame.height };
  return dreamer.dream(frame.rgb, size, {
    octaves: octaveSizes(size, params.octaves, params.octaveScale),
    iterations: params.iterations,
    stepSize: params.stepSize,
    random: ctx.random(0),
    free,
    onStep: (done, total) => ctx.progress({ frame: frame.index, done, total }),
  });
}

/**
 * A later frame: what was dreamt before is carried along by the motion as a difference to its picture, kept alive by a
 * few fine steps, and dreamt anew where something comes into view. The shifts are the same in every frame: random ones
 * would be new noise each time.
 */
async function dreamOn(
  frame: Frame,
  before: Carried,
  params: DreamParams,
  dreamer: Dreamer,
  flowOf: FlowOf,
  ctx: StageContext,
): Promise<Float32Array> {
  const size: Size = { width: frame.width, height: frame.height };
  const area = size.width * size.height;
  const { forward, backward } = await flowOf(frame, before.image);
  const { reliability } = consistency(forward, backward, size, { edgesCount: false });
  const { image: warped } = warpBackward(before.dream, forward, size, { filter: 'cubic' });
  const detail = new Float32Array(3 * area);
  const fresh = new Float32Array(area);
  let uncovered = 0;
  for (let i = 0; i < area; i++) {
    const kept = reliability[i];
    uncovered += 1 - kept;
    fresh[i] = 1 - kept;
    for (let c = 0; c < 3; c++) detail[c * area + i] = params.carry * kept * warped[c * area + i];
  }
  let carried: Float32Array = detail;
  if (uncovered > area * freshShare) {
    const soft = blur(fresh, size.width, size.height, freshBlurPx / 2);
    const free = frame.alpha ? soft.map((value, i) => value * frame.alpha![i]) : soft;
    carried = await dreamer.dream(frame.rgb, size, {
      octaves: octaveSizes(size, params.octaves, params.octaveScale),
      iterations: params.iterations,
      stepSize: params.stepSize,
      random: ctx.random(0),
      detail: carried,
      free,
      onStep: (done, total) => ctx.progress({ frame: frame.index, done, total: 2 * total }),
    });
  }
  return dreamer.dream(frame.rgb, size, {
    octaves: octaveSizes(size, Math.min(upkeep.octaves, params.octaves), params.octaveScale),
    iterations: Math.max(1, Math.round(params.iterations * upkeep.iterations)),
    stepSize: params.stepSize * upkeep.step,
    random: ctx.random(0),
    detail: carried,
    free: frame.alpha,
    onStep: (done, total) => ctx.progress({ frame: frame.index, done, total }),
  });
}

type FlowOf = (frame: Frame, earlier: Float32Array) => Promise<{ forward: Float32Array; backward: Float32Array }>;

/** DeepDream on a picture, and on video carried along by optical flow. */
export const dream: Stage<DreamParams> = async function* (input, params, ctx) {
  const dreamer = await openDreamer(params, ctx);
  const flow = createFlowProvider('auto', ctx);
  let before: Carried | undefined = ctx.resumed && {
    image: floatsOf(ctx.resumed.tensors.image),
    dream: floatsOf(ctx.resumed.tensors.dream),
  };
  try {
    for await (const frame of input) {
      ctx.signal.throwIfAborted();
      const flowOf: FlowOf = (now, earlier) => flow.flow(now, withPixels({ ...now, alpha: undefined }, earlier));
      const continues = before !== undefined && !frame.shotStart && before.image.length === frame.rgb.length;
      const detail = continues
        ? await dreamOn(frame, before!, params, dreamer, flowOf, ctx)
        : await dreamFresh(frame, params, dreamer, ctx);
      before = { image: frame.rgb, dream: detail };
      yield withPixels(frame, laidOver(frame.rgb, detail, strengthAt(params, frame.index)));
      const dims = [3, frame.height, frame.width];
      ctx.store({
        nextIndex: frame.index + 1,
        tensors: { image: floatTensor(before.image, dims), dream: floatTensor(before.dream, dims) },
      });
    }
  } finally {
    await flow.close();
  }
};

/** 0..1 */
export function strengthAt(params: DreamParams, frame: number): number {
  return curveAt(params.strengthCurve, frame, params.strength) / 100;
}

export function laidOver(rgb: Float32Array, detail: Float32Array, strength: number): Float32Array {
  return rgb.map((value, i) => Math.min(1, Math.max(0, value + strength * detail[i])));
}
