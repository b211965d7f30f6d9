import { existsSync, readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { AppError, toAppError } from '#protocol/errors';
import type { Job, JobEvent, JobId } from '#protocol/job';
import type { Report } from '#protocol/report';
import { openFits, type NumberStore } from '../media/number-store';
import type { Crew, Place } from './crew';
import { deliveredBy, describeTask, storedSize } from './describe-task';
import type { JobEngine, JobFilter, PlannedJob, Unsubscribe } from './engine';
import { failureOf, isKilledFromOutside, noFailures, planRetry } from './failure';
import { logLine, logName } from './job-log';
import { createJobFolder, type JobRecord, type Running } from './job-record';
import { JobShelf, type OwnerRequest } from './job-shelf';
import { readEvents, writeFileSynced } from './journal';
import type { MachineStore } from './machine-store';
import { planAnalysis, worksOf } from './plan';
import { machineFor, makePlan, recallPlan } from './plan-job';
import { buildReport } from './report';
import { trimIntermediates } from './retention';
import { givesWay, nextRecord } from './schedule';
import type { Task, TaskFacts, WorkerEvent } from './task';
import { forgetDone, reuseTask, writeDone } from './task-store';
import type { Outcome } from './worker-slot';

export type EngineOptions = {
  /** Where job folders lie. */
  readonly jobs: string;
  readonly folders: { readonly clips: string; readonly images: string; readonly nets: string };
  /** Continue the jobs of an engine that is gone. A one-shot render leaves them alone. */
  readonly adopt?: boolean;
  readonly machine: MachineStore;
  /** SHA-256 of the nets by name: part of what a task's output depends on. */
  readonly netHashes?: () => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
  /** Version of the program, for reports. */
  readonly version: string;
  /** How often a task is tried in all; later tries work smaller. */
  readonly tries?: number;
  /** Bytes of intermediates of finished jobs that are kept for re-renders. */
  readonly cacheBytes?: number;
  readonly progressMs?: number;
};

const tickMs = 1000;

/** Runs jobs whose state lies in job folders; who does the tasks is the crew's affair. */
export class FolderEngine implements JobEngine {
  private readonly shelf: JobShelf;
  private readonly timer: NodeJS.Timeout;
  private readonly lastProgress = new Map<JobId, number>();
  private readonly fits: NumberStore;
  /** Jobs that are given one step just now: a plan, or a task with the crew. */
  private serving = 0;
  private closed = false;

  constructor(
    private readonly options: EngineOptions,
    protected readonly crew: Crew,
  ) {
    this.fits = openFits(options.folders.nets);
    this.shelf = new JobShelf({
      jobs: options.jobs,
      adopt: options.adopt ?? false,
      onAdopt: record => this.goOn(record),
      onForget: record => {
        for (const running of record.running.values()) running.stop();
        this.lastProgress.delete(record.job.id);
      },
    });
    this.shelf.open();
    this.timer = setInterval(() => this.tick(), tickMs);
    this.timer.unref();
    this.pump();
  }

  // Jobs

  async submit(planned: PlannedJob): Promise<void> {
    // First, because it refuses what cannot be planned and then leaves nothing behind.
    const analysis = planAnalysis(planned.spec, planned.clip, machineFor(planned.spec, this.options.machine));
    const record = this.shelf.create(planned);
    record.analysis = analysis;
    record.emit({ type: 'created' });
    const { clipName, preset, seed, provider } = planned.spec;
    logLine(
      record.folder,
      `Job ${planned.id}: ${clipName}, preset ${preset.name}, seed ${seed}, provider ${provider}.`,
    );
    this.pump();
  }

  async cancel(id: JobId): Promise<void> {
    this.interrupt(this.shelf.need(id), 'cancel');
  }

  async pause(id: JobId): Promise<void> {
    this.interrupt(this.shelf.need(id), 'pause');
  }

  async resume(id: JobId): Promise<void> {
    const record = this.shelf.need(id);
    if (this.shelf.refreshForeign(record)) throw new AppError('JOB_RUNNING', { id });
    this.shelf.claim(record);
    record.failures.clear();
    record.notBefore = 0;
    if (record.tasks.length === 0) recallPlan(record, this.options.machine);
    record.emit({ type: 'resumed' });
    this.pump();
  }

  async remove(id: JobId): Promise<void> {
    const record = this.shelf.need(id);
    if (record.isSchedulable || this.shelf.refreshForeign(record)) throw new AppError('JOB_RUNNING', { id });
    this.shelf.forget(record);
    rmSync(record.folder, { recursive: true, force: true });
  }

  async list(filter: JobFilter = {}): Promise<Job[]> {
    this.shelf.refresh();
    return this.shelf
      .all()
      .map(record => record.job)
      .filter(job => (!filter.id || job.id === filter.id) && (!filter.status || filter.status.includes(job.status)))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  watch(listener: (event: JobEvent) => void): Unsubscribe {
    return this.shelf.watch(listener);
  }

  async history(id: JobId, since: number): Promise<JobEvent[]> {
    return readEvents(this.shelf.need(id).folder, id, since);
  }

  lastSeq(id: JobId): number {
    return this.shelf.need(id).seq;
  }

  async report(id: JobId): Promise<Report> {
    const path = join(this.shelf.need(id).folder, 'report.json');
    if (!existsSync(path)) throw new AppError('JOB_NOT_FOUND', { id });
    return JSON.parse(readFileSync(path, 'utf8')) as Report;
  }

  folder(id: JobId): string {
    return this.shelf.need(id).folder;
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    await this.crew.close();
    this.shelf.close();
  }

  private goOn(record: JobRecord): void {
    recallPlan(record, this.options.machine);
    logLine(record.folder, 'The server was started again; the job goes on.');
    this.guard(record, () => record.emit({ type: 'resumed' }));
  }

  private interrupt(record: JobRecord, action: OwnerRequest): void {
    if (this.shelf.refreshForeign(record)) {
      this.shelf.askOwner(record, action);
      return;
    }
    record.foreign = false;
    const stopped = [...record.running.values()];
    this.guard(record, () => record.emit({ type: action === 'pause' ? 'paused' : 'cancelled' }));
    for (const running of stopped) running.stop();
    logLine(record.folder, action === 'pause' ? 'Paused.' : 'Cancelled.');
    record.release();
    this.pump();
  }

  // Scheduling

  /** Gives the crew as much to do as it has places for. */
  private pump(): void {
    if (this.closed) return;
    const records = this.shelf.all();
    while (this.serving < this.crew.places) {
      const record = nextRecord(records, performance.now());
      if (!record) return;
      this.serving++;
      record.lastServed = performance.now();
      void this.serve(record).finally(() => {
        this.serving--;
        this.pump();
      });
    }
    // A more urgent job does not wait for hours behind a less urgent task.
    const urgent = nextRecord(records, performance.now());
    const least = urgent && givesWay(records, urgent);
    if (!least) return;
    logLine(least.folder, `Makes way for job ${urgent.job.id}.`);
    for (const running of [...least.running.values()].slice(0, 1)) running.stop();
  }

  /** One step for one job: plan it, or do one task. */
  private async serve(record: JobRecord): Promise<void> {
    try {
      if (record.job.status === 'queued') record.emit({ type: 'started' });
      if (!record.plan && (!record.analysis || record.done.has(record.analysis.id))) {
        record.preparing = true;
        await this.plan(record);
        return;
      }
      const task = record.ready()[0];
      if (!task) return;
      if (record.recallDone(task.id) || this.reuse(record, task)) {
        this.finishTask(record, task, 0, true);
        return;
      }
      await this.runTask(record, task);
    } catch (error) {
      this.fail(record, toAppError(error));
    } finally {
      record.preparing = false;
    }
  }

  private async plan(record: JobRecord): Promise<void> {
    const { machine, netHashes } = this.options;
    // What a plan looks like depends on the provider, and only a worker knows which one works.
    if (!machine.isKnown()) await this.crew.meet(record.job.spec.provider, this.logOf(record));
    const nets = await netHashes?.();
    if (record.isSchedulable) makePlan(record, machine, this.crew.places, { nets, isFitted: this.fits.has });
  }

  private reuse(record: JobRecord, task: Task): boolean {
    for (const folder of this.shelf.index.find(task.id)) {
      if (folder === record.folder) continue;
      const facts = reuseTask(folder, record.folder, task.id);
      if (!facts) continue;
      record.done.set(task.id, { facts, reused: true });
      logLine(record.folder, `${describeTask(task)}: taken from job ${folder.split(/[\\/]/).pop()}.`);
      return true;
    }
    return false;
  }

  private async runTask(record: JobRecord, task: Task): Promise<void> {
    // Deleting the folder deletes the job.
    if (!this.shelf.isThere(record)) return this.shelf.forget(record);
    const failures = record.failures.get(task.id) ?? noFailures;
    createJobFolder(record.folder);
    forgetDone(record.folder, task.id);
    const began = performance.now();
    let place: Place = { where: hostname(), host: hostname(), provider: '' };
    const work = this.crew.begin({
      order: {
        job: record.job.id,
        task,
        clip: record.job.clip,
        folders: { ...this.options.folders, job: record.folder },
        provider: record.job.spec.provider,
        attempt: failures.own,
        ...deliveredBy(record, task),
      },
      priority: record.job.spec.priority,
      log: this.logOf(record),
      onStart: at => {
        place = at;
        if (at.worker) record.noteWorker(at.worker);
        const count = failures.own + failures.outside + 1;
        logLine(record.folder, `${describeTask(task)}: started on ${at.where} (${at.provider}), try ${count}.`);
        record.emit({ type: 'task-started', task: task.id, where: at.where });
      },
      onEvent: event => this.heed(record, running, event),
      onLine: line => logLine(record.folder, `  worker: ${line}`),
    });
    const running: Running = {
      task,
      share: 0,
      stage: task.kind,
      frame: 0,
      stopped: false,
      stop() {
        running.stopped = true;
        work.stop();
      },
    };
    record.running.set(task.id, running);
    record.beginWork();
    let outcome: Outcome;
    try {
      outcome = await work.ended;
    } catch (error) {
      outcome = { type: 'failed', error: toAppError(error).toJSON() };
    } finally {
      record.running.delete(task.id);
      record.endWork(0);
    }
    if (running.stopped || this.closed) return;
    const seconds = (performance.now() - began) / 1000;
    if (outcome.type !== 'done') {
      this.handleFailure(record, task, running, outcome);
      return;
    }
    checkResult(task, outcome.facts);
    const facts: TaskFacts = { seconds, provider: place.provider, ...outcome.facts, host: place.host };
    writeDone(record.folder, task.id, facts);
    record.done.set(task.id, { facts, reused: false });
    this.shelf.index.add(record.folder, task.id);
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
    if (!reused) logLine(record.folder, `${describeTask(task)}: done in ${seconds.toFixed(1)} s.`);
    this.tellProgress(record, true);
    if (task.kind === 'join') this.finish(record, task);
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
    const error = failureOf(outcome, at, record.job.clip, this.logOf(record));
    const outside = isKilledFromOutside(outcome);
    const before = record.failures.get(task.id) ?? noFailures;
    const failures = outside ? { ...before, outside: before.outside + 1 } : { ...before, own: before.own + 1 };
    record.failures.set(task.id, failures);
    const { again: willRetry, pauseMs } = planRetry(failures, error, this.options.tries ?? 3);
    if (willRetry && pauseMs > 0) record.notBefore = performance.now() + pauseMs;
    const next = !willRetry ? '' : outside ? ' It is tried again.' : ' It is tried again, smaller.';
    logLine(
      record.folder,
      `${describeTask(task)}: failed in ${at.stage} at frame ${at.frame}: ${AppError.from(error).message}${next}`,
    );
    if (!record.isSchedulable) return;
    record.emit({ type: 'task-failed', task: task.id, error, willRetry });
    if (!willRetry) this.fail(record, AppError.from(error));
  }

  private fail(record: JobRecord, error: AppError): void {
    if (this.closed) return;
    for (const running of record.running.values()) running.stop();
    const stack = error.code === 'INTERNAL' && error.cause instanceof Error ? `\n${error.cause.stack}` : '';
    logLine(record.folder, `Failed: ${error.message}${stack}`);
    this.guard(record, () => record.emit({ type: 'failed', error: error.toJSON() }));
    record.release();
  }

  /** A job whose journal cannot be written (full disk) fails in memory too, with that as its reason. */
  private guard(record: JobRecord, work: () => void): void {
    try {
      work();
    } catch (error) {
      logLine(record.folder, `The journal could not be written: ${toAppError(error).message}`);
      if (!record.isSchedulable) return;
      for (const running of record.running.values()) running.stop();
      try {
        record.emit({ type: 'failed', error: toAppError(error).toJSON() });
      } catch {
        // The state in memory has changed and was told; on disk the job stays as it was and is resumed from there.
      }
    }
  }

  private heed(record: JobRecord, running: Running, event: WorkerEvent): void {
    if (running.stopped || ('task' in event && event.task !== running.task.id)) return;
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
          // The ends of orders are the crew's; stills and atlases are not asked of these workers.
          return;
      }
    });
  }

  private tellProgress(record: JobRecord, now = false): void {
    const at = performance.now();
    const last = this.lastProgress.get(record.job.id) ?? -Infinity;
    if (!now && at - last < (this.options.progressMs ?? 500)) return;
    this.lastProgress.set(record.job.id, at);
    record.emit(record.progress());
  }

  private logOf(record: JobRecord): string {
    return `jobs/${record.job.id}/${logName}`;
  }

  /** Once a second. */
  private tick(): void {
    this.crew.watch();
    this.shelf.tick();
    for (const record of this.shelf.all()) {
      if (!record.isSchedulable) continue;
      const request = this.shelf.takeRequest(record);
      if (request) this.interrupt(record, request);
    }
    this.pump();
  }

  private trim(): void {
    const finished = this.shelf
      .all()
      .filter(record => record.job.status === 'done')
      .map(({ folder, job }) => ({ folder, finishedAt: job.finishedAt ?? '' }));
    for (const folder of trimIntermediates(finished, this.options.cacheBytes ?? 20e9)) {
      this.shelf.index.forget(folder);
      logLine(folder, 'Intermediate frames were removed to make room; the result stays.');
    }
  }
}

/** @throws AppError RESULT_INCOMPLETE */
function checkResult(task: Task, facts: TaskFacts): void {
  if (task.kind !== 'join') return;
  const actual = facts.result?.frames ?? 0;
  if (!facts.result?.verified || actual !== task.frames)
    throw new AppError('RESULT_INCOMPLETE', { actual, expected: task.frames });
}
