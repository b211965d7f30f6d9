import type { Frame } from '../../frame/frame';
import { AppError } from '#protocol/errors';
import { createDisDriver, type DisDriver, type DisSettings } from './dis-driver';
import { disWasm } from './dis-wasm';

/** The search as it is used between stages. */
export const disNormal: DisSettings = { step: 4, iterations: 4, rounds: 5, lastRounds: 3 };

/** For small pictures that only have to be judged: no refinement. */
export const disQuick: DisSettings = { step: 4, iterations: 12, rounds: 0, lastRounds: 0 };

let compiled: WebAssembly.Module | undefined;

export function disModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(Buffer.from(disWasm, 'base64'));
  return compiled;
}

let here: DisDriver | undefined;

/** Dense Inverse Search in the calling thread; for small pictures, and for tests. */
export function disHere(
  a: Float32Array,
  b: Float32Array,
  width: number,
  height: number,
  settings: DisSettings,
  directions: 1 | 2 | 3 = 3,
) {
  here ??= createDisDriver(disModule());
  return here(a, b, width, height, settings, directions);
}

/** BT.601 luma of a frame, 0..255, as the search expects it. */
export function greyOf(frame: Frame): Float32Array {
  const area = frame.width * frame.height;
  const grey = new Float32Array(area);
  const { rgb } = frame;
  for (let p = 0; p < area; p++) grey[p] = 76.245 * rgb[p] + 149.685 * rgb[area + p] + 29.07 * rgb[2 * area + p];
  return grey;
}

/** @throws AppError SHAPE_MISMATCH */
export function assertSameSize(a: Frame, b: Frame): void {
  if (a.width !== b.width || a.height !== b.height) {
    throw new AppError('SHAPE_MISMATCH', {
      what: 'two frames for flow',
      expected: `${a.width}x${a.height}`,
      actual: `${b.width}x${b.height}`,
    });
  }
}
