import type { Frame } from '../../frame/frame';
import { lumaOf } from '../../frame/plane';
import { advect } from '../advect';
import { blur } from '../blur';
import type { Motion, MotionSource } from '../flow/motion';
import { warpBackward, type Size } from '../warp';

/** A frame's dream before its strength is applied, and the picture that it was dreamt into. */
export type Dreamt = {
  readonly content: Frame;
  /** [3, H, W], what is added to the picture. */
  readonly detail: Float32Array;
  /** [H, W], 0..1: how much of a whole dream has been done here. */
  readonly done: Float32Array;
  /** [H, W], 0..1: brightness of what was dreamt into, which may be frames ago. */
  readonly light: Float32Array;
};

/** Softness, in pixels, of the border between what is carried and what comes into view. */
const borderPx = 1.5;
/** Sharpness is compared, and light averaged, over about this many pixels. */
const areaPx = 4;
/** Sharpness of a dream that nobody sees. */
const least = 1e-6;

/**
 * The last frame's dream, moved along with what it lies on. Nothing is left where that is hidden. Where the way has made
 * it softer, or has enlarged it, it counts as less than done.
 * @param lightNow `lightOf` the frame
 */
export async function carryDream(
  before: Dreamt,
  frame: Frame,
  lightNow: Float32Array,
  motions: MotionSource,
  share: number,
): Promise<Omit<Dreamt, 'content'>> {
  const area = frame.width * frame.height;
  const motion = await motions.between(before.content, frame);
  if (motion.doubt !== undefined)
    return { detail: new Float32Array(3 * area), done: new Float32Array(area), light: lightNow };

  const along = (plane: Float32Array) => warpBackward(plane, motion.backward, frame).image;
  const seen = seenShare(motion, frame).map(value => value * share);
  const [light, done] = [along(before.light), along(before.done)];
  const detail = advect(before.detail, motion, frame);
  const [sharp, sharpNow] = [along(sharpness(before.detail, frame)), sharpness(detail, frame)];
  for (let p = 0; p < area; p++) {
    done[p] *= seen[p] * Math.sqrt(Math.min(1, (sharpNow[p] + least) / (sharp[p] + least)));
    light[p] = lightNow[p] + seen[p] * (light[p] - lightNow[p]);
  }
  return { detail: detail.map((value, i) => value * seen[i % area]), done, light };
}

/** Brightness of a picture, averaged over small areas, [H, W]. */
export function lightOf({ rgb, width, height }: Frame): Float32Array {
  return blur(lumaOf(rgb), width, height, areaPx);
}

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

/** [H, W], 0..1: how far each pixel was to be seen in the frame before. */
function seenShare({ intoB }: Motion, { width, height }: Size): Float32Array {
  const seen = intoB.occluded.map((occluded, p) => (occluded || intoB.outside[p] ? 0 : 1));
  return blur(seen, width, height, borderPx).map((soft, p) => Math.max(0, 2 * Math.min(seen[p], soft) - 1));
}
