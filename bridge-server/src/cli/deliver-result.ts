import { constants } from 'node:fs';
import { access, copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { AppError } from '#protocol/errors';
import type { Job } from '#protocol/job';
import type { BridgeCore } from '../server/core';

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Level by level: Node's recursive `mkdir` never returns where a parent refuses new folders with ENOENT, as /proc does. */
export async function makeFolder(folder: string): Promise<void> {
  if (await exists(folder)) return;
  await makeFolder(dirname(folder));
  await mkdir(folder);
}

/**
 * Says before hours of work whether the result can be put where it was asked for.
 * @throws AppError OUTPUT_EXISTS, OUTPUT_UNWRITABLE
 */
export async function checkDestination(path: string, force: boolean): Promise<void> {
  if (!force && (await exists(path))) throw new AppError('OUTPUT_EXISTS', { path });
  const folder = dirname(resolve(path));
  try {
    await makeFolder(folder);
    await access(folder, constants.W_OK);
  } catch (error) {
    throw new AppError('OUTPUT_UNWRITABLE', { path, problem: (error as Error).message }, { cause: error });
  }
}

/** Copies under a temporary name beside the destination and renames: nothing half-written ever has the final name. */
async function place(from: string, to: string): Promise<void> {
  const partial = join(dirname(resolve(to)), `.${basename(to)}.${process.pid}.part`);
  try {
    await copyFile(from, partial, constants.COPYFILE_FICLONE);
    await rename(partial, to);
  } catch (error) {
    await rm(partial, { force: true });
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOSPC')
      throw new AppError('DISK_FULL', { need: 'the size of the result', path: dirname(resolve(to)) }, { cause: error });
    throw new AppError('OUTPUT_UNWRITABLE', { path: to, problem: (error as Error).message }, { cause: error });
  }
}

/**
 * Puts a finished job's result at `path`: a clip as one file; a PNG sequence as a folder, or as one file where it has
 * one frame and the name ends with .png.
 */
export async function deliverResult(core: BridgeCore, job: Job, path: string): Promise<void> {
  if (!job.result) throw new AppError('RESULT_INCOMPLETE', { actual: 0, expected: 1 });
  const from = join(core.engine.folder(job.id), job.result.fileName);
  if (!(await stat(from)).isDirectory()) return place(from, path);
  const pictures = (await readdir(from)).filter(name => name.endsWith('.png')).sort();
  if (pictures.length === 1 && /\.png$/i.test(path)) return place(join(from, pictures[0]), path);
  await makeFolder(resolve(path));
  for (const name of pictures) await place(join(from, name), join(path, name));
}
