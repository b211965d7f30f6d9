import { laterIterations, type DreamParams } from '#protocol/effects/dream';
import { isSameSize, withPixels, type Frame } from '../frame/frame';
import { meanOf } from '../frame/plane';
import { floatTensor, floatsOf } from '../frame/tensor';
import type { Stage, StageContext, StageState } from '../pipeline/stage';
import { blur } from './blur';
import { carryDream, lightOf, type Dreamt } from './dream/carry';
import { openDreamer, type Dreamer, type DreamOptions } from './dream/dreamer';
import { openLayOver, type LayOver } from './dream/lay-over';
import { octaveSizes } from './dream/octaves';
import { inUsualLight } from './dream/usual-light';
import { createFlowProvider } from './flow';
import { createMotionSource, type MotionSource } from './flow/motion';

/** A frame of which this much is new is dreamt as a whole: a remnant of another dream would only hold it back. */
const busyShare = 0.5;
/** Through so much change of light a dream stays; beyond it the picture is another one, as in a fade. */
const usualChange = (light: number) => 0.1 + 0.5 * light;
/** What is so nearly done is left alone: a dream that is worked on everywhere and always boils. */
const doneEnough = 0.9;
/** Less than this share of a frame is not worth the steps. */
const worthDreaming = 0.001;
/** Softness, in pixels, of the border of what is worked on. */
const borderPx = 3;
/** Previews of a frame, in steps. */
const previewEvery = 5;

/** What frames are dreamt with. */
export type DreamTools = { readonly dreamer: Dreamer; readonly layOver: LayOver };

/** @throws AppError as `openDreamer` and `openLayOver` */
export async function openDreamTools(params: DreamParams, ctx: StageContext): Promise<DreamTools> {
  return { dreamer: await openDreamer(params, ctx), layOver: await openLayOver(params, ctx) };
}

/**
 * Dreams into a frame, every octave, and shows what comes of it on the way. Without options: the first frame of a shot,
 * or a still.
 * @returns what is to be added to the frame at full strength, [3, H, W]
 */
export function dreamInto(
  frame: Frame,
  params: DreamParams,
  { dreamer, layOver }: DreamTools,
  ctx: StageContext,
  options: Partial<Pick<DreamOptions, 'iterations' | 'detail' | 'free'>> = {},
): Promise<Float32Array> {
  return dreamer.dream(frame.rgb, frame, {
    octaves: octaveSizes(frame, params.octaves, params.octaveScale),
    iterations: params.iterations,
    stepSize: params.stepSize,
    random: ctx.random(0),
    free: frame.alpha,
    ...options,
    onStep: ({ done, total, size, base, image }) => {
      if (done % previewEvery !== 0) return ctx.progress({ frame: frame.index, done, total });
      const detail = image.map((value, i) => value - base[i]);
      const rgb = layOver(base, detail, size, frame.index);
      ctx.progress({ frame: frame.index, done, total, preview: { index: frame.index, ...size, rgb } });
    },
  });
}

/** The first frame of a shot. */
async function dreamAnew(frame: Frame, params: DreamParams, tools: DreamTools, ctx: StageContext): Promise<Dreamt> {
  return {
    content: frame,
    detail: await dreamInto(frame, params, tools, ctx),
    done: new Float32Array(frame.width * frame.height).fill(1),
    light: lightOf(frame),
  };
}

/**
 * A later frame: what was dreamt before is carried along and left as it is; where it is not a whole dream yet, or no
 * longer, it is worked on. The shifts are the same in every frame: random ones would be new noise each time.
 */
async function dreamOn(
  frame: Frame,
  before: Dreamt,
  params: DreamParams,
  tools: DreamTools,
  motions: MotionSource,
  ctx: StageContext,
): Promise<Dreamt> {
  const lightNow = lightOf(frame);
  const { detail, done, light } = await carryDream(before, frame, lightNow, motions, params.carry);
  if (meanOf(light.map((value, p) => Math.abs(lightNow[p] - value) / usualChange(value))) > 1)
    return dreamAnew(frame, params, tools, ctx);
  const wanting = done.map(share => Math.max(0, 1 - share / doneEnough));
  const free = blur(wanting, frame.width, frame.height, borderPx);
  const wanted = meanOf(free);
  if (wanted < worthDreaming) return { content: frame, detail, done, light };
  if (wanted > busyShare) return dreamAnew(frame, params, tools, ctx);
  const iterations = laterIterations(params);
  const options = { iterations, detail, free: frame.alpha ? free.map((value, i) => value * frame.alpha![i]) : free };
  const after = done.map((value, p) => Math.min(1, value + (free[p] * iterations) / params.iterations));
  return {
    content: frame,
    detail: await dreamInto(frame, params, tools, ctx, options),
    done: after,
    light: light.map((value, p) => value + ((after[p] - done[p]) / Math.max(after[p], 1e-6)) * (lightNow[p] - value)),
  };
}

/** DeepDream on a picture, and on video carried along by optical flow. */
export const dream: Stage<DreamParams> = async function* (input, params, ctx) {
  const tools = await openDreamTools(params, ctx);
  const motions = createMotionSource(createFlowProvider('auto', ctx), {
    stage: 'dream',
    notice: ctx.notice,
    flows: ctx.flows,
  });
  let before = ctx.resumed && fromState(ctx.resumed);
  try {
    for await (const frame of input) {
      ctx.signal.throwIfAborted();
      const { lit, share } = inUsualLight(frame);
      before =
        before && !frame.shotStart && isSameSize(before.content, frame)
          ? await dreamOn(lit, before, params, tools, motions, ctx)
          : await dreamAnew(lit, params, tools, ctx);
      const seen = before.detail.map(value => share * value);
      yield withPixels(frame, tools.layOver(frame.rgb, seen, frame, frame.index));
      ctx.store(toState(before));
    }
  } finally {
    await motions.close();
  }
};

function toState({ content, detail, done, light }: Dreamt): StageState {
  const dims = [content.height, content.width];
  return {
    nextIndex: content.index + 1,
    tensors: {
      image: floatTensor(content.rgb, [3, ...dims]),
      dream: floatTensor(detail, [3, ...dims]),
      done: floatTensor(done, dims),
      light: floatTensor(light, dims),
    },
  };
}

function fromState({ nextIndex, tensors: { image, dream, done, light } }: StageState): Dreamt {
  const [height, width] = done.dims;
  return {
    content: { index: nextIndex - 1, width, height, rgb: floatsOf(image) },
    detail: floatsOf(dream),
    done: floatsOf(done),
    light: floatsOf(light),
  };
}
