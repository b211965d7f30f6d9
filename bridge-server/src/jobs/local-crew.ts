import { hostname } from 'node:os';
import { AppError } from '#protocol/errors';
import type { Crew, Errand, Work } from './crew';
import type { MachineStore } from './machine-store';
import type { WorkerProcess } from './worker-process';
import { WorkerSlot, type Outcome } from './worker-slot';

export type LocalCrewOptions = {
  /** The worker's program. */
  readonly worker: string;
  readonly workerEnv?: Readonly<Record<string, string>>;
  /** Workers side by side; one device, one worker. */
  readonly workers?: number;
  readonly machine: MachineStore;
  /** A worker that says nothing for this long is dead; its main thread never computes and sends a sign every two seconds. */
  readonly silenceMs?: number;
  /** A worker that lives but makes no progress of any kind for this long hangs. */
  readonly hungMs?: number;
  /** A worker without work ends after this, and its memory with it. */
  readonly idleWorkerMs?: number;
};

/** A worker's place and the errand that is done there now. */
type Desk = { readonly slot: WorkerSlot; taken: boolean; errand?: Errand };

/** Forked workers on this machine. */
export class LocalCrew implements Crew {
  private readonly desks: Desk[];
  private readonly waiting: ((desk: Desk) => void)[] = [];
  private closed = false;

  constructor(private readonly options: LocalCrewOptions) {
    this.desks = Array.from({ length: options.workers ?? 1 }, () => this.makeDesk());
  }

  get places(): number {
    return this.desks.length;
  }

  async meet(provider: string, log: string): Promise<void> {
    const desk = await this.takeDesk();
    try {
      await this.workerAt(desk, provider, log);
    } finally {
      this.giveDesk(desk);
    }
  }

  begin(errand: Errand): Work {
    let stopped = false;
    let desk: Desk | undefined;
    const work = async (): Promise<Outcome> => {
      const mine = await this.takeDesk();
      desk = mine;
      try {
        if (stopped) throw new AppError('CANCELLED');
        const { order } = errand;
        const worker = await this.workerAt(mine, order.provider, errand.log);
        if (stopped) throw new AppError('CANCELLED');
        errand.onStart({
          where: `${hostname()}:${worker.identity?.pid ?? 0}`,
          host: hostname(),
          provider: worker.ready?.provider ?? '',
          worker: worker.identity,
        });
        mine.errand = errand;
        return await mine.slot.order(worker, order);
      } finally {
        mine.errand = undefined;
        desk = undefined;
        this.giveDesk(mine);
      }
    };
    return {
      ended: work(),
      stop() {
        stopped = true;
        desk?.slot.kill();
      },
    };
  }

  watch(): void {
    for (const desk of this.desks) desk.slot.watch();
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(this.desks.map(desk => desk.slot.close()));
  }

  private takeDesk(): Promise<Desk> {
    const free = this.desks.find(desk => !desk.taken);
    if (!free) return new Promise(resolve => this.waiting.push(resolve));
    free.taken = true;
    return Promise.resolve(free);
  }

  private giveDesk(desk: Desk): void {
    const next = this.waiting.shift();
    if (next) next(desk);
    else desk.taken = false;
  }

  private makeDesk(): Desk {
    const { options } = this;
    const desk: Desk = {
      taken: false,
      slot: new WorkerSlot({
        program: options.worker,
        env: options.workerEnv,
        silenceMs: options.silenceMs ?? 60_000,
        hungMs: options.hungMs ?? 20 * 60_000,
        idleMs: options.idleWorkerMs ?? 60_000,
        onEvent: event => desk.errand?.onEvent(event),
        onLine: line => desk.errand?.onLine(line),
      }),
    };
    return desk;
  }

  /** @throws AppError WORKER_CRASHED, WORKER_HUNG, CANCELLED */
  private async workerAt(desk: Desk, provider: string, log: string): Promise<WorkerProcess> {
    if (this.closed) throw new AppError('CANCELLED');
    const worker = await desk.slot.ready(provider, log);
    if (provider === 'auto' && worker.ready)
      this.options.machine.sawProvider(worker.ready.provider, worker.ready.refused);
    return worker;
  }
}
