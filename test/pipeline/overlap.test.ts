import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '#protocol/errors';
import { floatTensor } from '../../bridge-server/src/frame/tensor';
import type { Task } from '../../bridge-server/src/jobs/task';
import { runTask } from '../../bridge-server/src/pipeline/run-task';
import type { StageTable } from '../../bridge-server/src/pipeline/stage-chain';
import { createNullRuntime } from '../../bridge-server/src/runtime/null';
import { createThreadRuntime } from '../../bridge-server/src/runtime/ort';
import type { Runtime } from '../../bridge-server/src/runtime/runtime';
import { writeTinyModel } from '../../bridge-server/src/runtime/tiny-model';
import { createNetCache } from '../../bridge-server/src/worker/net-source';
import { createFakeMedia, makeClip } from '../fakes/task-media';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'reverie-overlap-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const output = { codec: 'png', rate: { num: 25, den: 1 }, size: 'source' } as const;
const absent = () => {
  throw new AppError('FILE_NOT_FOUND', { path: '' });
};

/** A net that computes for a while: one 3x3 convolution of many channels. */
const slowNet = (channels: number, side: number) =>
  writeTinyModel({
    inputs: [{ name: 'x', type: 'float32', dims: [1, channels, side, side] }],
    outputs: [{ name: 'y', type: 'float32', dims: [1, channels, side, side] }],
    nodes: [
      { op: 'Conv', inputs: ['x', 'w'], outputs: ['y'], attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] } },
    ],
    constants: { w: floatTensor(new Float32Array(channels * channels * 9), [channels, channels, 3, 3]) },
  });

type RunArguments = {
  readonly frames: number;
  readonly runtime: Runtime;
  readonly table: StageTable;
  readonly decodeMs?: number;
  readonly decoded?: number[];
  readonly side?: number;
};

async function deliver({ frames, runtime, table, decodeMs, decoded, side = 16 }: RunArguments) {
  const clip = makeClip(frames, side, side);
  const span = { first: 0, last: frames - 1 };
  const task: Task = {
    kind: 'deliver',
    id: 'd',
    needs: [],
    source: { from: 'clip', clip: clip.sha256 },
    span,
    cuts: [],
    out: span,
    sourceRate: clip.rate,
    rate: clip.rate,
    stages: [{ stage: 'upscale', params: {}, sequential: false }],
    output,
    seed: 0,
    units: 1,
  };
  const signal = new AbortController().signal;
  const { nets } = createNetCache({ runtime, bytes: absent, convention: absent }).open(signal);
  const media = createFakeMedia({ decodeMs, decoded });
  // Segments are thrown away: only the flow of frames is looked at.
  const thrifty = {
    ...media,
    verifySegment: async () => undefined,
    createSegment: async (path: string, options: Parameters<typeof media.createSegment>[1]) => ({
      ...(await media.createSegment(path, options)),
      write: async () => undefined,
    }),
  };
  return runTask({
    order: {
      job: 'j',
      task,
      clip,
      folders: { clips: '', job: folder, images: '', nets: '' },
      provider: 'cpu',
      attempt: 0,
    },
    table,
    media: thrifty,
    services: { nets, image: absent, painter: absent, clip: absent },
    signal,
    say: () => undefined,
  });
}

test('frames are decoded and timers fire while a net runs', async () => {
  const runtime = createThreadRuntime({
    provider: 'cpu',
    threads: 1,
    execArgv: ['-r', join(__dirname, '../setup/register-ts.cjs')],
  });
  const decoded: number[] = [];
  const whileRunning: number[] = [];
  let longestGapMs = 0;
  const table: StageTable = {
    upscale: async function* (input, _params, ctx) {
      const net = await ctx.nets.compiled('slow', async () => slowNet(64, 160));
      const x = floatTensor(new Float32Array(64 * 160 * 160), [1, 64, 160, 160]);
      await net.run({ x });
      for await (const frame of input) {
        const before = decoded.length;
        let last = performance.now();
        const timer = setInterval(() => {
          longestGapMs = Math.max(longestGapMs, performance.now() - last);
          last = performance.now();
        }, 2);
        const started = performance.now();
        while (performance.now() - started < 60) await net.run({ x });
        clearInterval(timer);
        whileRunning.push(decoded.length - before);
        yield frame;
      }
    },
  };
  try {
    await deliver({ frames: 12, runtime, table, decodeMs: 5, decoded });
  } finally {
    await runtime.close();
  }
  // Decoding runs ahead by a bounded number of frames, so not every run sees one; most do.
  expect(whileRunning.filter(count => count > 0).length).toBeGreaterThan(4);
  expect(longestGapMs).toBeLessThan(1000);
});

test('a long stream takes no more memory than a short one', async () => {
  const side = 256;
  const frameBytes = side * side * 12;
  let most = 0;
  const table: StageTable = {
    upscale: async function* (input, _params, ctx) {
      const net = await ctx.nets.compiled('null', async () => slowNet(3, side));
      for await (const frame of input) {
        const { y } = await net.run({ x: floatTensor(frame.rgb, [1, 3, side, side]) });
        if ('device' in y) throw new Error('kept');
        yield { ...frame, rgb: y.data as Float32Array };
        if (frame.index % 50 === 49) {
          await new Promise(resolve => setImmediate(resolve));
          const { arrayBuffers } = process.memoryUsage();
          if (frame.index > 150) most = Math.max(most, arrayBuffers);
        }
      }
    },
  };
  const facts = await deliver({ frames: 700, runtime: createNullRuntime(), table, side });
  expect(facts.frames).toBe(700);
  // 700 frames make 550 MB. A few are under way; the rest of what is seen waits for the collector.
  expect(most).toBeLessThan(250 * frameBytes);
});
