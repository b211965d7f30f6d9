import { withPixels, type Frame } from '../../frame/frame';
import { lumaOf, meanOf } from '../../frame/plane';

/** Pictures are dreamt into at least this far from black and from white, on average. */
const leastLight = 0.15;
/** Enlarged further, the rounding of 8 bits is all that there is to be seen. */
const mostGain = 12;

/**
 * A picture nearly black or nearly white, as at the ends of a fade, in the light of a usual one: what is dreamt into it
 * there stays while the light changes.
 * @returns `lit`, and how faintly its dream is seen in the picture as it is, 0..1
 */
export function inUsualLight(frame: Frame): { readonly lit: Frame; readonly share: number } {
  const mean = meanOf(lumaOf(frame.rgb));
  const end = Math.round(mean);
  const gain = Math.min(mostGain, leastLight / Math.max(Math.abs(mean - end), 1e-6));
  if (gain <= 1) return { lit: frame, share: 1 };
  const lit = frame.rgb.map(value => Math.min(1, Math.max(0, end + gain * (value - end))));
  return { lit: withPixels(frame, lit), share: 1 / gain };
}
