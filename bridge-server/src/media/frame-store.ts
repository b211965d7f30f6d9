import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, deflateRaw, inflateRaw } from 'node:zlib';
import type { Frame } from '../frame/frame';
import { writeWhole } from './write-whole';

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

export type FrameStore = {
  readonly folder: string;
  /**
   * Stores a frame and returns it as it will be read again: 16 bits a channel, clipped to 0..1. What works on with
   * frames must work on with the returned one, so that a resumed job gives the same result.
   * @throws AppError DISK_FULL, OUTPUT_UNWRITABLE
   */
  write(index: number, frame: Frame): Promise<Frame>;
  /** @returns undefined when the frame was never written, or is not whole (a power failure) */
  read(index: number): Promise<Frame | undefined>;
  /** True when the frame can be read; checks its bytes. */
  has(index: number): Promise<boolean>;
  /** Numbers of the stored frames, ascending, by their names. */
  indices(): Promise<number[]>;
  count(): Promise<number>;
  /** Removes frames, all of them when none is named. */
  remove(indices?: readonly number[]): Promise<void>;
};

/*
 * A stored frame: a header of 28 bytes (magic, flags, width, height, index, lengths), the high bytes of all samples
 * deflated, the low bytes (noise, mostly) as they are or deflated, and 16 bytes of SHA-256 over all before.
 * Samples are differences to the one above, folded so that small ones have a high byte of zero.
 */
const magic = 0x31465652; // "RVF1"
const headBytes = 28;
const sumBytes = 16;
const flag = { alpha: 1, shotStart: 2, highPacked: 4, lowPacked: 8 };

function checksum(parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest().subarray(0, sumBytes);
}

/** To 16 bits; NaN becomes 0. */
function quantise(from: Float32Array, to: Uint16Array): void {
  for (let index = 0; index < from.length; index++) {
    const value = from[index];
    to[index] = value > 0 ? (value < 1 ? value * 65535 + 0.5 : 65535) : 0;
  }
}

function widen(from: Uint16Array): Float32Array {
  const out = new Float32Array(from.length);
  for (let index = 0; index < from.length; index++) out[index] = from[index] / 65535;
  return out;
}

/** Differences to the sample above, folded (0, -1, 1, -2 … become 0, 1, 2, 3 …) and split in bytes. */
function split(samples: Uint16Array, width: number): { high: Uint8Array; low: Uint8Array } {
  const high = new Uint8Array(samples.length);
  const low = new Uint8Array(samples.length);
  for (let index = 0; index < samples.length; index++) {
    const above = index >= width ? samples[index - width] : 0;
    const difference = ((samples[index] - above) << 16) >> 16;
    const folded = (difference << 1) ^ (difference >> 31);
    high[index] = (folded >> 8) & 0xff;
    low[index] = folded & 0xff;
  }
  return { high, low };
}

function merge(high: Uint8Array, low: Uint8Array, width: number): Uint16Array {
  const samples = new Uint16Array(high.length);
  for (let index = 0; index < samples.length; index++) {
    const folded = (high[index] << 8) | low[index];
    const difference = (folded >> 1) ^ -(folded & 1);
    samples[index] = (index >= width ? samples[index - width] : 0) + difference;
  }
  return samples;
}

/** Runs and Huffman codes only: a third of the time of the usual search, and as small for such data. */
const packing = { level: 1, strategy: constants.Z_RLE };

/** @returns the bytes deflated, or undefined when that would gain too little to be worth the time */
async function pack(bytes: Uint8Array): Promise<Buffer | undefined> {
  const middle = bytes.length >> 1;
  const sample = bytes.subarray(middle, middle + 65_536);
  if ((await deflate(sample, packing)).length > 0.95 * sample.length) return undefined;
  return deflate(bytes, packing);
}

function samplesOf(frame: Frame): Uint16Array {
  const size = frame.width * frame.height;
  const samples = new Uint16Array(size * (frame.alpha ? 4 : 3));
  quantise(frame.rgb, samples.subarray(0, 3 * size));
  if (frame.alpha) quantise(frame.alpha, samples.subarray(3 * size));
  return samples;
}

function fromSamples(samples: Uint16Array, at: Pick<Frame, 'index' | 'width' | 'height' | 'shotStart'>): Frame {
  const size = at.width * at.height;
  return {
    index: at.index,
    width: at.width,
    height: at.height,
    rgb: widen(samples.subarray(0, 3 * size)),
    ...(samples.length > 3 * size ? { alpha: widen(samples.subarray(3 * size)) } : {}),
    ...(at.shotStart ? { shotStart: true } : {}),
  };
}

async function toFile(samples: Uint16Array, frame: Frame): Promise<Uint8Array[]> {
  const { high, low } = split(samples, frame.width);
  const [packedHigh, packedLow] = await Promise.all([pack(high), pack(low)]);
  const flags =
    (frame.alpha ? flag.alpha : 0) |
    (frame.shotStart ? flag.shotStart : 0) |
    (packedHigh ? flag.highPacked : 0) |
    (packedLow ? flag.lowPacked : 0);
  const bodies = [packedHigh ?? high, packedLow ?? low];
  const head = Buffer.alloc(headBytes);
  [magic, flags, frame.width, frame.height, frame.index, bodies[0].length, bodies[1].length].forEach((value, at) =>
    head.writeUInt32LE(value, 4 * at),
  );
  return [head, ...bodies, checksum([head, ...bodies])];
}

type Parsed = { readonly head: readonly number[]; readonly high: Uint8Array; readonly low: Uint8Array };

/** Takes a file apart; undefined unless every byte is as it was written. */
function parse(bytes: Buffer): Parsed | undefined {
  if (bytes.length < headBytes + sumBytes || bytes.readUInt32LE(0) !== magic) return undefined;
  const head = Array.from({ length: 7 }, (_, at) => bytes.readUInt32LE(4 * at));
  const [highEnd, lowEnd] = [headBytes + head[5], headBytes + head[5] + head[6]];
  if (bytes.length !== lowEnd + sumBytes) return undefined;
  if (!checksum([bytes.subarray(0, lowEnd)]).equals(bytes.subarray(lowEnd))) return undefined;
  return { head, high: bytes.subarray(headBytes, highEnd), low: bytes.subarray(highEnd, lowEnd) };
}

async function toFrame({ head, high, low }: Parsed): Promise<Frame> {
  const [, flags, width, height, index] = head;
  const limit = { maxOutputLength: width * height * 4 };
  const [wholeHigh, wholeLow] = await Promise.all([
    flags & flag.highPacked ? inflate(high, limit) : high,
    flags & flag.lowPacked ? inflate(low, limit) : low,
  ]);
  return fromSamples(merge(wholeHigh, wholeLow, width), {
    index,
    width,
    height,
    ...(flags & flag.shotStart ? { shotStart: true } : {}),
  });
}

/**
 * Keeps frames on the disk, one file each, named by number; each is there whole or not at all.
 * @param options.sync waits after each frame until it would survive a power failure
 */
export async function createFrameStore(folder: string, options: { readonly sync?: boolean } = {}): Promise<FrameStore> {
  await mkdir(folder, { recursive: true });
  const pathOf = (index: number) => join(folder, `${String(index).padStart(6, '0')}.frame`);
  const load = async (index: number): Promise<Parsed | undefined> => {
    const bytes = await readFile(pathOf(index)).catch((problem: NodeJS.ErrnoException) => {
      if (problem.code === 'ENOENT') return undefined;
      throw problem;
    });
    const parsed = bytes && parse(bytes);
    return parsed && parsed.head[4] === index ? parsed : undefined;
  };
  const indices = async () => {
    const names = await readdir(folder);
    return names
      .flatMap(name => (/^\d{6,}\.frame$/.test(name) ? [Number.parseInt(name, 10)] : []))
      .sort((a, b) => a - b);
  };
  return {
    folder,
    async write(index, frame) {
      const samples = samplesOf(frame);
      const named = { ...frame, index };
      await writeWhole(pathOf(index), await toFile(samples, named), options);
      return fromSamples(samples, named);
    },
    async read(index) {
      const parsed = await load(index);
      return parsed && toFrame(parsed);
    },
    has: async index => (await load(index)) !== undefined,
    indices,
    count: async () => (await indices()).length,
    async remove(which) {
      for (const index of which ?? (await indices())) await rm(pathOf(index), { force: true });
    },
  };
}
