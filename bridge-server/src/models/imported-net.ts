import { AppError } from '#protocol/errors';
import type { InputConvention } from '../nets/input-convention';
import type { NetDraft } from './net-draft';

export type { InputConvention };

export const plainRgb: InputConvention = { order: 'rgb', scale: 1, mean: [0, 0, 0] };
/** RGB -1..1, the convention of TensorFlow's mobile nets. */
export const signedRgb: InputConvention = { order: 'rgb', scale: 2, mean: [1, 1, 1] };
/** BGR 0..255 less the mean of ImageNet, the convention of Caffe's classifiers. */
export const caffeBgr: InputConvention = { order: 'bgr', scale: 255, mean: [104, 117, 123] };

export type NetLayer = { readonly name: string; readonly channels: number };

/** What an importer makes of a file: the net as ONNX, and what is known about it. */
export type ImportedNet = {
  readonly draft: NetDraft;
  /** Every value that a loss or a dream can look at, in the order of computation. */
  readonly layers: readonly NetLayer[];
  /** Sides of the input must be multiples of this. */
  readonly multipleOf: number;
  readonly convention: InputConvention;
};

export function damagedNet(name: string, where: string, problem: string): AppError {
  return new AppError('NET_DAMAGED', { name, where, problem });
}

export function unsupportedNet(name: string, what: string): AppError {
  return new AppError('NET_UNSUPPORTED', { name, what });
}

/**
 * Weights that are infinite or not a number come from a broken file and would make every pixel so.
 * @throws AppError NET_DAMAGED
 */
export function requireFinite(values: Float32Array | Uint16Array, net: string, layer: string): void {
  const isHalf = values instanceof Uint16Array;
  for (const value of values) {
    // A half's exponent of all ones marks infinity and not-a-number.
    if (isHalf ? (value & 0x7c00) === 0x7c00 : !Number.isFinite(value))
      throw damagedNet(net, layer, 'its weights hold values that are not numbers');
  }
}
