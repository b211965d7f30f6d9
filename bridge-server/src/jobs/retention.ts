import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { sizeOfTree } from './task-store';

/**
 * Intermediates of finished jobs are kept for re-renders up to a limit; the oldest go first. Results are never touched,
 * nor anything of a job whose result was not verified.
 * @param finished folders of done jobs with the time of their end
 * @returns the folders whose intermediates were removed
 */
export function trimIntermediates(
  finished: readonly { readonly folder: string; readonly finishedAt: string }[],
  limitBytes: number,
): string[] {
  const seen = new Set<string>();
  const removed: string[] = [];
  let sum = 0;
  for (const { folder } of [...finished].sort((a, b) => (a.finishedAt < b.finishedAt ? 1 : -1))) {
    const tasks = join(folder, 'tasks');
    if (!existsSync(tasks)) continue;
    sum += sizeOfTree(tasks, seen);
    if (sum <= limitBytes) continue;
    rmSync(tasks, { recursive: true, force: true });
    removed.push(folder);
  }
  return removed;
}
