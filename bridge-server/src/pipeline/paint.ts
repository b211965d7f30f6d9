import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '#protocol/errors';
import { sourcePosition, type Rate } from '#protocol/time';
import type { Span, StageNode, Task, TaskFacts } from '../jobs/task';
import { hashOf } from './file-hash';
import { Checkpoints, type CheckpointRule } from './checkpoints';
import { prefetch } from './prefetch';
import { framesAhead, withLevel, workLevels } from './smaller-work';
import { sourceFrames } from './source-frames';
import { chainStages } from './stage-chain';
import type { StageState } from './stage';
import { taskFolder, type TaskFolder } from './task-folder';
import type { StoredFrames, TaskMedia } from './task-media';
import { Clock, type TaskRun } from './task-run';

export type PaintTask = Extract<Task, { kind: 'paint' }>;

/** States kept on disk: the newest, and the one before in case the newest is not whole. */
const keptStates = 2;

/**
 * One shot through its stages, each finished frame stored by itself. Where it was stopped it goes on: from the newest
 * state whose frames are all there, so that the result is the same bit for bit; without one, from the beginning.
 */
export async function runPaint(task: PaintTask, run: TaskRun, rule?: CheckpointRule): Promise<TaskFacts> {
  const { order, media, signal } = run;
  const folder = taskFolder(order.folders.job, task.id);
  const wanted = task.frames ?? task.span;
  const total = wanted.last - wanted.first + 1;
  await mkdir(folder.states, { recursive: true });
  const store = await media.frames(folder.frames);

  const present = await firstMissing(store, wanted);
  const resumed = present > wanted.last ? undefined : await newestState(media, folder, wanted.first, present);
  const begin = present > wanted.last ? present : (resumed?.nextIndex ?? wanted.first);
  const decode = new Clock('decode');
  const write = new Clock('store');
  let size = { width: 0, height: 0 };
  let times: TaskFacts['stages'] = [];

  if (begin <= wanted.last) {
    const frameBytes = order.clip.width * order.clip.height * 12;
    const ahead = framesAhead(order.attempt, frameBytes);
    const read = readSpan(task, resumed ? begin : undefined);
    const source = decode.through(
      sourceFrames({
        media,
        clip: order.clip,
        jobFolder: order.folders.job,
        source: task.source,
        wanted: read.span,
        whole: task.span,
        cuts: [],
        resumed: resumed !== undefined,
        signal,
        notice: notice => run.say({ type: 'notice', notice }),
      }),
    );
    const checkpoints = new Checkpoints(state => writeState(media, folder, state), begin, rule);
    const chain = chainStages(ahead > 0 ? prefetch(source, ahead) : source, {
      nodes: withLevel(read.stages, workLevels[run.level], order.clip),
      table: run.table,
      services: run.services,
      signal,
      seed: task.seed,
      resumed,
      ahead,
      events: {
        notice: notice => run.say({ type: 'notice', notice }),
        step: step => {
          run.say({ type: 'step', stage: step.stage, frame: step.frame });
          if (step.preview) run.say({ type: 'picture', frame: step.frame, picture: step.preview, final: false });
          if (step.total && step.frame >= wanted.first) {
            const frames = step.frame - wanted.first + (step.done ?? 0) / step.total;
            run.say({ type: 'progress', done: Math.min(1, frames / total), stage: step.stage, frame: step.frame });
          }
        },
        store: state => checkpoints.offer(state),
      },
    });
    let next = begin;
    try {
      for await (const frame of prefetch(chain.frames, 1)) {
        signal.throwIfAborted();
        if (frame.index < next) continue; // of the handle: painted so that the first delivered frame is settled
        if (frame.index !== next) throw new AppError('RESULT_INCOMPLETE', { actual: next - wanted.first, expected: total });
        if (frame.index > wanted.last) break;
        await write.measure(() => store.write(frame.index, frame));
        size = { width: frame.width, height: frame.height };
        next++;
        run.say({ type: 'progress', done: (next - wanted.first) / total, stage: lastOf(task.stages), frame: frame.index });
        run.say({ type: 'picture', frame: frame.index, picture: frame, final: true });
        await checkpoints.stored(next);
      }
    } catch (thrown) {
      // What is stored is sound whatever went wrong after it: the next try begins here.
      await checkpoints.stored(next, true).catch(() => undefined);
      throw thrown;
    }
    if (next !== wanted.last + 1) throw new AppError('RESULT_INCOMPLETE', { actual: next - wanted.first, expected: total });
    times = chain.times;
  }

  if (size.width === 0) {
    const frame = await store.read(wanted.first);
    if (frame) size = { width: frame.width, height: frame.height };
  }
  await rm(folder.states, { recursive: true, force: true });
  return {
    frames: total,
    ...size,
    stages: [decode.time, ...times, write.time],
    outputs: [{ path: `tasks/${task.id}/frames`, ...(await hashOf(folder.frames)) }],
  };
}

const lastOf = (stages: readonly StageNode[]) => stages[stages.length - 1]?.stage ?? 'store';

async function firstMissing(store: StoredFrames, wanted: Span): Promise<number> {
  for (let index = wanted.first; index <= wanted.last; index++) if (!(await store.has(index))) return index;
  return wanted.last + 1;
}

const stateName = (next: number) => `${String(next).padStart(8, '0')}.state`;

async function newestState(media: TaskMedia, folder: TaskFolder, first: number, present: number): Promise<StageState | undefined> {
  for (const name of (await stateNames(folder)).reverse()) {
    const next = Number.parseInt(name, 10);
    if (next > present || next <= first) continue;
    const state = await media.readState(join(folder.states, name));
    if (state && state.nextIndex === next) return state;
  }
  return undefined;
}

async function stateNames(folder: TaskFolder): Promise<string[]> {
  return (await readdir(folder.states)).filter(name => /^\d{8}\.state$/.test(name)).sort();
}

async function writeState(media: TaskMedia, folder: TaskFolder, state: StageState): Promise<void> {
  await media.writeState(join(folder.states, stateName(state.nextIndex)), state);
  for (const name of (await stateNames(folder)).slice(0, -keptStates)) await rm(join(folder.states, name), { force: true });
}

type RetimeParams = { readonly from: Rate; readonly to: Rate; readonly first: number; readonly out: Span };

/**
 * The frames to read, and the stages to put them through, when a task begins at frame `begin` of what it stores
 * (undefined: at its very beginning, with the frames before it that settle it).
 */
function readSpan(task: PaintTask, begin: number | undefined): { span: Span; stages: readonly StageNode[] } {
  if (begin === undefined) return { span: { first: task.span.first - task.handle, last: task.span.last }, stages: task.stages };
  // A zoom makes its frames from one; its state holds all that it needs.
  if (task.stages.some(node => node.stage === 'zoom')) return { span: task.span, stages: task.stages };
  const retime = task.stages.find(node => node.stage === 'retime');
  if (!retime) return { span: { first: begin, last: task.span.last }, stages: task.stages };
  const params = retime.params as RetimeParams;
  const first = params.first + sourcePosition(begin, params.to, params.from).frame;
  const changed = { ...retime, params: { ...params, out: { ...params.out, first: begin } } };
  return {
    span: { first: Math.max(task.span.first, first - 1), last: task.span.last },
    stages: task.stages.map(node => (node === retime ? changed : node)),
  };
}
