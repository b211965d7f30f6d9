import { hostname } from 'node:os';
import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import { AppError, toAppError } from '#protocol/errors';
import type { Notice } from '#protocol/report';
import type { Task, TaskFacts } from '../jobs/task';
import { runDeliver } from './deliver';
import { deliveredFrame } from './delivered-frame';
import { runPaint } from './paint';
import { levelOf, storeLevel, workLevels } from './smaller-work';
import { readDone, taskFolder, writeDone, type TaskFolder } from './task-folder';
import { Clock, type TaskRun } from './task-run';

export type TaskSetup = Omit<TaskRun, 'level'> & {
  /** Share of the memory that is free, to be remembered in case this process is killed for taking it. */
  readonly availableShare?: () => number;
  /** What is to be said about the nets that were used. */
  readonly describeNets?: () => Promise<TaskFacts['nets']>;
  /** Why other providers are not used. */
  readonly refused?: TaskFacts['refused'];
};

/** How often the free memory is noted. */
const memoryNoteMs = 2000;

/**
 * Does one task and files what is known about it as `done.json`, last of all: a task that has one is never done again.
 * Too little memory is answered here, by trying smaller, as long as there is something smaller to try.
 * @throws AppError CANCELLED, DISK_FULL, OUT_OF_MEMORY when even the smallest work does not fit, and what stages throw
 */
export async function runTask(run: TaskSetup): Promise<TaskFacts> {
  const { order, signal } = run;
  const folder = taskFolder(order.folders.job, order.task.id);
  const before = await readDone(folder);
  if (before) return before;

  const started = performance.now();
  const notices: Notice[] = [];
  const say: TaskRun['say'] = said => {
    const frame = 'frame' in said ? deliveredFrame(order, said.frame) : 0;
    if (said.type !== 'notice') return run.say({ ...said, frame });
    const { notice } = said;
    const told = notice.frame === undefined ? notice : { ...notice, frame: deliveredFrame(order, notice.frame) };
    notices.push(told);
    run.say({ type: 'notice', notice: told });
  };
  const found = await levelOf(folder);
  let level = found.level;
  const smaller = async (from: number) => {
    await storeLevel(folder, level);
    if (workLevels[level].scale !== workLevels[from].scale) await forgetFrames(order.task, folder);
    say({ type: 'notice', notice: { kind: 'fallback', stage: order.task.kind, text: smallerText(level) } });
  };
  if (level > found.before) await smaller(found.before);
  const memory = noteMemory(folder, () => level, run.availableShare);
  for (;;) {
    try {
      const made = await runKind(order.task, { ...run, say, level });
      const facts: TaskFacts = {
        ...made,
        seconds: (performance.now() - started) / 1000,
        provider: run.services.nets.provider,
        host: hostname(),
        refused: run.refused,
        nets: await run.describeNets?.(),
        notices,
        peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
      };
      await memory.end();
      await writeDone(folder, facts);
      return facts;
    } catch (thrown) {
      const error = signal.aborted ? new AppError('CANCELLED', {}, { cause: thrown }) : namedError(thrown, folder.path);
      if (error.code !== 'OUT_OF_MEMORY' || level + 1 >= workLevels.length) {
        await memory.end();
        throw error;
      }
      level++;
      await smaller(level - 1);
    }
  }
}

/**
 * Notes the free memory while the task runs. A process that is killed for memory leaves the note behind, and the next
 * try begins smaller; one that ends by itself takes it away.
 */
function noteMemory(
  folder: TaskFolder,
  level: () => number,
  availableShare: (() => number) | undefined,
): { end(): Promise<void> } {
  if (!availableShare) return { end: async () => undefined };
  let writing = Promise.resolve();
  let noted = false;
  const timer = setInterval(() => {
    const share = availableShare();
    // Plenty is not worth a write.
    if (share > 0.2 && !noted) return;
    noted = true;
    writing = writing.then(() => storeLevel(folder, level(), share)).catch(() => undefined);
  }, memoryNoteMs);
  timer.unref();
  return {
    async end() {
      clearInterval(timer);
      await writing;
      if (noted) await storeLevel(folder, level()).catch(() => undefined);
    },
  };
}

function smallerText(level: number): string {
  const { tilePx, scale } = workLevels[level];
  return scale < 1
    ? `The memory ran out: painted at ${Math.round(scale * 100)} % of the planned size.`
    : `The memory ran out: tiles of at most ${tilePx} pixels.`;
}

/** Frames of another size cannot be continued. */
async function forgetFrames(task: Task, folder: { readonly frames: string; readonly states: string }): Promise<void> {
  if (task.kind !== 'paint') return;
  await rm(folder.states, { recursive: true, force: true });
  await rm(folder.frames, { recursive: true, force: true });
}

function namedError(thrown: unknown, path: string): AppError {
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new AppError('DISK_FULL', { need: 'space', path }, { cause: thrown });
  // V8's way of saying that an array does not fit.
  if (
    thrown instanceof RangeError &&
    /Array buffer allocation failed|Invalid typed array length/.test(thrown.message)
  ) {
    return new AppError('OUT_OF_MEMORY', { width: 0, height: 0 }, { cause: thrown });
  }
  return toAppError(thrown);
}

function runKind(task: Task, run: TaskRun): Promise<TaskFacts> {
  switch (task.kind) {
    case 'analyse':
      return runAnalyse(task, run);
    case 'paint':
      return runPaint(task, run);
    case 'deliver':
      return runDeliver(task, run);
    case 'join':
      return runJoin(task, run);
  }
}

/** Longer side of the frames in which cuts are looked for. */
const analysisSide = 160;

async function runAnalyse(task: Extract<Task, { kind: 'analyse' }>, run: TaskRun): Promise<TaskFacts> {
  const { media, order, signal, say } = run;
  const total = task.span.last - task.span.first + 1;
  const clock = new Clock('analyse');
  const watched = async function* () {
    const frames = media.decode(order.clip, task.span, {
      signal,
      maxSide: analysisSide,
      notice: notice => say({ type: 'notice', notice }),
    });
    let done = 0;
    for await (const frame of clock.through(frames)) {
      signal.throwIfAborted();
      say({ type: 'progress', done: ++done / total, stage: 'analyse', frame: frame.index });
      yield frame;
    }
  };
  const analysis = await media.analyse(watched());
  for (const cut of analysis.cuts)
    say({ type: 'notice', notice: { kind: 'cut', stage: 'analyse', frame: cut, text: 'A shot begins here.' } });
  return { frames: analysis.frames, stages: [clock.time], analysis, outputs: [] };
}

async function runJoin(task: Extract<Task, { kind: 'join' }>, run: TaskRun): Promise<TaskFacts> {
  const { media, order, signal, say } = run;
  const segments = task.needs.map(id => join(taskFolder(order.folders.job, id).path, media.segmentName(task.output)));
  const clock = new Clock('verify');
  const result = await clock.measure(
    () =>
      media.join(segments, order.folders.job, task, {
        signal,
        onFrame: done =>
          say({
            type: 'progress',
            done: Math.min(1, done / task.frames),
            stage: 'verify',
            frame: Math.max(0, done - 1),
          }),
      }),
    task.frames,
  );
  return {
    frames: result.frames,
    width: result.width,
    height: result.height,
    stages: [clock.time],
    result: { ...result, verified: true },
    outputs: [{ path: result.fileName, sizeBytes: result.sizeBytes, sha256: result.sha256 }],
  };
}
