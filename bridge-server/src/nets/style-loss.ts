import { floatTensor, scalarTensor } from '../frame/tensor';
import type { Tensor } from '../frame/tensor';
import {
  add,
  averagePool,
  clip,
  constant,
  div,
  input,
  matmul,
  meanAll,
  mul,
  reduceMean,
  reduceSum,
  reshape,
  slice,
  sqrt,
  square,
  sub,
  sumAll,
  transposeMatrix,
} from '../graph/build';
import type { Value } from '../graph/value';
import { covarianceFactor, palettePools, traceOf } from './style-statistics';
import type { LayerStatistics } from './style-statistics';

/**
 * What of a feature map is matched. All three are relative to the style's own variance, so that layers of any net
 * weigh the same without tuning by hand.
 * w2       squared 2-Wasserstein distance of means and covariances (crowsonkb/style-transfer-pytorch)
 * gram     second moments, relative squared difference (Gatys et al., CVPR 2016)
 * moments  means and standard deviations (Huang and Belongie, ICCV 2017)
 */
export type StyleLossKind = 'w2' | 'gram' | 'moments';

/**
 * Mean [C, 1] and covariance [C, C] of a feature map's channels.
 *
 * `still` is the covariance once more, from a twin of the feature map through which no gradient flows. With it two
 * gradients come out in closed form: that of F F^T as one product instead of two, and that of a matrix root without a
 * walk back through the iteration. Twins are equal, so that the written model computes them once.
 */
export type FeatureStatistics = { readonly mean: Value; readonly covariance: Value; readonly still: Value };

/**
 * @param features [1, C, H, W]
 * @param twin     the same map of a picture that is not differentiated
 * @param weights  [1, 1, H, W], at least 0: how much each position belongs to the region; all alike when absent
 */
export function featureStatistics(features: Value, twin: Value, weights?: Value): FeatureStatistics {
  const [, channels, height, width] = features.dims;
  const positions = height * width;
  const [rows, stillRows] = [features, twin].map(planes => reshape(planes, [channels, positions]));
  if (weights === undefined) {
    const meanOf = (planes: Value) => mul(reduceSum(planes, { axes: [1] }), 1 / positions);
    // One transposed map serves both products.
    const columns = mul(transposeMatrix(stillRows), 1 / positions);
    return momentsOf(matmul(rows, columns), matmul(stillRows, columns), meanOf(rows), meanOf(stillRows));
  }
  const flat = reshape(weights, [1, positions]);
  // Nothing of the region in the picture: all weights 0, statistics 0, and no division by 0.
  const share = div(flat, add(sumAll(flat), 1e-6));
  const meanOf = (planes: Value) => reduceSum(mul(planes, share), { axes: [1] });
  const columns = transposeMatrix(mul(stillRows, share));
  return momentsOf(matmul(rows, columns), matmul(stillRows, columns), meanOf(rows), meanOf(stillRows));
}

/**
 * @param half, still F F'^T and F' F'^T of a map F and its twin F': 2 half - still has the value of F F^T and, for
 * any symmetric gradient, its gradient.
 */
function momentsOf(half: Value, still: Value, mean: Value, stillMean: Value): FeatureStatistics {
  const less = (second: Value, centre: Value) => sub(second, matmul(centre, transposeMatrix(centre)));
  return { mean, covariance: less(sub(mul(half, 2), still), mean), still: less(still, stillMean) };
}

/** Weights for a layer from a mask of the picture: the mask averaged over each cell of the layer. */
export function layerWeights(mask: Value, layer: Value): Value {
  const strideY = Math.round(mask.dims[2] / layer.dims[2]);
  const strideX = Math.round(mask.dims[3] / layer.dims[3]);
  const pooled = strideX === 1 && strideY === 1 ? mask : averagePool(mask, [strideY, strideX]);
  const fits = pooled.dims[2] >= layer.dims[2] && pooled.dims[3] >= layer.dims[3];
  if (!fits)
    throw new RangeError(`a mask of ${mask.dims.join('x')} does not divide into a layer of ${layer.dims.join('x')}`);
  return slice(slice(pooled, 2, 0, layer.dims[2]), 3, 0, layer.dims[3]);
}

/**
 * Rank to which a style's covariance is kept: the root in the W2 loss is of this size. 128 directions hold nearly all
 * of a painting's variance in every layer of the nets at hand, and keep the root's cost below a tenth of a step.
 */
const largestRank = 128;

export function targetRank(channels: number): number {
  return Math.min(channels, largestRank);
}

/** The inputs through which a layer's target enters the graph. */
export type TargetInputs = Readonly<Record<string, Value>>;

export function styleTargetInputs(kind: StyleLossKind, prefix: string, channels: number): TargetInputs {
  const rank = targetRank(channels);
  const at = (name: string, dims: readonly number[]) => input(`${prefix}.${name}`, dims);
  switch (kind) {
    case 'w2':
      return {
        mean: at('mean', [channels, 1]),
        factor: at('factor', [rank, channels]),
        ridge: at('ridge', [rank, 1]),
        trace: at('trace', []),
      };
    case 'gram':
      return { second: at('second', [channels, channels]), norm: at('norm', []) };
    case 'moments':
      return { mean: at('mean', [channels, 1]), deviation: at('deviation', [channels, 1]), trace: at('trace', []) };
  }
}

/** Added to both covariances, as a part of the style's mean variance: roots of tiny eigenvalues have huge gradients. */
const ridgeShare = 1e-4;
/** Keeps divisions finite for a style of one flat colour; far below the variance of any 8-bit picture. */
const leastTrace = 1e-7;

/** What is fed to `styleTargetInputs` of the same kind. */
export function styleTargetTensors(
  kind: StyleLossKind,
  prefix: string,
  statistics: LayerStatistics,
): Record<string, Tensor> {
  const n = statistics.channels;
  const rank = targetRank(n);
  const trace = Math.max(leastTrace, traceOf(statistics));
  const mean = floatTensor(Float32Array.from(statistics.mean), [n, 1]);
  switch (kind) {
    case 'w2': {
      const factor = covarianceFactor(statistics, rank);
      const ridge = new Float32Array(rank);
      for (let k = 0; k < rank; k++) {
        for (let i = 0; i < n; i++) ridge[k] += factor[k * n + i] ** 2;
        ridge[k] *= (ridgeShare * trace) / n;
      }
      return {
        [`${prefix}.mean`]: mean,
        [`${prefix}.factor`]: floatTensor(factor, [rank, n]),
        [`${prefix}.ridge`]: floatTensor(ridge, [rank, 1]),
        [`${prefix}.trace`]: scalarTensor(trace),
      };
    }
    case 'gram': {
      const second = new Float32Array(n * n);
      let norm = 0;
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) {
          second[i * n + j] = statistics.covariance[i * n + j] + statistics.mean[i] * statistics.mean[j];
          norm += second[i * n + j] ** 2;
        }
      return {
        [`${prefix}.second`]: floatTensor(second, [n, n]),
        [`${prefix}.norm`]: scalarTensor(Math.max(leastTrace ** 2, norm)),
      };
    }
    case 'moments': {
      const deviation = Float32Array.from({ length: n }, (_, i) =>
        Math.sqrt(Math.max(0, statistics.covariance[i * n + i])),
      );
      return {
        [`${prefix}.mean`]: mean,
        [`${prefix}.deviation`]: floatTensor(deviation, [n, 1]),
        [`${prefix}.trace`]: scalarTensor(trace),
      };
    }
  }
}

export function styleLayerLoss(
  kind: StyleLossKind,
  { mean, covariance, still }: FeatureStatistics,
  target: TargetInputs,
): Value {
  switch (kind) {
    case 'w2': {
      const rootTrace = traceOfSeenRoot(target, covariance, still);
      const means = sumAll(square(sub(mean, target.mean)));
      const spread = sub(add(traceValue(covariance), target.trace), mul(rootTrace, 2));
      return div(add(means, spread), target.trace);
    }
    case 'gram': {
      const second = add(covariance, matmul(mean, transposeMatrix(mean)));
      return div(sumAll(square(sub(second, target.second))), target.norm);
    }
    case 'moments': {
      // The small number only keeps the slope of the root finite where a channel is constant.
      const deviation = sqrt(add(diagonalOf(covariance), mul(target.trace, 1e-6)));
      return div(
        add(sumAll(square(sub(mean, target.mean))), sumAll(square(sub(deviation, target.deviation)))),
        target.trace,
      );
    }
  }
}

function identityMatrix(n: number): Value {
  const data = new Float32Array(n * n);
  for (let i = 0; i < n; i++) data[i * n + i] = 1;
  return constant(data, [n, n]);
}

/** [n, 1] -> [n, n] */
const diagonal = (column: Value): Value => mul(identityMatrix(column.dims[0]), column);
/** [n, n] -> [n, 1] */
const diagonalOf = (matrix: Value): Value => reduceSum(mul(matrix, identityMatrix(matrix.dims[0])), { axes: [1] });
const traceValue = (matrix: Value): Value => sumAll(mul(matrix, identityMatrix(matrix.dims[0])));

/**
 * The coupled iteration multiplies what is left of the smallest roots by 1.5 each time: after twelve, roots down to
 * 1/130 of the largest are there (methods reference 1.1).
 */
const rootIterations = 12;

/**
 * Trace of (F S F^T)^1/2, with gradient F^T (F S F^T)^-1/2 F / 2 toward S in closed form: the root and its inverse
 * are taken of the still covariance, and S enters through its difference from that.
 */
function traceOfSeenRoot({ factor, ridge }: TargetInputs, covariance: Value, still: Value): Value {
  const { trace, inverse } = matrixRoot(add(matmul(matmul(factor, still), transposeMatrix(factor)), diagonal(ridge)));
  const slope = mul(matmul(matmul(transposeMatrix(factor), inverse), factor), 0.5);
  return add(trace, sumAll(mul(slope, sub(covariance, still))));
}

/** The trace of the square root of a symmetric positive matrix, and its inverse root: Newton and Schulz, Y -> A^1/2, Z -> A^-1/2. */
export function matrixRoot(matrix: Value): { readonly trace: Value; readonly inverse: Value } {
  const n = matrix.dims[0];
  const identity = identityMatrix(n);
  const norm = sqrt(add(sumAll(square(matrix)), 1e-24));
  let y = div(matrix, norm);
  let z = identity;
  for (let i = 0; i < rootIterations; i++) {
    const t = mul(sub(mul(identity, 3), i === 0 ? y : matmul(z, y)), 0.5);
    y = matmul(y, t);
    z = i === 0 ? t : matmul(t, z);
  }
  const root = sqrt(norm);
  return { trace: mul(traceValue(y), root), inverse: div(z, root) };
}

/** Mean squared difference of feature maps, relative to the variance of the target map. */
export function contentLoss(features: Value, target: Value): Value {
  const variance = meanAll(square(sub(target, meanAll(target))));
  return div(meanAll(square(sub(features, target))), add(variance, 1e-6));
}

/** The hues of a picture's areas, which are the largest squares of its palette. */
export function areaHues(palettes: ReturnType<typeof palettePlanes>): Value {
  return chromaOf(palettes[palettes.length - 1].planes);
}

/** What is left of colours without their brightness. @param image [1, 3, H, W] */
export function chromaOf(image: Value): Value {
  return sub(image, reduceMean(image, { axes: [1] }));
}

/**
 * Squared distance of the hues of areas, as a part of what the style's own areas vary. The photograph comes in the
 * colours of the style already; the statistics alone put them anywhere, such as green on half a face.
 */
export function hueLoss(hues: Value, target: Value, trace: Value): Value {
  return div(mul(meanAll(square(sub(hues, target))), 3), trace);
}

/** Mean squared difference of neighbours. @param image [1, 3, H, W] */
export function variationLoss(image: Value): Value {
  const [, , height, width] = image.dims;
  const down = sub(slice(image, 2, 1), slice(image, 2, 0, height - 1));
  const across = sub(slice(image, 3, 1), slice(image, 3, 0, width - 1));
  return add(meanAll(square(down)), meanAll(square(across)));
}

/** Mean squared overshoot beyond 0..1: what a screen cannot show must not count as style. */
export function rangeLoss(image: Value): Value {
  return meanAll(square(sub(image, clip(image, 0, 1))));
}

/** Where a wrong flow begins to cost linearly instead of quadratically: two grey levels (methods reference 2.9). */
const temporalKnee = 2 / 255;

/**
 * Charbonnier distance to where the previous frame was carried, weighted per pixel; divided by all pixels, so that
 * the pull on a reliable one does not depend on how many are not. The gradient is that of the weight itself, not of
 * its root (methods reference 2.1).
 * @param image, target [1, 3, H, W]  @param weight [1, 1, H, W], 0..1
 */
export function temporalLoss(image: Value, target: Value, weight: Value): Value {
  const error = sub(sqrt(add(square(sub(image, target)), temporalKnee ** 2)), temporalKnee);
  return meanAll(mul(error, weight));
}

/** The picture averaged over squares, whose colours are compared with the style's palette; by pool size. */
export function palettePlanes(image: Value): { readonly pool: number; readonly planes: Value }[] {
  return palettePools
    .filter(pool => image.dims[2] >= pool && image.dims[3] >= pool)
    .map(pool => ({ pool, planes: pool === 1 ? image : averagePool(image, pool) }));
}
