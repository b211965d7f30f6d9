import type { ErrorJson } from '#protocol/errors';
import type { Job, JobEventBody, JobId, JobStatus } from '#protocol/job';
import { applyEvent } from '#protocol/reduce-job';
import type { Notice, Report } from '#protocol/report';
import { frameAt } from '#protocol/time';
import type { Placed } from '#protocol/timeline';

/** A job as the list shows it: what the bridge says, and what this panel has heard since. */
export type JobEntry = {
  readonly job: Job;
  /** The last event that `job` shows; `watch` asks for what comes after. */
  readonly seq: number;
  readonly notices: readonly Notice[];
  /** The preview that came last, shown while the job runs; `seq` tells a sharper one of the same frame from the one before. */
  readonly lastPreview?: { readonly frame: number; readonly seq: number };
  readonly report?: Report;
  readonly placed?: Placed;
  /** The result is on its way to the host: 0 to 1. */
  readonly fetching?: number;
  /** Why the last thing that was asked of this job did not happen. */
  readonly problem?: ErrorJson;
};

export type Jobs = Readonly<Record<JobId, JobEntry>>;

export type JobAction =
  | { readonly type: 'jobs'; readonly jobs: readonly Job[]; readonly seqs: Readonly<Record<string, number>> }
  | { readonly type: 'job'; readonly job: Job }
  | {
      readonly type: 'job-event';
      readonly job: JobId;
      readonly seq: number;
      readonly at: string;
      readonly event: JobEventBody;
    }
  | { readonly type: 'job-gone'; readonly job: JobId }
  | { readonly type: 'job-report'; readonly job: JobId; readonly report: Report }
  | { readonly type: 'job-fetching'; readonly job: JobId; readonly done: number | undefined }
  | { readonly type: 'job-placed'; readonly job: JobId; readonly placed: Placed | undefined }
  | { readonly type: 'job-problem'; readonly job: JobId; readonly problem: ErrorJson | undefined };

export function entryOf(job: Job, seq = 0): JobEntry {
  const frame = job.previews[job.previews.length - 1];
  return { job, seq, notices: [], lastPreview: frame === undefined ? undefined : { frame, seq } };
}

/** The bridge's word on the job itself may be older than the events that came before it: what makes progress is at work. */
function afterEvent(job: Job, event: JobEventBody, at: string): Job {
  const next = applyEvent(job, { ...event, at });
  return event.type === 'progress' && next.status === 'queued' ? { ...next, status: 'active' } : next;
}

export function reduceJobs(jobs: Jobs, action: JobAction): Jobs {
  if (action.type === 'jobs') {
    return Object.fromEntries(
      action.jobs.map(job => {
        const old = jobs[job.id];
        // A number below the one known here comes from a bridge whose last lines were lost: its word counts.
        const seq = action.seqs[job.id] ?? old?.seq ?? 0;
        return [job.id, old ? { ...old, job, seq } : entryOf(job, seq)];
      }),
    );
  }
  const id = action.type === 'job' ? action.job.id : action.job;
  const entry = jobs[id];
  if (action.type === 'job') return { ...jobs, [id]: entry ? { ...entry, job: action.job } : entryOf(action.job) };
  if (!entry) return jobs;
  switch (action.type) {
    case 'job-event': {
      if (action.seq <= entry.seq) return jobs;
      const next: JobEntry = {
        ...entry,
        seq: action.seq,
        job: afterEvent(entry.job, action.event, action.at),
        notices: action.event.type === 'notice' ? [...entry.notices, action.event.notice] : entry.notices,
        lastPreview:
          action.event.type === 'preview' ? { frame: action.event.frame, seq: action.seq } : entry.lastPreview,
      };
      return { ...jobs, [id]: next };
    }
    case 'job-gone': {
      const rest = { ...jobs };
      delete rest[id];
      return rest;
    }
    case 'job-report':
      return { ...jobs, [id]: { ...entry, report: action.report } };
    case 'job-fetching':
      return { ...jobs, [id]: { ...entry, fetching: action.done, problem: undefined } };
    case 'job-placed':
      return { ...jobs, [id]: { ...entry, placed: action.placed, fetching: undefined, problem: undefined } };
    case 'job-problem':
      return { ...jobs, [id]: { ...entry, problem: action.problem, fetching: undefined } };
  }
}

/** Why a job failed; the bridge's copy of its clip is called as the person calls the clip. */
export function failureOf({ error, spec, clip }: Job): ErrorJson | undefined {
  if (!error) return undefined;
  const copy = new RegExp(`(?:[A-Za-z]:)?[\\\\/][^"'<>|:]*${spec.clip}`, 'g');
  const named = (value: unknown) =>
    typeof value === 'string' ? value.replace(copy, spec.clipName || clip.name) : value;
  const details = Object.fromEntries(Object.entries(error.details ?? {}).map(([key, value]) => [key, named(value)]));
  return { ...error, details } as ErrorJson;
}

/** Newest first: the id begins with the time of its making. */
export function listJobs(jobs: Jobs): readonly JobEntry[] {
  return Object.values(jobs).sort((a, b) =>
    a.job.createdAt < b.job.createdAt ? 1 : a.job.createdAt > b.job.createdAt ? -1 : a.job.id < b.job.id ? 1 : -1,
  );
}

/** The frame of the clip that a frame of the finished clip shows, or undefined where time was made anew (a zoom). */
export function sourceFrame(job: Job, delivered: number): number | undefined {
  const { preset, range } = job.spec;
  if (preset.effects.some(effect => effect.effect === 'zoom')) return undefined;
  const first = range?.first ?? 0;
  const last = range?.last ?? job.clip.frames - 1;
  const rate = preset.output.rate === 'source' ? job.clip.rate : preset.output.rate;
  return Math.min(last, first + frameAt(delivered, rate, job.clip.rate));
}

export function isUnderWay(status: JobStatus): boolean {
  return status === 'queued' || status === 'active';
}

export function fractionDone(job: Job): number {
  return Math.max(0, Math.min(1, job.progress.done / job.progress.total));
}
