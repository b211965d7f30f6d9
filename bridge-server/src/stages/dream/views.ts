import { floatTensor, type Tensor } from '../../frame/tensor';
import type { Size } from './octaves';

/** How far a robust view turns and enlarges (tensorflow/lucid's standard transforms, a little calmer for photographs). */
const robustView = { degrees: 8, enlargement: 0.08 } as const;

export type ViewOptions = { readonly jitter: number; readonly robust: boolean };

/** What `viewInputs` of `nets/dream-step.ts` is fed: how each of `steps` steps looks at a picture. */
export function viewFeeds(
  size: Size,
  steps: number,
  { jitter, robust }: ViewOptions,
  random: () => number,
): Record<string, Tensor> {
  const shifts = Array.from({ length: steps }, () => [shift(random, jitter), shift(random, jitter)] as const);
  if (robust) {
    const turns = shifts.map(([dy, dx]) => {
      const angle = ((2 * random() - 1) * robustView.degrees * Math.PI) / 180;
      const scale = 1 + (2 * random() - 1) * robustView.enlargement;
      return { dx, dy, cos: Math.cos(angle) / scale, sin: Math.sin(angle) / scale, scale };
    });
    const dims = [steps, size.height, size.width, 2];
    return {
      grid: floatTensor(grids(size, turns, false), dims),
      gridBack: floatTensor(grids(size, turns, true), dims),
    };
  }
  const [down, across] = [shifts.map(([dy]) => dy), shifts.map(([, dx]) => dx)];
  const negative = (values: readonly number[]) => values.map(value => -value);
  return {
    rows: indexTable(down, size.height),
    columns: indexTable(across, size.width),
    rowsBack: indexTable(negative(down), size.height),
    columnsBack: indexTable(negative(across), size.width),
  };
}

/** Whole pixels, -jitter to jitter, the same odds for each. */
function shift(random: () => number, jitter: number): number {
  return jitter === 0 ? 0 : Math.floor(random() * (2 * jitter + 1)) - jitter;
}

/** For each step the order in which rows (or columns) are read, so that position p shows what was at p - shift. */
function indexTable(shifts: readonly number[], length: number): Tensor {
  const data = new BigInt64Array(shifts.length * length);
  shifts.forEach((by, step) => {
    for (let p = 0; p < length; p++) data[step * length + p] = BigInt((((p - by) % length) + length) % length);
  });
  return { type: 'int64', dims: [shifts.length, length], data };
}

/** A turn and enlargement about the middle, then a shift. */
type Turn = {
  readonly dx: number;
  readonly dy: number;
  readonly cos: number;
  readonly sin: number;
  readonly scale: number;
};

/** Where each pixel is fetched from, as GridSample counts with aligned corners: -1 to 1. */
function grids({ width, height }: Size, turns: readonly Turn[], inverse: boolean): Float32Array {
  const out = new Float32Array(turns.length * height * width * 2);
  const [cx, cy] = [(width - 1) / 2, (height - 1) / 2];
  let at = 0;
  for (const { dx, dy, cos, sin, scale } of turns) {
    const [icos, isin] = [cos * scale * scale, sin * scale * scale];
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const [px, py] = inverse ? [x - cx - dx, y - cy - dy] : [x - cx, y - cy];
        const sx = inverse ? icos * px + isin * py : cos * px - sin * py + dx;
        const sy = inverse ? -isin * px + icos * py : sin * px + cos * py + dy;
        out[at++] = cx > 0 ? sx / cx : 0;
        out[at++] = cy > 0 ? sy / cy : 0;
      }
  }
  return out;
}
