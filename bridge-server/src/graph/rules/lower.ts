import { sizeOf } from '../../frame/tensor';
import { and, conv, concat, expand, gather, not, pad, pow, slice, zeros } from '../build';
import { number, numbers } from '../shapes';
import type { Value } from '../value';

/**
 * onnxruntime's WebGPU convolution is silently wrong for kernels larger than 1x1 whose input channels are a multiple of
 * 3 but neither 3 nor a multiple of 4, with output channels a multiple of 4 (6 to 33 were tried). Zero channels up to a
 * multiple of 4 cost next to nothing and are exact everywhere, so every such convolution is written with them.
 */
export function isMiscomputedConv(y: Value): boolean {
  const [out, channels, kh, kw] = y.inputs[1].dims;
  return (
    number(y.attrs, 'group') === 1 &&
    kh * kw > 1 &&
    channels % 3 === 0 &&
    channels !== 3 &&
    channels % 4 !== 0 &&
    out % 4 === 0
  );
}

export function lowerConv(y: Value): Value {
  if (!isMiscomputedConv(y)) return y;
  const [x, w, b] = y.inputs;
  const [out, channels, kh, kw] = w.dims;
  const missing = 4 - (channels % 4);
  const [strides, pads, dilations] = ['strides', 'pads', 'dilations'].map(key => numbers(y.attrs, key));
  return conv(pad(x, [0, 0, 0, 0, 0, missing, 0, 0]), concat([w, zeros([out, missing, kh, kw], w.type)], 1), b, {
    strides: strides as [number, number],
    pads: pads as [number, number, number, number],
    dilations: dilations as [number, number],
  });
}

/** WebGPU's Pow fails at run time ("raw_hash_map<>::at") where a side of several numbers is broadcast. */
export function lowerPow(y: Value): Value {
  const fits = (x: Value) => sizeOf(x.dims) === 1 || sizeOf(x.dims) === sizeOf(y.dims);
  const [base, exponent] = y.inputs;
  return fits(base) && fits(exponent) ? y : pow(expand(base, y.dims), expand(exponent, y.dims));
}

/** WebGPU's Slice is silently wrong for negative steps; rows in reverse order are a Gather. */
export function lowerSlice(y: Value): Value {
  const [starts, steps, sizes] = ['starts', 'steps', 'sizes'].map(key => numbers(y.attrs, key));
  if (steps.every(step => step > 0)) return y;
  return y.dims.reduce((part, size, axis) => {
    if (steps[axis] < 0)
      return gather(
        part,
        Array.from({ length: size }, (_, at) => starts[axis] + at * steps[axis]),
        axis,
      );
    return slice(part, axis, starts[axis], starts[axis] + (sizes[axis] - 1) * steps[axis] + 1, steps[axis]);
  }, y.inputs[0]);
}

/** WebGPU has no Or: a or b is not (not a and not b). */
export function lowerOr(y: Value): Value {
  return not(and(not(y.inputs[0]), not(y.inputs[1])));
}
