import type { JobSpec } from '#protocol/job';
import type { Machine } from '../effects/size';
import { estimateTasks, isCalibrated, secondsFor } from './estimate';
import { logLine } from './job-log';
import type { JobRecord } from './job-record';
import type { MachineStore } from './machine-store';
import { outputVersion, planAnalysis, planTasks, type PlanContext } from './plan';

/** What a job's tasks are planned for: the provider that it names, or the one that works here. */
export function machineFor({ provider }: Pick<JobSpec, 'provider'>, machine: MachineStore): Machine {
  return { provider: provider === 'auto' ? machine.provider() : provider };
}

/** After a restart: the analysis task and, where there is one, the plan that was made. */
export function recallPlan(record: JobRecord, machine: MachineStore): void {
  record.analysis = planAnalysis(record.job.spec, record.job.clip, machineFor(record.job.spec, machine));
  record.loadPlan();
}

/** Cuts a job into tasks, saves them and tells the estimate. `places` tasks can be under way at once. */
export function makePlan(
  record: JobRecord,
  store: MachineStore,
  places: number,
  known: Pick<PlanContext, 'nets' | 'isFitted'>,
): void {
  const { spec, clip } = record.job;
  const machine = machineFor(spec, store);
  const context = { machine, ...known, seconds: secondsFor(machine.provider, store.calibration()) };
  const analysis = record.analysis && record.done.get(record.analysis.id)?.facts.analysis;
  const tasks = [...(record.analysis ? [record.analysis] : []), ...planTasks(spec, clip, analysis, context)];
  const total = tasks.reduce((sum, task) => sum + ('units' in task ? task.units : 0), 0);
  const basis = isCalibrated(machine.provider, store.calibration(), tasks) ? 'calibrated' : 'table';
  record.savePlan(tasks);
  for (const task of tasks) if (!record.done.has(task.id)) record.recallDone(task.id);
  record.emit({
    type: 'planned',
    estimate: estimateTasks(tasks, clip, basis, places),
    tasks: tasks.map(task => task.id),
    total: Math.max(total, 1e-6),
  });
  logLine(
    record.folder,
    `Planned: ${tasks.length} tasks, plan version ${outputVersion}, painted on ${machine.provider}.`,
  );
}
