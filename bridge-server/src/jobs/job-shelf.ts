import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '#protocol/errors';
import type { Job, JobEvent, JobId } from '#protocol/job';
import { newJob } from '#protocol/reduce-job';
import type { PlannedJob, Unsubscribe } from './engine';
import { createJobFolder, JobRecord, ownerOf, workerOf } from './job-record';
import { listJobFolders, readEvents, readJob, writeFileSynced } from './journal';
import { isRunning, killGroup } from './process-identity';
import { TaskIndex } from './task-store';

export type ShelfOptions = {
  /** Where job folders lie. */
  readonly jobs: string;
  /** Continue the jobs of an engine that is gone. */
  readonly adopt: boolean;
  /** A job of an engine that is gone is now ours. */
  readonly onAdopt: (record: JobRecord) => void;
  /** A folder is gone or about to go: nothing of it may be worked on. */
  readonly onForget: (record: JobRecord) => void;
};

/** Engines of this process: a job held by one of them is not up for adoption by another. */
const openEngines = new Set<string>();

const requestName = 'request.json';
const unfinished: readonly Job['status'][] = ['queued', 'active'];

/** What an engine that does not hold a job asks of the one that does. */
export type OwnerRequest = 'cancel' | 'pause';

/** The job folders as an engine holds them: its own jobs, and those that an engine of another process runs. */
export class JobShelf {
  readonly id = randomUUID();
  /** Where finished tasks lie, over all jobs. */
  readonly index = new TaskIndex();
  private readonly records = new Map<JobId, JobRecord>();
  private readonly listeners = new Set<(event: JobEvent) => void>();

  constructor(private readonly options: ShelfOptions) {
    openEngines.add(this.id);
  }

  /** Reads all folders; unfinished jobs without a living owner are adopted, if the engine does that. */
  open(): void {
    for (const id of listJobFolders(this.options.jobs)) this.load(id, this.options.adopt);
  }

  all(): JobRecord[] {
    return [...this.records.values()];
  }

  watch(listener: (event: JobEvent) => void): Unsubscribe {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** A folder and a record for a new job; the caller emits "created". */
  create(planned: PlannedJob): JobRecord {
    const folder = this.folderOf(planned.id);
    createJobFolder(folder);
    const record = new JobRecord(folder, newJob(planned), 0, event => this.tell(event));
    record.claim(this.id);
    this.records.set(planned.id, record);
    return record;
  }

  claim(record: JobRecord): void {
    if (record.foreign) record.skipUnwritten();
    record.claim(this.id);
  }

  /** @throws AppError JOB_NOT_FOUND */
  need(id: JobId): JobRecord {
    if (!this.records.has(id) && existsSync(join(this.folderOf(id), 'job.json'))) this.load(id, false);
    const record = this.records.get(id);
    if (!record) throw new AppError('JOB_NOT_FOUND', { id });
    return record;
  }

  /** Reads what other engines have changed. */
  refresh(): void {
    for (const id of listJobFolders(this.options.jobs)) if (!this.records.has(id)) this.load(id, false);
    for (const record of this.records.values()) if (record.foreign) this.refreshForeign(record);
  }

  /** Brings a job of another process up to date. @returns true while somebody else runs it */
  refreshForeign(record: JobRecord): boolean {
    if (!record.foreign) return false;
    const owned = ownerOf(record.folder, openEngines) !== undefined;
    if (!record.hasNewLines()) return owned;
    const events = readEvents(record.folder, record.job.id, record.seq);
    const saved = readJob(record.folder);
    if (saved) {
      record.job = saved.job;
      record.seq = saved.seq;
    }
    for (const event of events) this.tell(event);
    if (!unfinished.includes(record.job.status)) record.foreign = false;
    return owned && record.foreign;
  }

  /** Asks the engine that runs a job; it looks every second. */
  askOwner(record: JobRecord, action: OwnerRequest): void {
    writeFileSynced(join(record.folder, requestName), JSON.stringify({ action }));
  }

  /** What another engine asks of a job that we run. */
  takeRequest(record: JobRecord): OwnerRequest | undefined {
    const path = join(record.folder, requestName);
    if (!existsSync(path)) return undefined;
    let action: unknown;
    try {
      action = (JSON.parse(readFileSync(path, 'utf8')) as { action?: unknown }).action;
    } catch {
      action = undefined;
    }
    rmSync(path, { force: true });
    return action === 'cancel' || action === 'pause' ? action : undefined;
  }

  /** Once a second: folders that were deleted, and jobs whose engine is gone. */
  tick(): void {
    for (const record of this.all()) {
      if (!this.isThere(record)) this.forget(record);
      else if (record.foreign && unfinished.includes(record.job.status)) {
        const owned = this.refreshForeign(record);
        if (!owned && record.foreign && this.options.adopt) this.adopt(record);
      }
    }
  }

  /** Deleting the folder deletes the job. */
  isThere(record: JobRecord): boolean {
    return existsSync(join(record.folder, 'job.json'));
  }

  forget(record: JobRecord): void {
    this.options.onForget(record);
    record.journal.close();
    this.records.delete(record.job.id);
    this.index.forget(record.folder);
  }

  close(): void {
    for (const record of this.records.values()) record.release();
    openEngines.delete(this.id);
  }

  private folderOf(id: JobId): string {
    return join(this.options.jobs, id);
  }

  private tell(event: JobEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  /** Reads a job folder; an unfinished job without a living owner goes on where it stopped. */
  private load(id: JobId, adopt: boolean): void {
    const folder = this.folderOf(id);
    const saved = readJob(folder);
    if (!saved) return;
    const record = new JobRecord(folder, saved.job, saved.seq, event => this.tell(event));
    this.records.set(id, record);
    this.index.scan(folder);
    if (!unfinished.includes(saved.job.status)) return;
    record.foreign = ownerOf(folder, openEngines) !== undefined;
    if (record.foreign) return;
    // Without "adopt" nobody works on it; it is shown as it stands and waits for a server or for `resume`.
    if (adopt) this.adopt(record);
    else record.foreign = true;
  }

  private adopt(record: JobRecord): void {
    record.claim(this.id);
    const left = workerOf(record.folder);
    // The old server's worker ends by itself when its channel closes, but not in the middle of a long computation.
    if (left?.startedAt && isRunning(left)) killGroup(left.pid);
    // What a killed process was about to rename.
    for (const name of readdirSync(record.folder))
      if (/\.\d+\.tmp$/.test(name)) rmSync(join(record.folder, name), { force: true });
    record.skipUnwritten();
    this.options.onAdopt(record);
  }
}
