import { realpath } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { isAbsolute, relative, sep } from 'node:path';
import { AppError } from '#protocol/errors';
import { z } from 'zod';

const settingsSchema = z.object({
  /** Folders whose clips a panel on this computer may name by path instead of sending them. */
  allowedFolders: z.array(z.string()).default([]),
});

/** The user's own settings file; only the user writes it. A file that cannot be read allows nothing. */
export function readAllowedFolders(settingsFile: string): readonly string[] {
  try {
    return settingsSchema.parse(JSON.parse(readFileSync(settingsFile, 'utf8'))).allowedFolders;
  } catch {
    return [];
  }
}

/**
 * The real place of a file that a client named, if it lies below an allowed folder after every link was followed.
 * @throws AppError FILE_NOT_FOUND for everything else, so that nobody learns what exists outside
 */
export async function resolveAllowed(path: string, folders: readonly string[]): Promise<string> {
  const refused = (cause?: unknown) => new AppError('FILE_NOT_FOUND', { path: path.slice(0, 300) }, { cause });
  if (!isAbsolute(path) || path.includes('\0')) throw refused();
  const real = await realpath(path).catch((error: unknown) => {
    throw refused(error);
  });
  for (const folder of folders) {
    const root = await realpath(folder).catch(() => undefined);
    if (root === undefined) continue;
    const inside = relative(root, real);
    if (inside !== '' && inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside)) return real;
  }
  throw refused();
}
