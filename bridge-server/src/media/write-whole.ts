import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError } from '#protocol/errors';

/** The name under which a file is written until it is whole. */
export function partialName(path: string): string {
  return `${path}.partial`;
}

/** Forces a file's bytes to the disk. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Forces a folder's names to the disk; Windows has no such thing and needs none. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Turns a file system's refusal into what a person can act on. */
export function toWriteError(path: string, problem: unknown): AppError {
  if (problem instanceof AppError) return problem;
  const { code } = problem as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new AppError('DISK_FULL', { path: dirname(path), need: 'some space' }, { cause: problem });
  return new AppError('OUTPUT_UNWRITABLE', { path, problem: code ?? String(problem) }, { cause: problem });
}

/**
 * Writes a file so that it is either there whole or not at all.
 * @param options.sync waits until it would survive a power failure
 * @throws AppError DISK_FULL, OUTPUT_UNWRITABLE
 */
export async function writeWhole(
  path: string,
  parts: readonly Uint8Array[],
  options: { readonly sync?: boolean } = {},
): Promise<void> {
  const partial = partialName(path);
  try {
    const file = await open(partial, 'w');
    try {
      for (const part of parts) await file.writeFile(part);
      if (options.sync) await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
    if (options.sync) await syncFolder(dirname(path));
  } catch (problem) {
    await rm(partial, { force: true });
    throw toWriteError(path, problem);
  }
}
