import type { ClipInfo } from '#protocol/clip';
import { errors, type ErrorJson } from '#protocol/errors';
import type { Outcome } from './worker-slot';

/** What went wrong with a task, with the stage and frame that it was at. */
export function failureOf(
  outcome: Exclude<Outcome, { type: 'done' }>,
  at: { readonly stage: string; readonly frame: number },
  clip: ClipInfo,
  log: string,
): ErrorJson {
  switch (outcome.type) {
    case 'failed':
      return outcome.error;
    case 'hung':
      return { code: 'WORKER_HUNG', details: { ...at, seconds: outcome.seconds } };
    case 'ended':
      if (outcome.outOfMemory) return { code: 'OUT_OF_MEMORY', details: { width: clip.width, height: clip.height } };
      return { code: 'WORKER_CRASHED', details: { ...at, problem: outcome.problem, log } };
  }
}

/** A process that somebody ended from outside says nothing about the task: it is tried again as it was, and oftener. */
export function isKilledFromOutside(outcome: Outcome): boolean {
  if (outcome.type === 'failed')
    return outcome.error.code === 'FFMPEG_FAILED' && outcome.error.details.signal === 'SIGKILL';
  return outcome.type === 'ended' && outcome.signal === 'SIGKILL' && outcome.outOfMemory !== true;
}

/** Refused inputs and a full disk stay what they are however often they are tried. */
export function isHopeless({ code }: ErrorJson): boolean {
  return (errors[code] ?? errors.INTERNAL).exit !== 4 || code === 'DISK_FULL';
}

export type Failures = { readonly own: number; readonly outside: number };
export const noFailures: Failures = { own: 0, outside: 0 };

/** Kills from outside after which a task is given up all the same: something wants it dead. */
const mostOutside = 25;
const longestPauseMs = 10_000;

/** Whether a task is tried again, and after what pause: a machine in trouble is not set upon at once. */
export function planRetry(
  failures: Failures,
  error: ErrorJson,
  tries: number,
): { readonly again: boolean; readonly pauseMs: number } {
  const again = !isHopeless(error) && failures.own < tries && failures.outside < mostOutside;
  return { again, pauseMs: failures.outside < 2 ? 0 : Math.min(longestPauseMs, 100 * 2 ** (failures.outside - 2)) };
}
