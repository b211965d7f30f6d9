import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AppError } from '#protocol/errors';
import type { ClipInfo } from '#protocol/clip';
import { createFrame, type Frame } from '../../bridge-server/src/frame/frame';
import type { Tensor } from '../../bridge-server/src/frame/tensor';
import type { TaskMedia } from '../../bridge-server/src/pipeline/task-media';
import { writeDurably } from '../../bridge-server/src/pipeline/task-folder';

/** A clip that exists only as a formula: each pixel is a simple function of its frame and place. */
export function makeClip(frames: number, width = 16, height = 16): ClipInfo {
  return {
    sha256: 'c'.repeat(64),
    name: 'formula',
    sizeBytes: 1,
    width,
    height,
    codedWidth: width,
    codedHeight: height,
    rotation: 0,
    sampleAspect: { num: 1, den: 1 },
    rate: { num: 25, den: 1 },
    variableRate: false,
    frames,
    codec: 'formula',
    pixelFormat: 'gbrpf32le',
    bitDepth: 32,
    hasAlpha: false,
    hasAudio: false,
    colour: { matrix: 'bt709', primaries: 'bt709', transfer: 'bt709', range: 'pc' },
    isStill: frames === 1,
  };
}

export function clipFrame(clip: Pick<ClipInfo, 'width' | 'height'>, index: number): Frame {
  const frame = createFrame(clip.width, clip.height, index);
  for (let i = 0; i < frame.rgb.length; i++) frame.rgb[i] = ((i * 31 + index * 17) % 256) / 255;
  return frame;
}

const bytesOf = (values: Float32Array) => Buffer.from(values.buffer, values.byteOffset, values.byteLength);

export type FakeMediaOptions = {
  /** Counts what was decoded, in order. */
  readonly decoded?: number[];
  /** Time that one frame takes to decode. */
  readonly decodeMs?: number;
  readonly analysis?: { readonly frames: number; readonly cuts: readonly number[] };
};

/** What the pipeline wants of `media/`, with raw bytes instead of codecs. A segment is its frames one after the other. */
export function createFakeMedia(options: FakeMediaOptions = {}): TaskMedia {
  return {
    async *decode(clip, span, { signal }) {
      for (let index = span.first; index <= span.last; index++) {
        signal.throwIfAborted();
        if (options.decodeMs) await new Promise(resolve => setTimeout(resolve, options.decodeMs));
        options.decoded?.push(index);
        yield clipFrame(clip, index);
      }
    },
    async frames(folder) {
      const path = (index: number) => join(folder, `${index}.raw`);
      return {
        has: async index => existsSync(path(index)),
        async write(index, frame) {
          await mkdir(folder, { recursive: true });
          const header = Buffer.alloc(8);
          header.writeUInt32LE(frame.width, 0);
          header.writeUInt32LE(frame.height, 4);
          const bytes = Buffer.concat([header, bytesOf(frame.rgb)]);
          await writeFile(`${path(index)}.tmp`, bytes);
          await rename(`${path(index)}.tmp`, path(index));
          return { ...frame, index };
        },
        async read(index) {
          if (!existsSync(path(index))) return undefined;
          const bytes = await readFile(path(index));
          const [width, height] = [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
          return { index, width, height, rgb: new Float32Array(new Uint8Array(bytes.subarray(8)).buffer) };
        },
      };
    },
    async analyse(frames) {
      let count = 0;
      for await (const _ of frames) count++;
      return options.analysis ?? { frames: count, cuts: [] };
    },
    async writeState(path, state) {
      const tensors = Object.entries(state.tensors).map(([name, tensor]) => [
        name,
        tensor.dims,
        bytesOf(tensor.data as Float32Array).toString('base64'),
      ]);
      await writeDurably(path, JSON.stringify({ nextIndex: state.nextIndex, tensors }));
    },
    async readState(path) {
      try {
        const { nextIndex, tensors } = JSON.parse(await readFile(path, 'utf8')) as {
          nextIndex: number;
          tensors: [string, number[], string][];
        };
        const read = tensors.map(([name, dims, text]): [string, Tensor] => [
          name,
          { type: 'float32', dims, data: new Float32Array(new Uint8Array(Buffer.from(text, 'base64')).buffer) },
        ]);
        return { nextIndex, tensors: Object.fromEntries(read) };
      } catch {
        return undefined;
      }
    },
    segmentName: () => 'segment.raw',
    async createSegment(path) {
      const parts: Buffer[] = [];
      return {
        async write(frame) {
          parts.push(Buffer.from(bytesOf(frame.rgb)));
        },
        async finish() {
          await mkdir(dirname(path), { recursive: true });
          const header = Buffer.alloc(4);
          header.writeUInt32LE(parts.length);
          await writeFile(path, Buffer.concat([header, ...parts]));
        },
        async abort() {
          await rm(path, { force: true });
        },
      };
    },
    async verifySegment(path, { frames }) {
      const actual = (await readFile(path)).readUInt32LE(0);
      if (actual !== frames) throw new AppError('RESULT_INCOMPLETE', { actual, expected: frames });
    },
    async join(segments, folder, expected, { onFrame }) {
      const all = await Promise.all(segments.map(path => readFile(path)));
      const frames = all.reduce((sum, bytes) => sum + bytes.readUInt32LE(0), 0);
      if (frames !== expected.frames)
        throw new AppError('RESULT_INCOMPLETE', { actual: frames, expected: expected.frames });
      onFrame(frames);
      const whole = Buffer.concat(all.map(bytes => bytes.subarray(4)));
      const path = join(folder, 'result.raw');
      await writeFile(path, whole);
      return {
        fileName: basename(path),
        sizeBytes: whole.length,
        sha256: createHash('sha256').update(whole).digest('hex'),
        frames,
        width: expected.width,
        height: expected.height,
      };
    },
  };
}
