import { lumaOf, lumaWeights } from '../../frame/plane';
import { symmetricEigen } from '../../nets/symmetric-eigen';
import type { LayerStatistics } from '../../nets/style-statistics';

/** x' = matrix x + offset, on RGB columns. */
export type ColourMap = { readonly matrix: Float64Array; readonly offset: Float64Array };

export const sameColours: ColourMap = {
  matrix: Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1),
  offset: new Float64Array(3),
};

/**
 * Means and covariance of a picture's colours.
 * @param rgb [3, H, W]  @param weights [H, W], which pixels count; all alike when absent
 */
export function colourStatistics(rgb: Float32Array, weights?: Float32Array): LayerStatistics {
  const area = rgb.length / 3;
  const mean = new Float64Array(3);
  const covariance = new Float64Array(9);
  let total = 0;
  for (let p = 0; p < area; p++) {
    const w = weights === undefined ? 1 : weights[p];
    if (w === 0) continue;
    const r = rgb[p];
    const g = rgb[area + p];
    const b = rgb[2 * area + p];
    total += w;
    mean[0] += w * r;
    mean[1] += w * g;
    mean[2] += w * b;
    covariance[0] += w * r * r;
    covariance[1] += w * r * g;
    covariance[2] += w * r * b;
    covariance[4] += w * g * g;
    covariance[5] += w * g * b;
    covariance[8] += w * b * b;
  }
  if (total === 0) return { channels: 3, mean, covariance };
  for (let c = 0; c < 3; c++) mean[c] /= total;
  for (let i = 0; i < 3; i++)
    for (let j = i; j < 3; j++) {
      covariance[3 * i + j] = covariance[3 * i + j] / total - mean[i] * mean[j];
      covariance[3 * j + i] = covariance[3 * i + j];
    }
  return { channels: 3, mean, covariance };
}

/** Keeps roots finite for a picture of one colour; half a grey level squared. */
const leastVariance = (0.5 / 255) ** 2;
/**
 * Neither way may stretch a palette further than this: where one of the two has hardly any variance (stripes of two
 * hues, a print in blues) its noise would become glaring colour.
 */
const largestGain = 2.5;

/**
 * The map that gives colours distributed like `from` the mean and covariance of `to`, by symmetric roots, which swap
 * hues less than triangular ones (methods reference 1.4), with its gains held within limits.
 */
export function matchColours(from: LayerStatistics, to: LayerStatistics): ColourMap {
  const exact = product(
    root(to.covariance, value => Math.sqrt(value)),
    root(from.covariance, value => 1 / Math.sqrt(value)),
  );
  // exact = U S V^T, from the eigenvectors V of its square.
  const { values, vectors: v } = symmetricEigen(product(transposed(exact), exact), 3);
  const matrix = new Float64Array(9);
  for (let k = 0; k < 3; k++) {
    const gain = Math.sqrt(Math.max(1e-12, values[k]));
    const limited = Math.min(largestGain, Math.max(1 / largestGain, gain));
    for (let i = 0; i < 3; i++) {
      const u = (exact[3 * i] * v[k] + exact[3 * i + 1] * v[3 + k] + exact[3 * i + 2] * v[6 + k]) / gain;
      for (let j = 0; j < 3; j++) matrix[3 * i + j] += u * limited * v[3 * j + k];
    }
  }
  const share = Math.min(1, lumaDeviation(from) / tellingDeviation);
  for (let i = 0; i < 9; i++) matrix[i] = share * matrix[i] + (1 - share) * sameColours.matrix[i];
  const offset = new Float64Array(3);
  for (let i = 0; i < 3; i++) {
    offset[i] = share * to.mean[i] + (1 - share) * from.mean[i];
    for (let j = 0; j < 3; j++) offset[i] -= matrix[3 * i + j] * from.mean[j];
  }
  return { matrix, offset };
}

/** A frame with less contrast than this (the black before a fade) says little about its shot: its colours are changed less. */
export const tellingDeviation = 0.06;

/** Standard deviation of the luma, 0..1. */
export function lumaDeviation({ covariance }: LayerStatistics): number {
  let variance = 0;
  for (let i = 0; i < 3; i++)
    for (let j = 0; j < 3; j++) variance += lumaWeights[i] * lumaWeights[j] * covariance[3 * i + j];
  return Math.sqrt(Math.max(0, variance));
}

/** The way back; exact, since no gain is 0. */
export function inverseColours({ matrix: m, offset }: ColourMap): ColourMap {
  const cofactor = (a: number, b: number, c: number, d: number) => m[a] * m[d] - m[b] * m[c];
  const adjugate = Float64Array.of(
    cofactor(4, 5, 7, 8),
    -cofactor(1, 2, 7, 8),
    cofactor(1, 2, 4, 5),
    -cofactor(3, 5, 6, 8),
    cofactor(0, 2, 6, 8),
    -cofactor(0, 2, 3, 5),
    cofactor(3, 4, 6, 7),
    -cofactor(0, 1, 6, 7),
    cofactor(0, 1, 3, 4),
  );
  const determinant = m[0] * adjugate[0] + m[1] * adjugate[3] + m[2] * adjugate[6];
  const matrix = adjugate.map(value => value / determinant);
  return {
    matrix,
    offset: Float64Array.from(
      { length: 3 },
      (_, i) => -(matrix[3 * i] * offset[0] + matrix[3 * i + 1] * offset[1] + matrix[3 * i + 2] * offset[2]),
    ),
  };
}

/** @param rgb [3, H, W] */
export function mapColours(rgb: Float32Array, { matrix: m, offset: o }: ColourMap): Float32Array {
  const area = rgb.length / 3;
  const out = new Float32Array(rgb.length);
  for (let p = 0; p < area; p++) {
    const r = rgb[p];
    const g = rgb[area + p];
    const b = rgb[2 * area + p];
    out[p] = m[0] * r + m[1] * g + m[2] * b + o[0];
    out[area + p] = m[3] * r + m[4] * g + m[5] * b + o[1];
    out[2 * area + p] = m[6] * r + m[7] * g + m[8] * b + o[2];
  }
  return out;
}

/** The brightness of `painted` with the hues of `footage`: every channel of the footage moved by the difference of their luma. */
export function keepHues(painted: Float32Array, footage: Float32Array): Float32Array {
  const area = painted.length / 3;
  const [bright, was] = [lumaOf(painted), lumaOf(footage)];
  const out = new Float32Array(painted.length);
  for (let c = 0; c < 3; c++)
    for (let p = 0; p < area; p++) out[c * area + p] = footage[c * area + p] + bright[p] - was[p];
  return out;
}

function root(covariance: Float64Array, of: (value: number) => number): Float64Array {
  const { values, vectors } = symmetricEigen(covariance, 3);
  const out = new Float64Array(9);
  for (let k = 0; k < 3; k++) {
    const scale = of(Math.max(0, values[k]) + leastVariance);
    for (let i = 0; i < 3; i++)
      for (let j = 0; j < 3; j++) out[3 * i + j] += scale * vectors[3 * i + k] * vectors[3 * j + k];
  }
  return out;
}

function product(a: Float64Array, b: Float64Array): Float64Array {
  const out = new Float64Array(9);
  for (let i = 0; i < 3; i++)
    for (let j = 0; j < 3; j++) for (let k = 0; k < 3; k++) out[3 * i + j] += a[3 * i + k] * b[3 * k + j];
  return out;
}

function transposed(m: Float64Array): Float64Array {
  return Float64Array.of(m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]);
}
