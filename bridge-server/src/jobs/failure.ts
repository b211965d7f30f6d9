import { errors, type ErrorJson } from '#protocol/errors';
import type { Outcome } from './worker-slot';

/** What went wrong with a task, with the stage and frame that it was at. */
export function failureOf(
  outcome: Exclude<Outcome, { type: 'done' }>,
  at: { readonly stage: string; readonly frame: number },
  log: string,
): ErrorJson {
  switch (outcome.type) {
    case 'failed':
      return outcome.error;
    case 'hung':
      return { code: 'WORKER_HUNG', details: { ...at, seconds: outcome.seconds } };
    case 'ended':
      return { code: 'WORKER_CRASHED', details: { ...at, problem: outcome.problem, log } };
  }
}

/** Refused inputs and a full disk stay what they are however often they are tried. */
export function isHopeless({ code }: ErrorJson): boolean {
  return (errors[code] ?? errors.INTERNAL).exit !== 4 || code === 'DISK_FULL';
}
