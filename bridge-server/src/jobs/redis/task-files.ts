import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Task, TaskOrder } from '../task';
import { jobPathSchema, type NeededFile } from './node-messages';

export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(piece as Buffer);
  return hash.digest('hex');
}

/** Hashes of files that did not change since they were read last. */
export class HashMemory {
  private readonly known = new Map<string, { readonly state: string; readonly sha256: string }>();

  /** @returns undefined when the file is gone, or changed while it was read */
  async of(path: string): Promise<{ sizeBytes: number; sha256: string } | undefined> {
    const before = await stateOf(path);
    if (!before) return undefined;
    const known = this.known.get(path);
    if (known?.state === before.state) return { sizeBytes: before.sizeBytes, sha256: known.sha256 };
    const sha256 = await hashFile(path).catch(() => undefined);
    const after = await stateOf(path);
    if (sha256 === undefined || after?.state !== before.state) return undefined;
    this.keep(path, before.state, sha256);
    return { sizeBytes: before.sizeBytes, sha256 };
  }

  /** The file at `path` was just written with this content. */
  async learn(path: string, sha256: string): Promise<void> {
    const now = await stateOf(path);
    if (now) this.keep(path, now.state, sha256);
  }

  private keep(path: string, state: string, sha256: string): void {
    this.known.delete(path);
    this.known.set(path, { state, sha256 });
    // The longest known goes first.
    if (this.known.size > 100_000) this.known.delete(this.known.keys().next().value!);
  }
}

async function stateOf(path: string): Promise<{ state: string; sizeBytes: number } | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found?.isFile()
    ? { state: `${found.size} ${found.mtimeNs} ${found.ino}`, sizeBytes: Number(found.size) }
    : undefined;
}

/** What is being written, and what says "complete", which the engine itself writes last. */
const passing = /(\.tmp|\.part|\.partial|\.reuse)$|^unfinished-|^done\.json$/;

/**
 * The files of a task that are whole, as paths from the job's folder: frames before states, because a state counts on
 * the frames before it.
 */
export async function filesOfTask(jobFolder: string, task: string): Promise<string[]> {
  const found: string[] = [];
  const visit = async (path: string): Promise<void> => {
    for (const entry of await readdir(join(jobFolder, path), { withFileTypes: true }).catch(() => [])) {
      if (passing.test(entry.name)) continue;
      const below = `${path}/${entry.name}`;
      if (entry.isDirectory()) await visit(below);
      else if (jobPathSchema.safeParse(below).success) found.push(below);
    }
  };
  await visit(`tasks/${task}`);
  const isState = (path: string) => Number(path.includes('/states/'));
  return found.sort((a, b) => isState(a) - isState(b) || (a < b ? -1 : 1));
}

/** Hashes named anywhere in a task's parameters: pictures, mattes, plates. */
function hashesIn(task: Task): string[] {
  const text = 'stages' in task ? JSON.stringify(task.stages.map(node => node.params)) : '';
  return [...new Set(text.match(/\b[0-9a-f]{64}\b/g) ?? [])];
}

/** Names of nets anywhere in a task's parameters, of those that are there. */
async function netsIn(task: Task, folder: string): Promise<string[]> {
  if (!('stages' in task)) return [];
  const text = JSON.stringify(task.stages.map(node => node.params));
  const names = await readdir(folder).catch(() => []);
  return names.filter(name => !name.startsWith('.') && text.includes(`"${name}"`));
}

/**
 * Everything that a task reads and that does not come with Reverie: the clip where it is read, pictures, mattes, nets of
 * the user, what earlier tasks made, and what an earlier try of this task left.
 */
export async function neededFiles({ task, clip, folders }: TaskOrder, memory: HashMemory): Promise<NeededFile[]> {
  const wanted: Pick<NeededFile, 'area' | 'path'>[] = [];
  const fromClip = task.kind === 'analyse' || ('source' in task && task.source.from === 'clip');
  for (const sha256 of new Set([...(fromClip ? [clip.sha256] : []), ...hashesIn(task)]))
    for (const area of ['clips', 'images'] as const)
      wanted.push({ area, path: sha256 }, { area, path: `${sha256}.json` });
  for (const name of await netsIn(task, folders.nets))
    for (const file of await readdir(join(folders.nets, name)).catch(() => []))
      wanted.push({ area: 'nets', path: `${name}/${file}` });
  const tasks = [...('needs' in task ? task.needs : []), task.id];
  for (const id of tasks) for (const path of await filesOfTask(folders.job, id)) wanted.push({ area: 'job', path });
  const files: NeededFile[] = [];
  for (const { area, path } of wanted) {
    const found = await memory.of(join(folders[area], path));
    if (found) files.push({ area, path, ...found } as NeededFile);
  }
  return files;
}
