import type { Motion } from './flow/motion';
import { warpBackward, type Size } from './warp';

/**
 * Moves planes along: warps there and back, and takes half of what that loses off beforehand. Repeated every frame,
 * plain interpolation would wash strokes out. Where the way back is not sure nothing is corrected.
 * @param planes [C, H, W] of the frame that `motion` leads away from
 * Source: Dupont and Liu, back and forth error compensation and correction, J. Comput. Phys. 190 (2003).
 */
export function advect(planes: Float32Array, motion: Motion, size: Size): Float32Array {
  const options = { border: 'reflect', filter: 'cubic' } as const;
  const there = warpBackward(planes, motion.backward, size, options).image;
  const back = warpBackward(there, motion.forward, size, options).image;
  const sure = motion.intoA.reliability;
  const corrected = planes.map((value, i) => value + 0.5 * sure[i % sure.length] * (value - back[i]));
  return warpBackward(corrected, motion.backward, size, options).image;
}
