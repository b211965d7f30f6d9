import type { JobRecord } from './job-record';

/** Jobs that somebody could work on now. */
function waiting(records: Iterable<JobRecord>, now: number): JobRecord[] {
  return [...records].filter(
    record =>
      record.isSchedulable &&
      !record.preparing &&
      record.notBefore <= now &&
      (record.plan === undefined ? record.running.size === 0 : record.ready().length > 0),
  );
}

/**
 * Whose turn it is: the highest priority first, then the panel with the least work under way, then whoever waited
 * longest. So a panel that sends twenty jobs does not keep another one's single job waiting behind them.
 */
export function nextRecord(records: Iterable<JobRecord>, now: number): JobRecord | undefined {
  const all = [...records];
  const busy = new Map<string, number>();
  const served = new Map<string, number>();
  for (const record of all) {
    const who = record.sender;
    busy.set(who, (busy.get(who) ?? 0) + record.running.size);
    served.set(who, Math.max(served.get(who) ?? 0, record.lastServed));
  }
  return waiting(all, now).sort(
    (a, b) =>
      b.job.spec.priority - a.job.spec.priority ||
      busy.get(a.sender)! - busy.get(b.sender)! ||
      served.get(a.sender)! - served.get(b.sender)! ||
      a.lastServed - b.lastServed ||
      (a.job.id < b.job.id ? -1 : 1),
  )[0];
}

/** The least urgent job at work, if it is less urgent than `urgent`: that one goes on later from its checkpoint. */
export function givesWay(records: Iterable<JobRecord>, urgent: JobRecord): JobRecord | undefined {
  const least = [...records]
    .filter(record => record.running.size > 0)
    .sort((a, b) => a.job.spec.priority - b.job.spec.priority)[0];
  return least && least.job.spec.priority < urgent.job.spec.priority ? least : undefined;
}
