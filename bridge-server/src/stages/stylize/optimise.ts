import { withPixels } from '../../frame/frame';
import type { Frame } from '../../frame/frame';
import type { StageContext } from '../../pipeline/stage';
import type { StyleParams } from '#protocol/effects/style';
import { AppError } from '#protocol/errors';
import { createFlowProvider } from '../flow';
import { createMotionSource } from '../flow/motion';
import type { MotionSource } from '../flow/motion';
import { carryPaint } from './carry';
import { colourStatistics, inverseColours, keepHues, mapColours, matchColours } from './colour';
import type { ColourMap } from './colour';
import { paintIndependent } from './independent';
import { paintNext } from './next-frame';
import type { Painted } from './paint';
import { fromTensors, rememberedLosses, toTensors } from './shot';
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
export async function* stylizeByOptimising(input: AsyncIterable<Frame>, params: StyleParams, ctx: StageContext): AsyncIterable<Frame> {
  const motions = createMotionSource(createFlowProvider(params.flow, { nets: ctx.nets, signal: ctx.signal }), { stage: 'stylize', notice: ctx.notice });
  let studio: { readonly masked: boolean; readonly width: number; readonly height: number; readonly open: Studio } | undefined;
  let shot: Shot | undefined;
  let isFirst = true;
  try {
    for await (const frame of input) {
      ctx.signal.throwIfAborted();
      const { width, height } = frame;
      const masked = frame.alpha !== undefined && frame.alpha.some(alpha => alpha < 1);
      if (studio?.masked !== masked || studio.width !== width || studio.height !== height) {
        studio = { masked, width, height, open: await openStudio(ctx, params, frame, masked) };
      }
      if (isFirst && ctx.resumed?.nextIndex === frame.index) shot = fromTensors(ctx.resumed.tensors, frame);
      isFirst = false;
      const before = frame.shotStart || shot?.previous.content.width !== width || shot.previous.content.height !== height ? undefined : shot;
      const work = { studio: studio.open, params, ctx, motions, frame: masked ? frame : { ...frame, alpha: undefined } };
      shot = before === undefined ? await beginShot(work) : await continueShot(work, before);
      yield toResult(shot.previous, frame, params, shot.colours);
      ctx.store({ nextIndex: frame.index + 1, tensors: toTensors(shot) });
    }
  } finally {
    await motions.close();
  }
}

/** One frame and what it is painted with. */
export type Work = {
  readonly studio: Studio;
  readonly params: StyleParams;
  readonly ctx: Pick<StageContext, 'signal' | 'random' | 'progress'>;
  readonly frame: Frame;
};
type NextWork = Work & { readonly ctx: StageContext; readonly motions: MotionSource };

/** Paints the first frame of a shot. */
export async function beginShot(work: Work): Promise<Shot> {
  const { frame, studio } = work;
  const colours = matchColours(colourStatistics(frame.rgb, frame.alpha), studio.stylePalette);
  const painted = await paintAlone(work, colours);
  const done = finished(frame, painted);
  return {
    previous: done,
    earlier: [done],
    colours,
    anchor: colourStatistics(done.painted, frame.alpha),
    ...(painted.moments ? { carried: { moments: painted.moments, steps: painted.steps } } : {}),
    styleLosses: [painted.losses.style],
    sinceKept: 0,
  };
}

async function continueShot(work: NextWork, shot: Shot): Promise<Shot> {
  const { frame, studio, motions, params, ctx } = work;
  const carried = await carryPaint(shot, frame, motions, params.longTerm);
  let painted =
    carried.exposedShare >= 1
      ? await paintAlone(work, shot.colours)
      : await paintNext(studio, { photograph: toEasel(work, shot.colours), ...maskOf(frame), carried, shot, random: ctx.random(frame.index) }, ctx);
  painted = await mendOutlier(work, shot, painted);
  const done = finished(frame, painted);
  const keep = shot.sinceKept + 1 >= keepEvery;
  return {
    previous: done,
    earlier: keep ? [done, ...shot.earlier].slice(0, keptFrames) : shot.earlier,
    colours: shot.colours,
    anchor: shot.anchor,
    ...(painted.moments ? { carried: { moments: painted.moments, steps: (shot.carried?.steps ?? 0) + painted.steps } } : {}),
    styleLosses: [...shot.styleLosses, painted.losses.style].slice(-rememberedLosses),
    sinceKept: keep ? 0 : shot.sinceKept + 1,
  };
}

/** A frame that came out much less painted than the ones before it is painted once more, without them. */
async function mendOutlier(work: NextWork, shot: Shot, painted: Painted): Promise<Painted> {
  const { ctx, frame } = work;
  const usual = median(shot.styleLosses);
  if (shot.styleLosses.length < leastLosses || painted.losses.style <= outlierFactor * usual) return painted;
  const again = await paintAlone(work, shot.colours);
  const better = again.losses.style < painted.losses.style;
  ctx.notice({
    kind: better ? 'frame-repaired' : 'frame-suspect',
    stage: 'stylize',
    frame: frame.index,
    text: `The style loss was ${(painted.losses.style / usual).toFixed(2)} times that of the frames before; painted anew${better ? '' : ', it was no better'}.`,
  });
  return better ? again : painted;
}

async function paintAlone(work: Work, colours: ColourMap): Promise<Painted> {
  const { studio, params, ctx, frame } = work;
  return paintIndependent(
    studio,
    { photograph: toEasel(work, colours), ...maskOf(frame), scales: params.scales, random: ctx.random(frame.index) },
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

const maskOf = (frame: Frame) => (frame.alpha ? { mask: frame.alpha } : {});

/** The footage in the colours in which it is painted: its own, or those of the style when they are taken back afterwards. */
function toEasel({ frame, params }: Work, colours: ColourMap): Float32Array {
  return params.colour === 'style' ? frame.rgb : mapColours(frame.rgb, colours);
}

function finished(content: Frame, { image }: Pick<Painted, 'image'>): PaintedFrame {
  const painted = image.map(value => Math.min(1, Math.max(0, value)));
  if (!painted.every(Number.isFinite)) throw new AppError('FRAME_DEFECT', { frame: content.index, defect: 'not a picture' });
  return { content: { index: content.index, width: content.width, height: content.height, rgb: content.rgb }, painted };
}

/** Back to the colours that were asked for. */
export function toResult({ painted }: PaintedFrame, frame: Frame, params: StyleParams, colours: ColourMap): Frame {
  const back = params.colour === 'style' ? painted : mapColours(painted, inverseColours(colours));
  const coloured = params.colour === 'keep' ? keepHues(back, frame.rgb) : back;
  return withPixels(frame, coloured.map(value => Math.min(1, Math.max(0, value))));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
