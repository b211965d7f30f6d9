import { availableParallelism } from 'node:os';
import type { Frame } from '../../frame/frame';
import { AppError } from '#protocol/errors';
import type { FlowProvider } from './provider';
import { resizePlanes } from '../resize';
import { resizeFlow } from '../warp';
import { assertSameSize, disHere, disNormal, greyOf } from './dis';
import type { DisResult, DisSettings } from './dis-driver';
import { createDisThread, type DisThread } from './dis-thread';

/** Larger pictures are searched at half size (or a quarter ...): it bounds time, and memory to about 250 MB a thread. */
const largestArea = 1280 * 1024;

export type ClassicalOptions = {
  /** `thread` searches beside the calling thread, so that a net can run meanwhile; `here` blocks it. */
  readonly where?: 'thread' | 'here';
  readonly settings?: DisSettings;
  readonly signal?: AbortSignal;
};

/** Flow that needs no weights: Dense Inverse Search with variational refinement. */
export function createClassicalFlow({
  where = 'thread',
  settings = disNormal,
  signal,
}: ClassicalOptions = {}): FlowProvider {
  // With cores to spare each direction gets a thread of its own.
  const split = where === 'thread' && availableParallelism() >= 4;
  const threads: DisThread[] = [];
  const thread = (index: number) => (threads[index] ??= createDisThread());

  const search = async (a: Float32Array, b: Float32Array, width: number, height: number): Promise<DisResult> => {
    if (where === 'here') return disHere(a, b, width, height, settings);
    if (!split) return thread(0).search(a, b, width, height, settings, 3);
    const [ahead, back] = await Promise.all([
      thread(0).search(a.slice(), b.slice(), width, height, settings, 1),
      thread(1).search(a, b, width, height, settings, 2),
    ]);
    return { forward: ahead.forward, backward: back.backward };
  };

  return {
    name: 'classical',
    async flow(a: Frame, b: Frame) {
      assertSameSize(a, b);
      if (signal?.aborted) throw new AppError('CANCELLED');
      let [width, height] = [a.width, a.height];
      while (width * height > largestArea) [width, height] = [(width + 1) >> 1, (height + 1) >> 1];
      const grey = (frame: Frame) => resizePlanes(greyOf(frame), 1, a.width, a.height, width, height);
      const { forward, backward } = await search(grey(a), grey(b), width, height);
      if (width === a.width && height === a.height) return { forward, backward };
      return {
        forward: resizeFlow(forward, { width, height }, a),
        backward: resizeFlow(backward, { width, height }, a),
      };
    },
    async close() {
      await Promise.all(threads.map(each => each.close()));
      threads.length = 0;
    },
  };
}
