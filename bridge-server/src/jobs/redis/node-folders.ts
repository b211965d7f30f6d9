import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sizeOfTree } from '../task-store';

export type NodeFolders = {
  readonly clips: string;
  readonly images: string;
  readonly nets: string;
  readonly jobs: string;
};

/** Keeps what was used last, up to a limit: all of it can be fetched again. */
export async function trimNodeFolders(folders: NodeFolders, limitBytes: number): Promise<void> {
  const found: { path: string; bytes: number; usedMs: number }[] = [];
  for (const folder of [folders.jobs, folders.clips, folders.images]) {
    for (const name of await readdir(folder).catch(() => [])) {
      const path = join(folder, name);
      const state = await stat(path).catch(() => undefined);
      if (!state) continue;
      const bytes = state.isDirectory() ? sizeOfTree(path) : state.size;
      found.push({ path, bytes, usedMs: Math.max(state.atimeMs, state.mtimeMs) });
    }
  }
  let sum = 0;
  for (const { path, bytes } of found.sort((a, b) => b.usedMs - a.usedMs)) {
    sum += bytes;
    if (sum > limitBytes) await rm(path, { recursive: true, force: true });
  }
}
