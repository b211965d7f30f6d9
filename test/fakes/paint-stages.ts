import { AppError } from '#protocol/errors';
import { withPixels, type Frame } from '../../bridge-server/src/frame/frame';
import { floatTensor, floatsOf } from '../../bridge-server/src/frame/tensor';
import type { StageTable } from '../../bridge-server/src/pipeline/stage-chain';
import type { Stage } from '../../bridge-server/src/pipeline/stage';
import { writeTinyModel } from '../../bridge-server/src/runtime/tiny-model';

/**
 * A cheap painter whose every frame depends on all frames before it and on chance, so that a frame lost, doubled or
 * continued from the wrong state changes everything after it.
 */
export const memoryPainter: Stage<{
  readonly pauseMs?: number;
  readonly failAt?: number;
  readonly storeEvery?: number;
}> = async function* (input, params, ctx) {
  let memory = ctx.resumed ? floatsOf(ctx.resumed.tensors.memory).slice() : undefined;
  for await (const frame of input) {
    ctx.signal.throwIfAborted();
    if (params.failAt === frame.index)
      throw new AppError('NET_RUN_FAILED', { name: 'painter', problem: 'as the test wished' });
    if (params.pauseMs) await new Promise(resolve => setTimeout(resolve, params.pauseMs));
    const random = ctx.random(frame.index);
    memory = memory?.length === frame.rgb.length && !frame.shotStart ? memory : new Float32Array(frame.rgb.length);
    for (let i = 0; i < memory.length; i++)
      memory[i] = Math.fround(memory[i] * 0.7 + frame.rgb[i] * 0.25 + random() * 0.05);
    ctx.progress({ frame: frame.index, done: 1, total: 1 });
    const painted: Frame = withPixels(frame, memory.slice());
    yield painted;
    if ((frame.index + 1) % (params.storeEvery ?? 1) === 0) {
      ctx.store({ nextIndex: frame.index + 1, tensors: { memory: floatTensor(memory.slice(), [memory.length]) } });
    }
  }
};

/** Runs a net that takes seconds, in one piece, for every frame. */
export const slowNet: Stage<object> = async function* (input, _params, ctx) {
  const [channels, side] = [256, 512];
  const dims = [1, channels, side, side];
  const model = writeTinyModel({
    inputs: [{ name: 'x', type: 'float32', dims }],
    outputs: [{ name: 'y', type: 'float32', dims }],
    nodes: [
      { op: 'Conv', inputs: ['x', 'w'], outputs: ['y'], attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] } },
    ],
    constants: { w: floatTensor(new Float32Array(channels * channels * 9), [channels, channels, 3, 3]) },
  });
  const net = await ctx.nets.compiled('slow', async () => model);
  for await (const frame of input) {
    ctx.progress({ frame: frame.index, done: 1, total: 2 });
    for (let again = 0; again < 20; again++)
      await net.run({ x: floatTensor(new Float32Array(channels * side * side), dims) }, { give: ['x'] });
    yield frame;
  }
};

/** Adds a constant; no memory. */
export const brighten: Stage<{ readonly by: number }> = async function* (input, { by }) {
  for await (const frame of input)
    yield withPixels(
      frame,
      frame.rgb.map(value => Math.min(1, value + by)),
    );
};

export const testStages: StageTable = { stylize: memoryPainter, composite: brighten };
