import { isSameSize, type Frame } from '../frame/frame';
import { AppError } from '#protocol/errors';
import type { Figures, Notice } from '#protocol/report';
import { checkFrame, outliersOf, type Checked, type Defect } from './check-frames';
import { createMotionSource, type Motion } from './flow/motion';
import type { FlowPair, FlowProvider } from './flow/provider';
import {
  comparable,
  createFlickerCounter,
  gradientEnergy,
  meanOf,
  psnr,
  stabilityError,
  stabilityTermOfPair,
  warpingErrorOfPair,
  type FlickerCounter,
} from './measure-pair';
import { consistency } from './occlusion';
import { resizeFrame } from './resize';
import { resizeFlow, type Size } from './warp';

export type MeasureOptions = {
  readonly flow: FlowProvider;
  /** Loss of a finished frame against the style; the source frame is given for losses that need it. */
  readonly styleLoss?: (frame: Frame, source: Frame) => Promise<number>;
  /** The frame as the same effects make it alone, without a look at its neighbours; undefined where that is not known. */
  readonly independent?: (source: Frame) => Promise<Frame | undefined>;
  /** Look at `window` frames of every `stride` only; the others are counted and checked for damage. */
  readonly sample?: { readonly window: number; readonly stride: number };
  /** Longer side at which frames are compared; their own size when absent. */
  readonly maxSide?: number;
  /** Frames of which a small picture is kept, evenly spread over the samples; 0 for none. */
  readonly thumbnailEvery?: number;
  readonly signal?: AbortSignal;
  readonly notice?: (notice: Notice) => void;
  readonly progress?: (frame: number) => void;
};

/** What was found at one frame; pairs are filed under their later frame. Absent: not looked at, or nothing to compare. */
export type FrameFigures = {
  readonly index: number;
  readonly warpingError?: number;
  readonly warpingErrorSource?: number;
  readonly warpingErrorIndependent?: number;
  /** Root of the pair's stability term, so that it can be plotted beside the clip's figure. */
  readonly stability?: number;
  readonly stabilitySource?: number;
  readonly stabilityIndependent?: number;
  /** 95th percentile of the back-and-forth change, of the frame before. */
  readonly flicker?: number;
  readonly flickerSource?: number;
  readonly sharpness?: number;
  readonly sharpnessIndependent?: number;
  readonly sharpnessSource?: number;
  readonly styleLoss?: number;
  readonly styleLossIndependent?: number;
  readonly psnr?: number;
  /** Share of the picture that no motion explains. */
  readonly unreliable?: number;
  readonly shotStart?: boolean;
  readonly defects: readonly Defect[];
};

export type ClipFigures = {
  readonly frames: number;
  readonly width: number;
  readonly height: number;
  readonly sampledFrames: number;
  readonly pairs: number;
  /** Mean squared warping error (Lai et al.), the source's own, and the ratio of the two. */
  readonly warpingError?: number;
  readonly warpingErrorSource?: number;
  readonly warpingErrorRatio?: number;
  readonly warpingErrorIndependent?: number;
  /** Stability error (ReCoNet), and that of the independent frames. */
  readonly stabilityError?: number;
  readonly stabilityErrorSource?: number;
  readonly stabilityErrorIndependent?: number;
  readonly flicker?: number;
  readonly flickerSource?: number;
  readonly styleLoss?: number;
  /** Relative to the independent frames: 1 is as much style. */
  readonly styleLossRatio?: number;
  readonly styleOutliers: readonly number[];
  /** Gradient energy relative to the independent frames, or to the source: below 1 is softer. */
  readonly sharpnessRatio?: number;
  readonly sharpnessRatioSource?: number;
  /** Against the source; low where the clip is painted. Infinite for equal clips. */
  readonly psnr?: number;
  readonly defectTiles: number;
  readonly defectFrames: readonly number[];
};

export type Measured = {
  readonly figures: ClipFigures;
  readonly series: readonly FrameFigures[];
  readonly thumbnails: readonly Frame[];
};

const thumbnailWidth = 128;

type Found = { -readonly [K in keyof FrameFigures]: FrameFigures[K] };

/** A finished frame, its source at the same moment (at the same size, and as it is), and what it looks like made alone. */
type Sample = {
  readonly frame: Frame;
  readonly source: Frame;
  readonly raw: Frame;
  readonly independent?: Frame;
  readonly toPrevious?: FlowPair;
  readonly mask?: Float32Array;
};

/** How one frame is to be looked at. */
export type Look = {
  /** No pair with the frame before. */
  readonly shotStart: boolean;
  /** Counted and checked for damage only, when false. */
  readonly looked: boolean;
  /** What is known to be wrong with it; looked for when absent. */
  readonly defects?: readonly Defect[];
};

export type Meter = {
  /** The next frame of the result, and its source. @returns what was found at it; @throws AppError CANCELLED */
  add(shown: Frame, source: Frame, look: Look): Promise<FrameFigures>;
  /** The figures of all frames so far. */
  measured(): Measured;
};

export type MeterOptions = Omit<MeasureOptions, 'sample' | 'progress'> & {
  /** What was found at the frames before the first that is added. */
  readonly known?: readonly FrameFigures[];
};

/**
 * The figures of finished frames beside their sources, at one rate. Flow is computed on the source. Nothing is compared
 * across a cut or where the flow cannot be true. Memory does not grow with the clip.
 */
export function createMeter(options: MeterOptions): Meter {
  const { maxSide, thumbnailEvery = 0, signal, known: before = [] } = options;
  const notice = (notice: Notice) => options.notice?.(notice);
  const motions = createMotionSource(options.flow, { stage: 'measure', notice, limit: 2 });
  const series: FrameFigures[] = [...before];
  const thumbnails: Frame[] = [];
  const totals: Totals = { flicker: createFlickerCounter(), flickerSource: createFlickerCounter() };
  let previousChecked: Checked | undefined;
  let trail: Sample[] = [];
  let size = { width: 0, height: 0 };
  let sampled = before.filter(isSampled).length;

  const lookAt = async (shown: Frame, source: Frame, index: number, shotStart: boolean, found: Found) => {
    sampled++;
    const frame = { ...fitted(shown, maxSide), index };
    const raw = { ...source, index };
    const original = resizeFrame(raw, frame.width, frame.height);
    if (thumbnailEvery > 0 && (sampled - 1) % thumbnailEvery === 0)
      thumbnails.push({ ...fitted(frame, thumbnailWidth), index });

    const independentFrame = await options.independent?.(source);
    const independent = independentFrame && resizeFrame(independentFrame, frame.width, frame.height);
    found.sharpness = gradientEnergy(frame);
    found.sharpnessSource = gradientEnergy(original);
    found.psnr = psnr(frame.rgb, original.rgb);
    if (independent) found.sharpnessIndependent = gradientEnergy(independent);
    if (options.styleLoss) {
      found.styleLoss = await options.styleLoss(frame, original);
      if (independent) found.styleLossIndependent = await options.styleLoss(independent, original);
    }

    const here: Sample = { frame, source: original, raw, ...(independent ? { independent } : {}) };
    const last = trail.at(-1);
    const motion =
      shotStart || !last || !isSameSize(last.frame, frame)
        ? undefined
        : await motionBetween(motions.between, last, here);
    if (!last || !motion || motion.doubt !== undefined) {
      if (motion) found.unreliable = 1;
      trail = [here];
      return;
    }
    const maps = comparePair(last, here, motion, found);
    const beforeLast = trail.at(-2);
    if (beforeLast && last.toPrevious && last.mask) {
      const both = last.mask.map((value, p) => value * maps.onLast[p]);
      const turn = [last.toPrevious.backward, motion.forward, both, frame] as const;
      found.flicker = totals.flicker.add(last.frame.rgb, beforeLast.frame.rgb, frame.rgb, ...turn);
      found.flickerSource = totals.flickerSource.add(last.source.rgb, beforeLast.source.rgb, original.rgb, ...turn);
    }
    trail = [last, { ...here, toPrevious: motion, mask: maps.onThis }];
  };

  return {
    async add(shown, source, { shotStart, looked, defects: known }) {
      if (signal?.aborted) throw new AppError('CANCELLED');
      const index = series.length;
      size = { width: shown.width, height: shown.height };
      const checked: Checked = { frame: shown, content: source };
      const defects = known ?? checkFrame(checked, shotStart ? undefined : previousChecked);
      previousChecked = checked;
      const found: Found = { index, defects, ...(shotStart ? { shotStart } : {}) };
      series.push(found);
      if (looked) await lookAt(shown, source, index, shotStart, found);
      else trail = [];
      return found;
    },
    measured: () => ({ figures: summarise(series, totals, sampled, size), series, thumbnails }),
  };
}

/**
 * The figures of a finished clip beside its source; frames of both are numbered by their place in the stream, and a
 * shot begins where either says so (`shotStart`).
 * @throws AppError RESULT_INCOMPLETE when the source ends before the result
 */
export async function measureClip(
  result: AsyncIterable<Frame>,
  source: AsyncIterable<Frame>,
  options: MeasureOptions,
): Promise<Measured> {
  const { sample } = options;
  const meter = createMeter(options);
  const sources = source[Symbol.asyncIterator]();
  let index = 0;
  try {
    for await (const shown of result) {
      const item = await sources.next();
      if (item.done) throw new AppError('RESULT_INCOMPLETE', { actual: index, expected: index + 1 });
      const shotStart = index === 0 || shown.shotStart === true || item.value.shotStart === true;
      const looked = !sample || index % sample.stride < sample.window;
      await meter.add(shown, item.value, { shotStart, looked });
      options.progress?.(index);
      index++;
    }
  } finally {
    await sources.return?.();
  }
  return meter.measured();
}

const isSampled = (at: FrameFigures) => at.sharpness !== undefined;

/** Everything of which only a sum over the clip is kept. */
type Totals = {
  readonly flicker: FlickerCounter;
  readonly flickerSource: FlickerCounter;
};

/** @returns where the pair can be compared, on each frame's own grid */
function comparePair(
  last: Sample,
  here: Sample,
  motion: FlowPair,
  found: Found,
): { onLast: Float32Array; onThis: Float32Array } {
  const { frame } = here;
  const onLast = comparable(consistency(motion.forward, motion.backward, frame, { differences: 'forward' }));
  const onThis = comparable(consistency(motion.backward, motion.forward, frame, { differences: 'forward' }));
  found.unreliable = 1 - onThis.reduce((sum, value) => sum + value, 0) / onThis.length;
  const warping = (a: Frame, b: Frame) => known(warpingErrorOfPair(a.rgb, b.rgb, motion.forward, onLast, frame));
  const stability = (a: Frame, b: Frame) =>
    Math.sqrt(stabilityTermOfPair(b.rgb, a.rgb, motion.backward, onThis, frame));
  found.warpingError = warping(last.frame, frame);
  found.warpingErrorSource = warping(last.source, here.source);
  found.stability = stability(last.frame, frame);
  found.stabilitySource = stability(last.source, here.source);
  if (last.independent && here.independent) {
    found.warpingErrorIndependent = warping(last.independent, here.independent);
    found.stabilityIndependent = stability(last.independent, here.independent);
  }
  return { onLast, onThis };
}

/** Motion of the source at the size of the result, searched on the source's own pixels rather than on enlarged ones. */
async function motionBetween(
  between: (a: Frame, b: Frame) => Promise<Motion>,
  last: Sample,
  here: Sample,
): Promise<FlowPair & { readonly doubt?: string }> {
  if (here.raw.width > here.frame.width || !isSameSize(last.raw, here.raw)) return between(last.source, here.source);
  const { forward, backward, doubt } = await between(last.raw, here.raw);
  return {
    forward: resizeFlow(forward, here.raw, here.frame),
    backward: resizeFlow(backward, here.raw, here.frame),
    ...(doubt === undefined ? {} : { doubt }),
  };
}

function fitted(frame: Frame, maxSide: number | undefined): Frame {
  const factor = maxSide === undefined ? 1 : Math.min(1, maxSide / Math.max(frame.width, frame.height));
  if (factor === 1) return frame;
  return resizeFrame(
    frame,
    Math.max(16, Math.round(frame.width * factor)),
    Math.max(16, Math.round(frame.height * factor)),
  );
}

function summarise(series: readonly FrameFigures[], totals: Totals, sampledFrames: number, size: Size): ClipFigures {
  const mean = (
    key:
      | 'warpingError'
      | 'warpingErrorSource'
      | 'warpingErrorIndependent'
      | 'sharpness'
      | 'sharpnessIndependent'
      | 'sharpnessSource'
      | 'styleLoss'
      | 'styleLossIndependent',
  ) => known(meanOf(series.map(at => at[key])));
  const stability = (key: 'stability' | 'stabilitySource' | 'stabilityIndependent') =>
    known(stabilityError(series.flatMap(at => (at[key] === undefined ? [] : [at[key] ** 2]))));
  const ratio = (a: number | undefined, b: number | undefined) =>
    a === undefined || b === undefined || b === 0 ? undefined : a / b;
  const losses = series.filter(at => at.styleLoss !== undefined);
  // A mean of squares first: the mean of decibels would hide one bad frame behind many perfect ones.
  const squares = meanOf(series.map(at => (at.psnr === undefined ? undefined : 10 ** (-at.psnr / 10))));
  const sharpnessOfCompared = meanOf(
    series.filter(at => at.sharpnessIndependent !== undefined).map(at => at.sharpness),
  );
  const lossOfCompared = meanOf(series.filter(at => at.styleLossIndependent !== undefined).map(at => at.styleLoss));
  return {
    frames: series.length,
    width: size.width,
    height: size.height,
    sampledFrames,
    pairs: series.filter(at => at.warpingError !== undefined).length,
    warpingError: mean('warpingError'),
    warpingErrorSource: mean('warpingErrorSource'),
    warpingErrorRatio: ratio(mean('warpingError'), mean('warpingErrorSource')),
    warpingErrorIndependent: mean('warpingErrorIndependent'),
    stabilityError: stability('stability'),
    stabilityErrorSource: stability('stabilitySource'),
    stabilityErrorIndependent: stability('stabilityIndependent'),
    flicker: known(totals.flicker.percentile()),
    flickerSource: known(totals.flickerSource.percentile()),
    styleLoss: mean('styleLoss'),
    styleLossRatio: ratio(known(lossOfCompared), mean('styleLossIndependent')),
    styleOutliers: outliersOf(losses.map(at => at.styleLoss!)).map(i => losses[i].index),
    sharpnessRatio: ratio(known(sharpnessOfCompared), mean('sharpnessIndependent')),
    sharpnessRatioSource: ratio(mean('sharpness'), mean('sharpnessSource')),
    psnr: known(-10 * Math.log10(squares)),
    defectTiles: series.reduce(
      (sum, at) => sum + at.defects.reduce((count, defect) => count + defect.tiles.length, 0),
      0,
    ),
    defectFrames: series.filter(at => at.defects.length > 0).map(at => at.index),
  };
}

function known(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value;
}

/**
 * What a job's report carries. Where nothing else was painted alone to compare with, the frames that begin a shot stand
 * for it: they had no other before them.
 */
export function toReportFigures({ figures, series }: Measured): Figures {
  const { warpingError, warpingErrorSource, stabilityError: stability, defectTiles, sampledFrames } = figures;
  const ratio = (key: 'styleLoss' | 'sharpness') => {
    const alone = meanOf(series.filter(at => at.shotStart).map(at => at[key]));
    const led = meanOf(series.filter(at => !at.shotStart).map(at => at[key]));
    return alone > 0 ? known(led / alone) : undefined;
  };
  return {
    warpingError,
    warpingErrorSource,
    stabilityError: stability,
    styleLossRatio: figures.styleLossRatio ?? ratio('styleLoss'),
    sharpnessRatio: figures.sharpnessRatio ?? ratio('sharpness'),
    defectTiles,
    sampledFrames,
  };
}
