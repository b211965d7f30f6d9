import { hostname } from 'node:os';
import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import { AppError, toAppError } from '#protocol/errors';
import type { Notice } from '#protocol/report';
import type { Task, TaskFacts } from '../jobs/task';
import { runDeliver } from './deliver';
import { runPaint } from './paint';
import { levelOf, storeLevel, workLevels } from './smaller-work';
import { readDone, taskFolder, writeDone } from './task-folder';
import { Clock, type TaskRun } from './task-run';

/**
 * Does one task and files what is known about it as `done.json`, last of all: a task that has one is never done again.
 * Too little memory is answered here, by trying smaller, as long as there is something smaller to try.
 * @throws AppError CANCELLED, DISK_FULL, OUT_OF_MEMORY when even the smallest work does not fit, and what stages throw
 */
export async function runTask(run: Omit<TaskRun, 'level'>): Promise<TaskFacts> {
  const { order, signal } = run;
  const folder = taskFolder(order.folders.job, order.task.id);
  const before = await readDone(folder, order.task.id);
  if (before) return before;

  const started = performance.now();
  const notices: Notice[] = [];
  const say: TaskRun['say'] = said => {
    if (said.type === 'notice') notices.push(said.notice);
    run.say(said);
  };
  let level = await levelOf(folder);
  for (;;) {
    try {
      const made = await runKind(order.task, { ...run, say, level });
      const facts: TaskFacts = {
        ...made,
        seconds: (performance.now() - started) / 1000,
        provider: run.services.nets.provider,
        host: hostname(),
        notices,
        peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
      };
      await writeDone(folder, {
        version: 1,
        task: order.task.id,
        kind: order.task.kind,
        facts,
        where: `${hostname()}:${process.pid}`,
        provider: run.services.nets.provider,
        seconds: facts.seconds!,
        finishedAt: new Date().toISOString(),
      });
      return facts;
    } catch (thrown) {
      if (signal.aborted) throw new AppError('CANCELLED', {}, { cause: thrown });
      const error = namedError(thrown, folder.path);
      if (error.code !== 'OUT_OF_MEMORY' || level + 1 >= workLevels.length) throw error;
      level++;
      await storeLevel(folder, level);
      if (workLevels[level].scale !== workLevels[level - 1].scale) await forgetFrames(order.task, folder);
      say({ type: 'notice', notice: { kind: 'fallback', stage: order.task.kind, text: smallerText(level) } });
    }
  }
}

function smallerText(level: number): string {
  const { tilePx, scale } = workLevels[level];
  return scale < 1 ? `The memory ran out: painted at ${Math.round(scale * 100)} % of the planned size.` : `The memory ran out: tiles of at most ${tilePx} pixels.`;
}

/** Frames of another size cannot be continued. */
async function forgetFrames(task: Task, folder: { readonly frames: string; readonly states: string }): Promise<void> {
  if (task.kind !== 'paint') return;
  await rm(folder.states, { recursive: true, force: true });
  await rm(folder.frames, { recursive: true, force: true });
}

function namedError(thrown: unknown, path: string): AppError {
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new AppError('DISK_FULL', { need: 'space', path }, { cause: thrown });
  // V8's way of saying that an array does not fit.
  if (thrown instanceof RangeError && /Array buffer allocation failed|Invalid typed array length/.test(thrown.message)) {
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
    const frames = media.decode(order.clip, task.span, { signal, maxSide: analysisSide, notice: notice => say({ type: 'notice', notice }) });
    let done = 0;
    for await (const frame of clock.through(frames)) {
      signal.throwIfAborted();
      say({ type: 'progress', done: ++done / total, stage: 'analyse', frame: frame.index });
      yield frame;
    }
  };
  const analysis = await media.analyse(watched());
  for (const cut of analysis.cuts) say({ type: 'notice', notice: { kind: 'cut', stage: 'analyse', frame: cut, text: 'A shot begins here.' } });
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
        onFrame: done => say({ type: 'progress', done: Math.min(1, done / task.frames), stage: 'verify', frame: Math.max(0, done - 1) }),
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
