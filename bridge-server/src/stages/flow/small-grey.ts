import { isSameSize, type Frame } from '../../frame/frame';
import type { Size } from '../warp';
import { greyOf } from './dis';

export type Grey = Size & { readonly grey: Float32Array };

/** The size of a frame that is at most `width` wide, and at least 16. */
export function smallSize(frame: Size, width: number): Size {
  const factor = Math.min(1, width / frame.width);
  return {
    width: Math.max(16, Math.round(frame.width * factor)),
    height: Math.max(16, Math.round(frame.height * factor)),
  };
}

/** Luma of a frame, 0..255, at most `width` wide (and at least 16), by averaging areas. */
export function smallGrey(frame: Frame, width: number): Grey {
  const size = smallSize(frame, width);
  return { ...size, grey: averaged(greyOf(frame), frame, size) };
}

/** Each new pixel is the mean of the old ones whose centres it covers, or the nearest one where it covers none. */
export function averaged(grey: Float32Array, from: Size, to: Size): Float32Array {
  if (isSameSize(from, to)) return grey;
  const out = new Float32Array(to.width * to.height);
  const columns = edges(from.width, to.width);
  const rows = edges(from.height, to.height);
  for (let y = 0; y < to.height; y++) {
    const [top, bottom] = [rows[y], Math.max(rows[y] + 1, rows[y + 1])];
    for (let x = 0; x < to.width; x++) {
      const [left, right] = [columns[x], Math.max(columns[x] + 1, columns[x + 1])];
      let sum = 0;
      for (let j = top; j < bottom; j++)
        for (let p = j * from.width + left, end = j * from.width + right; p < end; p++) sum += grey[p];
      out[y * to.width + x] = sum / ((bottom - top) * (right - left));
    }
  }
  return out;
}

/** Where each new pixel begins among the old ones. */
function edges(from: number, to: number): Int32Array {
  return Int32Array.from({ length: to + 1 }, (_, i) =>
    Math.min(i === to ? from : from - 1, Math.round((i * from) / to)),
  );
}
