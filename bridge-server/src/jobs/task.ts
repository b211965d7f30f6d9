import type { ClipInfo } from '#protocol/clip';
import type { Output } from '#protocol/preset';
import type { Rate } from '#protocol/time';

/**
 * One step of work on frames, as data: the name of a row in `worker/stage-table.ts` and its parameters.
 * `effects/` turns what a person picked into these.
 */
export type StageNode = {
  readonly stage: 'key' | 'stylize' | 'dream' | 'zoom' | 'composite' | 'upscale' | 'retime' | 'resize';
  readonly params: unknown;
  /** A frame depends on the frames before it: cannot be cut inside a shot, and checkpoints its state. */
  readonly sequential: boolean;
};

/** Where a task's frames come from: the clip itself, or the stored frames of earlier tasks (one per shot, in order). */
export type FrameSource =
  | { readonly from: 'clip'; readonly clip: string }
  | { readonly from: 'tasks'; readonly tasks: readonly { readonly task: string; readonly first: number; readonly last: number }[] };

/** Source frames `first` to `last` at the clip's rate, both included. */
export type Span = { readonly first: number; readonly last: number };

/**
 * A part of a job that can be done, retried and stored on its own. `id` is the hash of everything that its output
 * depends on (clip, span, stages with parameters, nets, seed, the ids of the tasks it reads).
 */
export type Task =
  /** Finds cuts and counts frames; everything else is planned from its answer. */
  | { readonly kind: 'analyse'; readonly id: string; readonly clip: string; readonly span: Span }
  /** One shot through stages up to and including one sequential stage; frames are stored one by one. */
  | {
      readonly kind: 'paint';
      readonly id: string;
      readonly needs: readonly string[];
      readonly source: FrameSource;
      readonly span: Span;
      /** Frames before `span.first` that are worked on but not delivered, so that the first delivered one is settled. */
      readonly handle: number;
      readonly stages: readonly StageNode[];
      readonly seed: number;
      /** Share of the whole job's work. */
      readonly units: number;
    }
  /** A chunk of the finished clip: stateless stages, retime, encode to a segment of its own. */
  | {
      readonly kind: 'deliver';
      readonly id: string;
      readonly needs: readonly string[];
      readonly source: FrameSource;
      /** The whole range at source rate, with its cuts: a chunk near a cut must know it. */
      readonly span: Span;
      readonly cuts: readonly number[];
      /** Output frames of this chunk, both included, counted from 0 at `rate`. */
      readonly out: Span;
      readonly sourceRate: Rate;
      readonly rate: Rate;
      readonly stages: readonly StageNode[];
      readonly output: Output;
      readonly seed: number;
      readonly units: number;
    }
  /** Joins the segments without encoding again, decodes the result in full and counts its frames. */
  | {
      readonly kind: 'join';
      readonly id: string;
      readonly needs: readonly string[];
      readonly frames: number;
      readonly rate: Rate;
      readonly width: number;
      readonly height: number;
      readonly output: Output;
      readonly units: number;
    };

/** What `analyse` finds. */
export type Analysis = {
  readonly frames: number;
  /** First frames of shots, inside the span, not counting its first frame. */
  readonly cuts: readonly number[];
};

/** Everything that a worker needs to run one task; small JSON. */
export type TaskOrder = {
  readonly job: string;
  readonly task: Task;
  readonly clip: ClipInfo;
  readonly folders: { readonly clips: string; readonly job: string; readonly images: string; readonly nets: string };
  readonly provider: string;
  /** 0 for the first try; later tries work smaller. */
  readonly attempt: number;
};
