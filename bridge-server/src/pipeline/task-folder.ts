import { open, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TaskFacts } from '../jobs/task';

/**
 * Where things of a task lie: `jobs/<id>/tasks/<task>/`
 *   frames/      stored frames of a paint task
 *   states/      what continues a sequential stage
 *   segment.*    a deliver task's part of the clip
 *   work.json    how small the work had to become (see `smaller-work.ts`)
 *   done.json    written last: its presence means that everything else is complete
 */
export type TaskFolder = {
  readonly path: string;
  readonly frames: string;
  readonly states: string;
  readonly work: string;
  readonly done: string;
};

export function taskFolder(job: string, task: string): TaskFolder {
  const path = join(job, 'tasks', task);
  return {
    path,
    frames: join(path, 'frames'),
    states: join(path, 'states'),
    work: join(path, 'work.json'),
    done: join(path, 'done.json'),
  };
}

/** Writes to a temporary name, syncs, renames, syncs the folder: after a power loss the file is whole or was never there. */
export async function writeDurably(path: string, bytes: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw thrown;
  }
  await syncFolder(dirname(path));
}

/** Makes names in a folder durable. Windows has no such thing and needs none. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** @returns undefined when there is no such file or it is not whole */
export async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT' || thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

/** What is known about a finished task; undefined when it is not finished. */
export const readDone = (folder: TaskFolder): Promise<TaskFacts | undefined> => readJson<TaskFacts>(folder.done);

export const writeDone = (folder: TaskFolder, facts: TaskFacts): Promise<void> =>
  writeDurably(folder.done, `${JSON.stringify(facts, null, 1)}\n`);
