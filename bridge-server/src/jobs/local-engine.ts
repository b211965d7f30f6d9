import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { AppError, toAppError } from '#protocol/errors';
import type { Job, JobEvent, JobEventBody, JobId, JobSpec } from '#protocol/job';
import type { Report } from '#protocol/report';
import type { Machine, Size } from '../effects/size';
import type { JobEngine, JobFilter, PlannedJob, Unsubscribe } from './engine';
import { estimateTasks, isCalibrated, secondsFor } from './estimate';
import { failureOf, isKilledFromOutside, noFailures, planRetry } from './failure';
import { logLine, logName } from './job-log';
import { createJobFolder, JobRecord, ownerOf, workerOf, type Running } from './job-record';
import { listJobFolders, readEvents, readJob, writeFileSynced } from './journal';
import type { MachineStore } from './machine-store';
import { outputVersion, planAnalysis, planTasks, rangeOf, worksOf, type PlanContext } from './plan';
import { isRunning, killGroup } from './process-identity';
import { newJob } from './reduce';
import { buildReport } from './report';
import { trimIntermediates } from './retention';
import type { Task, TaskFacts, TaskOrder, WorkerEvent } from './task';
import { forgetDone, reuseTask, TaskIndex, writeDone } from './task-store';
import type { WorkerProcess } from './worker-process';
import { WorkerSlot, type Outcome } from './worker-slot';

export type LocalEngineOptions = {
  /** Where job folders lie. */
  readonly jobs: string;
  readonly folders: { readonly clips: string; readonly images: string; readonly nets: string };
  /** The worker's program. */
  readonly worker: string;
  readonly workerEnv?: Readonly<Record<string, string>>;
  /** Workers side by side; one device, one worker. */
  readonly workers?: number;
  /** Continue the jobs of an engine that is gone. A one-shot render leaves them alone. */
  readonly adopt?: boolean;
  readonly machine: MachineStore;
  /** SHA-256 of the nets by name: part of what a task's output depends on. */
  readonly netHashes?: () => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
  /** Version of the program, for reports. */
  readonly version: string;
  /** A worker that says nothing for this long is dead; its main thread never computes and sends a sign every two seconds. */
  readonly silenceMs?: number;
  /** A worker that lives but makes no progress of any kind for this long hangs. */
  readonly hungMs?: number;
  /** How often a task is tried in all; later tries work smaller. */
  readonly tries?: number;
  /** A worker without work ends after this, and its memory with it. */
  readonly idleWorkerMs?: number;
  /** Bytes of intermediates of finished jobs that are kept for re-renders. */
  readonly cacheBytes?: number;
  readonly progressMs?: number;
};

/** A worker's place and what is done there now. */
type Desk = { readonly slot: WorkerSlot; busy: boolean; record?: JobRecord; running?: Running };

/** Engines of this process: a job held by one of them is not up for adoption by another. */
const openEngines = new Set<string>();

const requestName = 'request.json';
const tickMs = 1000;

/** Runs jobs on this machine: job folders, and one forked worker per device. */
export class LocalEngine implements JobEngine {
  private readonly id = randomUUID();
  private readonly records = new Map<JobId, JobRecord>();
  private readonly listeners = new Set<(event: JobEvent) => void>();
  private readonly desks: Desk[];
  private readonly index = new TaskIndex();
  private readonly timer: NodeJS.Timeout;
  private readonly lastProgress = new Map<JobId, number>();
  private closed = false;

  constructor(private readonly options: LocalEngineOptions) {
    openEngines.add(this.id);
    this.desks = Array.from({ length: options.workers ?? 1 }, () => this.makeDesk());
    for (const id of listJobFolders(options.jobs)) this.load(id);
    this.timer = setInterval(() => this.tick(), tickMs);
    this.timer.unref();
    this.pump();
  }

  // Jobs

  async submit(planned: PlannedJob): Promise<void> {
    const folder = this.folderOf(planned.id);
    // First, because it refuses what cannot be planned and then leaves nothing behind.
    const analysis = planAnalysis(planned.spec, planned.clip, this.machineFor(planned.spec));
    createJobFolder(folder);
    const record = new JobRecord(folder, newJob(planned), 0, event => this.tell(event));
    record.claim(this.id);
    record.analysis = analysis;
    this.records.set(planned.id, record);
    record.emit({ type: 'created' });
    logLine(
      folder,
      `Job ${planned.id}: ${planned.spec.clipName}, preset ${planned.spec.preset.name}, seed ${planned.spec.seed}, provider ${planned.spec.provider}.`,
    );
    this.pump();
  }

  async cancel(id: JobId): Promise<void> {
    await this.interrupt(id, 'cancelled', 'cancel');
  }

  async pause(id: JobId): Promise<void> {
    await this.interrupt(id, 'paused', 'pause');
  }

  async resume(id: JobId): Promise<void> {
    const record = this.need(id);
    if (this.refreshForeign(record)) throw new AppError('JOB_RUNNING', { id });
    if (record.foreign) record.skipUnwritten();
    record.claim(this.id);
    record.failures.clear();
    record.notBefore = 0;
    if (record.tasks.length === 0) this.recall(record);
    record.emit({ type: 'resumed' });
    this.pump();
  }

  async remove(id: JobId): Promise<void> {
    const record = this.need(id);
    if (record.isSchedulable || this.refreshForeign(record)) throw new AppError('JOB_RUNNING', { id });
    this.forget(record);
    rmSync(record.folder, { recursive: true, force: true });
  }

  async list(filter: JobFilter = {}): Promise<Job[]> {
    for (const id of listJobFolders(this.options.jobs)) if (!this.records.has(id)) this.load(id, false);
    for (const record of this.records.values()) if (record.foreign) this.refreshForeign(record);
    return [...this.records.values()]
      .map(record => record.job)
      .filter(job => (!filter.id || job.id === filter.id) && (!filter.status || filter.status.includes(job.status)))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  watch(listener: (event: JobEvent) => void): Unsubscribe {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async history(id: JobId, since: number): Promise<JobEvent[]> {
    return readEvents(this.need(id).folder, id, since);
  }

  lastSeq(id: JobId): number {
    return this.need(id).seq;
  }

  async report(id: JobId): Promise<Report> {
    const path = join(this.need(id).folder, 'report.json');
    if (!existsSync(path)) throw new AppError('JOB_NOT_FOUND', { id });
    return JSON.parse(readFileSync(path, 'utf8')) as Report;
  }

  folder(id: JobId): string {
    return this.need(id).folder;
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    await Promise.all(this.desks.map(desk => desk.slot.close()));
    for (const record of this.records.values()) record.release();
    openEngines.delete(this.id);
  }

  private folderOf(id: JobId): string {
    return join(this.options.jobs, id);
  }

  private need(id: JobId): JobRecord {
    if (!this.records.has(id) && existsSync(join(this.folderOf(id), 'job.json'))) this.load(id, false);
    const record = this.records.get(id);
    if (!record) throw new AppError('JOB_NOT_FOUND', { id });
    return record;
  }

  private tell(event: JobEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  /** Reads a job folder; an unfinished job without a living owner goes on where it stopped. */
  private load(id: JobId, adopt = this.options.adopt ?? false): void {
    const folder = this.folderOf(id);
    const saved = readJob(folder);
    if (!saved) return;
    const record = new JobRecord(folder, saved.job, saved.seq, event => this.tell(event));
    this.records.set(id, record);
    this.index.scan(folder);
    const unfinished = saved.job.status === 'queued' || saved.job.status === 'active';
    if (!unfinished) return;
    record.foreign = ownerOf(folder, openEngines) !== undefined;
    if (record.foreign) return;
    if (!adopt) {
      // Nobody works on it; it is shown as it stands and waits for a server or for `resume`.
      record.foreign = true;
      return;
    }
    this.adopt(record);
  }

  private adopt(record: JobRecord): void {
    record.claim(this.id);
    const left = workerOf(record.folder);
    // The old server's worker ends by itself when its channel closes, but not in the middle of a long computation.
    if (left?.startedAt && isRunning(left)) killGroup(left.pid);
    // What a killed process was about to rename.
    for (const name of readdirSync(record.folder))
      if (/\.\d+\.tmp$/.test(name)) rmSync(join(record.folder, name), { force: true });
    record.skipUnwritten();
    this.recall(record);
    logLine(record.folder, 'The server was started again; the job goes on.');
    this.guard(record, () => record.emit({ type: 'resumed' }));
  }

  private recall(record: JobRecord): void {
    record.analysis = planAnalysis(record.job.spec, record.job.clip, this.machineFor(record.job.spec));
    record.loadPlan();
  }

  /** Brings a job of another process up to date. @returns true while somebody else runs it */
  private refreshForeign(record: JobRecord): boolean {
    if (!record.foreign) return false;
    const owned = ownerOf(record.folder, openEngines) !== undefined;
    if (!record.hasNewLines()) return owned;
    const events = readEvents(record.folder, record.job.id, record.seq);
    const saved = readJob(record.folder);
    if (saved) {
      record.job = saved.job;
      record.seq = saved.seq;
    }
    for (const event of events) this.tell(event);
    if (!['queued', 'active'].includes(record.job.status)) record.foreign = false;
    return owned && record.foreign;
  }

  private async interrupt(id: JobId, type: 'cancelled' | 'paused', action: string): Promise<void> {
    const record = this.need(id);
    if (this.refreshForeign(record)) {
      // Its owner looks for this file every second.
      writeFileSynced(join(record.folder, requestName), JSON.stringify({ action }));
      return;
    }
    record.foreign = false;
    const stopped = [...record.running.values()];
    this.guard(record, () => record.emit({ type }));
    for (const running of stopped) running.stop();
    logLine(record.folder, type === 'paused' ? 'Paused.' : 'Cancelled.');
    record.release();
    this.pump();
  }

  private forget(record: JobRecord): void {
    for (const running of record.running.values()) running.stop();
    record.journal.close();
    this.records.delete(record.job.id);
    this.lastProgress.delete(record.job.id);
    this.index.forget(record.folder);
  }

  // Scheduling

  /** Gives every free worker something to do: the highest priority first, then whoever waited longest. */
  private pump(): void {
    if (this.closed) return;
    for (const desk of this.desks) {
      if (desk.busy) continue;
      const record = this.nextRecord();
      if (!record) break;
      desk.busy = true;
      desk.record = record;
      record.lastServed = Date.now();
      void this.serve(desk, record).finally(() => {
        desk.busy = false;
        desk.record = undefined;
        this.pump();
      });
    }
    this.preempt();
  }

  private waitingRecords(): JobRecord[] {
    return [...this.records.values()].filter(
      record =>
        record.isSchedulable &&
        !record.preparing &&
        record.notBefore <= Date.now() &&
        (record.plan === undefined ? record.running.size === 0 : record.ready().length > 0),
    );
  }

  private nextRecord(): JobRecord | undefined {
    return this.waitingRecords().sort(
      (a, b) =>
        b.job.spec.priority - a.job.spec.priority || a.lastServed - b.lastServed || (a.job.id < b.job.id ? -1 : 1),
    )[0];
  }

  /** A more urgent job does not wait for hours behind a less urgent task: that one goes on later from its checkpoint. */
  private preempt(): void {
    const urgent = this.nextRecord();
    if (!urgent || this.desks.some(desk => !desk.busy)) return;
    const least = this.desks
      .filter(desk => desk.running && desk.record)
      .sort((a, b) => a.record!.job.spec.priority - b.record!.job.spec.priority)[0];
    if (least?.record && least.record.job.spec.priority < urgent.job.spec.priority) {
      logLine(least.record.folder, `Makes way for job ${urgent.job.id}.`);
      least.running!.stop();
    }
  }

  /** One step for one job: plan it, or do one task. */
  private async serve(desk: Desk, record: JobRecord): Promise<void> {
    try {
      if (record.job.status === 'queued') record.emit({ type: 'started' });
      if (!record.plan && (!record.analysis || record.done.has(record.analysis.id))) {
        record.preparing = true;
        // What a plan looks like depends on the provider, and only a worker knows which one works.
        if (!this.options.machine.isKnown()) await this.workerFor(desk, record);
        const nets = await this.options.netHashes?.();
        if (record.isSchedulable) this.makePlan(record, nets);
        return;
      }
      const task = record.ready()[0];
      if (!task) return;
      if (record.recallDone(task.id) || this.reuse(record, task)) {
        this.finishTask(record, task, 0, true);
        return;
      }
      await this.runTask(desk, record, task);
    } catch (error) {
      this.fail(record, toAppError(error));
    } finally {
      record.preparing = false;
    }
  }

  private machineFor({ provider }: JobSpec): Machine {
    return { provider: provider === 'auto' ? this.options.machine.provider() : provider };
  }

  private contextFor(record: JobRecord, nets: PlanContext['nets']): PlanContext {
    const machine = this.machineFor(record.job.spec);
    return { machine, nets, seconds: secondsFor(machine.provider, this.options.machine.calibration()) };
  }

  private makePlan(record: JobRecord, nets: PlanContext['nets']): void {
    const { spec, clip } = record.job;
    const context = this.contextFor(record, nets);
    const analysis = record.analysis && record.done.get(record.analysis.id)?.facts.analysis;
    const tasks = [...(record.analysis ? [record.analysis] : []), ...planTasks(spec, clip, analysis, context)];
    const total = tasks.reduce((sum, task) => sum + ('units' in task ? task.units : 0), 0);
    const basis = isCalibrated(context.machine.provider, this.options.machine.calibration(), tasks)
      ? 'calibrated'
      : 'table';
    record.savePlan(tasks);
    for (const task of tasks) if (!record.done.has(task.id)) record.recallDone(task.id);
    record.emit({
      type: 'planned',
      estimate: estimateTasks(tasks, clip, basis, this.desks.length),
      tasks: tasks.map(task => task.id),
      total: Math.max(total, 1e-6),
    });
    logLine(
      record.folder,
      `Planned: ${tasks.length} tasks, plan version ${outputVersion}, painted on ${context.machine.provider}.`,
    );
  }

  private reuse(record: JobRecord, task: Task): boolean {
    for (const folder of this.index.find(task.id)) {
      if (folder === record.folder) continue;
      const facts = reuseTask(folder, record.folder, task.id);
      if (!facts) continue;
      record.done.set(task.id, { facts, reused: true });
      logLine(record.folder, `${describe(task)}: taken from job ${folder.split(/[\\/]/).pop()}.`);
      return true;
    }
    return false;
  }

  private async runTask(desk: Desk, record: JobRecord, task: Task): Promise<void> {
    const failures = record.failures.get(task.id) ?? noFailures;
    const running: Running = {
      task,
      share: 0,
      stage: task.kind,
      frame: 0,
      stopped: false,
      stop: () => this.stop(desk, running),
    };
    record.running.set(task.id, running);
    record.beginWork();
    desk.running = running;
    const began = Date.now();
    let outcome: Outcome;
    let where = hostname();
    let provider = '';
    try {
      const worker = await this.workerFor(desk, record);
      if (running.stopped) return;
      where = `${hostname()}:${worker.identity?.pid ?? 0}`;
      provider = worker.ready?.provider ?? '';
      if (worker.identity) record.noteWorker(worker.identity);
      logLine(
        record.folder,
        `${describe(task)}: started on ${where} (${provider}), try ${failures.own + failures.outside + 1}.`,
      );
      record.emit({ type: 'task-started', task: task.id, where });
      createJobFolder(record.folder);
      forgetDone(record.folder, task.id);
      outcome = await desk.slot.order(worker, {
        job: record.job.id,
        task,
        clip: record.job.clip,
        folders: { ...this.options.folders, job: record.folder },
        provider: record.job.spec.provider,
        attempt: failures.own,
        ...deliveredBy(record, task),
      });
    } catch (error) {
      outcome = { type: 'failed', error: toAppError(error).toJSON() };
    } finally {
      desk.running = undefined;
      record.running.delete(task.id);
      record.endWork(0);
    }
    if (running.stopped || this.closed) return;
    const seconds = (Date.now() - began) / 1000;
    if (outcome.type !== 'done') {
      this.handleFailure(record, task, running, outcome);
      return;
    }
    this.checkResult(task, outcome.facts);
    const facts: TaskFacts = { seconds, provider, host: hostname(), ...outcome.facts };
    writeDone(record.folder, task.id, facts);
    record.done.set(task.id, { facts, reused: false });
    this.index.add(record.folder, task.id);
    record.endWork('units' in task ? task.units : 0);
    this.learn(record, task, facts);
    this.finishTask(record, task, seconds, false);
  }

  private learn(record: JobRecord, task: Task, facts: TaskFacts): void {
    const works = worksOf(task, record.job.clip, storedSize(record, task));
    if (works.length === 0) return;
    try {
      this.options.machine.learn(facts.provider ?? 'cpu', facts, works);
    } catch (error) {
      // A figure that could not be kept costs nothing but a worse estimate.
      logLine(record.folder, `The times of this task were not kept: ${toAppError(error).message}`);
    }
  }

  private finishTask(record: JobRecord, task: Task, seconds: number, reused: boolean): void {
    if (!record.isSchedulable) return;
    record.emit({ type: 'task-done', task: task.id, reused, seconds });
    if (!reused) logLine(record.folder, `${describe(task)}: done in ${seconds.toFixed(1)} s.`);
    this.tellProgress(record, true);
    if (task.kind === 'join') this.finish(record, task);
  }

  /** @throws AppError RESULT_INCOMPLETE */
  private checkResult(task: Task, facts: TaskFacts): void {
    if (task.kind !== 'join') return;
    const actual = facts.result?.frames ?? 0;
    if (!facts.result?.verified || actual !== task.frames)
      throw new AppError('RESULT_INCOMPLETE', { actual, expected: task.frames });
  }

  private finish(record: JobRecord, task: Task): void {
    const result = record.done.get(task.id)?.facts.result;
    if (!result)
      throw new AppError('RESULT_INCOMPLETE', { actual: 0, expected: task.kind === 'join' ? task.frames : 0 });
    const finishedAt = new Date().toISOString();
    const done = record.tasks.flatMap(item => {
      const entry = record.done.get(item.id);
      return entry ? [{ task: item, ...entry }] : [];
    });
    const report = buildReport(record.job, record.tasks, done, record.notices(), {
      version: this.options.version,
      finishedAt,
    });
    writeFileSynced(join(record.folder, 'report.json'), `${JSON.stringify(report, null, 1)}\n`);
    const { sizeBytes, sha256, frames, width, height, fileName } = result;
    record.emit({ type: 'done', result: { sizeBytes, sha256, frames, width, height, fileName } });
    logLine(record.folder, `Done: ${frames} frames, ${width}x${height}, ${sizeBytes} bytes, decoded and counted.`);
    record.release();
    this.trim();
  }

  private handleFailure(
    record: JobRecord,
    task: Task,
    running: Running,
    outcome: Exclude<Outcome, { type: 'done' }>,
  ): void {
    const at = { stage: running.stage, frame: running.frame };
    const error = failureOf(outcome, at, record.job.clip, `jobs/${record.job.id}/${logName}`);
    const outside = isKilledFromOutside(outcome);
    const before = record.failures.get(task.id) ?? noFailures;
    const failures = outside ? { ...before, outside: before.outside + 1 } : { ...before, own: before.own + 1 };
    record.failures.set(task.id, failures);
    const { again: willRetry, pauseMs } = planRetry(failures, error, this.options.tries ?? 3);
    if (willRetry && pauseMs > 0) record.notBefore = Date.now() + pauseMs;
    logLine(
      record.folder,
      `${describe(task)}: failed in ${at.stage} at frame ${at.frame}: ${AppError.from(error).message}${willRetry ? (outside ? ' It is tried again.' : ' It is tried again, smaller.') : ''}`,
    );
    if (!record.isSchedulable) return;
    record.emit({ type: 'task-failed', task: task.id, error, willRetry });
    if (!willRetry) this.fail(record, AppError.from(error));
  }

  private fail(record: JobRecord, error: AppError): void {
    if (this.closed) return;
    for (const running of record.running.values()) running.stop();
    logLine(
      record.folder,
      `Failed: ${error.message}${error.code === 'INTERNAL' && error.cause instanceof Error ? `\n${error.cause.stack}` : ''}`,
    );
    this.guard(record, () => record.emit({ type: 'failed', error: error.toJSON() }));
    record.release();
  }

  /** A job whose journal cannot be written (full disk) fails in memory too, with that as its reason. */
  private guard(record: JobRecord, work: () => void): void {
    try {
      work();
    } catch (error) {
      logLine(record.folder, `The journal could not be written: ${toAppError(error).message}`);
      if (record.isSchedulable) {
        for (const running of record.running.values()) running.stop();
        try {
          record.emit({ type: 'failed', error: toAppError(error).toJSON() });
        } catch {
          // The state in memory has changed and was told; on disk the job stays as it was and is resumed from there.
        }
      }
    }
  }

  // Workers

  private makeDesk(): Desk {
    const { options } = this;
    const desk: Desk = {
      busy: false,
      slot: new WorkerSlot({
        program: options.worker,
        env: options.workerEnv,
        silenceMs: options.silenceMs ?? 60_000,
        hungMs: options.hungMs ?? 20 * 60_000,
        idleMs: options.idleWorkerMs ?? 60_000,
        onEvent: event => this.heed(desk, event),
        onLine: line => desk.record && logLine(desk.record.folder, `  worker: ${line}`),
      }),
    };
    return desk;
  }

  private stop(desk: Desk, running: Running): void {
    running.stopped = true;
    if (desk.running === running) desk.slot.kill();
  }

  /** @throws AppError WORKER_CRASHED, WORKER_HUNG, CANCELLED */
  private async workerFor(desk: Desk, record: JobRecord): Promise<WorkerProcess> {
    const { provider } = record.job.spec;
    const worker = await desk.slot.ready(provider, `jobs/${record.job.id}/${logName}`);
    if (provider === 'auto' && worker.ready)
      this.options.machine.sawProvider(worker.ready.provider, worker.ready.refused);
    return worker;
  }

  private heed({ record, running }: Desk, event: WorkerEvent): void {
    if (!record || !running || running.stopped || ('task' in event && event.task !== running.task.id)) return;
    this.guard(record, () => {
      switch (event.type) {
        case 'progress':
          running.share = Math.min(1, Math.max(running.share, event.done));
          running.stage = event.stage;
          running.frame = event.frame;
          this.tellProgress(record);
          return;
        case 'alive':
          if (event.doing) {
            running.stage = event.doing.stage;
            running.frame = event.doing.frame;
          }
          return;
        case 'preview':
          record.emit({ type: 'preview', frame: event.frame, final: event.final });
          return;
        case 'notice':
          record.emit({ type: 'notice', notice: event.notice });
          return;
        default:
          // The ends of orders are the slot's; stills and atlases are not asked of these workers.
          return;
      }
    });
  }

  private tellProgress(record: JobRecord, now = false): void {
    const last = this.lastProgress.get(record.job.id) ?? 0;
    if (!now && Date.now() - last < (this.options.progressMs ?? 500)) return;
    this.lastProgress.set(record.job.id, Date.now());
    const progress: JobEventBody = record.progress();
    record.emit(progress);
  }

  // Once a second

  private tick(): void {
    for (const desk of this.desks) desk.slot.watch();
    for (const record of [...this.records.values()]) {
      if (!existsSync(join(record.folder, 'job.json'))) {
        // Deleting the folder deletes the job.
        this.forget(record);
        continue;
      }
      if (record.foreign) this.tickForeign(record);
      else if (record.isSchedulable) this.tickOwn(record);
    }
    this.pump();
  }

  private tickForeign(record: JobRecord): void {
    if (!['queued', 'active'].includes(record.job.status)) return;
    const owned = this.refreshForeign(record);
    if (!owned && record.foreign && this.options.adopt) this.adopt(record);
  }

  private tickOwn(record: JobRecord): void {
    const path = join(record.folder, requestName);
    if (!existsSync(path)) return;
    let action: unknown;
    try {
      action = (JSON.parse(readFileSync(path, 'utf8')) as { action?: unknown }).action;
    } catch {
      action = undefined;
    }
    rmSync(path, { force: true });
    if (action === 'cancel') void this.interrupt(record.job.id, 'cancelled', 'cancel');
    if (action === 'pause') void this.interrupt(record.job.id, 'paused', 'pause');
  }

  private trim(): void {
    const finished = [...this.records.values()]
      .filter(record => record.job.status === 'done')
      .map(({ folder, job }) => ({ folder, finishedAt: job.finishedAt ?? '' }));
    for (const folder of trimIntermediates(finished, this.options.cacheBytes ?? 20e9)) {
      this.index.forget(folder);
      logLine(folder, 'Intermediate frames were removed to make room; the result stays.');
    }
  }
}

/** Size of the stored frames that a task reads. */
function storedSize(record: JobRecord, task: Task): Size | undefined {
  if (!('source' in task) || task.source.from !== 'tasks') return undefined;
  const { width, height } = record.done.get(task.source.tasks[0]?.task)?.facts ?? {};
  return width && height ? { width, height } : undefined;
}

/** How frames that count as the clip does are numbered in the finished clip, for previews. */
function deliveredBy(record: JobRecord, task: Task): Pick<TaskOrder, 'delivered'> {
  const end = record.plan?.find(other => other.kind === 'join');
  const countsOutput = record.tasks.some(other => other.kind === 'paint' && other.frames !== undefined);
  if (task.kind !== 'paint' || countsOutput || end?.kind !== 'join') return {};
  return {
    delivered: { first: rangeOf(record.job.spec, record.job.clip).first, from: record.job.clip.rate, to: end.rate },
  };
}

function describe(task: Task): string {
  const short = task.id.slice(0, 8);
  if (task.kind === 'paint') return `paint ${task.span.first}-${task.span.last} (${short})`;
  if (task.kind === 'deliver') return `deliver ${task.out.first}-${task.out.last} (${short})`;
  return `${task.kind} (${short})`;
}
