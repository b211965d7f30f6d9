import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '#protocol/errors';
import { floatTensor, floatsOf } from '../frame/tensor';
import { makeRoom } from './make-room';
import { loadState, saveState } from './state-file';

/** Numbers that took long to find, each list under a text that names all that it was found from. */
export type NumberStore = {
  has(key: string): boolean;
  /** @returns undefined when they were never written, or are not whole */
  read(key: string): Promise<Float32Array | undefined>;
  /** Keeps them if there is room. @throws AppError OUTPUT_UNWRITABLE */
  write(key: string, numbers: Float32Array): Promise<void>;
};

/** What nets were fitted to, beside the folder of nets. */
export function openFits(netsFolder: string): NumberStore {
  return createNumberStore(join(dirname(netsFolder), 'fits'));
}

/** Numbers in a folder shared by all jobs. Those that were not used for longest make room. */
export function createNumberStore(folder: string, limitBytes = 20e6): NumberStore {
  const pathOf = (key: string) => join(folder, `${createHash('sha256').update(key).digest('hex')}.numbers`);
  return {
    has: key => existsSync(pathOf(key)),
    async read(key) {
      const state = await loadState(pathOf(key));
      if (state === undefined) return undefined;
      const now = new Date();
      // Only the order in which they make room hangs on it.
      await utimes(pathOf(key), now, now).catch(() => undefined);
      return floatsOf(state.tensors.numbers);
    },
    async write(key, numbers) {
      if ((await makeRoom(folder, limitBytes)) < numbers.byteLength) return;
      try {
        await mkdir(folder, { recursive: true });
        // Another worker may have found the same numbers at the same time.
        const own = `${pathOf(key)}.${randomUUID()}`;
        await saveState(own, { nextIndex: 0, tensors: { numbers: floatTensor(numbers, [numbers.length]) } });
        await rename(own, pathOf(key));
      } catch (problem) {
        // What is only kept to save time must not take the last of the disk from a job.
        if (!(problem instanceof AppError && problem.code === 'DISK_FULL')) throw problem;
      }
    },
  };
}
