import type { Frame } from '../frame/frame';
import type { Tensor } from '../frame/tensor';
import type { FlowStore } from '../media/flow-store';
import type { NumberStore } from '../media/number-store';
import type { LoadOptions, Net } from '../runtime/runtime';
import type { InputConvention } from '../nets/input-convention';
import type { ImageRef } from '#protocol/effects/parameter';
import type { Notice } from '#protocol/report';

/**
 * A stage pulls frames and yields frames; pulling is the back-pressure. A stage may look back (style), look ahead
 * (retime) or yield more than it takes (retime, zoom).
 */
export type Stage<P> = (input: AsyncIterable<Frame>, params: P, ctx: StageContext) => AsyncIterable<Frame>;

/** Everything that a stage can touch besides its frames. */
export type StageContext = {
  readonly signal: AbortSignal;
  /** Deterministic: the same job, stage and frame index give the same numbers, also after a resume. */
  random(frameIndex: number): () => number;
  readonly nets: NetSource;
  /** A picture that the job refers to; a painter gives its swatch. @throws AppError FILE_NOT_FOUND, IMAGE_UNREADABLE */
  image(ref: ImageRef): Promise<Frame>;
  /** The stored style statistics of a built-in painter (see `nets/painter.ts`). @throws AppError FILE_NOT_FOUND */
  painter(name: string): Promise<Uint8Array>;
  /** Another clip's frames (a matte, the untouched source), from frame `from` on. @throws AppError CLIP_NOT_FOUND */
  clip(sha256: string, from: number): AsyncIterable<Frame>;
  /** Motion that is known already; only where frames reach this stage as the clip has them, but for their size. */
  readonly flows?: FlowStore;
  /** What was fitted to a style before, by this job or another. */
  readonly fits?: Pick<NumberStore, 'read' | 'write'>;
  /** Says something that belongs in the report: a repaired frame, a fallback, a doubtful flow. */
  notice(notice: Notice): void;
  /**
   * A picture on its way (a frame being optimised), for a preview; `done` and `total` count steps inside this frame. What
   * has to be done before a frame can be begun has a name of its own, `phase`, and is no part of the frame.
   */
  progress(step: {
    readonly frame: number;
    readonly done: number;
    readonly total: number;
    readonly phase?: 'fit';
    readonly preview?: Frame;
  }): void;
  /** What the same stage stored with `store` after an earlier frame, if the task is being resumed. */
  readonly resumed?: StageState;
  /**
   * Hands over the state that, together with the frames from `nextIndex` on, continues this stage exactly.
   * Called after yielding a frame; the pipeline decides which states it writes to disk.
   */
  store(state: StageState): void;
};

/** Tensors by name; small (a few frames). Float32 survives the disk bit for bit. */
export type StageState = { readonly nextIndex: number; readonly tensors: Readonly<Record<string, Tensor>> };

export type CompileOptions = Omit<LoadOptions, 'label'> & {
  /** Convolutions may be done in half precision where the device gains from it; not for flow, which counts pixels. */
  readonly mayHalve?: boolean;
};

/** Where stages get nets: by catalogue name, or built on the spot with `graph/`. Cached for the life of the worker. */
export interface NetSource {
  /** Serialised ONNX of an embedded, pulled or imported net. @throws AppError NET_NOT_FOUND */
  bytes(name: string): Promise<Uint8Array>;
  /** What a picture must be turned into before that net sees it. @throws AppError NET_NOT_FOUND */
  convention(name: string): Promise<InputConvention>;
  /** Compiles once per key; the key must tell apart everything that `build` depends on (net, size, weights). */
  compiled(key: string, build: () => Promise<Uint8Array>, options?: CompileOptions): Promise<Net>;
  readonly provider: string;
}
