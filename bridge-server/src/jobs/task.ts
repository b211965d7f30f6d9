import type { ClipInfo } from '#protocol/clip';
import type { ErrorJson } from '#protocol/errors';
import type { Output } from '#protocol/preset';
import type { Figures, Notice } from '#protocol/report';
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
  | {
      readonly from: 'tasks';
      readonly tasks: readonly { readonly task: string; readonly first: number; readonly last: number }[];
      /** The stored frames are played backwards: frame `first` of the stream is the last one stored. */
      readonly reversed?: true;
    };

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
      /** Numbers of the frames that are stored, where they are not those of `span`: a zoom, or a retime before the style. */
      readonly frames?: Span;
      readonly seed: number;
      /** Share of the whole job's work. */
      readonly units: number;
      /** Share of `units` that goes by before the first frame is begun: a net is fitted to a style. */
      readonly opening?: number;
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
  /** Where the delivered clip begins in the source, and both rates: numbers the previews of frames that count as the source does. */
  readonly delivered?: { readonly first: number; readonly from: Rate; readonly to: Rate };
};

/**
 * What the server process says to a worker over the process channel. A worker does one `run` at a time; `still`,
 * `atlas` and `sections` go to a worker of their own, so that a preview never waits for a render.
 */
export type WorkerRequest =
  | { readonly type: 'run'; readonly order: TaskOrder }
  | { readonly type: 'still'; readonly id: number; readonly order: StillOrder }
  | { readonly type: 'atlas'; readonly id: number; readonly order: AtlasOrder }
  | { readonly type: 'sections'; readonly id: number; readonly clip: string; readonly clips: string }
  /** Ends the still or atlas with this number; a task is stopped by ending the process. */
  | { readonly type: 'stop'; readonly id: number }
  | { readonly type: 'close' };

/** One frame with a preset's stages; pictures are written to `folder` and named in `still` events, sharper each time. */
export type StillOrder = {
  readonly clip: ClipInfo;
  readonly frame: number;
  readonly stages: readonly StageNode[];
  /** Longer side of the preview, in pixels. */
  readonly maxSide: number;
  readonly seed: number;
  readonly provider: string;
  readonly folder: string;
  readonly folders: { readonly clips: string; readonly images: string; readonly nets: string };
};

/** One picture per layer of a net (or per channel of one layer), written to `folder`. */
export type AtlasOrder = {
  readonly net: string;
  readonly image?: string;
  readonly channelsOf?: string;
  readonly provider: string;
  readonly folder: string;
  readonly folders: { readonly clips: string; readonly images: string; readonly nets: string };
};

/** What a worker knows after a task; the engine files it beside the output as `done.json` and makes the report of it. */
export type TaskFacts = {
  /** Frames and seconds by stage, in the order of work ("decode", "stylize", "upscale", "encode", "verify" ...). */
  readonly stages: readonly { readonly stage: string; readonly frames: number; readonly seconds: number }[];
  readonly nets?: readonly { readonly name: string; readonly sha256: string; readonly licence: string }[];
  readonly figures?: Figures;
  /** Of `analyse`. */
  readonly analysis?: Analysis;
  /** Of `join`: a file in the job's folder; `verified` only after it was decoded in full and counted. */
  readonly result?: {
    readonly fileName: string;
    readonly sizeBytes: number;
    readonly sha256: string;
    readonly frames: number;
    readonly width: number;
    readonly height: number;
    readonly verified: boolean;
  };
  /** Highest resident memory of the process so far; calibrates later estimates. */
  readonly peakMemoryBytes?: number;
  /** Frames stored, encoded or counted. */
  readonly frames?: number;
  readonly width?: number;
  readonly height?: number;
  readonly seconds?: number;
  readonly provider?: string;
  readonly refused?: readonly { readonly provider: string; readonly reason: string }[];
  /** Name of the machine. */
  readonly host?: string;
  readonly notices?: readonly Notice[];
  /** A segment, a result; for stored frames one entry with the hash of all their hashes. Paths from the job's folder. */
  readonly outputs?: readonly { readonly path: string; readonly sizeBytes: number; readonly sha256: string }[];
};

/** What a worker says. Any message counts as a sign of life; a worker with nothing to say sends `alive` every two seconds. */
export type WorkerEvent =
  | {
      readonly type: 'ready';
      readonly provider: string;
      readonly refused: readonly { readonly provider: string; readonly reason: string }[];
    }
  /** `idleMs` since the last progress of any kind: silence means a dead process, a large value here a hung stage. */
  | {
      readonly type: 'alive';
      readonly doing?: { readonly task: string; readonly stage: string; readonly frame: number };
      readonly idleMs?: number;
      readonly rssBytes?: number;
    }
  /** `done` is the share of this task, 0 to 1; `frame` counts from 0 in the delivered clip. */
  | {
      readonly type: 'progress';
      readonly task: string;
      readonly done: number;
      readonly stage: string;
      readonly frame: number;
    }
  /** `file` lies in the job's `previews/` folder: `<frame>.jpg`. */
  | {
      readonly type: 'preview';
      readonly task: string;
      readonly frame: number;
      readonly file: string;
      readonly final: boolean;
    }
  | { readonly type: 'notice'; readonly task: string; readonly notice: Notice }
  | { readonly type: 'done'; readonly task: string; readonly facts: TaskFacts }
  | { readonly type: 'failed'; readonly task: string; readonly error: ErrorJson }
  | {
      readonly type: 'still';
      readonly id: number;
      readonly file: string;
      readonly done: number;
      readonly total: number;
      readonly final: boolean;
    }
  | {
      readonly type: 'atlas-tile';
      readonly id: number;
      readonly layer: string;
      readonly channels: number;
      readonly file: string;
      readonly done: number;
      readonly total: number;
    }
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly type: 'side-failed'; readonly id: number; readonly error: ErrorJson };
