import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { AppError } from '#protocol/errors';
import { sourcePosition } from '#protocol/time';
import type { Frame } from '../frame/frame';
import type { Span, Task, TaskFacts } from '../jobs/task';
import { syncFolder } from '../media/write-whole';
import { hashOf } from './file-hash';
import { isBroken } from './frame-watch';
import { prefetch } from './prefetch';
import { framesAhead, largestFrameBytes, withLevel, workLevels } from './smaller-work';
import { sourceFrames } from './source-frames';
import { chainStages } from './stage-chain';
import { taskFolder } from './task-folder';
import type { SegmentWriter } from './task-media';
import { Clock, type TaskRun } from './task-run';

export type DeliverTask = Extract<Task, { kind: 'deliver' }>;

/**
 * A chunk of the finished clip: only the frames that it needs, through stateless stages and the retime, into a segment
 * of its own. The segment gets its name when a decoder has counted its frames.
 */
export async function runDeliver(task: DeliverTask, run: TaskRun): Promise<TaskFacts> {
  const { order, media, signal } = run;
  const folder = taskFolder(order.folders.job, task.id);
  await mkdir(folder.path, { recursive: true });
  const total = task.out.last - task.out.first + 1;
  const path = join(folder.path, media.segmentName(task.output));
  const temporary = join(folder.path, `unfinished-${basename(path)}`);
  await rm(temporary, { recursive: true, force: true });

  const ahead = framesAhead(order.attempt, largestFrameBytes(task.stages, order.clip));
  const decode = new Clock('decode');
  const encode = new Clock('encode');
  const source = decode.through(
    sourceFrames({
      media,
      clip: order.clip,
      jobFolder: order.folders.job,
      source: task.source,
      wanted: neededFrames(task),
      whole: task.span,
      cuts: task.cuts,
      resumed: false,
      signal,
      notice: notice => run.say({ type: 'notice', notice }),
    }),
  );
  const chain = chainStages(ahead > 0 ? prefetch(source, ahead) : source, {
    nodes: withLevel(task.stages, workLevels[run.level], order.clip),
    table: run.table,
    services: run.services,
    signal,
    seed: task.seed,
    ofClip: task.source.from === 'clip',
    ahead,
    events: {
      notice: notice => run.say({ type: 'notice', notice }),
      step: step => run.say({ type: 'step', stage: step.stage, frame: step.frame }),
      store: () => undefined,
    },
  });

  let writer: SegmentWriter | undefined;
  let size = { width: 0, height: 0 };
  let done = 0;
  try {
    for await (const frame of prefetch(chain.frames, Math.max(1, ahead))) {
      signal.throwIfAborted();
      if (isBroken(frame))
        throw new AppError('FRAME_DEFECT', {
          frame: task.out.first + done,
          defect: 'not all numbers',
          stage: lastStage(task),
        });
      if (done === total) throw new AppError('RESULT_INCOMPLETE', { actual: total + 1, expected: total });
      if (!writer) {
        size = { width: frame.width, height: frame.height };
        writer = await media.createSegment(temporary, { output: task.output, rate: task.rate, ...size, signal });
      }
      const open = writer;
      await encode.measure(() => open.write(frame));
      const index = task.out.first + done++;
      run.say({ type: 'progress', done: (done / total) * 0.98, stage: lastStage(task), frame: index });
      run.say({ type: 'picture', frame: index, picture: frame as Frame, final: true });
    }
    if (!writer || done !== total) throw new AppError('RESULT_INCOMPLETE', { actual: done, expected: total });
    const open = writer;
    await encode.measure(() => open.finish(), 0);
  } catch (thrown) {
    await writer?.abort();
    await rm(temporary, { recursive: true, force: true });
    throw thrown;
  }

  run.say({ type: 'step', stage: 'verify', frame: task.out.last });
  const verify = new Clock('verify');
  try {
    await verify.measure(
      () => media.verifySegment(temporary, { output: task.output, rate: task.rate, ...size, signal, frames: total }),
      total,
    );
  } catch (thrown) {
    await rm(temporary, { recursive: true, force: true });
    throw thrown;
  }
  await rm(path, { recursive: true, force: true });
  await rename(temporary, path);
  await syncFolder(folder.path);
  return {
    frames: total,
    ...size,
    stages: [decode.time, ...chain.times, encode.time, verify.time],
    outputs: [{ path: `tasks/${task.id}/${basename(path)}`, ...(await hashOf(path)) }],
  };
}

function lastStage(task: DeliverTask): string {
  return task.stages.at(-1)?.stage ?? 'encode';
}

/**
 * The frames of the source that a chunk needs: the one under each output frame and, where a retime looks at both sides,
 * the next; never one beyond a cut for its own sake.
 */
function neededFrames(task: DeliverTask): Span {
  if (!task.stages.some(node => node.stage === 'retime')) {
    return { first: task.span.first + task.out.first, last: Math.min(task.span.last, task.span.first + task.out.last) };
  }
  const at = (k: number) => {
    const { frame, fraction } = sourcePosition(k, task.rate, task.sourceRate);
    return { frame: Math.min(task.span.last, task.span.first + frame), fraction };
  };
  const end = at(task.out.last);
  const next = Math.min(task.span.last, end.frame + (end.fraction > 0 ? 1 : 0));
  return { first: at(task.out.first).frame, last: task.cuts.includes(next) ? end.frame : next };
}
