import { AppError, type ErrorJson } from '#protocol/errors';
import { countOomKills } from './oom-count';
import type { TaskFacts, TaskOrder, WorkerEvent } from './task';
import { WorkerProcess } from './worker-process';

/** How an order ended. */
export type Outcome =
  | { readonly type: 'done'; readonly facts: TaskFacts }
  | { readonly type: 'failed'; readonly error: ErrorJson }
  | {
      readonly type: 'ended';
      readonly problem: string;
      readonly signal?: NodeJS.Signals;
      readonly outOfMemory?: boolean;
    }
  | { readonly type: 'hung'; readonly seconds: number };

export type SlotOptions = {
  readonly program: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly silenceMs: number;
  readonly hungMs: number;
  readonly idleMs: number;
  /** Milliseconds of a clock that nobody can set. */
  readonly now?: () => number;
  /** What the worker says beside the end of its order. */
  readonly onEvent: (event: WorkerEvent) => void;
  readonly onLine: (line: string) => void;
};

/** Choosing a provider may load and try several; a process that has not said "ready" by then never will. */
const readyMs = 120_000;
/** Watched once a second: a longer gap means that this process itself did not run (a sleeping laptop). */
const sleptMs = 5000;

/** A place for one worker on one device: starts it when there is work, watches it, ends it when there is none. */
export class WorkerSlot {
  private worker: WorkerProcess | undefined;
  private settle: ((outcome: Outcome) => void) | undefined;
  private idle: NodeJS.Timeout | undefined;
  private lastProblem = '';
  private closed = false;
  private readonly now: () => number;
  private lastWatch: number;

  constructor(private readonly options: SlotOptions) {
    this.now = options.now ?? (() => performance.now());
    this.lastWatch = this.now();
  }

  /**
   * A worker that has said that it is ready, opened for `provider`.
   * @throws AppError WORKER_CRASHED, WORKER_HUNG, CANCELLED when the slot was closed meanwhile
   */
  async ready(provider: string, log: string): Promise<WorkerProcess> {
    clearTimeout(this.idle);
    if (this.worker && (this.worker.isGone || this.worker.provider !== provider)) await this.end();
    if (this.closed) throw new AppError('CANCELLED');
    this.worker ??= this.start(provider);
    const worker = this.worker;
    const until = performance.now() + readyMs;
    while (!worker.ready) {
      if (this.closed) throw new AppError('CANCELLED');
      if (worker.isGone)
        throw new AppError('WORKER_CRASHED', { stage: 'start', frame: 0, problem: this.lastProblem, log });
      if (performance.now() > until) {
        worker.kill();
        throw new AppError('WORKER_HUNG', { seconds: readyMs / 1000, stage: 'start', frame: 0 });
      }
      await new Promise(resolve => setTimeout(resolve, 10));
    }
    return worker;
  }

  /** Sends an order to a worker that is ready, and waits for its end, whatever that is. */
  order(worker: WorkerProcess, order: TaskOrder): Promise<Outcome> {
    return new Promise<Outcome>(resolve => {
      this.settle = resolve;
      worker.lastSign = this.now();
      worker.lastProgress = this.now();
      worker.send({ type: 'run', order });
      if (worker.isGone) resolve({ type: 'ended', problem: this.lastProblem });
    }).finally(() => {
      this.settle = undefined;
      clearTimeout(this.idle);
      this.idle = setTimeout(() => void this.end(), this.options.idleMs);
      this.idle.unref();
    });
  }

  /** True while an order is under way. */
  get isBusy(): boolean {
    return this.settle !== undefined;
  }

  /** Ends the process; the order's outcome is `ended`, and the next order gets a new process. */
  kill(): void {
    this.worker?.kill();
  }

  /** Called now and then: ends a worker that is silent or does not get on. */
  watch(): void {
    const { worker, settle } = this;
    const now = this.now();
    const slept = now - this.lastWatch > sleptMs;
    this.lastWatch = now;
    if (!worker || !settle) return;
    if (slept) {
      // The worker slept too; what it says next counts.
      worker.lastSign = now;
      worker.lastProgress = now;
      return;
    }
    const silent = now - worker.lastSign;
    const stuck = now - worker.lastProgress;
    if (silent < this.options.silenceMs && stuck < this.options.hungMs) return;
    this.worker = undefined;
    settle({ type: 'hung', seconds: Math.round(Math.max(silent, stuck) / 1000) });
    worker.kill();
  }

  async end(): Promise<void> {
    clearTimeout(this.idle);
    const { worker } = this;
    this.worker = undefined;
    worker?.kill();
    this.settle?.({ type: 'ended', problem: 'it was ended' });
    await worker?.ended();
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.end();
  }

  private start(provider: string): WorkerProcess {
    const oomKillsBefore = countOomKills();
    const worker: WorkerProcess = new WorkerProcess({
      program: this.options.program,
      provider,
      env: this.options.env,
      now: this.now,
      onLine: this.options.onLine,
      onEvent: event => {
        if (this.worker !== worker) return;
        if (event.type === 'done') this.settle?.({ type: 'done', facts: event.facts });
        else if (event.type === 'failed') this.settle?.({ type: 'failed', error: event.error });
        else this.options.onEvent(event);
      },
      onExit: (problem, signal) => {
        if (this.worker !== worker) return;
        this.lastProblem = problem;
        this.worker = undefined;
        const oomKills = countOomKills();
        const outOfMemory =
          signal === 'SIGKILL' && oomKills !== undefined && oomKillsBefore !== undefined && oomKills > oomKillsBefore;
        this.settle?.({ type: 'ended', problem, signal, outOfMemory });
      },
    });
    return worker;
  }
}
