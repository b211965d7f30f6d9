import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Job, JobEvent, JobEventBody } from '#protocol/job';
import { reduceJob } from '#protocol/reduce-job';
import type { Notice } from '#protocol/report';
import type { Failures } from './failure';
import { Journal, readEvents, unwrittenEvents, writeFileSynced } from './journal';
import { identityOf, isRunning, type ProcessIdentity } from './process-identity';
import { outputVersion } from './plan';
import type { Task, TaskFacts } from './task';
import { readDone } from './task-store';

/** Changes of a job's life: written with its new state, and synced. */
const turns: readonly JobEventBody['type'][] = [
  'created',
  'planned',
  'started',
  'paused',
  'resumed',
  'done',
  'failed',
  'cancelled',
];
/** Progress is told several times a second and written this often. */
const writtenProgressMs = 30_000;

/** A task at work. `stopped` marks one that was ended on purpose, so that its end is no failure. */
export type Running = {
  readonly task: Task;
  share: number;
  stage: string;
  frame: number;
  stopped: boolean;
  readonly stop: () => void;
};

/** One job in an engine's memory, with its folder. Engines hold these; only `emit` changes the job. */
export class JobRecord {
  readonly journal: Journal;
  /** Undefined until the analysis is done and the tasks are cut. */
  plan: readonly Task[] | undefined;
  analysis: Task | undefined;
  /** True while one worker prepares the plan. */
  preparing = false;
  readonly done = new Map<string, { facts: TaskFacts; reused: boolean }>();
  readonly running = new Map<string, Running>();
  readonly failures = new Map<string, Failures>();
  /** After a kill the next try waits until then; both by a clock that nobody can set (`performance.now`). */
  notBefore = 0;
  lastServed = 0;
  /** Held by an engine of another process that is alive. */
  foreign = false;
  /** Wall time with work going on, and what it achieved: the base of "time left". */
  private workMs = 0;
  private workUnits = 0;
  private workSince: number | undefined;
  private journalState = '';
  private lastProgressWritten = -Infinity;
  private lastWrittenSeq: number;

  constructor(
    readonly folder: string,
    public job: Job,
    public seq: number,
    private readonly onEvent: (event: JobEvent) => void,
  ) {
    this.journal = new Journal(folder);
    this.lastWrittenSeq = seq;
  }

  /** The tasks that are known: all once planned, only the analysis before. */
  get tasks(): readonly Task[] {
    return this.plan ?? (this.analysis ? [this.analysis] : []);
  }

  /**
   * Numbers the event, applies it, writes it down and tells the listeners. An event that the job does not take in its
   * present state is dropped. @throws AppError DISK_FULL
   */
  emit(body: JobEventBody): void {
    const event: JobEvent = { ...body, job: this.job.id, seq: this.seq + 1, at: new Date().toISOString() };
    const next = reduceJob(this.job, event);
    if (next === this.job && body.type !== 'created' && body.type !== 'preview') return;
    this.seq = event.seq;
    this.job = next;
    const now = performance.now();
    const volatile =
      body.type === 'progress' &&
      now - this.lastProgressWritten < writtenProgressMs &&
      this.seq - this.lastWrittenSeq < unwrittenEvents;
    try {
      if (!volatile) {
        if (body.type === 'progress') this.lastProgressWritten = now;
        this.journal.append(event, body.type !== 'progress' && body.type !== 'preview');
        this.lastWrittenSeq = event.seq;
      }
      if (turns.includes(body.type)) this.journal.save(this.job, this.seq);
    } finally {
      this.onEvent(event);
    }
  }

  /** After a crash: numbers go on behind those that clients may have seen without their being written. */
  skipUnwritten(): void {
    this.seq += unwrittenEvents;
  }

  savePlan(tasks: readonly Task[]): void {
    this.plan = tasks;
    writeFileSynced(join(this.folder, 'plan.json'), `${JSON.stringify({ outputVersion, tasks })}\n`);
  }

  /** The plan made before a restart, unless it is from a version whose output differs. */
  loadPlan(): void {
    try {
      const saved = JSON.parse(readFileSync(join(this.folder, 'plan.json'), 'utf8')) as {
        outputVersion: number;
        tasks: Task[];
      };
      if (saved.outputVersion === outputVersion) this.plan = saved.tasks;
    } catch {
      // Not planned yet.
    }
    for (const task of this.tasks) this.recallDone(task.id);
  }

  recallDone(task: string): boolean {
    const facts = readDone(this.folder, task);
    if (facts) this.done.set(task, { facts, reused: false });
    return facts !== undefined;
  }

  /** True when the journal of a job of another process has grown since it was asked for last. */
  hasNewLines(): boolean {
    const { size, mtimeMs } = statSync(join(this.folder, 'events.jsonl'), { throwIfNoEntry: false }) ?? {
      size: 0,
      mtimeMs: 0,
    };
    const state = `${size} ${mtimeMs}`;
    const grown = state !== this.journalState;
    this.journalState = state;
    return grown;
  }

  /** Tasks whose needs are there and that nobody works on. */
  ready(): Task[] {
    return this.tasks.filter(
      task =>
        !this.done.has(task.id) &&
        !this.running.has(task.id) &&
        (!('needs' in task) || task.needs.every(id => this.done.has(id))),
    );
  }

  /** Whom the job is from: jobs of different senders share the workers fairly. */
  get sender(): string {
    return this.job.spec.sender ?? '';
  }

  get isSchedulable(): boolean {
    return !this.foreign && (this.job.status === 'queued' || this.job.status === 'active');
  }

  beginWork(): void {
    this.workSince ??= performance.now();
  }

  endWork(units: number): void {
    this.workUnits += units;
    if (this.running.size > 0 || this.workSince === undefined) return;
    this.workMs += performance.now() - this.workSince;
    this.workSince = undefined;
  }

  progress(): Extract<JobEventBody, { type: 'progress' }> {
    const unitsOf = (task: Task) => ('units' in task ? task.units : 0);
    const join = this.plan?.find(task => task.kind === 'join');
    let done = 0;
    let underWay = 0;
    for (const task of this.tasks) {
      if (this.done.has(task.id)) done += unitsOf(task);
      else underWay += unitsOf(task) * (this.running.get(task.id)?.share ?? 0);
    }
    const total = this.job.progress.total;
    const elapsedMs = this.workMs + (this.workSince === undefined ? 0 : performance.now() - this.workSince);
    const achieved = this.workUnits + underWay;
    const left = Math.max(0, total - done - underWay);
    // Units are estimated seconds: the estimate holds until enough was measured to correct it.
    const perUnit = achieved > 0 && (elapsedMs > 15_000 || achieved > 0.05 * total) ? elapsedMs / 1000 / achieved : 1;
    const [current] = this.running.values();
    return {
      type: 'progress',
      done: Math.min(total, done + underWay),
      stage: current?.stage ?? 'wait',
      frame: current?.frame ?? 0,
      frames:
        join?.kind === 'join'
          ? join.frames
          : this.analysis?.kind === 'analyse'
            ? this.analysis.span.last + 1
            : this.job.clip.frames,
      ...(this.plan ? { secondsLeft: Math.round(left * perUnit * 10) / 10 } : {}),
    };
  }

  notices(): Notice[] {
    const told = readEvents(this.folder, this.job.id).flatMap(event => (event.type === 'notice' ? [event.notice] : []));
    // A task that came from another job told its notices there.
    const borrowed = [...this.done.values()].flatMap(({ facts, reused }) => (reused ? (facts.notices ?? []) : []));
    return [...told, ...borrowed];
  }

  /** Whoever holds `owner.json` and is alive runs the job. */
  claim(engine: string): void {
    writeFileSynced(join(this.folder, 'owner.json'), JSON.stringify({ ...identityOf(process.pid), engine }));
    this.foreign = false;
  }

  release(): void {
    this.journal.close();
    if (!this.foreign) rmSync(join(this.folder, 'owner.json'), { force: true });
  }

  /** Notes the worker, so that a later server can end it should this one be killed. */
  noteWorker(worker: ProcessIdentity): void {
    writeFileSynced(join(this.folder, 'worker.json'), JSON.stringify(worker));
  }
}

export function createJobFolder(folder: string): void {
  mkdirSync(join(folder, 'tasks'), { recursive: true });
  mkdirSync(join(folder, 'previews'), { recursive: true });
}

/** The engine that holds a job and is alive, if any. */
export function ownerOf(folder: string, openEngines: ReadonlySet<string>): string | undefined {
  try {
    const owner = JSON.parse(readFileSync(join(folder, 'owner.json'), 'utf8')) as ProcessIdentity & { engine: string };
    if (owner.pid === process.pid) return openEngines.has(owner.engine) ? owner.engine : undefined;
    return isRunning(owner) ? owner.engine : undefined;
  } catch {
    return undefined;
  }
}

export function workerOf(folder: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'worker.json'), 'utf8')) as ProcessIdentity;
  } catch {
    return undefined;
  }
}
