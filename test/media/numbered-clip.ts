import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Frame } from '../../bridge-server/src/frame/frame';
import type { ClipInfo } from '../../bridge-server/src/protocol/clip';
import { decodeFrames, type DecodeOptions } from '../../bridge-server/src/media/decode';

/**
 * Clips whose frames tell their number: ten bits as black and white blocks in the upper half, and eight colour patches
 * below. What is read back can so be checked picture by picture.
 */
export const patches: readonly (readonly [number, number, number])[] = [
  [191, 191, 191],
  [191, 191, 16],
  [16, 191, 191],
  [16, 191, 16],
  [191, 16, 191],
  [191, 16, 16],
  [16, 16, 191],
  [100, 140, 60],
];

export const bits = 10;

export function tempFolder(): string {
  return mkdtempSync(join(tmpdir(), 'reverie-media-'));
}

/** Interleaved RGB of one numbered picture. */
export function drawNumber(number: number, width: number, height: number): Buffer {
  const upper = Buffer.alloc(3 * width);
  const lower = Buffer.alloc(3 * width);
  for (let x = 0; x < width; x++) {
    const bit = (number >> Math.floor((x * bits) / width)) & 1;
    for (let channel = 0; channel < 3; channel++) {
      upper[3 * x + channel] = bit ? 235 : 20;
      lower[3 * x + channel] = patches[Math.floor((x * patches.length) / width)][channel];
    }
  }
  return Buffer.concat(Array.from({ length: height }, (_, y) => (y < height / 2 ? upper : lower)));
}

/** The number that a frame shows; works after any scaling, and with rows turned by `drawNumber`'s own orientation only. */
export function readNumber(frame: Frame): number {
  let number = 0;
  const y = Math.floor(frame.height / 4);
  for (let bit = 0; bit < bits; bit++) {
    const x = Math.floor(((bit + 0.5) * frame.width) / bits);
    if (frame.rgb[y * frame.width + x] > 0.5) number |= 1 << bit;
  }
  return number;
}

/** Largest difference of a patch's centre from its colour, in 255ths. */
export function colourError(frame: Frame): number {
  const size = frame.width * frame.height;
  const y = Math.floor(frame.height * 0.75);
  return Math.max(
    ...patches.flatMap((colour, index) => {
      const x = Math.floor(((index + 0.5) * frame.width) / patches.length);
      return colour.map((value, channel) => Math.abs(frame.rgb[channel * size + y * frame.width + x] * 255 - value));
    }),
  );
}

/** Runs the system's ffmpeg or another program; fails with its words. */
export function runProgram(program: string, args: readonly string[], input?: Iterable<Uint8Array>): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    let words = '';
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => (words += chunk.toString()));
    child.on('error', reject);
    child.on('close', code =>
      code === 0 ? resolve(Buffer.concat(out)) : reject(new Error(`${program} ${args.join(' ')}: ${words}`)),
    );
    child.stdin.on('error', () => {});
    for (const chunk of input ?? []) child.stdin.write(chunk);
    child.stdin.end();
  });
}

export const ffmpeg = (args: readonly string[], input?: Iterable<Uint8Array>) =>
  runProgram('ffmpeg', ['-v', 'error', '-y', ...args], input);

export type ClipRecipe = {
  readonly width?: number;
  readonly height?: number;
  readonly frames?: number;
  readonly rate?: string;
  /** Filters before the encoder; the default makes tagged BT.709 of limited range. */
  readonly filters?: string;
  /** Everything after the filters and before the file's name. */
  readonly encode: readonly string[];
  /** Further inputs, such as a sound. */
  readonly inputs?: readonly string[];
};

/** Filters that make tagged YUV of a known matrix with zimg, which shares no code with what is tested. */
export function toYuv(format = 'yuv420p', matrix = '709', range = 'limited'): string {
  return `zscale=min=gbr:rin=full:m=${matrix}:r=${range}:c=left,format=${format}`;
}

export const tags709 = [
  '-color_primaries',
  'bt709',
  '-color_trc',
  'bt709',
  '-colorspace',
  'bt709',
  '-color_range',
  'tv',
];

export async function makeClip(path: string, recipe: ClipRecipe): Promise<string> {
  const { width = 160, height = 64, frames = 30, rate = '25' } = recipe;
  const pictures = Array.from({ length: frames }, (_, number) => drawNumber(number, width, height));
  await ffmpeg(
    [
      ...[
        '-f',
        'rawvideo',
        '-pixel_format',
        'rgb24',
        '-video_size',
        `${width}x${height}`,
        '-framerate',
        rate,
        '-i',
        'pipe:0',
      ],
      ...(recipe.inputs ?? []),
      ...['-vf', `format=gbrp,${recipe.filters ?? toYuv()}`, ...recipe.encode, path],
    ],
    pictures,
  );
  return path;
}

export async function decodeAll(path: string, info: ClipInfo, options: Partial<DecodeOptions> = {}): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of decodeFrames(path, info, { first: 0, last: info.frames - 1, ...options }))
    frames.push(frame);
  return frames;
}

export function numbers(frames: readonly Frame[]): number[] {
  return frames.map(readNumber);
}

export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
