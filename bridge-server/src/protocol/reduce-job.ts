import type { Job, JobEventBody, JobStatus } from './job';

const untilItEnds = [
  'planned',
  'started',
  'task-started',
  'task-done',
  'task-failed',
  'progress',
  'preview',
  'notice',
  'paused',
  'resumed',
  'failed',
  'cancelled',
] as const;

/** Which events may change a job in which status; anything else arrives late and changes nothing. */
const taken: Readonly<Record<JobStatus, readonly JobEventBody['type'][]>> = {
  queued: ['created', ...untilItEnds],
  active: [...untilItEnds, 'done'],
  paused: ['resumed', 'cancelled', 'failed', 'preview', 'notice'],
  done: [],
  failed: ['resumed', 'cancelled'],
  cancelled: ['resumed'],
};

type TimedEvent = JobEventBody & { readonly at: string };

/**
 * The one function that changes a job in the bridge. Pure: engines store and deliver, and decide nothing.
 * A finished job stays finished; only `resumed` brings a failed, cancelled or paused one back to the queue.
 */
export function reduceJob(job: Job, event: TimedEvent): Job {
  return taken[job.status].includes(event.type) ? applyEvent(job, event) : job;
}

/** A job after an event that was taken: what a panel does with events that the bridge tells, whatever it missed before. */
export function applyEvent(job: Job, event: TimedEvent): Job {
  switch (event.type) {
    case 'created':
      return job;
    case 'planned': {
      const tasks = Object.fromEntries(
        event.tasks.map(id => [id, job.tasks[id] === 'done' ? ('done' as const) : ('waiting' as const)]),
      );
      return { ...job, estimate: event.estimate, tasks, progress: { ...job.progress, total: event.total } };
    }
    case 'started':
      return { ...job, status: 'active', startedAt: job.startedAt ?? event.at };
    case 'task-started':
      return { ...job, status: 'active', tasks: { ...job.tasks, [event.task]: 'active' } };
    case 'task-done':
      return { ...job, tasks: { ...job.tasks, [event.task]: 'done' } };
    case 'task-failed':
      return {
        ...job,
        tasks: { ...job.tasks, [event.task]: event.willRetry ? 'waiting' : 'failed' },
        attempts: job.attempts + 1,
      };
    case 'progress':
      return {
        ...job,
        progress: {
          done: Math.min(event.done, job.progress.total),
          total: job.progress.total,
          ...(event.secondsLeft === undefined ? {} : { secondsLeft: event.secondsLeft }),
        },
        now: { stage: event.stage, frame: event.frame, frames: event.frames },
      };
    case 'preview':
      return job.previews.includes(event.frame)
        ? job
        : { ...job, previews: [...job.previews, event.frame].sort((a, b) => a - b) };
    case 'notice':
      return { ...job, notices: job.notices + 1 };
    case 'paused':
      return { ...job, status: 'paused', tasks: waiting(job.tasks), now: undefined };
    case 'resumed':
      return {
        ...job,
        status: 'queued',
        tasks: waiting(job.tasks),
        error: undefined,
        finishedAt: undefined,
        now: undefined,
      };
    case 'done':
      return {
        ...job,
        status: 'done',
        finishedAt: event.at,
        result: event.result,
        progress: { done: job.progress.total, total: job.progress.total, secondsLeft: 0 },
        now: undefined,
        error: undefined,
      };
    case 'failed':
      return {
        ...job,
        status: 'failed',
        finishedAt: event.at,
        error: event.error,
        tasks: waiting(job.tasks, 'failed'),
        now: undefined,
      };
    case 'cancelled':
      return { ...job, status: 'cancelled', finishedAt: event.at, tasks: waiting(job.tasks), now: undefined };
  }
}

/** A job before anything has happened to it: what the journal's events are applied to. */
export function newJob(planned: Pick<Job, 'id' | 'spec' | 'clip' | 'createdAt' | 'estimate'>): Job {
  return {
    version: 1,
    id: planned.id,
    spec: planned.spec,
    clip: planned.clip,
    status: 'queued',
    createdAt: planned.createdAt,
    ...(planned.estimate ? { estimate: planned.estimate } : {}),
    progress: { done: 0, total: Math.max(1, planned.estimate?.seconds ?? 1) },
    tasks: {},
    attempts: 0,
    notices: 0,
    previews: [],
  };
}

/** No task is being worked on any more; what is done stays done. */
function waiting(tasks: Job['tasks'], keep?: 'failed'): Job['tasks'] {
  return Object.fromEntries(
    Object.entries(tasks).map(([id, state]) => [id, state === 'done' || state === keep ? state : 'waiting']),
  );
}
