import { randomUUID } from 'node:crypto';
import { mkdir, rename, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '#protocol/errors';
import { floatTensor, floatsOf } from '../frame/tensor';
import { makeRoom } from './make-room';
import { loadState, saveState } from './state-file';

/** Numbers that took long to find, each list under the hash of all that it was found from. */
export type NumberStore = {
  /** @returns undefined when they were never written, or are not whole */
  read(hash: string): Promise<Float32Array | undefined>;
  /** Keeps them if there is room. @throws AppError OUTPUT_UNWRITABLE */
  write(hash: string, numbers: Float32Array): Promise<void>;
};

/** Numbers in a folder shared by all jobs. Those that were not used for longest make room. */
export function createNumberStore(folder: string, limitBytes = 20e6): NumberStore {
  const pathOf = (hash: string) => join(folder, `${hash}.numbers`);
  return {
    async read(hash) {
      const state = await loadState(pathOf(hash));
      if (state === undefined) return undefined;
      const now = new Date();
      // Only the order in which they make room hangs on it.
      await utimes(pathOf(hash), now, now).catch(() => undefined);
      return floatsOf(state.tensors.numbers);
    },
    async write(hash, numbers) {
      if ((await makeRoom(folder, limitBytes)) < numbers.byteLength) return;
      try {
        await mkdir(folder, { recursive: true });
        // Another worker may have found the same numbers at the same time.
        const own = `${pathOf(hash)}.${randomUUID()}`;
        await saveState(own, { nextIndex: 0, tensors: { numbers: floatTensor(numbers, [numbers.length]) } });
        await rename(own, pathOf(hash));
      } catch (problem) {
        // What is only kept to save time must not take the last of the disk from a job.
        if (!(problem instanceof AppError && problem.code === 'DISK_FULL')) throw problem;
      }
    },
  };
}
