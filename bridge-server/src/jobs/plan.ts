import type { ClipInfo } from '#protocol/clip';
import {
  embeddedFastNet,
  embeddedFeatureNet,
  fitKey,
  fitOrder,
  type FitOrder,
  type StyleParams,
} from '#protocol/effects/style';
import { AppError } from '#protocol/errors';
import type { JobSpec } from '#protocol/job';
import { sameRate, sourcePosition } from '#protocol/time';
import { planChain, type Chain } from '../effects/chain';
import type { RetimeStageParams } from '../effects/retime';
import type { Machine, Size } from '../effects/size';
import { hashOf } from './canonical';
import { sizeAfter, workOf, workOfFit, type Work } from './cost';
import type { Analysis, FrameSource, Span, StageNode, Task } from './task';

type DeliverTask = Extract<Task, { kind: 'deliver' }>;
type PaintTask = Extract<Task, { kind: 'paint' }>;

/**
 * Part of every task's id: raised when the same parameters give other pixels than before, so that nothing old is taken
 * for new.
 */
export const outputVersion = 5;

/** Frames worked on before a range that begins in mid-shot: after these, paint that follows motion has settled. */
const handleFrames = 6;
/** Output frames per segment: small where an upscaler makes each frame dear, so that little is lost with a process. */
const chunkFrames = { dear: 48, cheap: 200 } as const;

/** What a plan depends on beside the job: the machine's kind, and which file stands behind each net's name. */
export type PlanContext = {
  readonly machine: Machine;
  readonly nets?: Readonly<Record<string, string>>;
  /** Seconds for some work; relative weights are enough. */
  readonly seconds: (work: Work) => number;
  /** Whether what stands under a `fitKey` was fitted before, and is kept. */
  readonly isFitted?: (key: string) => boolean;
};

/** Frames of the clip that a job delivers. @throws AppError RANGE_OUTSIDE */
export function rangeOf(spec: JobSpec, clip: ClipInfo): Span {
  if (!spec.range) return { first: 0, last: clip.frames - 1 };
  const { first, last } = spec.range;
  if (!sameRate(spec.range.rate, clip.rate) || last >= clip.frames)
    throw new AppError('RANGE_OUTSIDE', { first, last, frames: clip.frames });
  return { first, last };
}

/**
 * The task that finds cuts, or undefined where nothing depends on them: no stage looks at neighbours.
 * @throws AppError RANGE_OUTSIDE, SIZE_REFUSED, OUTPUT_UNSUITABLE
 */
export function planAnalysis(spec: JobSpec, clip: ClipInfo, machine: Machine): Task | undefined {
  const range = rangeOf(spec, clip);
  const { stages } = planChain(spec.preset, clip, range, machine);
  const looks =
    stages.some(node => node.stage === 'retime' || node.sequential) && !stages.some(node => node.stage === 'zoom');
  if (!looks || clip.isStill || range.first === range.last) return undefined;
  const span = { first: range.first - handleOf(range), last: range.last };
  return {
    kind: 'analyse',
    id: hashOf({ outputVersion, kind: 'analyse', clip: clip.sha256, span }),
    clip: clip.sha256,
    span,
  };
}

function handleOf(range: Span): number {
  return Math.min(handleFrames, range.first);
}

/** The shots that a range is made of, the first one with as many real frames before it as belong to the same shot. */
function shotsOf(range: Span, cuts: readonly number[], wantedHandle: number): { span: Span; handle: number }[] {
  const inside = cuts.filter(cut => cut > range.first && cut <= range.last);
  const starts = [range.first, ...inside];
  const shotStart = Math.max(range.first - wantedHandle, ...cuts.filter(cut => cut <= range.first));
  return starts.map((first, index) => ({
    span: { first, last: (starts[index + 1] ?? range.last + 1) - 1 },
    handle: index === 0 ? range.first - shotStart : 0,
  }));
}

/** Groups of stages, each but the last ending with a sequential one; the last is what a deliver task does. */
function cutAfterSequential(stages: readonly StageNode[]): { paint: StageNode[][]; deliver: StageNode[] } {
  const paint: StageNode[][] = [];
  let open: StageNode[] = [];
  for (const node of stages) {
    open.push(node);
    if (node.sequential) {
      paint.push(open);
      open = [];
    }
  }
  return { paint, deliver: open };
}

function withRetime(stages: readonly StageNode[], change: Partial<RetimeStageParams>): StageNode[] {
  return stages.map(node =>
    node.stage === 'retime' ? { ...node, params: { ...(node.params as RetimeStageParams), ...change } } : node,
  );
}

/** First output frame that shows clip frame `frame` or something after it. */
function firstOutputFrom(frame: number, range: Span, chain: Chain, clip: ClipInfo): number {
  let low = 0;
  let high = chain.frames;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (range.first + sourcePosition(middle, chain.rate, clip.rate).frame >= frame) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The clip frames that an output frame may need: the one under it and the next. */
function neededFrames(out: Span, range: Span, chain: Chain, clip: ClipInfo): Span {
  const first = range.first + sourcePosition(out.first, chain.rate, clip.rate).frame;
  const end = sourcePosition(out.last, chain.rate, clip.rate);
  return {
    first: Math.min(first, range.last),
    last: Math.min(range.last, range.first + end.frame + (end.fraction > 0 ? 1 : 0)),
  };
}

/** Ends of segments: every `length` frames. Lengths do not depend on cuts, so a moved cut changes few segments. */
function chunksOf(frames: number, length: number): Span[] {
  return Array.from({ length: Math.ceil(frames / length) }, (_, index) => ({
    first: index * length,
    last: Math.min(frames, (index + 1) * length) - 1,
  }));
}

/** A job on its way to tasks. */
type Planned = {
  readonly spec: JobSpec;
  readonly clip: ClipInfo;
  readonly range: Span;
  readonly chain: Chain;
  readonly cuts: readonly number[];
  readonly context: PlanContext;
};

/** What the tasks so far leave for the stages after them. */
type Made = {
  readonly source: FrameSource;
  readonly size: Size;
  /** True once stored frames are numbered as output frames. */
  readonly retimed: boolean;
  readonly zoomed: boolean;
};

/**
 * Cuts a job into tasks: per shot one paint task for each sequential stage, segments of the finished clip, one join.
 * Pure: the same arguments always give the same tasks with the same ids.
 * @throws AppError RANGE_OUTSIDE, SIZE_REFUSED, OUTPUT_UNSUITABLE
 */
export function planTasks(spec: JobSpec, clip: ClipInfo, analysis: Analysis | undefined, context: PlanContext): Task[] {
  const range = rangeOf(spec, clip);
  const chain = planChain(spec.preset, clip, range, context.machine);
  const cuts = (analysis?.cuts ?? []).filter(cut => cut > range.first - handleOf(range) && cut <= range.last);
  const planned: Planned = { spec, clip, range, chain, cuts, context };
  const { paint, deliver } = cutAfterSequential(chain.stages);
  const tasks: Task[] = [];
  let made: Made = {
    source: { from: 'clip', clip: clip.sha256 },
    size: { width: clip.width, height: clip.height },
    retimed: false,
    zoomed: false,
  };
  for (const stages of paint) {
    const painted = paintTasks(planned, stages, made);
    tasks.push(...painted);
    const zooms = makesZoom(stages);
    made = {
      source: {
        from: 'tasks',
        tasks: painted.map(task => {
          const { first, last } = task.frames ?? task.span;
          return { task: task.id, first, last };
        }),
      },
      size: stages.reduce((size, node) => sizeAfter(node, size), made.size),
      retimed: made.retimed || zooms || makesTime(stages),
      zoomed: made.zoomed || zooms,
    };
  }
  const segments = deliverTasks(planned, deliver, made);
  return [...tasks, ...segments, joinTask(planned, segments)];
}

const makesZoom = (stages: readonly StageNode[]) => stages.some(node => node.stage === 'zoom');
const makesTime = (stages: readonly StageNode[]) => stages.some(node => node.stage === 'retime');

/** What every task's id holds beside the task itself: all else that its pixels depend on. */
function idOf({ spec, chain, context }: Planned, body: object): string {
  return hashOf({ outputVersion, provider: spec.provider, nets: netsOf(chain.stages, context.nets), ...body });
}

/** Frames to read, frames before them that settle the first, and the frames stored where these are others. */
type Shot = { readonly span: Span; readonly handle: number; readonly frames?: Span };

/** What a group of stages works through shot by shot. */
function paintedShots({ clip, range, chain, cuts }: Planned, stages: readonly StageNode[], made: Made): Shot[] {
  const all = { first: 0, last: chain.frames - 1 };
  if (makesZoom(stages)) {
    const start = made.retimed ? 0 : range.first;
    return [{ span: { first: start, last: start }, handle: 0, frames: all }];
  }
  if (made.zoomed) return [{ span: all, handle: 0 }];
  // A zoom starts from one frame: nothing else need be painted for it.
  const painted = makesZoom(chain.stages) ? { first: range.first, last: range.first } : range;
  const wantedHandle = made.source.from === 'clip' && !clip.isStill ? handleOf(range) : 0;
  const retimes = makesTime(stages);
  return shotsOf(painted, cuts, wantedHandle).flatMap(shot => {
    if (!retimes && !made.retimed) return [shot];
    const frames = {
      first: firstOutputFrom(shot.span.first, range, chain, clip),
      last: firstOutputFrom(shot.span.last + 1, range, chain, clip) - 1,
    };
    // A shot shorter than an output frame shows nowhere.
    if (frames.last < frames.first) return [];
    return retimes ? [{ span: shot.span, handle: 0, frames }] : [{ span: frames, handle: 0 }];
  });
}

function paintTasks(planned: Planned, stages: readonly StageNode[], made: Made): PaintTask[] {
  const { spec, clip, cuts, context } = planned;
  return paintedShots(planned, stages, made).map(({ span, handle, frames }, shot) => {
    const source = made.source.from === 'clip' ? made.source : tasksWithin(made.source, span);
    const stored = frames ?? span;
    const own = withRetime(stages, { cuts, out: stored });
    const count = stored.last - stored.first + 1 + handle;
    const body = { kind: 'paint' as const, source, span, handle, stages: own, frames, seed: spec.seed };
    // The first shot fits for all.
    const fits = shot === 0 ? fitsOf(own).filter(order => !isFitted(order, context)) : [];
    const opening = fits.reduce((sum, order) => sum + context.seconds(workOfFit(order)), 0);
    const units =
      opening +
      secondsOf(own, count, made.size, context) +
      context.seconds({ stage: 'decode', frames: count, work: (count * clip.width * clip.height) / 1e6 });
    return {
      ...body,
      id: idOf(planned, { ...body, clip: clip.sha256 }),
      needs: needsOf(source),
      units,
      ...(opening > 0 ? { opening: opening / units } : {}),
    };
  });
}

/** What stages fit before their first frame. Nets of the user are left out: most of them are not fitted. */
function fitsOf(stages: readonly StageNode[]): FitOrder[] {
  return stages.flatMap(({ stage, params }) => {
    const order = stage === 'stylize' ? fitOrder(params as StyleParams) : undefined;
    return order?.net === embeddedFastNet ? [order] : [];
  });
}

function isFitted(order: FitOrder, { nets, machine, isFitted: isKept }: PlanContext): boolean {
  return isKept?.(fitKey(order, machine.provider, [nets?.[order.net], nets?.[embeddedFeatureNet]])) ?? false;
}

function deliverTasks(planned: Planned, deliver: readonly StageNode[], made: Made): DeliverTask[] {
  const { spec, clip, range, chain, context } = planned;
  const inOutputFrames = made.retimed;
  const retimes = makesTime(deliver);
  const span = inOutputFrames ? { first: 0, last: chain.frames - 1 } : range;
  const dear = deliver.some(node => node.stage === 'upscale');
  return chunksOf(chain.frames, dear ? chunkFrames.dear : chunkFrames.cheap).map(out => {
    const needed = inOutputFrames
      ? chain.reversed
        ? mirrored(out, chain.frames)
        : out
      : neededFrames(out, range, chain, clip);
    const source: FrameSource =
      made.source.from === 'clip'
        ? made.source
        : { ...tasksWithin(made.source, needed), ...(chain.reversed ? { reversed: true as const } : {}) };
    const cuts = inOutputFrames ? [] : planned.cuts.filter(cut => cut > needed.first && cut <= needed.last);
    const stages = withRetime(deliver, { cuts, out });
    const count = out.last - out.first + 1;
    const body = {
      kind: 'deliver' as const,
      source,
      span,
      cuts,
      out,
      sourceRate: inOutputFrames ? chain.rate : clip.rate,
      rate: chain.rate,
      stages,
      output: spec.preset.output,
      seed: spec.seed,
    };
    return {
      ...body,
      id: idOf(planned, { ...body, clip: clip.sha256, size: [chain.width, chain.height] }),
      needs: needsOf(source),
      units:
        secondsOf(stages, count, made.size, context, retimes ? needed.last - needed.first + 1 : count) +
        context.seconds({
          stage: `encode-${spec.preset.output.codec}`,
          frames: count,
          work: (count * chain.width * chain.height) / 1e6,
        }),
    };
  });
}

function joinTask(planned: Planned, segments: readonly DeliverTask[]): Task {
  const { frames, rate, width, height } = planned.chain;
  const body = {
    kind: 'join' as const,
    needs: segments.map(task => task.id),
    frames,
    rate,
    width,
    height,
    output: planned.spec.preset.output,
  };
  return {
    ...body,
    id: idOf(planned, body),
    units: planned.context.seconds({ stage: 'verify', frames, work: (frames * width * height) / 1e6 }),
  };
}

function mirrored(out: Span, frames: number): Span {
  return { first: frames - 1 - out.last, last: frames - 1 - out.first };
}

function needsOf(source: FrameSource): string[] {
  return source.from === 'clip' ? [] : [...new Set(source.tasks.map(part => part.task))];
}

function tasksWithin(
  source: Extract<FrameSource, { from: 'tasks' }>,
  span: Span,
): Extract<FrameSource, { from: 'tasks' }> {
  return { from: 'tasks', tasks: source.tasks.filter(part => part.last >= span.first && part.first <= span.last) };
}

/** Seconds of a list of stages for `frames` frames that leave it; `before` of them enter where a retime makes more. */
function secondsOf(
  stages: readonly StageNode[],
  frames: number,
  size: Size,
  context: PlanContext,
  before = frames,
): number {
  let current = size;
  let count = before;
  let sum = 0;
  for (const node of stages) {
    current = sizeAfter(node, current);
    if (node.stage === 'retime' || node.stage === 'zoom') count = frames;
    sum += context.seconds(workOf(node, count, current));
  }
  return sum;
}

/** The files behind the nets that stages name, so that a replaced net is not taken for the old one. */
function netsOf(stages: readonly StageNode[], nets: Readonly<Record<string, string>> = {}): Record<string, string> {
  const text = JSON.stringify(stages.map(node => node.params));
  return Object.fromEntries(Object.entries(nets).filter(([name]) => text.includes(`"${name}"`)));
}

/**
 * What a task had to do, to be set against the seconds that it took.
 * @param stored size of the frames that it reads from other tasks, where it is known
 */
export function worksOf(task: Task, clip: ClipInfo, stored?: Size): Work[] {
  if (task.kind === 'analyse') return [];
  const megapixels = ({ width, height }: Size) => (width * height) / 1e6;
  if (task.kind === 'join') return [{ stage: 'verify', frames: task.frames, work: task.frames * megapixels(task) }];
  const made = task.kind === 'paint' ? (task.frames ?? task.span) : task.out;
  const frames = made.last - made.first + 1 + (task.kind === 'paint' ? task.handle : 0);
  const retimes = task.stages.some(node => node.stage === 'retime');
  const input = !retimes
    ? frames
    : task.kind === 'deliver'
      ? Math.ceil((frames * task.sourceRate.num * task.rate.den) / (task.sourceRate.den * task.rate.num))
      : task.span.last - task.span.first + 1;
  const fromClip = task.source.from === 'clip';
  let size: Size = (fromClip ? undefined : stored) ?? { width: clip.width, height: clip.height };
  let count = task.stages.some(node => node.stage === 'zoom') ? 1 : input;
  // Frames stored by earlier tasks may have another size than the clip's, until a stage says what it makes of them.
  let sizeKnown = fromClip || stored !== undefined;
  const works: Work[] = fromClip ? [{ stage: 'decode', frames: count, work: count * megapixels(size) }] : [];
  for (const node of task.stages) {
    sizeKnown ||= node.stage === 'resize' || node.stage === 'upscale';
    size = sizeAfter(node, size);
    if (node.stage === 'retime' || node.stage === 'zoom') count = frames;
    if (sizeKnown) works.push(workOf(node, count, size));
  }
  works.push(...fitsOf(task.stages).map(workOfFit));
  if (task.kind === 'deliver' && sizeKnown)
    works.push({ stage: `encode-${task.output.codec}`, frames, work: frames * megapixels(size) });
  return works;
}
