import { symmetricEigen } from './symmetric-eigen';

/** What one feature map says of a style: means [C] and covariance [C, C] of its channels over all positions. */
export type LayerStatistics = {
  readonly channels: number;
  readonly mean: Float64Array;
  readonly covariance: Float64Array;
};

/** By layer; the palette is three layers more, named by `paletteLayer`. */
export type StyleStatistics = Readonly<Record<string, LayerStatistics>>;

/** The palette is measured on the picture averaged over squares of these sides: dots of colour as well as areas. */
export const palettePools = [1, 4, 16] as const;

export function paletteLayer(pool: number): string {
  return `rgb/${pool}`;
}

export function isPaletteLayer(layer: string): boolean {
  return layer.startsWith('rgb/');
}

/**
 * Several styles as one: means and second moments are averaged, so that the blend is the style of a picture of which
 * each painter has painted a share (methods reference 1.4).
 * @throws RangeError when weights do not add to something or layers differ
 */
export function blendStatistics(
  parts: readonly { readonly statistics: StyleStatistics; readonly weight: number }[],
): StyleStatistics {
  const used = parts.filter(part => part.weight > 0);
  const total = used.reduce((sum, part) => sum + part.weight, 0);
  if (!(total > 0)) throw new RangeError('at least one style needs a weight above 0');
  if (used.length === 1) return used[0].statistics;
  const blended: Record<string, LayerStatistics> = {};
  for (const [layer, first] of Object.entries(used[0].statistics)) {
    const n = first.channels;
    const mean = new Float64Array(n);
    const covariance = new Float64Array(n * n);
    for (const { statistics, weight } of used) {
      const part = statistics[layer];
      if (part?.channels !== n) throw new RangeError(`the styles differ in layer ${layer}`);
      const share = weight / total;
      for (let i = 0; i < n; i++) {
        mean[i] += share * part.mean[i];
        for (let j = 0; j < n; j++)
          covariance[i * n + j] += share * (part.covariance[i * n + j] + part.mean[i] * part.mean[j]);
      }
    }
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) covariance[i * n + j] -= mean[i] * mean[j];
    blended[layer] = { channels: n, mean, covariance };
  }
  return blended;
}

export function traceOf(statistics: LayerStatistics): number {
  let trace = 0;
  for (let i = 0; i < statistics.channels; i++) trace += statistics.covariance[i * statistics.channels + i];
  return trace;
}

/**
 * A factor F [rank, C] of the covariance, F^T F = covariance but for what lies beyond the `rank` largest eigenvalues;
 * rows of 0 where there are fewer. For any covariance S the roots of F S F^T and of R S R (R the symmetric root)
 * have the same trace, so the smaller matrix serves the W2 loss.
 */
export function covarianceFactor(statistics: LayerStatistics, rank: number): Float32Array {
  const n = statistics.channels;
  const { values, vectors } = symmetricEigen(statistics.covariance, n);
  const factor = new Float32Array(rank * n);
  for (let row = 0; row < Math.min(rank, n); row++) {
    const k = n - 1 - row;
    const root = Math.sqrt(Math.max(0, values[k]));
    for (let i = 0; i < n; i++) factor[row * n + i] = root * vectors[i * n + k];
  }
  return factor;
}

/**
 * Squared 2-Wasserstein distance of two Gaussians, in double precision:
 * |mu - mu'|^2 + tr S + tr S' - 2 tr (S'^1/2 S S'^1/2)^1/2. The yardstick for the loss that runs in the graph.
 */
export function gaussianDistance(a: LayerStatistics, b: LayerStatistics): number {
  const n = a.channels;
  const { values, vectors } = symmetricEigen(b.covariance, n);
  const factor = new Float64Array(n * n);
  for (let k = 0; k < n; k++) {
    const root = Math.sqrt(Math.max(0, values[k]));
    for (let i = 0; i < n; i++) factor[k * n + i] = root * vectors[i * n + k];
  }
  const half = multiply(factor, a.covariance, n);
  const inner = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += half[i * n + k] * factor[j * n + k];
      inner[i * n + j] = sum;
    }
  const rootTrace = symmetricEigen(inner, n).values.reduce((sum, value) => sum + Math.sqrt(Math.max(0, value)), 0);
  let distance = traceOf(a) + traceOf(b) - 2 * rootTrace;
  for (let i = 0; i < n; i++) distance += (a.mean[i] - b.mean[i]) ** 2;
  return distance;
}

function multiply(a: Float64Array, b: Float64Array, n: number): Float64Array {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let k = 0; k < n; k++) {
      const left = a[i * n + k];
      for (let j = 0; j < n; j++) out[i * n + j] += left * b[k * n + j];
    }
  return out;
}
