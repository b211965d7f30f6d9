import { isSameSize, type Frame } from '../../../frame/frame';
import { floatTensor, floatsOf } from '../../../frame/tensor';
import type { Tensor } from '../../../frame/tensor';
import { describeModel } from '../../../graph/model';
import type { StageContext } from '../../../pipeline/stage';
import { embeddedFastNet, embeddedFeatureNet, fitOrder, type StyleParams } from '#protocol/effects/style';
import { AppError } from '#protocol/errors';
import { checkFrame } from '../../check-frames';
import { createFlowProvider } from '../../flow';
import { createMotionSource } from '../../flow/motion';
import type { MotionSource } from '../../flow/motion';
import { carryPaint } from '../carry';
import type { Carried } from '../carry';
import { colourStatistics, lumaDeviation, matchColours } from '../colour';
import type { ColourMap } from '../colour';
import { createFeatureSource } from '../easel';
import type { FeatureSource } from '../easel';
import { finished, toEasel, toResult } from '../painted-frame';
import { fromTensors, hasAwoken, toTensors } from '../shot';
import type { Shot } from '../shot';
import { fitFactors } from './fit';
import { fullStrength, openForeignPainter } from './foreign';
import { guideStyle, paintShare } from './guide';
import type { FastStyle } from './guide';
import { isOwnNet, openOwnNet } from './net';
import type { FastNet, NormStatistics } from './net';

/** How much of a frame's own statistics the norms take after the first of a shot: half of a lasting change in about a second. */
const normShare = 0.03;
/** Share of a sure pixel that stays as it was carried, at the default stickiness and at most. */
const usualHold = 0.85;
const largestHold = 0.92;
const usualStickiness = 60;

/** Everything that paints frames of one size. */
type Workshop = {
  readonly size: { readonly width: number; readonly height: number };
  readonly net: FastNet;
  /** Absent for a net of the user. */
  readonly style?: FastStyle;
  /** A style as a net of the user is told it; empty for a net of one style. */
  readonly code: Float32Array;
  /** Share of the paint in the result. */
  readonly share: number;
  readonly features: FeatureSource;
};

/** What a frame needs to know of the ones before it. */
type FastShot = {
  readonly shot: Shot;
  readonly statistics: NormStatistics;
  /** The style of the shot as the net is told it: factors, or a code; empty for a net of one style. */
  readonly factors: Float32Array;
};

/** How a shot is painted, before its first frame is. */
type Manner = { readonly colours?: ColourMap; readonly factors: Float32Array };

type Work = {
  readonly workshop: Workshop;
  readonly params: StyleParams;
  readonly ctx: StageContext;
  readonly frame: Frame;
};

/** Feed-forward nets, frame by frame, held to the paint of the frame before where the flow explains the footage. */
export async function* stylizeFast(
  input: AsyncIterable<Frame>,
  params: StyleParams,
  ctx: StageContext,
): AsyncIterable<Frame> {
  const motions = createMotionSource(createFlowProvider(params.flow, ctx), {
    stage: 'stylize',
    notice: ctx.notice,
    flows: ctx.flows,
  });
  let workshop: Workshop | undefined;
  let before: FastShot | undefined;
  let isFirst = true;
  try {
    for await (const frame of input) {
      ctx.signal.throwIfAborted();
      if (workshop === undefined || !isSameSize(workshop.size, frame))
        workshop = await openWorkshop(ctx, params, frame);
      if (isFirst && ctx.resumed?.nextIndex === frame.index) before = fromState(ctx.resumed.tensors, frame);
      isFirst = false;
      if (frame.shotStart || (before && !isSameSize(before.shot.previous.content, frame))) before = undefined;
      if (before && hasAwoken(before.shot, frame, ctx.notice)) before = undefined;
      before = await paintFrame({ workshop, params, ctx, frame }, motions, before);
      yield resultOf(before.shot, frame, params);
      ctx.store({
        nextIndex: frame.index + 1,
        tensors: {
          ...toTensors(before.shot),
          norms: floatTensor(before.statistics, [before.statistics.length]),
          factors: floatTensor(before.factors, [before.factors.length]),
        },
      });
    }
  } finally {
    await motions.close();
  }
}

function fromState(
  tensors: Readonly<Record<string, Tensor>>,
  size: { readonly width: number; readonly height: number },
): FastShot | undefined {
  const shot = fromTensors(tensors, size);
  return shot && { shot, statistics: floatsOf(tensors.norms), factors: floatsOf(tensors.factors) };
}

/** @throws AppError NET_NOT_FOUND, NET_UNSUPPORTED and what styles cannot be read for */
async function openWorkshop(ctx: StageContext, params: StyleParams, { width, height }: Frame): Promise<Workshop> {
  const size = { width, height };
  const name = params.net === 'auto' ? embeddedFastNet : params.net;
  const common = { size, features: createFeatureSource(ctx.nets, embeddedFeatureNet) };
  if (isOwnNet(describeModel(await ctx.nets.bytes(name), name))) {
    const [net, style] = [await openOwnNet(ctx.nets, name, size), await guideStyle(ctx, name, params)];
    return { ...common, net, style, code: new Float32Array(0), share: paintShare(params.strength) };
  }
  const { net, code, knowsStrength } = await openForeignPainter(ctx, name, params, size);
  return { ...common, net, code, share: knowsStrength ? 1 : Math.min(1, params.strength / fullStrength) };
}

/** How a shot is painted, from its first frame: by a style as the guide says it, or fitted where time may be taken. */
async function mannerOf({ workshop, params, ctx, frame }: Work): Promise<Manner> {
  const { style, features } = workshop;
  if (style === undefined) return { factors: workshop.code };
  const colours = matchColours(colourStatistics(frame.rgb, frame.alpha), style.palette);
  const order = fitOrder(params);
  const factors = order ? await fitFactors(ctx, features, { ...order, style, frame: frame.index }) : style.factors;
  return { colours, factors };
}

async function paintFrame(work: Work, motions: MotionSource, before: FastShot | undefined): Promise<FastShot> {
  const { params, ctx, frame } = work;
  const manner = before ? { colours: before.shot.colours, factors: before.factors } : await mannerOf(work);
  const holds = before !== undefined && params.stickiness > 0;
  const carried = holds ? await carryPaint(before.shot, frame, motions, false) : undefined;
  const painted = await paintWith(work, manner, before, before?.statistics, carried);
  const faults = faultsOf(work, painted, before);
  if (faults.length === 0) return painted;
  const again = await paintWith(work, manner, before, undefined, undefined);
  const left = faultsOf(work, again, before);
  if (left.includes(broken)) throw new AppError('FRAME_DEFECT', { frame: frame.index, defect: 'not a picture' });
  const better = left.length < faults.length;
  ctx.notice({
    kind: left.length === 0 ? 'frame-repaired' : 'frame-suspect',
    stage: 'stylize',
    frame: frame.index,
    text: `${faults.join('; ')}. Painted anew${left.length === 0 ? '.' : `: ${better ? left.join('; ') : 'it was no better'}.`}`,
  });
  return better ? again : painted;
}

/** A frame by the net, and then by what was carried to it; without either, as the first of a shot. */
async function paintWith(
  work: Work,
  { colours, factors }: Manner,
  before: FastShot | undefined,
  held: NormStatistics | undefined,
  carried: Carried | undefined,
): Promise<FastShot> {
  const { workshop, params, frame } = work;
  const photograph = workshop.style && colours ? toEasel(frame.rgb, colours) : frame.rgb;
  const { painted, statistics } = await workshop.net.paint({
    photograph: withoutHidden(photograph, frame.alpha),
    style: factors,
    ...(held ? { statistics: held } : {}),
    share: normShare,
  });
  const { share } = workshop;
  if (share < 1)
    for (let i = 0; i < painted.length; i++) painted[i] = photograph[i] + share * (painted[i] - photograph[i]);
  if (carried) hold(painted, carried, Math.min(largestHold, (usualHold * params.stickiness) / usualStickiness));
  return { shot: shotOf(work, before, painted, colours), statistics, factors };
}

function shotOf(
  { frame }: Work,
  before: FastShot | undefined,
  painted: Float32Array,
  colours: ColourMap | undefined,
): Shot {
  const previous = finished(frame, { image: painted });
  if (before) return { ...before.shot, previous };
  const footage = colourStatistics(frame.rgb, frame.alpha);
  const palette = colourStatistics(previous.painted, frame.alpha);
  return {
    previous,
    earlier: [],
    // A net of one style has no palette but that of what it paints.
    colours: colours ?? matchColours(footage, palette),
    anchor: palette,
    contrast: lumaDeviation(footage),
    styleLosses: [],
    sinceKept: 0,
  };
}

/** Takes a share of what changed back where the paint of the frame before is sure to belong. */
function hold(painted: Float32Array, { target, reliability }: Carried, share: number): void {
  const area = reliability.length;
  for (let i = 0; i < painted.length; i++) painted[i] += share * reliability[i % area] * (target[i] - painted[i]);
}

/** What is cut away by alpha in the mean colour of what is not: a green wall shall not decide what the norms go by. */
function withoutHidden(rgb: Float32Array, alpha: Float32Array | undefined): Float32Array {
  if (alpha === undefined) return rgb;
  const { mean } = colourStatistics(rgb, alpha);
  const area = alpha.length;
  return rgb.map((value, i) => mean[Math.floor(i / area)] + alpha[i % area] * (value - mean[Math.floor(i / area)]));
}

function resultOf(shot: Shot, frame: Frame, params: StyleParams): Frame {
  return toResult(shot.previous, frame, params, shot.colours);
}

const broken = 'the frame holds values that are not numbers';

/** What is wrong with a frame, in words. */
function faultsOf({ frame, params }: Work, { shot }: FastShot, before: FastShot | undefined): string[] {
  if (!shot.previous.painted.every(Number.isFinite)) return [broken];
  const previous = before && {
    frame: resultOf(before.shot, before.shot.previous.content, params),
    content: before.shot.previous.content,
  };
  return checkFrame({ frame: resultOf(shot, frame, params), content: frame }, previous).map(defect => defect.text);
}
