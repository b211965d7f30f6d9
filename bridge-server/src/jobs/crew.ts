import type { ProcessIdentity } from './process-identity';
import type { TaskOrder, WorkerEvent } from './task';
import type { Outcome } from './worker-slot';

/** Where a task is worked on: "render-2:4711", the machine's name, and what it computes on. */
export type Place = {
  readonly where: string;
  readonly host: string;
  readonly provider: string;
  /** The worker process, where it runs on this machine: a later server can end it should this one be killed. */
  readonly worker?: ProcessIdentity;
};

/** One task to be done, and whom to tell. `order.folders` are the folders of the engine's own machine. */
export type Errand = {
  readonly order: TaskOrder;
  /** 0 to 9, the more the more urgent. */
  readonly priority: number;
  /** Name of the job's log, for messages. */
  readonly log: string;
  /** Somebody has begun; told again when the work begins anew elsewhere because a machine is gone. */
  readonly onStart: (place: Place) => void;
  readonly onEvent: (event: WorkerEvent) => void;
  /** A line that the worker printed. */
  readonly onLine: (line: string) => void;
};

export type Work = {
  /** @throws AppError when no worker could be started */
  readonly ended: Promise<Outcome>;
  /** Ends the work; its outcome is of no interest any more. */
  stop(): void;
};

/** Those who do an engine's tasks: `local-crew.ts`, workers on this machine; `redis/redis-crew.ts`, render nodes. */
export interface Crew {
  /** How many tasks can be under way. */
  readonly places: number;
  /** Waits until it is known what tasks of a job for `provider` would be computed on. @throws AppError */
  meet(provider: string, log: string): Promise<void>;
  begin(errand: Errand): Work;
  /** Called once a second. */
  watch(): void;
  close(): Promise<void>;
}
