import { AppError } from '#protocol/errors';
import { sizeOf, type Tensor } from '../frame/tensor';
import type { DeviceTensor, TensorInfo } from './runtime';

const show = (type: string, dims: readonly (number | string)[]) => `${type} [${dims.join(', ')}]`;

/**
 * Compares what a net is given with what it declares, before onnxruntime sees it: names, element types, sizes.
 * @returns the sizes that the named dimensions have in this run
 * @throws AppError NET_INPUT_WRONG
 */
export function checkFeeds(
  label: string,
  inputs: readonly TensorInfo[],
  feeds: Readonly<Record<string, Tensor | DeviceTensor>>,
): Map<string, number> {
  const sizes = new Map<string, number>();
  const refuse = (actual: string, expected: string): never => {
    throw new AppError('NET_INPUT_WRONG', { name: label, actual, expected });
  };
  for (const name of Object.keys(feeds)) {
    if (!inputs.some(input => input.name === name))
      refuse(`an input "${name}"`, inputs.map(input => `"${input.name}"`).join(', ') || 'none');
  }
  for (const { name, type, dims } of inputs) {
    const fed = feeds[name];
    const expected = `"${name}" as ${show(type, dims)}`;
    if (fed === undefined) return refuse('nothing', expected);
    if (!('device' in fed)) {
      const actual = `"${name}" as ${show(fed.type, fed.dims)}`;
      if (fed.type !== type) refuse(actual, expected);
      if (fed.data.length !== sizeOf(fed.dims)) refuse(`${actual} with ${fed.data.length} values`, expected);
    }
    const actual = `"${name}" as ${show('device' in fed ? 'kept' : fed.type, fed.dims)}`;
    if (fed.dims.length !== dims.length) refuse(actual, expected);
    dims.forEach((dim, axis) => {
      const size = fed.dims[axis];
      if (typeof dim === 'number') {
        if (dim !== size) refuse(actual, expected);
        return;
      }
      if (dim === '?' || dim === '') return;
      const before = sizes.get(dim);
      if (before !== undefined && before !== size) refuse(`${actual}, where ${dim} was ${before} already`, expected);
      sizes.set(dim, size);
    });
  }
  return sizes;
}

/** @throws AppError NET_INPUT_WRONG when an output is asked for that the net does not have */
export function checkFetch(label: string, outputs: readonly TensorInfo[], asked: readonly string[]): void {
  for (const name of asked) {
    if (!outputs.some(output => output.name === name)) {
      throw new AppError('NET_INPUT_WRONG', {
        name: label,
        actual: `a request for "${name}"`,
        expected: outputs.map(output => `"${output.name}"`).join(', '),
      });
    }
  }
}
