import type { TensorType } from '../frame/tensor';
import { sizeOf } from '../frame/tensor';
import { numbers } from './shapes';
import { topological } from './value';
import type { Value } from './value';

const bytesPer: Readonly<Record<TensorType, number>> = {
  float32: 4,
  float16: 2,
  int32: 4,
  int64: 8,
  uint8: 1,
  bool: 1,
};

export type Cost = {
  /** A multiply and an add are two. Products and convolutions exactly; one per element and input for the rest. */
  readonly flops: number;
  /** Of the products and convolutions alone: what can be held against a machine's peak. */
  readonly productFlops: number;
  readonly weightBytes: number;
  /** The most that lives at one time when values are computed in this order and dropped after their last use. */
  readonly peakActivationBytes: number;
  readonly nodes: number;
};

export function bytesOf(value: Value): number {
  return sizeOf(value.dims) * bytesPer[value.type];
}

/** Multiplications and additions of one value, its inputs not counted. */
export function flopsOf(value: Value): number {
  const elements = sizeOf(value.dims);
  switch (value.op) {
    case 'Input':
    case 'Constant':
    case 'Reshape':
    case 'Identity':
      return 0;
    case 'Conv': {
      const [, perGroup, kh, kw] = value.inputs[1].dims;
      return 2 * elements * perGroup * kh * kw;
    }
    case 'ConvTranspose': {
      const [, perGroup, kh, kw] = value.inputs[1].dims;
      return 2 * sizeOf(value.inputs[0].dims) * perGroup * kh * kw;
    }
    case 'MatMul':
      return 2 * elements * value.inputs[0].dims[value.inputs[0].dims.length - 1];
    case 'MaxPool':
    case 'AveragePool':
      return elements * numbers(value.attrs, 'kernel_shape').reduce((product, each) => product * each, 1);
    default:
      return value.inputs.reduce((most, input) => Math.max(most, sizeOf(input.dims)), elements);
  }
}

const products = new Set(['Conv', 'ConvTranspose', 'MatMul']);

/** What one run of a graph takes, from its sizes alone. */
export function costOf(outputs: readonly Value[]): Cost {
  const order = topological(outputs);
  const lastUse = new Map<Value, number>();
  order.forEach((value, at) => value.inputs.forEach(input => lastUse.set(input, at)));
  for (const output of outputs) lastUse.set(output, order.length);
  let flops = 0;
  let productFlops = 0;
  let weightBytes = 0;
  let live = 0;
  let peakActivationBytes = 0;
  let nodes = 0;
  const ending = new Map<number, Value[]>();
  for (const [value, at] of lastUse) ending.set(at, [...(ending.get(at) ?? []), value]);
  order.forEach((value, at) => {
    if (value.op === 'Constant') weightBytes += bytesOf(value);
    else {
      // A reshape shares its input's memory.
      live += value.op === 'Reshape' ? 0 : bytesOf(value);
      peakActivationBytes = Math.max(peakActivationBytes, live);
    }
    if (value.inputs.length > 0) nodes += 1;
    const own = flopsOf(value);
    flops += own;
    if (products.has(value.op)) productFlops += own;
    for (const done of ending.get(at) ?? []) if (done.op !== 'Constant' && done.op !== 'Reshape') live -= bytesOf(done);
  });
  return { flops, productFlops, weightBytes, peakActivationBytes, nodes };
}
