import { dimsText, mismatch } from '../value';
import type { Value } from '../value';
import { constant, node } from './node';

export type CoordinateMode = 'half_pixel' | 'pytorch_half_pixel' | 'align_corners' | 'asymmetric';
export type NearestMode = 'floor' | 'ceil' | 'round_prefer_floor' | 'round_prefer_ceil';

/** Where output pixel `at` lies in the input, before it is cut to the picture. */
export function sourcePosition(at: number, input: number, output: number, scale: number, mode: CoordinateMode): number {
  if (mode === 'asymmetric') return at / scale;
  if (mode === 'align_corners') return output === 1 ? 0 : (at * (input - 1)) / (output - 1);
  if (mode === 'pytorch_half_pixel' && output === 1) return 0;
  return (at + 0.5) / scale - 0.5;
}

export function nearestIndex(position: number, input: number, mode: NearestMode): number {
  const index =
    mode === 'floor'
      ? Math.floor(position)
      : mode === 'ceil'
        ? Math.ceil(position)
        : mode === 'round_prefer_floor'
          ? Math.ceil(position - 0.5)
          : Math.floor(position + 0.5);
  return Math.min(Math.max(index, 0), input - 1);
}

export type ResizeOptions = {
  readonly coordinates?: CoordinateMode;
  /** Output over input, where a model states it; otherwise the ratio of the sizes. */
  readonly scales?: readonly [number, number];
};

function resizeAttrs(x: Value, height: number, width: number, options: ResizeOptions, coordinates: CoordinateMode) {
  if (x.dims.length !== 4) throw mismatch('Resize', 'a tensor [N, C, H, W]', dimsText(x.dims));
  return {
    sizes: [height, width],
    scales: options.scales ?? [height / x.dims[2], width / x.dims[3]],
    coordinates: options.coordinates ?? coordinates,
  };
}

/** Every output pixel is one input pixel; a whole factor repeats each. */
export function resizeNearest(
  x: Value,
  height: number,
  width: number,
  options: ResizeOptions & { readonly rounding?: NearestMode } = {},
): Value {
  const attrs = resizeAttrs(x, height, width, options, 'asymmetric');
  return node('Resize', [x], { ...attrs, mode: 'nearest', rounding: options.rounding ?? 'floor' });
}

/** Bilinear, to any size; no smoothing before a reduction (use `averagePool` first for large ones). */
export function resizeBilinear(x: Value, height: number, width: number, options: ResizeOptions = {}): Value {
  return node('Resize', [x], { ...resizeAttrs(x, height, width, options, 'half_pixel'), mode: 'linear' });
}

/** [output, input]: the weights by which one axis is resized; y = A x. */
export function resizeMatrix(
  input: number,
  output: number,
  options: {
    readonly mode: 'nearest' | 'linear';
    readonly scale?: number;
    readonly coordinates: CoordinateMode;
    readonly rounding?: NearestMode;
  },
): Value {
  const scale = options.scale ?? output / input;
  const data = new Float32Array(output * input);
  for (let at = 0; at < output; at++) {
    const position = sourcePosition(at, input, output, scale, options.coordinates);
    if (options.mode === 'nearest') {
      data[at * input + nearestIndex(position, input, options.rounding ?? 'floor')] = 1;
    } else {
      const inside = Math.min(Math.max(position, 0), input - 1);
      const low = Math.min(Math.floor(inside), input - 1);
      const high = Math.min(low + 1, input - 1);
      data[at * input + low] += 1 - (inside - low);
      data[at * input + high] += inside - low;
    }
  }
  return constant(data, [output, input]);
}

export type GridSampleOptions = {
  readonly mode?: 'bilinear' | 'nearest';
  /** What lies outside: 0, or the nearest pixel of the border. */
  readonly padding?: 'zeros' | 'border';
  readonly alignCorners?: boolean;
};

/** Pixels of x [N, C, H, W] fetched where `grid` [N, h, w, 2] says, as (x, y) from -1 to 1. */
export function gridSample(x: Value, grid: Value, options: GridSampleOptions = {}): Value {
  return node('GridSample', [x, grid], {
    mode: options.mode ?? 'bilinear',
    padding_mode: options.padding ?? 'zeros',
    align_corners: options.alignCorners ? 1 : 0,
  });
}
