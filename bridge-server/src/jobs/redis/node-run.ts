import { stat, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, toAppError } from '#protocol/errors';
import { createJobFolder } from '../job-record';
import type { TaskOrder, WorkerEvent } from '../task';
import type { WorkerSlot } from '../worker-slot';
import { BridgeSilent, type DepotClient } from './depot-client';
import type { NeededFile, NodeOutcome, Said, Taken } from './node-messages';
import { filesOfTask, type HashMemory } from './task-files';

export type NodeRunOptions = {
  readonly taken: Exclude<Taken, { gone: true }>;
  readonly client: DepotClient;
  readonly folders: TaskOrder['folders'];
  readonly slot: WorkerSlot;
  readonly provider: string;
  readonly memory: HashMemory;
  readonly mirrorMs: number;
  /** Asked when the bridge is silent: is the one that gave this task gone for good? */
  readonly isOver: () => Promise<boolean>;
  readonly log: (line: string) => void;
};

const sayMs = 250;
/** A bridge that is away this long is not waited for any more; what was made stays on this machine. */
const patienceMs = 10 * 60_000;

/** One task on a node: fetch, do, bring; what was made so far is brought all the time, so that any node can go on. */
export class NodeRun {
  /** How it ended, in words. */
  readonly ended: Promise<string>;
  private readonly id: string;
  private events: WorkerEvent[] = [];
  private lines: string[] = [];
  private stopped = false;
  private leaving = false;
  /** Hash of each file that the bridge has. */
  private readonly brought = new Map<string, string>();

  constructor(private readonly options: NodeRunOptions) {
    this.id = options.taken.run;
    this.ended = this.run();
  }

  heed(event: WorkerEvent): void {
    // Only the newest progress and sign count; everything else is told in order.
    if (event.type === 'progress' || event.type === 'alive')
      this.events = this.events.filter(other => other.type !== event.type);
    this.events.push(event);
  }

  print(line: string): void {
    if (this.lines.length < 200) this.lines.push(line.slice(0, 4000));
  }

  /** Ends the work, brings what was made and gives the task back. */
  async leave(): Promise<void> {
    this.leaving = true;
    this.options.slot.kill();
    await this.ended.catch(() => undefined);
  }

  private async run(): Promise<string> {
    const talk = this.talk();
    let outcome: NodeOutcome;
    try {
      outcome = await this.work();
    } catch (error) {
      outcome = { type: 'failed', error: toAppError(error).toJSON() };
    }
    this.over = true;
    await talk;
    if (this.stopped) return 'stopped by the bridge';
    try {
      await this.say();
      // A try that failed leaves what the next one goes on with.
      await this.mirror();
      await this.untilHeard(() =>
        this.options.client.ask('end', { run: this.id, outcome: this.leaving ? { type: 'left' } : outcome }),
      );
    } catch (error) {
      return `the bridge is gone (${(error as Error).message})`;
    }
    if (this.leaving) return 'given back';
    return outcome.type === 'failed' ? `failed with ${outcome.error.code}` : outcome.type;
  }

  private over = false;

  private async work(): Promise<NodeOutcome> {
    const { taken, folders, slot, provider } = this.options;
    await this.fetchAll();
    if (this.stopped || this.leaving) return { type: 'left' };
    const mirroring = this.keepMirroring();
    try {
      const worker = await slot.ready(provider, 'the messages of the render node');
      if (this.stopped || this.leaving) return { type: 'left' };
      return await slot.order(worker, { ...(taken.order as Omit<TaskOrder, 'folders'>), folders, provider });
    } finally {
      this.over = true;
      await mirroring;
    }
  }

  /** Everything that the task needs, and of the task itself exactly what the bridge has. */
  private async fetchAll(): Promise<void> {
    const { taken, folders, client, memory } = this.options;
    const task = taken.order.task.id;
    createJobFolder(folders.job);
    const own = new Set(taken.files.filter(file => file.area === 'job').map(file => file.path));
    await rm(join(folders.job, 'tasks', task, 'done.json'), { force: true });
    for (const path of await filesOfTask(folders.job, task))
      if (!own.has(path)) await rm(join(folders.job, path), { force: true });
    for (const file of taken.files) {
      if (this.stopped || this.leaving) return;
      const target = join(folders[file.area], file.path);
      if (!(await this.isThere(file, target))) {
        this.heed({ type: 'alive', doing: { task, stage: 'fetch', frame: 0 }, idleMs: 0 });
        await this.untilHeard(() => client.fetch(this.id, file, target));
        await memory.learn(target, file.sha256);
      }
      if (file.area === 'job' && file.path.startsWith(`tasks/${task}/`)) this.brought.set(file.path, file.sha256);
    }
  }

  private async isThere(file: NeededFile, target: string): Promise<boolean> {
    const found = await stat(target).catch(() => undefined);
    return found?.size === file.sizeBytes && (await this.options.memory.of(target))?.sha256 === file.sha256;
  }

  private async keepMirroring(): Promise<void> {
    let next = performance.now() + this.options.mirrorMs;
    while (!this.over && !this.stopped) {
      await pause(50);
      if (performance.now() < next) continue;
      try {
        await this.mirror();
      } catch (error) {
        this.options.log(`what was made so far could not be brought: ${(error as Error).message}`);
      }
      next = performance.now() + this.options.mirrorMs;
    }
  }

  /** Brings the files of the task that the bridge has not yet, and names those that are to stay. */
  private async mirror(): Promise<void> {
    const { taken, folders, client, memory } = this.options;
    const paths = await filesOfTask(folders.job, taken.order.task.id);
    let changed = paths.length !== this.brought.size;
    for (const path of paths) {
      if (this.stopped) return;
      const from = join(folders.job, path);
      const found = await memory.of(from);
      // Written or removed just now: the next time.
      if (!found || this.brought.get(path) === found.sha256) continue;
      try {
        await this.untilHeard(() => client.bring(this.id, path, from, found.sha256));
      } catch (error) {
        // It changed while it was sent: the next time.
        if (error instanceof AppError && error.code === 'UPLOAD_HASH_WRONG') continue;
        throw error;
      }
      this.brought.set(path, found.sha256);
      changed = true;
    }
    if (!changed) return;
    for (const path of this.brought.keys()) if (!paths.includes(path)) this.brought.delete(path);
    await this.untilHeard(() => client.ask('keep', { run: this.id, paths: [...this.brought.keys()] }));
  }

  /** Tells the bridge how it goes, and hears whether to go on. */
  private async talk(): Promise<void> {
    let last = performance.now();
    while (!this.over && !this.stopped) {
      await pause(20);
      if (this.events.length === 0 && this.lines.length === 0 && performance.now() - last < sayMs) continue;
      last = performance.now();
      await this.say().catch((error: unknown) => this.giveUp(error));
    }
  }

  private async say(): Promise<void> {
    const { client, folders, memory } = this.options;
    const [events, lines] = [this.events, this.lines];
    this.events = [];
    this.lines = [];
    for (const event of events) {
      if (event.type !== 'preview') continue;
      const path = `previews/${event.frame}.jpg`;
      const found = await memory.of(join(folders.job, path));
      if (found) await this.untilHeard(() => client.bring(this.id, path, join(folders.job, path), found.sha256));
    }
    const { stop } = (await this.untilHeard(() => client.ask('say', { run: this.id, events, lines }))) as Said;
    if (stop) this.stop();
  }

  private stop(): void {
    this.stopped = true;
    this.options.slot.kill();
  }

  private giveUp(error: unknown): void {
    this.options.log(`the bridge is gone: ${(error as Error).message}`);
    this.stop();
  }

  /**
   * A bridge that is away for a moment is asked again; one that was started anew has other work for this node.
   * @throws AppError what it refuses, and CONNECTION_LOST
   */
  private async untilHeard<T>(ask: () => Promise<T>): Promise<T> {
    const until = performance.now() + patienceMs;
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        // A run that is over is refused by name; the work ends with the next word of the bridge.
        if (error instanceof AppError && error.code === 'JOB_NOT_FOUND') this.stop();
        if (!(error instanceof BridgeSilent)) throw error;
        if (this.stopped || performance.now() > until || (await this.options.isOver().catch(() => false)))
          throw new AppError('CONNECTION_LOST', {}, { cause: error });
        await pause(500);
      }
    }
  }
}

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));
