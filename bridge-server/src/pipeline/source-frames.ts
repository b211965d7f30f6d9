import type { Notice } from '#protocol/report';
import { AppError } from '#protocol/errors';
import type { ClipInfo } from '#protocol/clip';
import type { Frame } from '../frame/frame';
import type { FrameSource, Span } from '../jobs/task';
import { taskFolder } from './task-folder';
import type { TaskMedia } from './task-media';

export type SourceOptions = {
  readonly media: TaskMedia;
  readonly clip: ClipInfo;
  /** The job's folder, where the stored frames of other tasks lie. */
  readonly jobFolder: string;
  readonly source: FrameSource;
  /** The frames that are wanted, in the numbering of the source; both included. */
  readonly wanted: Span;
  /** The whole stream that `reversed` turns round. */
  readonly whole: Span;
  /** Frames that begin a shot. */
  readonly cuts: readonly number[];
  readonly signal: AbortSignal;
  readonly notice: (notice: Notice) => void;
};

/** The frames that a task reads, in order, marked where a shot begins. @throws AppError CLIP_NOT_FOUND, INTERNAL when a stored frame is missing */
export async function* sourceFrames(options: SourceOptions): AsyncIterable<Frame> {
  const { source, wanted, cuts } = options;
  const starts = new Set([wanted.first, ...cuts]);
  const mark = (frame: Frame): Frame => (starts.has(frame.index) ? { ...frame, shotStart: true } : frame);
  if (source.from === 'clip') {
    for await (const frame of options.media.decode(options.clip, wanted, options)) yield mark(frame);
    return;
  }
  for (let index = wanted.first; index <= wanted.last; index++) {
    options.signal.throwIfAborted();
    const stored = source.reversed ? options.whole.first + options.whole.last - index : index;
    const part = source.tasks.find(task => stored >= task.first && stored <= task.last);
    if (!part) throw new AppError('INTERNAL', { problem: `no task stores frame ${stored}` });
    const { shotStart: _, ...frame } = await options.media.frames(taskFolder(options.jobFolder, part.task).frames).read(stored);
    yield mark({ ...frame, index });
  }
}
