import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { AppError, toAppError } from '#protocol/errors';
import type { AtlasOrder, StillOrder, WorkerEvent, WorkerRequest } from '../jobs/task';
import { WorkerProcess } from '../jobs/worker-process';

type Picture = Extract<WorkerEvent, { type: 'still' | 'atlas-tile' }>;

type Errand = {
  readonly id: number;
  readonly request: WorkerRequest;
  readonly provider: string;
  readonly onPicture: (picture: Picture) => void;
  readonly settle: (outcome: { value?: unknown; error?: AppError }) => void;
  sent: boolean;
  /** Set while it is interrupted for something that somebody waits for; it goes on afterwards with what it has made. */
  givingWay: boolean;
};

/** A preview that was told to stop and does not is ended with its process. */
const stopMs = 3000;
const idleMs = 120_000;
const silenceMs = 60_000;
/** Folders of pictures that are kept for clients that still show them. */
const keptFolders = 64;

export type SideDeskOptions = {
  readonly worker: string;
  readonly workerEnv?: Readonly<Record<string, string>>;
  /** Where pictures are put, a folder for each errand. */
  readonly folder: string;
  readonly onReady?: (ready: Extract<WorkerEvent, { type: 'ready' }>) => void;
};

/**
 * Stills, atlases and song sections: short errands in a worker of their own, one at a time, so that a preview never
 * waits for a render. Its process is kept warm for a while, because starting nets is what takes longest.
 */
export class SideDesk {
  private worker: WorkerProcess | undefined;
  private current: Errand | undefined;
  private readonly waiting: Errand[] = [];
  private readonly folders: string[] = [];
  private nextId = 1;
  private idle: NodeJS.Timeout | undefined;
  /** Ends the process of an errand that was told to stop, unless it has stopped by then. */
  private halting: NodeJS.Timeout | undefined;
  private readonly watchdog: NodeJS.Timeout;
  private closed = false;
  private lastLine = '';

  constructor(private readonly options: SideDeskOptions) {
    rmSync(options.folder, { recursive: true, force: true });
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    this.watchdog = setInterval(() => this.watch(), 5000);
    this.watchdog.unref();
  }

  /** Starts the process before it is asked for: somebody is about to want a preview. */
  warm(): void {
    if (this.closed || this.worker || this.current) return;
    this.worker = this.startWorker('auto');
    this.next();
  }

  /** A folder with a name that cannot be guessed; its pictures are served below `/pictures/<key>/`. */
  makeFolder(key = randomBytes(16).toString('hex')): { key: string; path: string } {
    const path = join(this.options.folder, key);
    mkdirSync(path, { mode: 0o700 });
    this.folders.push(key);
    while (this.folders.length > keptFolders)
      rmSync(join(this.options.folder, this.folders.shift()!), { recursive: true, force: true });
    return { key, path };
  }

  /** The folder of an errand that is still kept. */
  folderOf(key: string): string | undefined {
    return this.folders.includes(key) ? join(this.options.folder, key) : undefined;
  }

  pathOf(key: string, name: string): string | undefined {
    return this.folders.includes(key) && /^[\w.-]{1,120}$/.test(name) && !name.startsWith('.')
      ? join(this.options.folder, key, name)
      : undefined;
  }

  still(order: StillOrder, onPicture: (picture: Picture) => void): { done: Promise<void>; stop: () => void } {
    return this.errand(id => ({ type: 'still', id, order }), order.provider, onPicture);
  }

  atlas(order: AtlasOrder, onPicture: (picture: Picture) => void): { done: Promise<void>; stop: () => void } {
    return this.errand(id => ({ type: 'atlas', id, order }), order.provider, onPicture);
  }

  sections(clip: string, clips: string): Promise<unknown> {
    return this.errand<unknown>(
      id => ({ type: 'sections', id, clip, clips }),
      'auto',
      () => undefined,
    ).done;
  }

  private errand<T = void>(
    make: (id: number) => WorkerRequest,
    provider: string,
    onPicture: (picture: Picture) => void,
  ): { done: Promise<T>; stop: () => void } {
    const id = this.nextId++;
    let errand: Errand | undefined;
    const done = new Promise<T>((resolve, reject) => {
      errand = {
        id,
        request: make(id),
        provider,
        onPicture,
        settle: ({ value, error }) => (error ? reject(error) : resolve(value as T)),
        sent: false,
        givingWay: false,
      };
      // A still goes before atlases that wait, and interrupts one that is being made.
      const before =
        errand.request.type === 'atlas' ? -1 : this.waiting.findIndex(each => each.request.type === 'atlas');
      this.waiting.splice(before < 0 ? this.waiting.length : before, 0, errand);
      if (errand.request.type !== 'atlas') this.giveWay();
    });
    this.next();
    return { done, stop: () => errand && this.stop(errand) };
  }

  /** Interrupts an atlas: its tiles are kept, so that it goes on where it was. */
  private giveWay(): void {
    const { current } = this;
    if (current?.request.type !== 'atlas' || !current.sent || current.givingWay) return;
    current.givingWay = true;
    this.halt(current);
  }

  private halt(errand: Errand): void {
    const { worker } = this;
    worker?.send({ type: 'stop', id: errand.id });
    clearTimeout(this.halting);
    this.halting = setTimeout(() => worker?.kill(), stopMs);
    this.halting.unref();
  }

  private stop(errand: Errand): void {
    const at = this.waiting.indexOf(errand);
    if (at >= 0) {
      this.waiting.splice(at, 1);
      errand.settle({ error: new AppError('CANCELLED') });
      return;
    }
    if (this.current !== errand) return;
    if (!errand.sent) {
      this.finish(errand, { error: new AppError('CANCELLED') });
      return;
    }
    errand.givingWay = false;
    this.halt(errand);
    // The client does not wait for the process to notice.
    errand.settle({ error: new AppError('CANCELLED') });
  }

  private next(): void {
    if (this.closed || this.current) return;
    const errand = this.waiting.shift();
    if (!errand) {
      clearTimeout(this.idle);
      this.idle = setTimeout(() => this.endWorker(), idleMs);
      this.idle.unref();
      return;
    }
    clearTimeout(this.idle);
    this.current = errand;
    if (this.worker && this.worker.provider !== errand.provider) this.endWorker();
    try {
      this.worker ??= this.startWorker(errand.provider);
    } catch (error) {
      this.finish(errand, { error: toAppError(error) });
      return;
    }
    this.worker.lastSign = performance.now();
    if (this.worker.ready) this.send(this.worker, errand);
  }

  private send(worker: WorkerProcess, errand: Errand): void {
    errand.sent = true;
    worker.send(errand.request);
  }

  private startWorker(provider: string): WorkerProcess {
    const worker: WorkerProcess = new WorkerProcess({
      program: this.options.worker,
      provider,
      env: this.options.workerEnv,
      onLine: line => (this.lastLine = line.trim() || this.lastLine),
      onExit: problem => {
        if (this.worker !== worker) return;
        this.worker = undefined;
        const { current } = this;
        if (current)
          this.finish(current, {
            error: new AppError('WORKER_CRASHED', { stage: 'still', frame: 0, problem, log: "the bridge's own" }),
          });
      },
      onEvent: event => this.heed(worker, event),
    });
    return worker;
  }

  private heed(worker: WorkerProcess, event: WorkerEvent): void {
    if (this.worker !== worker) return;
    const { current } = this;
    switch (event.type) {
      case 'ready':
        this.options.onReady?.(event);
        if (current) this.send(worker, current);
        return;
      case 'still':
      case 'atlas-tile':
        if (!current || event.id !== current.id) return;
        current.onPicture({ ...event, file: basename(event.file) });
        if (event.type === 'still' ? event.final : event.done === event.total) this.finish(current, {});
        return;
      case 'answer':
        if (current && event.id === current.id) this.finish(current, { value: event.value });
        return;
      case 'side-failed':
        if (!current || event.id !== current.id) return;
        if (event.error.code === 'TOO_MANY') {
          // It is still putting the last errand away.
          setTimeout(
            () => this.current === current && this.worker === worker && this.send(worker, current),
            50,
          ).unref();
          return;
        }
        this.finish(current, { error: AppError.from(event.error) });
        return;
      default:
        return;
    }
  }

  private finish(errand: Errand, outcome: { value?: unknown; error?: AppError }): void {
    if (this.current === errand) {
      this.current = undefined;
      clearTimeout(this.halting);
    }
    if (errand.givingWay && outcome.error && !this.closed) {
      errand.givingWay = false;
      errand.sent = false;
      const before = this.waiting.findIndex(each => each.request.type === 'atlas');
      this.waiting.splice(before < 0 ? this.waiting.length : before, 0, errand);
    } else errand.settle(outcome);
    this.next();
  }

  private watch(): void {
    const { worker, current } = this;
    if (worker && current && performance.now() - worker.lastSign > silenceMs) worker.kill();
  }

  private endWorker(): void {
    const { worker } = this;
    this.worker = undefined;
    worker?.kill();
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.watchdog);
    clearTimeout(this.idle);
    clearTimeout(this.halting);
    const { worker, current } = this;
    this.endWorker();
    for (const errand of [...this.waiting.splice(0), ...(current ? [current] : [])])
      errand.settle({ error: new AppError('CANCELLED') });
    await worker?.ended();
    rmSync(this.options.folder, { recursive: true, force: true });
  }
}
