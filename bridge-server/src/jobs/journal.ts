import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError } from '#protocol/errors';
import { jobEventSchema, jobIdSchema, jobSchema, type Job, type JobEvent, type JobId } from '#protocol/job';
import { reduceJob } from '#protocol/reduce-job';
import { z } from 'zod';

const savedJobSchema = z.object({ seq: z.int().nonnegative(), job: jobSchema });
const lineSchema = z.object({ seq: z.int().nonnegative(), at: z.string(), event: jobEventSchema });

/**
 * Numbers given to events that are not written down (progress several times a second). After a crash the numbers go on
 * this far behind the last line, so that no client ever sees one twice.
 */
export const unwrittenEvents = 1000;

/** Writes all of it or nothing: to a temporary name, synced, then renamed. @throws AppError DISK_FULL */
export function writeFileSynced(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = openSync(temporary, 'w', 0o600);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw asDiskFull(error, path);
  }
}

/** Makes names in a folder survive a power cut. Windows has no such thing and needs none. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** A full disk gets its own code; everything else stays what it is. */
export function asDiskFull(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? new AppError('DISK_FULL', { need: 'some space is', path: path.replace(/[\\/][^\\/]*$/, '') }, { cause: error })
    : error;
}

/** The two files that tell a job's life: `job.json`, how it stands, and `events.jsonl`, how it came there. */
export class Journal {
  private file: number | undefined;

  constructor(readonly folder: string) {}

  /** `job.json`, replaced in one step. */
  save(job: Job, seq: number): void {
    writeFileSynced(join(this.folder, 'job.json'), `${JSON.stringify({ seq, job }, null, 1)}\n`);
  }

  /** One line at the end of `events.jsonl`. With `synced` it survives a power cut. @throws AppError DISK_FULL */
  append({ seq, at, job: _job, ...event }: JobEvent, synced: boolean): void {
    const path = join(this.folder, 'events.jsonl');
    try {
      this.file ??= openForAppending(path);
      writeSync(this.file, `${JSON.stringify({ seq, at, event })}\n`);
      if (synced) fsyncSync(this.file);
    } catch (error) {
      // What was half written is cut off when the file is opened again.
      this.close();
      throw asDiskFull(error, path);
    }
  }

  close(): void {
    if (this.file !== undefined) closeSync(this.file);
    this.file = undefined;
  }
}

/** Opens for appending behind the last whole line: a torn one is what a power cut leaves. */
function openForAppending(path: string): number {
  const file = openSync(path, 'a+', 0o600);
  const text = readFileSync(path);
  const whole = text.lastIndexOf(10) + 1;
  if (whole < text.length) ftruncateSync(file, whole);
  return file;
}

/** Events with a number above `since`; lines that cannot be read end the list. */
export function readEvents(folder: string, id: JobId, since = 0): JobEvent[] {
  let text: string;
  try {
    text = readFileSync(join(folder, 'events.jsonl'), 'utf8');
  } catch {
    return [];
  }
  const events: JobEvent[] = [];
  for (const line of text.split('\n').slice(0, -1)) {
    let parsed;
    try {
      parsed = lineSchema.safeParse(JSON.parse(line));
    } catch {
      continue;
    }
    if (parsed.success && parsed.data.seq > since)
      events.push({ ...parsed.data.event, seq: parsed.data.seq, at: parsed.data.at, job: id });
  }
  return events;
}

/** How a job stands: the saved state and every event after it. Undefined where the folder holds no readable job. */
export function readJob(folder: string): { job: Job; seq: number } | undefined {
  let saved;
  try {
    saved = savedJobSchema.safeParse(JSON.parse(readFileSync(join(folder, 'job.json'), 'utf8')));
  } catch {
    return undefined;
  }
  if (!saved.success) return undefined;
  let { job, seq } = saved.data;
  for (const event of readEvents(folder, job.id, seq)) {
    job = reduceJob(job, event);
    seq = event.seq;
  }
  return { job, seq };
}

/** Ids of all job folders below `root`. */
export function listJobFolders(root: string): JobId[] {
  mkdirSync(root, { recursive: true });
  return readdirSync(root).filter(name => jobIdSchema.safeParse(name).success);
}
