import { averagePool, matmul, mul, resizeMatrix, transposeMatrix } from '../build';
import type { CoordinateMode, NearestMode } from '../build/resample';
import { numbers } from '../shapes';
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

/** Toward the picture only scattering would do, which WebGPU refuses; warped pictures are targets, not variables. */
export const gridSampleGradient: GradientRule = () => {
  throw new AppError('GRADIENT_MISSING', { op: 'GridSample' });
};
