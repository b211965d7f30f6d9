import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Task, TaskFacts } from './task';
import { writeFileSynced } from './journal';

/** `tasks/<id>/done.json`: written last, so its presence means that the task's output is complete. */
export type DoneFile = {
  readonly version: 1;
  readonly task: string;
  readonly kind: Task['kind'];
  readonly facts: TaskFacts;
  /** Machine and process that did it. */
  readonly where: string;
  readonly provider: string;
  readonly seconds: number;
  readonly finishedAt: string;
};

export function taskFolder(jobFolder: string, task: string): string {
  return join(jobFolder, 'tasks', task);
}

export function readDone(jobFolder: string, task: string): DoneFile | undefined {
  try {
    const done = JSON.parse(readFileSync(join(taskFolder(jobFolder, task), 'done.json'), 'utf8')) as DoneFile;
    if (done.version !== 1 || done.task !== task) return undefined;
    // A joined result lies beside the tasks and may have been taken away.
    if (done.facts.result && statSync(join(jobFolder, done.facts.result.fileName)).size !== done.facts.result.sizeBytes && !isFolder(join(jobFolder, done.facts.result.fileName))) return undefined;
    return done;
  } catch {
    return undefined;
  }
}

function isFolder(path: string): boolean {
  return statSync(path).isDirectory();
}

export function writeDone(jobFolder: string, done: DoneFile): void {
  mkdirSync(taskFolder(jobFolder, done.task), { recursive: true });
  writeFileSynced(join(taskFolder(jobFolder, done.task), 'done.json'), `${JSON.stringify(done, null, 1)}\n`);
}

/** The same files under a second name; on drives without hard links, copies. Outputs are never changed once done. */
function linkTree(from: string, to: string): void {
  if (!isFolder(from)) {
    try {
      linkSync(from, to);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
      copyFileSync(from, to);
    }
    return;
  }
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) linkTree(join(from, name), join(to, name));
}

/**
 * Takes the finished output of another job for this one. The folder appears in one step, so that a crash in between
 * leaves nothing that looks finished.
 */
export function reuseTask(fromJob: string, toJob: string, task: string): DoneFile | undefined {
  const done = readDone(fromJob, task);
  if (!done) return undefined;
  const target = taskFolder(toJob, task);
  const temporary = `${target}.reuse`;
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(join(toJob, 'tasks'), { recursive: true });
  linkTree(taskFolder(fromJob, task), temporary);
  if (done.facts.result) linkTree(join(fromJob, done.facts.result.fileName), join(toJob, done.facts.result.fileName));
  rmSync(target, { recursive: true, force: true });
  renameSync(temporary, target);
  return readDone(toJob, task);
}

/** Where finished tasks lie, over all jobs: a retry, a resume or a re-render asks only "is it there already?". */
export class TaskIndex {
  private readonly folders = new Map<string, Set<string>>();

  scan(jobFolder: string): void {
    const tasks = join(jobFolder, 'tasks');
    if (!existsSync(tasks)) return;
    for (const task of readdirSync(tasks)) if (existsSync(join(tasks, task, 'done.json'))) this.add(jobFolder, task);
  }
  add(jobFolder: string, task: string): void {
    const known = this.folders.get(task) ?? new Set();
    this.folders.set(task, known.add(jobFolder));
  }
  forget(jobFolder: string): void {
    for (const [task, folders] of this.folders) {
      folders.delete(jobFolder);
      if (folders.size === 0) this.folders.delete(task);
    }
  }
  find(task: string): string[] {
    return [...(this.folders.get(task) ?? [])];
  }
}

/** Bytes below a folder; a file with two names is counted once. */
export function sizeOfTree(folder: string, seen = new Set<string>()): number {
  let sum = 0;
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return 0;
  }
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      sum += sizeOfTree(path, seen);
      continue;
    }
    try {
      const { size, ino, dev } = statSync(path);
      const key = `${dev}:${ino}`;
      if (!seen.has(key)) sum += size;
      seen.add(key);
    } catch {
      // Deleted meanwhile.
    }
  }
  return sum;
}
