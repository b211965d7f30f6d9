import {
  abs,
  add,
  averagePool,
  clip,
  concat,
  constant,
  equal,
  greater,
  less,
  matmul,
  mul,
  reduceSum,
  relu,
  reshape,
  resizeMatrix,
  scalar,
  slice,
  sub,
  transpose,
  transposeMatrix,
  where,
} from '../build';
import type { CoordinateMode, NearestMode } from '../build/resample';
import { number, numbers } from '../shapes';
import type { Value } from '../value';
import { AppError } from '#protocol/errors';
import type { GradientRule } from './rule';

/**
 * A resize is y = A x B^T with one matrix per axis, so the gradient is A^T g B: exact for any size and at the border.
 * Whole factors of repeated pixels are sums over tiles instead.
 */
export const resizeGradient: GradientRule = (g, y) => {
  const [x] = y.inputs;
  const [, , height, width] = x.dims;
  const [scaleY, scaleX] = numbers(y.attrs, 'scales');
  const [outHeight, outWidth] = numbers(y.attrs, 'sizes');
  const coordinates = y.attrs.coordinates as CoordinateMode;
  const rounding = y.attrs.rounding as NearestMode | undefined;
  const mode = y.attrs.mode as 'nearest' | 'linear';
  const [ky, kx] = [outHeight / height, outWidth / width];
  const repeats = Number.isInteger(ky) && Number.isInteger(kx) && ky === scaleY && kx === scaleX;
  if (mode === 'nearest' && repeats && repeatsPixels(coordinates, rounding)) {
    return [mul(averagePool(g, [ky, kx]), ky * kx)];
  }
  const down = resizeMatrix(height, outHeight, { mode, scale: scaleY, coordinates, rounding });
  const across = resizeMatrix(width, outWidth, { mode, scale: scaleX, coordinates, rounding });
  return [matmul(matmul(transposeMatrix(down), g), across)];
};

/** Whether a whole factor k takes every pixel k times in a row. */
function repeatsPixels(coordinates: CoordinateMode, rounding: NearestMode = 'floor'): boolean {
  if (coordinates === 'asymmetric') return rounding === 'floor';
  return (coordinates === 'half_pixel' || coordinates === 'pytorch_half_pixel') && rounding.startsWith('round');
}

/**
 * Fetching between pixels is a sum over all pixels with tents as weights, so both gradients are products of matrices:
 * the adding at computed places that one would rather do, WebGPU does not have. It costs height x width x places.
 */
export const gridSampleGradient: GradientRule = (g, y, needs) => {
  const [x, grid] = y.inputs;
  if (y.attrs.mode !== 'bilinear') throw new AppError('GRADIENT_MISSING', { op: 'GridSample to the nearest pixel' });
  const [n, channels, height, width] = x.dims;
  const places = y.dims[2] * y.dims[3];
  const alignCorners = number(y.attrs, 'align_corners') === 1;
  const axisOf = (index: number, size: number) => {
    const at = reshape(slice(grid, 3, index, index + 1), [n, 1, places, 1]);
    const perUnit = (alignCorners ? size - 1 : size) / 2;
    const position = add(mul(at, perUnit), (size - 1) / 2);
    return { perUnit, ...tents(position, size, y.attrs.padding_mode === 'border') };
  };
  const [across, down] = [axisOf(0, width), axisOf(1, height)];
  const arriving = reshape(g, [n, channels, places, 1]);
  const toPicture = () => matmul(transpose(mul(down.weights, arriving), [0, 1, 3, 2]), across.weights);
  const toGrid = () => {
    const along = (rows: Value, columns: Value, perUnit: number) => {
      const slopes = reduceSum(mul(matmul(rows, x), columns), { axes: [3], keepDims: true });
      return mul(reduceSum(mul(slopes, arriving), { axes: [1], keepDims: true }), perUnit);
    };
    const parts = [
      along(down.weights, across.slopes, across.perUnit),
      along(down.slopes, across.weights, down.perUnit),
    ];
    return reshape(concat(parts, 3), grid.dims);
  };
  return [needs(0) ? toPicture() : undefined, needs(1) ? toGrid() : undefined];
};

/** Share of each of `size` pixels at `position` [N, 1, P, 1], and how it changes as the position grows: [N, 1, P, size]. */
function tents(position: Value, size: number, clamped: boolean): { weights: Value; slopes: Value } {
  const pixels = constant(
    Float32Array.from({ length: size }, (_, at) => at),
    [1, 1, 1, size],
  );
  const inside = clamped ? clip(position, 0, size - 1) : position;
  const distance = sub(inside, pixels);
  const away = abs(distance);
  const falling = where(greater(distance, 0), scalar(-1), scalar(1));
  const slopes = where(less(away, 1), falling, scalar(0));
  // Beyond the border the place stays where it is.
  return { weights: relu(sub(1, away)), slopes: clamped ? where(equal(inside, position), slopes, scalar(0)) : slopes };
}
