import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '#protocol/errors';
import type { Figures } from '#protocol/report';
import { sourcePosition, type Rate } from '#protocol/time';
import type { Frame } from '../frame/frame';
import { scalarTensor } from '../frame/tensor';
import type { Span, StageNode, Task, TaskFacts } from '../jobs/task';
import type { Defect } from '../stages/check-frames';
import { Checkpoints, type CheckpointRule } from './checkpoints';
import { openFigureLog } from './figure-log';
import { hashOf } from './file-hash';
import { createFrameWatch } from './frame-watch';
import { prefetch } from './prefetch';
import { framesAhead, largestFrameBytes, withLevel, workLevels } from './smaller-work';
import { sourceFrames } from './source-frames';
import { chainStages, type StageTime } from './stage-chain';
import type { StageState } from './stage';
import { taskFolder, type TaskFolder } from './task-folder';
import type { StoredFrames, TaskMedia } from './task-media';
import { Clock, type FigureSampler, type TaskRun } from './task-run';

export type PaintTask = Extract<Task, { kind: 'paint' }>;

/** States kept on disk: the newest, and the one before in case the newest is not whole. */
const keptStates = 2;

/**
 * One shot through its stages, each finished frame checked and stored by itself. Where it was stopped it goes on: from
 * the newest state whose frames are all there, so that the result is the same bit for bit; without one, from the beginning.
 */
export async function runPaint(task: PaintTask, run: TaskRun, rule?: CheckpointRule): Promise<TaskFacts> {
  const { order, media } = run;
  const folder = taskFolder(order.folders.job, task.id);
  const wanted = task.frames ?? task.span;
  await mkdir(folder.states, { recursive: true });
  const store = await media.frames(folder.frames);

  const present = await firstMissing(store, wanted);
  const clocks = {
    decode: new Clock('decode'),
    check: new Clock('check'),
    measure: new Clock('measure'),
    write: new Clock('store'),
  };
  let size: { width: number; height: number } | undefined;
  const times: StageTime[] = [];
  let figures: Figures | undefined;
  const found = await newestState(media, folder, wanted.first, present);
  const isPainted = present > wanted.last;
  const begin = isPainted ? present : (found?.state.nextIndex ?? -Infinity);
  const sampler = run.measure?.({
    stages: task.stages,
    span: { first: wanted.first - task.handle, last: wanted.last },
    notice: notice => run.say({ type: 'notice', notice }),
    log: await openFigureLog(join(folder.states, 'figures.jsonl'), begin),
  });
  try {
    if (!isPainted) size = await paintFrom({ task, run, store, folder, clocks, times, sampler, rule }, found);
    figures = sampler?.figures();
  } finally {
    await sampler?.close();
  }

  size ??= await store.read(wanted.first);
  await rm(folder.states, { recursive: true, force: true });
  return {
    frames: wanted.last - wanted.first + 1,
    width: size?.width ?? 0,
    height: size?.height ?? 0,
    stages: [
      clocks.decode.time,
      ...times,
      clocks.check.time,
      ...(run.measure ? [clocks.measure.time] : []),
      clocks.write.time,
    ],
    ...(figures ? { figures } : {}),
    outputs: [{ path: `tasks/${task.id}/frames`, ...(await hashOf(folder.frames)) }],
  };
}

type Painting = {
  readonly task: PaintTask;
  readonly run: TaskRun;
  readonly store: StoredFrames;
  readonly folder: TaskFolder;
  readonly clocks: { readonly decode: Clock; readonly check: Clock; readonly measure: Clock; readonly write: Clock };
  /** Times of the stages, added to. */
  readonly times: StageTime[];
  readonly sampler?: FigureSampler;
  readonly rule?: CheckpointRule;
};

/** A state with what the pipeline itself has to remember beside it. */
type Resumable = { readonly state: StageState; readonly unmended: number };

/**
 * Paints from a state (or from the beginning) to the end. A frame that a check refuses is painted a second time, from
 * the state before it and with other random numbers.
 */
async function paintFrom(
  painting: Painting,
  found: Resumable | undefined,
): Promise<{ width: number; height: number } | undefined> {
  const { task, run, store, folder, clocks, sampler } = painting;
  const { media, signal } = run;
  const wanted = task.frames ?? task.span;
  const total = wanted.last - wanted.first + 1;
  const stage = task.stages[task.stages.length - 1]?.stage ?? 'store';
  const first = found?.state.nextIndex ?? wanted.first;
  const stored = first > wanted.first ? await store.read(first - 1) : undefined;
  const watch = createFrameWatch(found && { stored, unmended: found.unmended });
  const checkpoints = new Checkpoints(
    state => writeState(media, folder, { state, unmended: watch.unmendedBefore(state.nextIndex) }),
    first,
    painting.rule,
  );
  /** The newest state that no accepted frame has outrun, and the ones after it: where a second try begins. */
  let states: StageState[] = found ? [found.state] : [];
  const secondTry = new Map<number, readonly Defect[]>();
  let size: { width: number; height: number } | undefined;
  let next = first;

  try {
    while (next <= wanted.last) {
      const from = states.findLast(state => state.nextIndex <= next);
      const chain = openChain(painting, from, {
        retryOf: frame => (secondTry.has(frame) ? 1 : 0),
        content: frame => watch.tookContent(frame),
        store: state => {
          states.push(state);
          checkpoints.offer(state);
        },
      });
      let again = false;
      for await (const frame of prefetch(chain.frames, 1)) {
        signal.throwIfAborted();
        const content = watch.content(frame.index);
        if (frame.index < next) {
          // It settles the first delivered frame, or was accepted before a second try.
          if (content) await sampler?.add(frame, content, []);
          continue;
        }
        if (frame.index !== next)
          throw new AppError('RESULT_INCOMPLETE', { actual: next - wanted.first, expected: total });
        if (next > wanted.last) break;
        const defects = await clocks.check.measure(async () => watch.check(frame));
        const before = secondTry.get(next);
        if (defects.length > 0 && before === undefined && watch.mayRetry) {
          secondTry.set(next, defects);
          again = true;
          break;
        }
        tellDefects(run, stage, next, defects, before);
        const kept = await clocks.write.measure(() => store.write(next, frame));
        watch.accepted(kept, defects);
        if (sampler && content) await clocks.measure.measure(() => sampler.add(kept, content, defects));
        size = { width: frame.width, height: frame.height };
        next++;
        states = states.filter(
          (state, at) => state.nextIndex > next || at === states.findLastIndex(other => other.nextIndex <= next),
        );
        run.say({ type: 'progress', done: shareDone(task, next - wanted.first), stage, frame: frame.index });
        run.say({ type: 'picture', frame: frame.index, picture: frame, final: true });
        await checkpoints.stored(next);
      }
      for (const time of chain.times) addTime(painting.times, time);
      if (!again && next <= wanted.last)
        throw new AppError('RESULT_INCOMPLETE', { actual: next - wanted.first, expected: total });
      if (again) {
        // States after this frame belong to the refused one.
        states = states.filter(state => state.nextIndex <= next);
        checkpoints.forgetAfter(next);
      }
    }
  } catch (thrown) {
    // What is stored is sound whatever went wrong after it: the next try begins here.
    await checkpoints.stored(next, true).catch(() => undefined);
    throw thrown;
  }
  return size;
}

/** @throws AppError FRAME_DEFECT for a frame that cannot be shown at all */
function tellDefects(
  run: TaskRun,
  stage: string,
  frame: number,
  defects: readonly Defect[],
  before: readonly Defect[] | undefined,
): void {
  const words = (list: readonly Defect[]) => list.map(defect => defect.text).join('; ');
  if (defects.some(defect => defect.kind === 'not-a-number'))
    throw new AppError('FRAME_DEFECT', { frame, defect: words(defects), stage });
  if (defects.length > 0) {
    run.say({
      type: 'notice',
      notice: {
        kind: 'frame-suspect',
        stage,
        frame,
        text: `${words(defects)}${before ? '; a second try did not change it' : ''}.`,
      },
    });
  } else if (before) {
    run.say({
      type: 'notice',
      notice: { kind: 'frame-repaired', stage, frame, text: `${words(before)}; mended by a second try.` },
    });
  }
}

/** A second try adds to the times of the first. */
function addTime(times: StageTime[], time: StageTime): void {
  const known = times.find(other => other.stage === time.stage);
  if (!known) {
    times.push({ ...time });
    return;
  }
  known.frames += time.frames;
  known.seconds += time.seconds;
}

type ChainWish = {
  readonly retryOf: (frame: number) => number;
  readonly content: (frame: Frame) => void;
  readonly store: (state: StageState) => void;
};

function openChain({ task, run, clocks }: Painting, from: StageState | undefined, wish: ChainWish) {
  const { order, media, signal } = run;
  const wanted = task.frames ?? task.span;
  const ahead = framesAhead(order.attempt, largestFrameBytes(task.stages, order.clip));
  const read = readSpan(task, from?.nextIndex);
  const source = clocks.decode.through(
    sourceFrames({
      media,
      clip: order.clip,
      jobFolder: order.folders.job,
      source: task.source,
      wanted: read.span,
      whole: task.span,
      cuts: [],
      resumed: from !== undefined,
      signal,
      notice: notice => run.say({ type: 'notice', notice }),
    }),
  );
  const nodes = withLevel(read.stages, workLevels[run.level], order.clip);
  const zooms = nodes.some(node => node.stage === 'zoom');
  return chainStages(ahead > 0 ? prefetch(source, ahead) : source, {
    nodes,
    table: run.table,
    services: run.services,
    signal,
    seed: task.seed,
    ofClip: task.source.from === 'clip',
    retryOf: wish.retryOf,
    resumed: from,
    ...(from && !zooms ? { begin: from.nextIndex } : {}),
    ahead,
    events: {
      notice: notice => run.say({ type: 'notice', notice }),
      content: frame => {
        if (!zooms) wish.content(frame);
      },
      step: step => {
        run.say({ type: 'step', stage: step.stage, frame: step.frame });
        if (step.preview) run.say({ type: 'picture', frame: step.frame, picture: step.preview, final: false });
        if (!step.total) return;
        const part = (step.done ?? 0) / step.total;
        const tell = (done: number) => run.say({ type: 'progress', done, stage: step.stage, frame: step.frame });
        if (step.opens) tell((task.opening ?? 0) * part);
        else if (step.frame >= wanted.first) tell(shareDone(task, step.frame - wanted.first + part));
      },
      store: wish.store,
    },
  });
}

/** How much of a task is done with its first frames. */
function shareDone({ frames: made, span, opening = 0 }: PaintTask, frames: number): number {
  const { first, last } = made ?? span;
  return opening + (1 - opening) * Math.min(1, frames / (last - first + 1));
}

async function firstMissing(store: StoredFrames, wanted: Span): Promise<number> {
  for (let index = wanted.first; index <= wanted.last; index++) if (!(await store.has(index))) return index;
  return wanted.last + 1;
}

const stateName = (next: number) => `${String(next).padStart(8, '0')}.state`;
/** A number of the pipeline's own in a stage's state. */
const unmendedName = 'pipeline/unmended';

async function newestState(
  media: TaskMedia,
  folder: TaskFolder,
  first: number,
  present: number,
): Promise<Resumable | undefined> {
  for (const name of (await stateNames(folder)).reverse()) {
    const next = Number.parseInt(name, 10);
    if (next > present || next <= first) continue;
    const state = await media.readState(join(folder.states, name));
    if (!state || state.nextIndex !== next) continue;
    const { [unmendedName]: unmended, ...tensors } = state.tensors;
    return { state: { nextIndex: next, tensors }, unmended: unmended ? Number(unmended.data[0]) : 0 };
  }
  return undefined;
}

async function stateNames(folder: TaskFolder): Promise<string[]> {
  return (await readdir(folder.states)).filter(name => /^\d{8}\.state$/.test(name)).sort();
}

async function writeState(media: TaskMedia, folder: TaskFolder, { state, unmended }: Resumable): Promise<void> {
  const whole = { ...state, tensors: { ...state.tensors, [unmendedName]: scalarTensor(unmended) } };
  await media.writeState(join(folder.states, stateName(state.nextIndex)), whole);
  for (const name of (await stateNames(folder)).slice(0, -keptStates))
    await rm(join(folder.states, name), { force: true });
}

type RetimeParams = { readonly from: Rate; readonly to: Rate; readonly first: number; readonly out: Span };

/**
 * The frames to read, and the stages to put them through, when a task begins at frame `begin` of what it stores
 * (undefined: at its very beginning, with the frames before it that settle it). The frame before `begin` is read too:
 * checks compare with it.
 */
function readSpan(task: PaintTask, begin: number | undefined): { span: Span; stages: readonly StageNode[] } {
  if (begin === undefined)
    return { span: { first: task.span.first - task.handle, last: task.span.last }, stages: task.stages };
  // A zoom makes its frames from one; its state holds all that it needs.
  if (task.stages.some(node => node.stage === 'zoom')) return { span: task.span, stages: task.stages };
  const retime = task.stages.find(node => node.stage === 'retime');
  if (!retime)
    return { span: { first: Math.max(task.span.first, begin - 1), last: task.span.last }, stages: task.stages };
  const params = retime.params as RetimeParams;
  const out = { ...params.out, first: Math.max(params.out.first, begin - 1) };
  const first = params.first + sourcePosition(out.first, params.to, params.from).frame;
  const changed = { ...retime, params: { ...params, out } };
  return {
    span: { first: Math.max(task.span.first, first), last: task.span.last },
    stages: task.stages.map(node => (node === retime ? changed : node)),
  };
}
