import { AppError, type ErrorCode, type ErrorDetails } from '#protocol/errors';
import type { Job, JobEvent, JobId } from '#protocol/job';
import type { BridgeCore } from '../server/core';
import { formatSeconds, type Output } from './output';

function tell(output: Output, event: JobEvent): void {
  const value = { ...event, type: `job-${event.type}` };
  switch (event.type) {
    case 'notice':
      output.event(
        value,
        `${event.notice.frame === undefined ? '' : `frame ${event.notice.frame}: `}${event.notice.text}`,
      );
      break;
    case 'task-failed':
      output.event(
        value,
        event.willRetry ? `A part failed (${event.error.code}); it is tried again smaller.` : undefined,
      );
      break;
    default:
      output.event(value);
  }
}

/**
 * Shows a job's way until it ends. Ctrl-C pauses the job, so that it can be resumed, and ends with CANCELLED.
 * @throws AppError the job's own failure, CANCELLED
 */
export async function followJob(core: BridgeCore, id: JobId, output: Output): Promise<Job> {
  const current = async () => (await core.engine.list({ id }))[0];
  let interrupted = false;
  let settle: () => void = () => undefined;
  const ended = new Promise<void>(resolve => (settle = resolve));
  const started = Date.now();
  const draw = (job: Job) => {
    const share = Math.min(1, job.progress.done / job.progress.total);
    const left = job.progress.secondsLeft;
    const stage = job.now ? `${job.now.stage}, frame ${job.now.frame + 1} of ${job.now.frames}` : job.status;
    output.bar(
      share,
      `${stage}, ${left === undefined ? `${formatSeconds((Date.now() - started) / 1000)} so far` : `${formatSeconds(left)} left`}`,
    );
  };
  const stop = core.engine.watch(event => {
    if (event.job !== id) return;
    tell(output, event);
    if (['done', 'failed', 'cancelled', 'paused'].includes(event.type)) settle();
    else if (event.type === 'progress') void current().then(draw);
  });
  const onInterrupt = () => {
    if (interrupted) process.exit(130);
    interrupted = true;
    void core.engine.pause(id).catch(() => settle());
  };
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onInterrupt);
  try {
    if (['done', 'failed', 'cancelled', 'paused'].includes((await current()).status)) settle();
    await ended;
  } finally {
    stop();
    output.endBar();
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onInterrupt);
  }
  const job = await current();
  if (job.status === 'done') return job;
  if (job.status === 'failed' && job.error)
    throw new AppError(job.error.code as ErrorCode, job.error.details as ErrorDetails);
  output.event({ type: 'interrupted', job: id }, `Stopped. To go on: reverie jobs resume ${id}`);
  throw new AppError('CANCELLED');
}
