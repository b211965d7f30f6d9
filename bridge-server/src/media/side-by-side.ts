import type { ClipInfo } from '#protocol/clip';
import { frameAt } from '#protocol/time';
import { createFrame, type Frame } from '../frame/frame';
import { decodeFrames } from './decode';
import type { Encoded } from './encoder';
import { createEncoder } from './encode';
import { encodePicture } from './still';
import { writeWhole } from './write-whole';

export type Shown = {
  readonly path: string;
  readonly info: ClipInfo;
  /** Frame of the clip at which the comparison begins. */
  readonly first?: number;
};

const gap = 4;

/** Even, so that every codec takes it. */
function halfSize(result: ClipInfo, height: number): { width: number; height: number } {
  const shown = Math.min(height, result.height) & ~1;
  return { height: shown, width: Math.max(16, Math.round((result.width * shown) / result.height / 2) * 2) };
}

/** Two frames of one size beside each other, a thin dark line between. */
export function beside(left: Frame, right: Frame): Frame {
  const { width, height } = left;
  const out = createFrame(2 * width + gap, height, right.index);
  for (let channel = 0; channel < 3; channel++) {
    for (let y = 0; y < height; y++) {
      const from = (channel * height + y) * width;
      const to = (channel * height + y) * out.width;
      out.rgb.set(left.rgb.subarray(from, from + width), to);
      out.rgb.set(right.rgb.subarray(from, from + width), to + width + gap);
    }
  }
  return out;
}

/** Source and result at the same instants, for each frame of the result. */
async function* pairs(
  source: Shown,
  result: Shown,
  size: { width: number; height: number },
  signal?: AbortSignal,
): AsyncGenerator<Frame> {
  const begin = source.first ?? 0;
  const last = result.info.frames - 1;
  const of = (frame: number) =>
    Math.min(begin + frameAt(frame, result.info.rate, source.info.rate), source.info.frames - 1);
  const left = decodeFrames(source.path, source.info, { first: of(0), last: of(last), scaleTo: size, signal });
  try {
    let shown = (await left.next()).value as Frame;
    for await (const right of decodeFrames(result.path, result.info, { first: 0, last, scaleTo: size, signal })) {
      while (shown.index < of(right.index)) shown = (await left.next()).value as Frame;
      yield beside(shown, right);
    }
  } finally {
    await left.return();
  }
}

/**
 * Writes an H.264 clip that shows the source on the left and the result on the right, at the result's rate.
 * @param options.height of the pictures, at most the result's own
 * @throws AppError as `decodeFrames` and `createEncoder`
 */
export async function writeSideBySide(
  source: Shown,
  result: Shown,
  path: string,
  options: { readonly height?: number; readonly signal?: AbortSignal } = {},
): Promise<Encoded> {
  const size = halfSize(result.info, options.height ?? 720);
  const encoder = await createEncoder(path, {
    codec: 'h264',
    rate: result.info.rate,
    width: 2 * size.width + gap,
    height: size.height,
  });
  try {
    for await (const frame of pairs(source, result, size, options.signal)) await encoder.write(frame);
    return await encoder.finish();
  } catch (problem) {
    await encoder.abort();
    throw problem;
  }
}

/**
 * Writes a PNG sheet: one row per instant, source left, result right.
 * @throws AppError as `decodeFrames`, DISK_FULL, OUTPUT_UNWRITABLE
 */
export async function writeComparisonSheet(
  source: Shown,
  result: Shown,
  path: string,
  options: { readonly rows?: number; readonly height?: number; readonly signal?: AbortSignal } = {},
): Promise<void> {
  const size = halfSize(result.info, options.height ?? 240);
  const rows = Math.min(options.rows ?? 4, result.info.frames);
  const begin = source.first ?? 0;
  const width = 2 * size.width + gap;
  const sheet = createFrame(width, rows * size.height);
  for (let row = 0; row < rows; row++) {
    const at = rows === 1 ? 0 : Math.round((row * (result.info.frames - 1)) / (rows - 1));
    const from = Math.min(begin + frameAt(at, result.info.rate, source.info.rate), source.info.frames - 1);
    const one = async (shown: Shown, frame: number) => {
      for await (const picture of decodeFrames(shown.path, shown.info, {
        first: frame,
        last: frame,
        scaleTo: size,
        signal: options.signal,
      }))
        return picture;
      throw new Error(`no frame ${frame}`);
    };
    const both = beside(await one(source, from), await one(result, at));
    for (let channel = 0; channel < 3; channel++) {
      const plane = both.rgb.subarray(channel * width * size.height, (channel + 1) * width * size.height);
      sheet.rgb.set(plane, channel * width * sheet.height + row * width * size.height);
    }
  }
  await writeWhole(path, [await encodePicture(sheet, 'png')]);
}
