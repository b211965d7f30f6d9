import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Another job may be at work on what was touched so lately. */
const restMs = 3600e3;

/**
 * Removes what lies in a folder and was not touched for longest, until all takes less than half the limit.
 * @param kept an entry that stays whatever its age
 * @returns bytes that are left below the limit
 */
export async function makeRoom(folder: string, limitBytes: number, kept?: string): Promise<number> {
  const entries = await Promise.all(
    (await entriesOf(folder)).map(async name => {
      const { bytes, newest } = await sizeOf(join(folder, name));
      return { name, bytes, newest: name === kept ? Infinity : newest };
    }),
  );
  entries.sort((a, b) => a.newest - b.newest);
  let total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { name, bytes, newest } of entries) {
    if (total <= limitBytes / 2 || newest > Date.now() - restMs) break;
    await rm(join(folder, name), { recursive: true, force: true });
    total -= bytes;
  }
  return limitBytes - total;
}

async function sizeOf(path: string): Promise<{ bytes: number; newest: number }> {
  const found = await stat(path);
  if (!found.isDirectory()) return { bytes: found.size, newest: found.mtimeMs };
  const parts = await Promise.all((await entriesOf(path)).map(name => sizeOf(join(path, name))));
  return {
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
    newest: parts.reduce((most, part) => Math.max(most, part.newest), found.mtimeMs),
  };
}

const entriesOf = (path: string): Promise<string[]> =>
  readdir(path).catch((problem: NodeJS.ErrnoException) => {
    if (problem.code === 'ENOENT') return [];
    throw problem;
  });
