import type { Frame } from '../../frame/frame';
import { resizePlanes } from '../resize';
import type { Size } from '../warp';

export type Grey = Size & { readonly grey: Float32Array };

/** Luma of a frame, 0..255, small enough that a search takes a millisecond or two. */
export function smallGrey(frame: Frame, width: number): Grey {
  const factor = Math.min(1, width / frame.width);
  const size = { width: Math.max(16, Math.round(frame.width * factor)), height: Math.max(16, Math.round(frame.height * factor)) };
  const small = resizePlanes(frame.rgb, 3, frame.width, frame.height, size.width, size.height);
  const area = size.width * size.height;
  const grey = new Float32Array(area);
  for (let p = 0; p < area; p++) grey[p] = 76.245 * small[p] + 149.685 * small[area + p] + 29.07 * small[2 * area + p];
  return { ...size, grey };
}
