import type { Notice } from '#protocol/report';
import { AppError } from '#protocol/errors';
import type { ClipInfo } from '#protocol/clip';
import type { Frame } from '../frame/frame';
import type { FrameSource, Span } from '../jobs/task';
import { taskFolder } from './task-folder';
import type { StoredFrames, TaskMedia } from './task-media';

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
  /** The first frame goes on from frames that an earlier try has worked on. */
  readonly resumed: boolean;
  readonly signal: AbortSignal;
  readonly notice: (notice: Notice) => void;
};

/** The frames that a task reads, in order, marked where a shot begins. @throws AppError CLIP_NOT_FOUND, INTERNAL when a stored frame is missing */
export async function* sourceFrames(options: SourceOptions): AsyncIterable<Frame> {
  const { source, wanted, cuts } = options;
  const starts = new Set(options.resumed ? cuts : [wanted.first, ...cuts]);
  const mark = (frame: Frame): Frame => (starts.has(frame.index) ? { ...frame, shotStart: true } : frame);
  if (source.from === 'clip') {
    for await (const frame of options.media.decode(options.clip, wanted, options)) yield mark(frame);
    return;
  }
  const stores = new Map<string, StoredFrames>();
  for (let index = wanted.first; index <= wanted.last; index++) {
    options.signal.throwIfAborted();
    const stored = source.reversed ? options.whole.first + options.whole.last - index : index;
    const part = source.tasks.find(task => stored >= task.first && stored <= task.last);
    if (!part) throw new AppError('INTERNAL', { problem: `no task stores frame ${stored}` });
    const store =
      stores.get(part.task) ?? (await options.media.frames(taskFolder(options.jobFolder, part.task).frames));
    stores.set(part.task, store);
    const frame = await store.read(stored);
    if (!frame)
      throw new AppError('INTERNAL', {
        problem: `the stored frame ${stored} of task ${part.task.slice(0, 8)} is missing or damaged`,
      });
    // Played backwards, or read in part, a shot begins elsewhere than it was stored.
    const { shotStart: _, ...unmarked } = frame;
    yield mark({ ...unmarked, index });
  }
}
