import type { Size } from '../effects/size';
import type { JobRecord } from './job-record';
import { rangeOf } from './plan';
import type { Task, TaskOrder } from './task';

/** "paint 0-99 (1a2b3c4d)": a task as the log names it. */
export function describeTask(task: Task): string {
  const short = task.id.slice(0, 8);
  if (task.kind === 'paint') return `paint ${task.span.first}-${task.span.last} (${short})`;
  if (task.kind === 'deliver') return `deliver ${task.out.first}-${task.out.last} (${short})`;
  return `${task.kind} (${short})`;
}

/** Size of the stored frames that a task reads. */
export function storedSize(record: JobRecord, task: Task): Size | undefined {
  if (!('source' in task) || task.source.from !== 'tasks') return undefined;
  const { width, height } = record.done.get(task.source.tasks[0]?.task)?.facts ?? {};
  return width && height ? { width, height } : undefined;
}

/** How frames that count as the clip does are numbered in the finished clip, for previews. */
export function deliveredBy(record: JobRecord, task: Task): Pick<TaskOrder, 'delivered'> {
  const end = record.plan?.find(other => other.kind === 'join');
  const countsOutput = record.tasks.some(other => other.kind === 'paint' && other.frames !== undefined);
  if (task.kind !== 'paint' || countsOutput || end?.kind !== 'join') return {};
  return {
    delivered: { first: rangeOf(record.job.spec, record.job.clip).first, from: record.job.clip.rate, to: end.rate },
  };
}
