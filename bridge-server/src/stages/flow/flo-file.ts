import { AppError } from '#protocol/errors';
import type { Size } from '../warp';

/** 202021.25 as a float; its bytes read "PIEH". */
const magic = 202021.25;
/** Middlebury's limit: anything longer means "unknown". */
const unknownAbove = 1e9;
const unknown = 1e10;

export type FloFile = Size & {
  /** [2, H, W], pixels, x then y; NaN where the file says unknown. */
  readonly flow: Float32Array;
};

/**
 * Middlebury .flo: magic, int32 width, int32 height, then u and v of each pixel, row by row, little-endian.
 * Values that are not finite are written as unknown.
 */
export function writeFlo(flow: Float32Array, { width, height }: Size): Uint8Array {
  const area = width * height;
  const bytes = new Uint8Array(12 + 8 * area);
  const view = new DataView(bytes.buffer);
  view.setFloat32(0, magic, true);
  view.setInt32(4, width, true);
  view.setInt32(8, height, true);
  for (let p = 0; p < area; p++) {
    const known = Math.abs(flow[p]) < unknownAbove && Math.abs(flow[area + p]) < unknownAbove;
    view.setFloat32(12 + 8 * p, known ? flow[p] : unknown, true);
    view.setFloat32(16 + 8 * p, known ? flow[area + p] : unknown, true);
  }
  return bytes;
}

/** @throws AppError FILE_UNREADABLE */
export function readFlo(bytes: Uint8Array, path = 'the .flo file'): FloFile {
  const refuse = (problem: string) => new AppError('FILE_UNREADABLE', { path, problem });
  if (bytes.length < 12) throw refuse(`it has ${bytes.length} bytes, a .flo file at least 12`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getFloat32(0, true) !== magic) throw refuse('it does not begin like a .flo file');
  const width = view.getInt32(4, true);
  const height = view.getInt32(8, true);
  if (width < 1 || height < 1 || width > 99999 || height > 99999)
    throw refuse(`a size of ${width}x${height} is not possible`);
  const area = width * height;
  if (bytes.length !== 12 + 8 * area)
    throw refuse(`${width}x${height} needs ${12 + 8 * area} bytes, it has ${bytes.length}`);
  const flow = new Float32Array(2 * area);
  for (let p = 0; p < area; p++) {
    const u = view.getFloat32(12 + 8 * p, true);
    const v = view.getFloat32(16 + 8 * p, true);
    const known = Math.abs(u) < unknownAbove && Math.abs(v) < unknownAbove;
    flow[p] = known ? u : NaN;
    flow[area + p] = known ? v : NaN;
  }
  return { width, height, flow };
}

/** Mean length of the difference over the pixels that `truth` knows; NaN when it knows none. */
export function endPointError(flow: Float32Array, truth: Float32Array): number {
  const area = truth.length / 2;
  let sum = 0;
  let count = 0;
  for (let p = 0; p < area; p++) {
    if (Number.isNaN(truth[p]) || Number.isNaN(truth[area + p])) continue;
    sum += Math.hypot(flow[p] - truth[p], flow[area + p] - truth[area + p]);
    count++;
  }
  return sum / count;
}
