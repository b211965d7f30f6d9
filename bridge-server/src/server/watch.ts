import type { JobEvent } from '#protocol/job';
import { newJob } from '#protocol/reduce-job';
import type { BridgeCore } from './core';
import type { Connection } from './connection';

/** Sends an event unless the client has it: history and live events may meet in the middle. */
export function sendEvent(connection: Connection, { job, seq, at, ...event }: JobEvent): void {
  const last = connection.watching?.get(job);
  if (last === undefined || seq <= last) return;
  connection.watching!.set(job, seq);
  connection.send({ type: 'event', job, seq, at, event }, event.type === 'progress' || event.type === 'preview');
}

/**
 * From now on the client is told every event, those that it missed first. A job that it does not know yet is sent as
 * it was at its beginning, followed by everything that happened to it.
 * @param since the last event of each job that the client knows
 */
export async function watchJobs(
  core: BridgeCore,
  connection: Connection,
  since: Readonly<Record<string, number>>,
): Promise<void> {
  const watching = new Map<string, number>();
  connection.watching = watching;
  for (const job of await core.engine.list()) {
    const known = since[job.id];
    if (known === undefined) connection.send({ type: 'job', job: newJob(job) });
    // A number from the future comes from a bridge whose last lines were lost: the job itself tells how it stands.
    const last = core.engine.lastSeq(job.id);
    if (known !== undefined && known > last) connection.send({ type: 'job', job });
    const from = known === undefined ? 0 : Math.min(known, last);
    watching.set(job.id, from);
    if (from < last) for (const event of await core.engine.history(job.id, from)) sendEvent(connection, event);
  }
}
