import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TaskFacts } from '../jobs/task';
import { writeWhole } from '../media/write-whole';

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

/** After a power loss the file is whole or was never there. Makes the folder. @throws AppError as `writeWhole` */
export async function writeDurably(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeWhole(path, [Buffer.from(text)], { sync: true });
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
