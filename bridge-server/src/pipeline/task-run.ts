import type { Figures, Notice } from '#protocol/report';
import type { Frame } from '../frame/frame';
import type { Span, StageNode, TaskOrder } from '../jobs/task';
import type { Defect } from '../stages/check-frames';
import type { StageServices, StageTable, StageTime } from './stage-chain';
import type { FigureLog } from './figure-log';
import type { TaskMedia } from './task-media';

/** What a task says while it runs. */
export type TaskSaid =
  /** `done` is the share of the task, 0 to 1. */
  | { readonly type: 'progress'; readonly done: number; readonly stage: string; readonly frame: number }
  /** A picture worth showing; whoever listens decides whether it becomes a file. */
  | { readonly type: 'picture'; readonly frame: number; readonly picture: Frame; readonly final: boolean }
  | { readonly type: 'notice'; readonly notice: Notice }
  /** A stage has taken a frame in hand, or gone a step further on it. */
  | { readonly type: 'step'; readonly stage: string; readonly frame: number };

/** Everything that a task needs to run, beside its order. */
export type TaskRun = {
  readonly order: TaskOrder;
  readonly table: StageTable;
  readonly services: StageServices;
  readonly media: TaskMedia;
  readonly signal: AbortSignal;
  readonly say: (said: TaskSaid) => void;
  /** How small the work has to be; see `smaller-work.ts`. */
  readonly level: number;
  /** Measures a shot while it is painted; without it reports carry no figures. */
  readonly measure?: (shot: PaintedShot) => FigureSampler;
};

/** A shot that is about to be painted, with the frames before it that settle it. */
export type PaintedShot = {
  readonly stages: readonly StageNode[];
  readonly span: Span;
  readonly notice: (notice: Notice) => void;
  /** Holds what an earlier try has measured, and takes what is measured now. */
  readonly log: FigureLog;
};

export type FigureSampler = {
  /** The next painted frame, and what it was painted from. A frame that comes a second time is left out. */
  add(painted: Frame, content: Frame, defects: readonly Defect[]): Promise<void>;
  figures(): Figures;
  close(): Promise<void>;
};

/** Seconds of the parts that are no stages. */
export class Clock {
  readonly time: StageTime;
  constructor(stage: string) {
    this.time = { stage, frames: 0, seconds: 0 };
  }
  async measure<T>(work: () => Promise<T>, frames = 1): Promise<T> {
    const started = performance.now();
    const result = await work();
    this.time.seconds += (performance.now() - started) / 1000;
    this.time.frames += frames;
    return result;
  }
  /** Counts the time that the source itself takes, whoever waits for it. */
  async *through(frames: AsyncIterable<Frame>): AsyncIterable<Frame> {
    const iterator = frames[Symbol.asyncIterator]();
    try {
      for (;;) {
        const item = await this.measure(() => iterator.next(), 0);
        if (item.done) return;
        this.time.frames++;
        yield item.value;
      }
    } finally {
      await iterator.return?.();
    }
  }
}
