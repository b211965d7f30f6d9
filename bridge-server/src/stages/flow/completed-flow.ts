import type { Size } from '../warp';

/** Vectors are completed in cells of this many pixels a side: their mean colour tells surfaces apart, single pixels do not. */
const cellPx = 8;
/** Cells around one that it may take its motion from. */
const reach = 6;
/** Differences of mean colour by which surfaces are told apart, 0..1. */
const colourSpread = 0.05;
/** A neighbourhood agrees when its motions lie this close to their median: pixels, and share of its length. */
const agreedPx = 0.5;
const agreedShare = 0.03;
/** Steps of Weiszfeld's iteration; the median of two motions is found in a few. */
const medianSteps = 4;

/**
 * The motion of what can be seen in one frame only. Where the two flows contradict each other or lead out of the
 * picture, the search has nothing to say; such pixels move as what looks like them around them does: the median motion
 * of the reliable neighbourhood, weighted by likeness and nearness. A strip of wall that a dancer steps in front of
 * moves with the wall.
 * @param flow [2, H, W]
 * @param trust 1 where the flow is kept, 0 where it is not, between them where it is given up only for a motion on which the
 *   whole neighbourhood agrees, as in a pan
 * @param picture [C, H, W], on whose grid the flow lies
 * @returns [2, H, W]; no motion where nothing reliable is near: there two frames are best blended
 * Source: the filling of Herbst, Seitz and Baker, Occlusion reasoning for temporal interpolation using optical flow, 2009,
 * with a joint bilateral weight in place of their order of depth.
 */
export function completeFlow(
  flow: Float32Array,
  trust: Float32Array,
  picture: Float32Array,
  { width, height }: Size,
): Float32Array {
  const area = width * height;
  const grid = { columns: Math.ceil(width / cellPx), rows: Math.ceil(height / cellPx) };
  const kept = trust.map(share => (share === 1 ? 1 : 0));
  const lost = trust.map(share => (share < 1 ? 1 : 0));
  const known = cellMeans(flow, kept, { width, height });
  const look = {
    kept: cellMeans(picture, kept, { width, height }).mean,
    lost: cellMeans(picture, lost, { width, height }),
  };
  const out = flow.slice();
  for (let j = 0, cell = 0; j < grid.rows; j++) {
    for (let i = 0; i < grid.columns; i++, cell++) {
      if (look.lost.count[cell] === 0) continue;
      const near = neighbours(i, j, known.count, look.kept, look.lost.mean, grid);
      const { u, v, spread } = near.cells.length > 0 ? medianVector(known, near) : { u: 0, v: 0, spread: Infinity };
      const agreed = spread < agreedPx + agreedShare * Math.sqrt(u * u + v * v);
      for (let y = j * cellPx; y < Math.min(height, (j + 1) * cellPx); y++) {
        for (let x = i * cellPx; x < Math.min(width, (i + 1) * cellPx); x++) {
          const p = y * width + x;
          if (trust[p] === 1 || (trust[p] > 0 && !agreed)) continue;
          out[p] = u;
          out[area + p] = v;
        }
      }
    }
  }
  return out;
}

type Cells = { readonly mean: Float32Array; readonly count: Uint8Array };

/** Means of all planes over the chosen pixels of each cell, and how many those are. */
function cellMeans(planes: Float32Array, chosen: Float32Array, { width, height }: Size): Cells {
  const columns = Math.ceil(width / cellPx);
  const count = new Uint8Array(columns * Math.ceil(height / cellPx));
  const area = width * height;
  const mean = new Float32Array((planes.length / area) * count.length);
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      if (chosen[p] === 0) continue;
      const cell = Math.floor(y / cellPx) * columns + Math.floor(x / cellPx);
      count[cell]++;
      for (let q = p, c = cell; q < planes.length; q += area, c += count.length) mean[c] += planes[q];
    }
  }
  for (let c = 0; c < mean.length; c++) mean[c] /= Math.max(1, count[c % count.length]);
  return { mean, count };
}

type Neighbours = { readonly cells: number[]; readonly weights: number[] };

/** The cells around one whose motion is known, and how far each speaks for it. */
function neighbours(
  i: number,
  j: number,
  known: Uint8Array,
  theirs: Float32Array,
  own: Float32Array,
  { columns, rows }: { columns: number; rows: number },
): Neighbours {
  const near: Neighbours = { cells: [], weights: [] };
  const channels = own.length / known.length;
  for (let y = Math.max(0, j - reach); y <= Math.min(rows - 1, j + reach); y++) {
    for (let x = Math.max(0, i - reach); x <= Math.min(columns - 1, i + reach); x++) {
      const cell = y * columns + x;
      if (known[cell] === 0) continue;
      let unlike = 0;
      for (let c = 0; c < own.length; c += known.length)
        unlike += Math.abs(own[c + j * columns + i] - theirs[c + cell]);
      const away = 1 + (x - i) ** 2 + (y - j) ** 2;
      near.cells.push(cell);
      near.weights.push((known[cell] * Math.exp(-unlike / (channels * colourSpread))) / (away * away));
    }
  }
  return near;
}

/**
 * The point to which the weighted sum of distances is least: of two motions the one with more weight, never one between.
 * With it the mean distance from it.
 */
function medianVector({ mean, count }: Cells, { cells, weights }: Neighbours) {
  let [u, v, spread] = [0, 0, 0];
  for (let step = 0; step <= medianSteps; step++) {
    let [sum, su, sv, total, apart] = [0, 0, 0, 0, 0];
    for (let k = 0; k < cells.length; k++) {
      const [mu, mv] = [mean[cells[k]], mean[count.length + cells[k]]];
      const distance = Math.sqrt((mu - u) ** 2 + (mv - v) ** 2);
      const weight = step === 0 ? weights[k] : weights[k] / (distance + 0.1);
      sum += weight;
      su += weight * mu;
      sv += weight * mv;
      total += weights[k];
      apart += weights[k] * distance;
    }
    [u, v, spread] = [su / sum, sv / sum, apart / total];
  }
  return { u, v, spread };
}
