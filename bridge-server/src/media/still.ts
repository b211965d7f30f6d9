import { open, readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { AppError } from '#protocol/errors';
import type { Frame } from '../frame/frame';
import { maxSide } from './run-ffmpeg';

/** What pictures are read from; SVG and the like are programs that draw, and stay outside. */
const readable = new Set(['png', 'jpeg', 'webp', 'tiff', 'gif', 'heif', 'jp2', 'jxl']);

const pixelLimit = maxSide * maxSide;

export type StillFacts = {
  /** Upright, as shown. */
  readonly width: number;
  readonly height: number;
  readonly format: string;
  readonly depth: 8 | 16;
  readonly hasAlpha: boolean;
};

function unreadable(path: string, cause: unknown): AppError {
  return new AppError('IMAGE_UNREADABLE', { path }, { cause });
}

/** Says by its first bytes whether a file is a still picture; a GIF may move, and counts as video. */
export async function isStillFile(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(16), 0, 16, 0);
    const text = buffer.toString('latin1');
    return (
      text.startsWith('\x89PNG\r\n') ||
      text.startsWith('\xff\xd8\xff') ||
      text.startsWith('II*\0') ||
      text.startsWith('MM\0*') ||
      (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') ||
      /^ftyp(avif|heic|mif1)/.test(text.slice(4))
    );
  } finally {
    await file.close();
  }
}

async function bytesOf(source: string | Uint8Array): Promise<Uint8Array> {
  if (typeof source !== 'string') return source;
  try {
    return await readFile(source);
  } catch (problem) {
    const { code } = problem as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new AppError('FILE_NOT_FOUND', { path: source }, { cause: problem });
    throw new AppError('FILE_UNREADABLE', { path: source, problem: code ?? 'unknown' }, { cause: problem });
  }
}

/**
 * @param options.decode reads every pixel, so that a broken-off file is noticed
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, IMAGE_UNREADABLE, SIZE_REFUSED
 */
export async function probeStill(
  source: string | Uint8Array,
  name = typeof source === 'string' ? source : 'the picture',
  options: { readonly decode?: boolean } = {},
): Promise<StillFacts> {
  const bytes = await bytesOf(source);
  const facts = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch((problem: unknown) => {
      throw unreadable(name, problem);
    });
  if (!readable.has(facts.format)) throw unreadable(name, new Error(`${facts.format} is not read`));
  const { width, height } = facts.autoOrient;
  const problem =
    Math.max(width, height) > maxSide || width * height > pixelLimit
      ? 'too large'
      : Math.min(width, height) < 1
        ? 'empty'
        : undefined;
  if (problem) throw new AppError('SIZE_REFUSED', { width, height, problem });
  if (options.decode) {
    await sharp(bytes, { limitInputPixels: pixelLimit, failOn: 'error' })
      .stats()
      .catch((problem: unknown) => {
        throw unreadable(name, problem);
      });
  }
  return {
    width,
    height,
    format: facts.format,
    depth: facts.depth === 'ushort' || facts.depth === 'short' ? 16 : 8,
    hasAlpha: facts.hasAlpha,
  };
}

/**
 * Reads a picture upright and in sRGB, whatever its profile, with all 16 bits where it has them.
 * @param source a path, or the file's bytes
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, IMAGE_UNREADABLE, SIZE_REFUSED
 */
export async function loadPicture(
  source: string | Uint8Array,
  options: { readonly scaleTo?: { readonly width: number; readonly height: number }; readonly name?: string } = {},
): Promise<Frame> {
  const name = options.name ?? (typeof source === 'string' ? source : 'the picture');
  const bytes = await bytesOf(source);
  const facts = await probeStill(bytes, name);
  const deep = facts.depth === 16;
  let pipeline = sharp(bytes, { limitInputPixels: pixelLimit, failOn: 'error' }).autoOrient();
  if (options.scaleTo)
    pipeline = pipeline.resize(options.scaleTo.width, options.scaleTo.height, { fit: 'fill', kernel: 'lanczos3' });
  // Widening 8 bits to 16 shifts instead of scaling (255 becomes 65280 plus noise), so shallow pictures stay shallow.
  pipeline = deep
    ? pipeline.toColourspace('rgb16').raw({ depth: 'ushort' })
    : pipeline.toColourspace('srgb').raw({ depth: 'uchar' });
  const { data, info } = await pipeline.toBuffer({ resolveWithObject: true }).catch((problem: unknown) => {
    throw unreadable(name, problem);
  });
  const samples = deep ? new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2) : data;
  return fromInterleaved(samples, info.width, info.height, info.channels, deep ? 65535 : 255);
}

function fromInterleaved(
  samples: ArrayLike<number>,
  width: number,
  height: number,
  channels: number,
  top: number,
): Frame {
  const size = width * height;
  const rgb = new Float32Array(3 * size);
  const colours = channels >= 3 ? 3 : 1;
  for (let channel = 0; channel < 3; channel++) {
    const from = colours === 3 ? channel : 0;
    for (let pixel = 0, at = from; pixel < size; pixel++, at += channels)
      rgb[channel * size + pixel] = samples[at] / top;
  }
  if (channels === colours) return { index: 0, width, height, rgb };
  const alpha = new Float32Array(size);
  for (let pixel = 0, at = colours; pixel < size; pixel++, at += channels) alpha[pixel] = samples[at] / top;
  return alpha.every(value => value === 1) ? { index: 0, width, height, rgb } : { index: 0, width, height, rgb, alpha };
}

/** Interleaved RGB or RGBA, rounded to integers of 8 or 16 bits; what lies outside 0..1 is clipped, NaN becomes 0. */
export function toInterleaved(frame: Frame, depth: 8 | 16): Uint8ClampedArray | Uint16Array {
  const size = frame.width * frame.height;
  const channels = frame.alpha ? 4 : 3;
  const top = depth === 8 ? 255 : 65535;
  const out = depth === 8 ? new Uint8ClampedArray(channels * size) : new Uint16Array(channels * size);
  for (let channel = 0; channel < channels; channel++) {
    const source = channel < 3 ? frame.rgb.subarray(channel * size, (channel + 1) * size) : frame.alpha!;
    for (let pixel = 0, at = channel; pixel < size; pixel++, at += channels) {
      const value = source[pixel];
      out[at] = value > 0 ? (value < 1 ? (value * top + 0.5) | 0 : top) : 0;
    }
  }
  return out;
}

export type PictureFormat = 'png' | 'png16' | 'jpeg' | 'webp';

/**
 * Writes a frame as a picture file in memory.
 * @param options.width scales to this width, keeping the shape; `quality` is 1..100 for JPEG and WebP
 */
export async function encodePicture(
  frame: Frame,
  format: PictureFormat,
  options: { readonly width?: number; readonly quality?: number } = {},
): Promise<Buffer> {
  const channels = frame.alpha ? 4 : 3;
  const samples = toInterleaved(frame, format === 'png16' ? 16 : 8);
  let pipeline = sharp(samples, { raw: { width: frame.width, height: frame.height, channels } });
  if (options.width && options.width !== frame.width)
    pipeline = pipeline.resize({ width: options.width, kernel: 'lanczos3' });
  switch (format) {
    case 'png16':
      return pipeline.toColourspace('rgb16').png({ compressionLevel: 3 }).toBuffer();
    case 'png':
      return pipeline.png({ compressionLevel: 6 }).toBuffer();
    case 'jpeg':
      // A thumbnail of a cut-out shows it on grey, not on whatever lies under the transparent parts.
      return pipeline
        .flatten({ background: '#808080' })
        .jpeg({ quality: options.quality ?? 88, chromaSubsampling: '4:4:4' })
        .toBuffer();
    case 'webp':
      return pipeline.webp({ quality: options.quality ?? 85 }).toBuffer();
  }
}
