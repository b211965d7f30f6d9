import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  copyFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { TaskFacts } from './task';
import { writeFileSynced } from './journal';

/**
 * `tasks/<id>/done.json` holds the facts of a finished task. It is written last, so its presence means that the task's
 * output is complete.
 */
const doneName = 'done.json';

export function taskFolder(jobFolder: string, task: string): string {
  return join(jobFolder, 'tasks', task);
}

export function readDone(jobFolder: string, task: string): TaskFacts | undefined {
  try {
    const facts = JSON.parse(readFileSync(join(taskFolder(jobFolder, task), doneName), 'utf8')) as TaskFacts;
    // A joined result lies beside the tasks and may have been taken away.
    return facts.result && !isWhole(join(jobFolder, facts.result.fileName), facts.result.sizeBytes) ? undefined : facts;
  } catch {
    return undefined;
  }
}

function isWhole(path: string, sizeBytes: number): boolean {
  const found = statSync(path);
  return found.isDirectory() || found.size === sizeBytes;
}

function isFolder(path: string): boolean {
  return statSync(path).isDirectory();
}

/** Files the facts of a task; a worker that has done so already is not overruled. */
export function writeDone(jobFolder: string, task: string, facts: TaskFacts): void {
  const folder = taskFolder(jobFolder, task);
  if (existsSync(join(folder, doneName))) return;
  mkdirSync(folder, { recursive: true });
  writeFileSynced(join(folder, doneName), `${JSON.stringify(facts, null, 1)}\n`);
}

/** A task that has to be done again: its output is no longer there, whatever its facts say. */
export function forgetDone(jobFolder: string, task: string): void {
  rmSync(join(taskFolder(jobFolder, task), doneName), { force: true });
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
export function reuseTask(fromJob: string, toJob: string, task: string): TaskFacts | undefined {
  const facts = readDone(fromJob, task);
  if (!facts) return undefined;
  const target = taskFolder(toJob, task);
  const temporary = `${target}.reuse`;
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(join(toJob, 'tasks'), { recursive: true });
  linkTree(taskFolder(fromJob, task), temporary);
  if (facts.result) linkTree(join(fromJob, facts.result.fileName), join(toJob, facts.result.fileName));
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
    for (const task of readdirSync(tasks)) if (existsSync(join(tasks, task, doneName))) this.add(jobFolder, task);
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
