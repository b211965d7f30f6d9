import type { ClipInfo } from '#protocol/clip';
import type { Output } from '#protocol/preset';
import type { Notice } from '#protocol/report';
import type { Rate } from '#protocol/time';
import type { Frame } from '../frame/frame';
import type { Analysis, Span } from '../jobs/task';
import type { StageState } from './stage';

export type SegmentOptions = {
  readonly output: Output;
  readonly rate: Rate;
  readonly width: number;
  readonly height: number;
  readonly signal: AbortSignal;
};

export type SegmentWriter = {
  /** Resolves when the next frame may come. */
  write(frame: Frame): Promise<void>;
  /** Closes the file; resolves when it is whole and synced. */
  finish(): Promise<unknown>;
  /** Leaves nothing behind that looks finished. */
  abort(): Promise<void>;
};

/** Frames on disk, one by one; a frame is there in full or not at all (`media/frame-store.ts`). */
export type StoredFrames = {
  has(index: number): Promise<boolean>;
  /** @returns the frame as it will be read again */
  write(index: number, frame: Frame): Promise<Frame>;
  /** @returns undefined when it was never written or is not whole */
  read(index: number): Promise<Frame | undefined>;
};

export type JoinedClip = {
  readonly fileName: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly frames: number;
  readonly width: number;
  readonly height: number;
};

/** What the pipeline wants of `media/`: bound in `worker/task-media.ts`, and by tests to something smaller than ffmpeg. */
export type TaskMedia = {
  /** Frames of a clip, both ends included, numbered as in the clip; made smaller to `maxSide` if given. */
  decode(
    clip: ClipInfo,
    span: Span,
    options: { readonly signal: AbortSignal; readonly notice: (notice: Notice) => void; readonly maxSide?: number },
  ): AsyncIterable<Frame>;
  frames(folder: string): Promise<StoredFrames>;
  /** Finds cuts in a clip's small frames. */
  analyse(frames: AsyncIterable<Frame>): Promise<Analysis>;
  writeState(path: string, state: StageState): Promise<void>;
  /** @returns undefined when the file is not whole */
  readState(path: string): Promise<StageState | undefined>;
  /** Name of a segment of this format, without its folder. */
  segmentName(output: Output): string;
  createSegment(path: string, options: SegmentOptions): Promise<SegmentWriter>;
  /** Decodes a segment in full. @throws AppError RESULT_INCOMPLETE when it is not what it should be */
  verifySegment(path: string, options: SegmentOptions & { readonly frames: number }): Promise<void>;
  /**
   * Puts segments together in `folder` without encoding again, decodes the whole, counts and checks it.
   * @throws AppError RESULT_INCOMPLETE
   */
  join(
    segments: readonly string[],
    folder: string,
    expected: {
      readonly output: Output;
      readonly rate: Rate;
      readonly frames: number;
      readonly width: number;
      readonly height: number;
    },
    options: { readonly signal: AbortSignal; readonly onFrame: (done: number) => void },
  ): Promise<JoinedClip>;
};
