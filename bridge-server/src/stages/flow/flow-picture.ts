import type { Frame } from '../../frame/frame';
import type { Size } from '../warp';

/** Steps between neighbouring pure colours on the wheel: red, yellow, green, cyan, blue, magenta, and back. */
const arcs = [
  { steps: 15, from: [1, 0, 0], to: [1, 1, 0] },
  { steps: 6, from: [1, 1, 0], to: [0, 1, 0] },
  { steps: 4, from: [0, 1, 0], to: [0, 1, 1] },
  { steps: 11, from: [0, 1, 1], to: [0, 0, 1] },
  { steps: 13, from: [0, 0, 1], to: [1, 0, 1] },
  { steps: 6, from: [1, 0, 1], to: [1, 0, 0] },
] as const;

const wheel: readonly (readonly number[])[] = arcs.flatMap(({ steps, from, to }) =>
  Array.from({ length: steps }, (_, i) => from.map((value, c) => value + ((to[c] - value) * i) / steps)),
);

/**
 * Motion as colours: the hue is the direction, the strength the length; still is white, unknown black.
 * @param flow [2, H, W]
 * @param fullPx length that is shown at full strength; the longest motion of this picture when absent
 * Source: the colour code of Baker et al., A database and evaluation methodology for optical flow, IJCV 2011.
 */
export function flowPicture(flow: Float32Array, { width, height }: Size, fullPx?: number): Frame {
  const area = width * height;
  const rgb = new Float32Array(3 * area);
  let longest = 0;
  for (let p = 0; p < area; p++) {
    const length = Math.hypot(flow[p], flow[area + p]);
    if (Number.isFinite(length) && length > longest) longest = length;
  }
  const scale = 1 / Math.max(fullPx ?? longest, 1e-6);
  for (let p = 0; p < area; p++) {
    const u = flow[p] * scale;
    const v = flow[area + p] * scale;
    const radius = Math.hypot(u, v);
    if (!Number.isFinite(radius)) continue;
    const angle = Math.atan2(-v, -u) / Math.PI;
    const position = ((angle + 1) / 2) * (wheel.length - 1);
    const first = Math.floor(position);
    const second = (first + 1) % wheel.length;
    const fraction = position - first;
    for (let c = 0; c < 3; c++) {
      const colour = (1 - fraction) * wheel[first][c] + fraction * wheel[second][c];
      rgb[c * area + p] = radius <= 1 ? 1 - radius * (1 - colour) : colour * 0.75;
    }
  }
  return { index: 0, width, height, rgb };
}
