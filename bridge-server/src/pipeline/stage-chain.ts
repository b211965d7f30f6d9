import { AppError } from '#protocol/errors';
import type { Notice } from '#protocol/report';
import type { Frame } from '../frame/frame';
import type { StageNode } from '../jobs/task';
import { prefetch } from './prefetch';
import { createRandom } from './random';
import type { NetSource, Stage, StageContext, StageState } from './stage';

/** Name of a stage -> what it does. The worker fills it; tests bring their own. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each stage knows the shape of its own parameters
export type StageTable = Readonly<Record<string, Stage<any> | undefined>>;

/** What stages may reach outside their frames, made by the worker for one task. */
export type StageServices = Pick<StageContext, 'image' | 'painter' | 'clip' | 'flows' | 'fits'> & {
  readonly nets: NetSource;
};

export type ChainEvents = {
  notice(notice: Notice): void;
  /** A stage has taken a frame in hand, or has done `done` of `total` steps on it, or (`opens`) on what comes before it. */
  step(step: {
    readonly stage: string;
    readonly frame: number;
    readonly done?: number;
    readonly total?: number;
    readonly opens?: true;
    readonly preview?: Frame;
  }): void;
  /** The sequential stage is given a frame. */
  content?(frame: Frame): void;
  /** The state of the chain's sequential stage; see `StageContext.store`. */
  store(state: StageState): void;
};

export type ChainOptions = {
  readonly nodes: readonly StageNode[];
  readonly table: StageTable;
  readonly services: StageServices;
  readonly events: ChainEvents;
  readonly signal: AbortSignal;
  readonly seed: number;
  /** Number of the try that is to mend a frame; 0 for the first. */
  readonly retryOf?: (frame: number) => number;
  readonly resumed?: StageState;
  /** The sequential stage is not given frames before this one: they only passed through the stages before it. */
  readonly begin?: number;
  /** The frames are the clip's own, not what another task made of them. */
  readonly ofClip?: boolean;
  /** Frames that may wait between two stages. */
  readonly ahead: number;
};

/** Time that a stage itself took, and frames that left it. */
export type StageTime = { stage: string; frames: number; seconds: number };

/**
 * Frames through stages, one after the other. Between two stages frames may wait (`ahead`), so that one computes on the
 * processor while another waits for its net.
 * @returns the frames, and the times, which grow as frames are pulled
 * @throws AppError INTERNAL when a stage has no implementation
 */
export function chainStages(
  input: AsyncIterable<Frame>,
  options: ChainOptions,
): { frames: AsyncIterable<Frame>; times: StageTime[] } {
  const { nodes, table, services, events, signal, seed, retryOf = () => 0, resumed, ahead } = options;
  const times: StageTime[] = [];
  let frames = input;
  nodes.forEach((node, index) => {
    const stage = table[node.stage];
    if (!stage) throw new AppError('INTERNAL', { problem: `there is no stage "${node.stage}"` });
    const time: StageTime = { stage: node.stage, frames: 0, seconds: 0 };
    times.push(time);
    const phases = timePhases(times, time);
    // Two stages of one kind must not draw the same numbers.
    const place = `${node.stage}#${index}`;
    const unchanged = options.ofClip && nodes.slice(0, index).every(before => before.stage === 'resize');
    const context: StageContext = {
      signal,
      ...(unchanged && services.flows ? { flows: services.flows } : {}),
      ...(services.fits ? { fits: services.fits } : {}),
      random: frame => createRandom(seed, place, frame, retryOf(frame)),
      nets: services.nets,
      image: ref => services.image(ref),
      painter: name => services.painter(name),
      clip: (sha256, from) => services.clip(sha256, from),
      notice: notice => events.notice(notice),
      progress({ phase, ...step }) {
        if (phase) phases.reached(phase, step.done);
        events.step(phase ? { ...step, stage: phase, opens: true } : { ...step, stage: node.stage });
      },
      ...(node.sequential && resumed ? { resumed } : {}),
      store: state => {
        if (node.sequential) events.store(state);
      },
    };
    const waited = { ms: 0 };
    const arriving = index > 0 && ahead > 0 ? prefetch(frames, ahead) : frames;
    const pulled = watchInput(arriving, waited, frame => {
      if (node.sequential) {
        events.content?.(frame);
        if (options.begin !== undefined && frame.index < options.begin) return false;
      }
      events.step({ stage: node.stage, frame: frame.index });
      return true;
    });
    frames = timeStage(stage(pulled, node.params, context), time, waited);
  });
  return { frames, times };
}

/** Adds the time that the consumer waits for a frame to `waited`; `take` says which frames it gets. */
async function* watchInput(
  input: AsyncIterable<Frame>,
  waited: { ms: number },
  take: (frame: Frame) => boolean,
): AsyncIterable<Frame> {
  const iterator = input[Symbol.asyncIterator]();
  try {
    for (;;) {
      const started = performance.now();
      const item = await iterator.next();
      waited.ms += performance.now() - started;
      if (item.done) return;
      if (take(item.value)) yield item.value;
    }
  } finally {
    await iterator.return?.();
  }
}

/** A phase has a row of its own in the times, of its steps; the stage's row is without it. */
function timePhases(times: StageTime[], stage: StageTime): { reached(phase: string, done: number): void } {
  const rows = new Map<string, StageTime>();
  let since = 0;
  return {
    reached(phase, done) {
      const row = rows.get(phase) ?? { stage: phase, frames: 0, seconds: 0 };
      if (!rows.has(phase)) times.push(row);
      rows.set(phase, row);
      const now = performance.now();
      if (done > 0) {
        row.frames++;
        row.seconds += (now - since) / 1000;
        stage.seconds -= (now - since) / 1000;
      }
      since = now;
    },
  };
}

/** Counts frames and the time inside the stage, without what it waited for its input. */
async function* timeStage(stage: AsyncIterable<Frame>, time: StageTime, waited: { ms: number }): AsyncIterable<Frame> {
  const iterator = stage[Symbol.asyncIterator]();
  try {
    for (;;) {
      const [started, waitedBefore] = [performance.now(), waited.ms];
      const item = await iterator.next();
      time.seconds += Math.max(0, performance.now() - started - (waited.ms - waitedBefore)) / 1000;
      if (item.done) return;
      time.frames++;
      yield item.value;
    }
  } finally {
    await iterator.return?.();
  }
}
