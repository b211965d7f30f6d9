import type { ClipInfo } from '#protocol/clip';
import type { Estimate, Job, JobEvent, JobId, JobSpec, JobStatus } from '#protocol/job';
import type { Report } from '#protocol/report';

/** A job that was checked and estimated and can be started. */
export type PlannedJob = {
  readonly id: JobId;
  readonly spec: JobSpec;
  readonly clip: ClipInfo;
  readonly createdAt: string;
  readonly estimate: Estimate;
};

export type JobFilter = { readonly status?: readonly JobStatus[]; readonly id?: JobId };
export type Unsubscribe = () => void;

/** What runs jobs. `local-engine.ts`: journal and child processes. Others keep the same promises (test/conformance). */
export interface JobEngine {
  submit(job: PlannedJob): Promise<void>;
  /** Stops the work and frees its memory within a second; what was finished stays for a resume. @throws AppError JOB_NOT_FOUND */
  cancel(id: JobId): Promise<void>;
  pause(id: JobId): Promise<void>;
  /** Continues a paused, failed or cancelled job where it stopped. */
  resume(id: JobId): Promise<void>;
  /** Deletes a finished or stopped job with its result. @throws AppError JOB_RUNNING */
  remove(id: JobId): Promise<void>;
  list(filter?: JobFilter): Promise<Job[]>;
  /** Events of all jobs from now on, in order; `history` gives what came before. */
  watch(listener: (event: JobEvent) => void): Unsubscribe;
  /** Events of one job after `since`, from the journal. */
  history(id: JobId, since: number): Promise<JobEvent[]>;
  /** Last event of each job that `list` shows. */
  lastSeq(id: JobId): number;
  /** @throws AppError JOB_NOT_FOUND */
  report(id: JobId): Promise<Report>;
  /** Folder of a job: `result.*`, `previews/`, `report.json`, `log.txt`. @throws AppError JOB_NOT_FOUND */
  folder(id: JobId): string;
  /** Stops the workers; unfinished jobs go on at the next start. */
  close(): Promise<void>;
}
