import { isSameSize, type Frame } from '../../frame/frame';
import type { StageContext } from '../../pipeline/stage';
import type { StyleParams } from '#protocol/effects/style';
import { AppError } from '#protocol/errors';
import { checkFrame } from '../check-frames';
import { createFlowProvider } from '../flow';
import { createMotionSource } from '../flow/motion';
import type { MotionSource } from '../flow/motion';
import { carryPaint } from './carry';
import { colourStatistics, lumaDeviation, matchColours } from './colour';
import type { ColourMap } from './colour';
import { paintIndependent } from './independent';
import { paintNext, riper } from './next-frame';
import type { Painted } from './paint';
import { finished, maskOf, toEasel, toResult } from './painted-frame';
import { paintPasses } from './passes';
import { followLight, fromTensors, hasAwoken, rememberedLosses, toTensors } from './shot';
import type { PaintedFrame, Shot } from './shot';
import { openStudio } from './studio';
import type { Studio } from './studio';

/** Every so many frames one is kept for longer, and so many of them: about a second at 25 frames a second. */
const keepEvery = 12;
const keptFrames = 2;
/** A loss this far above the median of the last frames is no painting any more (methods reference 2.6). */
const outlierFactor = 1.3;
const leastLosses = 4;
/** Previews of a first frame, in steps. */
const previewEvery = 10;

/** Gatys optimisation frame by frame, each shot from its own first frame on. */
export async function* stylizeByOptimising(
  input: AsyncIterable<Frame>,
  params: StyleParams,
  ctx: StageContext,
): AsyncIterable<Frame> {
  const motions = createMotionSource(createFlowProvider(params.flow, ctx), {
    stage: 'stylize',
    notice: ctx.notice,
    flows: ctx.flows,
  });
  let studio: Studio | undefined;
  let shot: Shot | undefined;
  let isFirst = true;
  try {
    for await (const group of groupFrames(input, params.passes > 1 ? groupLength : 1)) {
      ctx.signal.throwIfAborted();
      const masked = group.some(isMasked);
      const [first] = group;
      if (studio === undefined || studio.masked !== masked || !isSameSize(studio.size, first))
        studio = await openStudio(ctx, params, first, masked);
      if (isFirst && ctx.resumed?.nextIndex === first.index) shot = fromTensors(ctx.resumed.tensors, first);
      isFirst = false;
      if (first.shotStart || (shot && !isSameSize(shot.previous.content, first))) shot = undefined;
      const leading = shot?.previous;
      const painted: PaintedFrame[] = [];
      const colours: ColourMap[] = [];
      const begins = new Set<number>();
      for (const frame of group) {
        const work = { studio, params, ctx, motions, frame };
        if (shot && hasAwoken(shot, frame, ctx.notice)) shot = undefined;
        if (shot === undefined) begins.add(painted.length);
        shot = shot === undefined ? await beginShot(work) : await continueShot(work, shot);
        painted.push(shot.previous);
        colours.push(shot.colours);
      }
      const begun = shot as Shot;
      const passes = { studio, params, ctx, motions, shot: begun, group, colours, leading, begins };
      const final = params.passes > 1 ? await paintPasses(passes, painted) : painted;
      shot = withFinal(begun, painted, final);
      for (let i = 0; i < group.length; i++) yield toResult(final[i], group[i], params, colours[i]);
      ctx.store({ nextIndex: group[group.length - 1].index + 1, tensors: toTensors(shot) });
    }
  } finally {
    await motions.close();
  }
}

/** Frames that are painted together when there are several passes: what they all need at once must fit in memory. */
const groupLength = 8;

/** Groups of up to `length` frames of one shot and size. */
async function* groupFrames(input: AsyncIterable<Frame>, length: number): AsyncIterable<readonly Frame[]> {
  let group: Frame[] = [];
  for await (const frame of input) {
    if (group.length > 0 && (frame.shotStart || group.length === length || !isSameSize(frame, group[0]))) {
      yield group;
      group = [];
    }
    group.push(frame);
    if (length === 1) {
      yield group;
      group = [];
    }
  }
  if (group.length > 0) yield group;
}

/** Also where all of it is opaque: the next frame's may not be. */
const isMasked = (frame: Frame) => frame.alpha !== undefined;

/** The shot with the frames that later passes made in place of the first ones. */
function withFinal(shot: Shot, painted: readonly PaintedFrame[], final: readonly PaintedFrame[]): Shot {
  const replaced = (frame: PaintedFrame) => (painted.includes(frame) ? final[painted.indexOf(frame)] : frame);
  return { ...shot, previous: replaced(shot.previous), earlier: shot.earlier.map(replaced) };
}

/** One frame and what it is painted with. */
export type Work = {
  readonly studio: Studio;
  readonly params: StyleParams;
  readonly ctx: Pick<StageContext, 'signal' | 'random' | 'progress' | 'notice'>;
  readonly frame: Frame;
};
type NextWork = Work & { readonly motions: MotionSource };

/** Paints the first frame of a shot. */
export async function beginShot(work: Work): Promise<Shot> {
  const { frame, studio } = work;
  const footage = colourStatistics(frame.rgb, frame.alpha);
  const colours = matchColours(footage, studio.stylePalette);
  const random = work.ctx.random(frame.index);
  const painted = await mend(work, colours, undefined, await paintAlone(work, colours, random), random);
  const done = finished(frame, painted);
  return {
    previous: done,
    earlier: [done],
    colours,
    anchor: colourStatistics(done.painted, frame.alpha),
    footage,
    contrast: lumaDeviation(footage),
    ...(painted.moments ? { carried: { moments: painted.moments, steps: painted.steps } } : {}),
    styleLosses: [painted.losses.style],
    sinceKept: 0,
  };
}

async function continueShot(work: NextWork, before: Shot): Promise<Shot> {
  const { frame, studio, motions, params, ctx } = work;
  const { light } = await motions.between(before.previous.content, frame);
  const shot = followLight(before, light, frame, studio.stylePalette);
  const random = ctx.random(frame.index);
  const carried = await carryPaint(shot, frame, motions, params.longTerm);
  const isAlone = carried.exposedShare >= 1;
  const first = isAlone
    ? await paintAlone(work, shot.colours, random)
    : await paintNext(
        studio,
        { photograph: toEasel(frame.rgb, shot.colours), ...maskOf(frame), carried, shot, random },
        ctx,
      );
  const painted = await mend(work, shot.colours, before, first, random);
  const done = finished(frame, painted, isAlone || painted !== first ? undefined : riper(carried.maturity));
  const keep = shot.sinceKept + 1 >= keepEvery;
  return {
    ...shot,
    previous: done,
    earlier: keep ? [done, ...shot.earlier].slice(0, keptFrames) : shot.earlier,
    ...(painted.moments
      ? { carried: { moments: painted.moments, steps: (shot.carried?.steps ?? 0) + painted.steps } }
      : {}),
    styleLosses: [...shot.styleLosses, painted.losses.style].slice(-rememberedLosses),
    sinceKept: keep ? 0 : shot.sinceKept + 1,
  };
}

/**
 * Looks at a painted frame, and paints one with a defect, or one that came out much less painted than those before
 * it, once more without them. Whatever comes of it stands in the report.
 */
async function mend(
  work: Work,
  colours: ColourMap,
  shot: Shot | undefined,
  painted: Painted,
  random: () => number,
): Promise<Painted> {
  const { ctx, frame } = work;
  const before = faultsOf(work, colours, shot, painted);
  if (before.length === 0) return painted;
  const again = await paintAlone(work, colours, random);
  const after = faultsOf(work, colours, shot, again);
  const better =
    after.length < before.length || (after.length === before.length && again.losses.style < painted.losses.style);
  if (after.some(isBroken) && before.some(isBroken))
    throw new AppError('FRAME_DEFECT', { frame: frame.index, defect: 'not a picture' });
  ctx.notice({
    kind: after.length === 0 ? 'frame-repaired' : 'frame-suspect',
    stage: 'stylize',
    frame: frame.index,
    text: `${before.join('; ')}. Painted anew${after.length === 0 ? '.' : `: ${better ? after.join('; ') : 'it was no better'}.`}`,
  });
  return better ? again : painted;
}

const broken = 'the frame holds values that are not numbers';
const isBroken = (fault: string) => fault === broken;

/** What is wrong with a frame, in words. */
function faultsOf(work: Work, colours: ColourMap, shot: Shot | undefined, painted: Painted): string[] {
  const { frame, params } = work;
  if (!painted.image.every(Number.isFinite)) return [broken];
  const faults: string[] = [];
  const usual = shot && shot.styleLosses.length >= leastLosses ? median(shot.styleLosses) : Infinity;
  if (painted.losses.style > outlierFactor * usual) {
    faults.push(`the style loss is ${(painted.losses.style / usual).toFixed(2)} times that of the frames before`);
  }
  const result = toResult(finished(frame, painted), frame, params, colours);
  const previous = shot && {
    frame: toResult(shot.previous, shot.previous.content, params, shot.colours),
    content: shot.previous.content,
  };
  return [...faults, ...checkFrame({ frame: result, content: frame }, previous).map(defect => defect.text)];
}

async function paintAlone(work: Work, colours: ColourMap, random: () => number): Promise<Painted> {
  const { studio, params, ctx, frame } = work;
  return paintIndependent(
    studio,
    { photograph: toEasel(frame.rgb, colours), ...maskOf(frame), random },
    {
      signal: ctx.signal,
      onStep: async (done, total, picture) => {
        if (done % previewEvery !== 0) return;
        const preview = toResult(finished(frame, { image: await picture() }), frame, params, colours);
        ctx.progress({ frame: frame.index, done, total, preview });
      },
    },
  );
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
