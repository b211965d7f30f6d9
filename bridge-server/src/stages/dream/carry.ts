import type { Frame } from '../../frame/frame';
import type { Motion, MotionSource } from '../flow/motion';
import { advect } from '../advect';
import { blur } from '../blur';
import { warpBackward, type Size } from '../warp';

/** A frame's dream before its strength is applied, and the picture that it was dreamt into. */
export type Dreamt = {
  readonly content: Frame;
  /** [3, H, W], what is added to the picture. */
  readonly detail: Float32Array;
  /** [H, W], 0..1: how much of a whole dream has been done here. */
  readonly done: Float32Array;
};

/** Softness, in pixels, of the border between what is carried and what comes into view. */
const borderPx = 1.5;
/** Change of brightness from frame to frame, beyond that of grain, at which half of a dream is forgotten. */
const [grainLuma, strangeLuma] = [0.01, 0.08];
/** Sharpness is compared, and light averaged, over about this many pixels. */
const areaPx = 4;

/**
 * The last frame's dream, moved along with what it lies on. Nothing is left where that is hidden or has become another
 * thing; where the way has made it softer, or enlarged it, it counts as less than done.
 */
export async function carryDream(
  before: Dreamt,
  frame: Frame,
  motions: MotionSource,
  share: number,
): Promise<Omit<Dreamt, 'content'>> {
  const area = frame.width * frame.height;
  const motion = await motions.between(before.content, frame);
  if (motion.doubt !== undefined) return { detail: new Float32Array(3 * area), done: new Float32Array(area) };
  const kept = keptShare(before.content, frame, motion).map(value => value * share);
  const moved = advect(before.detail, motion, frame);
  const detail = moved.map((value, i) => kept[i % area] * value);
  const sharp = warpBackward(sharpness(before.detail, frame), motion.backward, frame).image;
  const sharpNow = sharpness(moved, frame);
  const done = warpBackward(before.done, motion.backward, frame).image;
  for (let p = 0; p < area; p++)
    done[p] *= kept[p] * Math.sqrt(Math.min(1, (sharpNow[p] + least) / (sharp[p] + least)));
  return { detail, done };
}

/** Sharpness of a dream that nobody sees. */
const least = 1e-6;

/** [H, W], mean square of the steps from pixel to pixel around each. */
function sharpness(planes: Float32Array, { width, height }: Size): Float32Array {
  const area = width * height;
  const out = new Float32Array(area);
  for (let base = 0; base < planes.length; base += area)
    for (let p = 0; p < area; p++) {
      const at = base + p;
      const across = p % width === width - 1 ? 0 : planes[at + 1] - planes[at];
      const down = p + width >= area ? 0 : planes[at + width] - planes[at];
      out[p] += across * across + down * down;
    }
  return blur(out, width, height, areaPx);
}

/** [H, W], 0..1: how far each pixel shows what the frame before showed, moved. */
function keptShare(before: Frame, now: Frame, { backward, intoB }: Motion): Float32Array {
  const { width, height } = now;
  const area = width * height;
  const then = warpBackward(before.rgb, backward, now, { border: 'reflect' }).image;
  const change = new Float32Array(area);
  const lumaWeights = [0.2126, 0.7152, 0.0722];
  for (let p = 0; p < area; p++)
    for (let c = 0; c < 3; c++) change[p] += lumaWeights[c] * (now.rgb[c * area + p] - then[c * area + p]);
  const seen = intoB.occluded.map((occluded, p) => (occluded || intoB.outside[p] ? 0 : 1));
  const soft = blur(seen, width, height, borderPx);
  return blur(change, width, height, areaPx).map((light, p) => {
    const strange = Math.max(0, Math.abs(light) - grainLuma) / strangeLuma;
    return Math.max(0, 2 * Math.min(seen[p], soft[p]) - 1) / (1 + strange * strange);
  });
}
