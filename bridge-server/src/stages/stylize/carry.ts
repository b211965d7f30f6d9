import type { Motion, MotionSource } from '../flow/motion';
import type { Frame } from '../../frame/frame';
import { lumaOf, meanOf } from '../../frame/plane';
import { advect } from '../advect';
import { boxBlur } from '../blur';
import { relight } from '../light';
import { longTermReliability } from '../occlusion';
import { warpBackward } from '../warp';
import type { ColourMap } from './colour';
import { toEasel } from './painted-frame';
import type { Shot, PaintedFrame } from './shot';

/** What earlier frames say about the one to be painted; planes of its size. */
export type Carried = {
  /** [3, H, W]: earlier paint where it was seen, the photograph in the painter's colours elsewhere. Never a constant. */
  readonly start: Float32Array;
  /** [3, H, W] and [H, W], 0..1: where earlier paint should stay, and how surely it belongs there. */
  readonly target: Float32Array;
  readonly reliability: Float32Array;
  /** [H, W], 0..1: how finished the earlier paint is, 0 where there is none. */
  readonly maturity: Float32Array;
  /** [H, W], 0..1: what no earlier frame shows. */
  readonly exposed: Float32Array;
  /** Mean of `exposed`. */
  readonly exposedShare: number;
  /** Share of the picture to which no earlier paint came as it was: it is not sure, or it moved. */
  readonly unfinishedShare: number;
};

/** Share of a local change of light that is let through to the paint (methods reference 3.3, ReCoNet). */
const lightShare = 0.7;
/** Light changes over areas; grain does not: the change is averaged over squares of this many pixels. */
const lightWindowPx = 9;
/** Below this share of newly seen pixels no look further back is worth its flow. */
const worthLookingBack = 0.003;

/**
 * Carries earlier paint along the motion. The nearest frame that shows a pixel counts (closest first); edges of
 * motion keep their paint as a start but are held to it less.
 */
export async function carryPaint(shot: Shot, frame: Frame, motions: MotionSource, longTerm: boolean): Promise<Carried> {
  const area = frame.width * frame.height;
  const nearest = await layFrame(shot.previous, frame, shot, motions);
  const layers = [nearest];
  if (longTerm && meanOf(nearest.hidden) > worthLookingBack) {
    for (const earlier of shot.earlier) layers.push(await layFrame(earlier, frame, shot, motions));
  }
  const shares = longTermReliability(layers.map(layer => layer.reliability));
  const visible = longTermReliability(layers.map(layer => layer.hidden.map(hidden => 1 - hidden)));
  const laid = new Float32Array(3 * area);
  const target = new Float32Array(3 * area);
  const reliability = new Float32Array(area);
  const maturity = new Float32Array(area);
  const seen = new Float32Array(area);
  for (let p = 0; p < area; p++) {
    for (let k = 0; k < layers.length; k++) {
      seen[p] += visible[k][p];
      maturity[p] += visible[k][p] * layers[k].maturity[p];
      reliability[p] += shares[k][p];
    }
    for (let c = p; c < 3 * area; c += area) {
      for (let k = 0; k < layers.length; k++) {
        laid[c] += visible[k][p] * layers[k].painted[c];
        target[c] += shares[k][p] * layers[k].painted[c];
      }
      if (seen[p] > 0) laid[c] /= seen[p];
      target[c] = reliability[p] > 0 ? target[c] / reliability[p] : laid[c];
    }
  }
  const start = fillUnseen(laid, seen, toEasel(frame.rgb, shot.colours), frame);
  const exposed = seen.map(share => Math.min(1, Math.max(0, 1 - share)));
  const held = reliability.map((sure, p) => Math.min(1, sure) * Math.min(1, maturity[p]));
  return {
    start,
    target,
    reliability: held,
    maturity,
    exposed,
    exposedShare: meanOf(exposed),
    unfinishedShare: 1 - stillShare(held, nearest.motion),
  };
}

/** Sides of the squares over which paint and photograph are compared, and how much the wider ones count. */
const fillWindows = [
  { side: 17, weight: 1 },
  { side: 65, weight: 0.02 },
] as const;

/**
 * The photograph where no paint is, moved to the colours of the paint around it: what the two differ by is averaged
 * over what is seen nearby and carried into the hole, so that neither a seam nor a strip of another hue begins there.
 */
function fillUnseen(
  laid: Float32Array,
  seen: Float32Array,
  photograph: Float32Array,
  { width, height }: Frame,
): Float32Array {
  const area = seen.length;
  if (seen.every(share => share >= 1)) return laid;
  const counts = fillWindows.map(({ side }) => boxBlur(seen, width, height, side));
  const out = new Float32Array(laid.length);
  for (let c = 0; c < 3; c++) {
    const difference = new Float32Array(area);
    for (let p = 0; p < area; p++) difference[p] = seen[p] * (laid[c * area + p] - photograph[c * area + p]);
    const sums = fillWindows.map(({ side }) => boxBlur(difference, width, height, side));
    for (let p = 0; p < area; p++) {
      const at = c * area + p;
      let sum = 0;
      let count = leastSeen;
      fillWindows.forEach(({ weight }, k) => {
        sum += weight * sums[k][p];
        count += weight * counts[k][p];
      });
      const filled = Math.min(1, Math.max(0, photograph[at] + sum / count));
      out[at] = seen[p] * laid[at] + (1 - seen[p]) * filled;
    }
  }
  return out;
}

/** Where next to nothing is seen around, the photograph stays as it is. */
const leastSeen = 1e-4;

type Layer = {
  /** [3, H, W], warped and with the change of light. */
  readonly painted: Float32Array;
  /** [H, W], 0..1: how firmly the paint is held. */
  readonly reliability: Float32Array;
  /** [H, W], 0..1, soft: not to be seen in that frame. */
  readonly hidden: Float32Array;
  readonly maturity: Float32Array;
  readonly motion: Motion;
};

/** Paint that moved this far has been sampled anew in full. */
const movedPx = 0.25;

/** Mean of what is held and did not move: paint that moves is sampled anew. */
function stillShare(held: Float32Array, { backward, doubt }: Motion): number {
  if (doubt !== undefined) return 0;
  const area = held.length;
  return meanOf(held.map((sure, p) => sure * Math.max(0, 1 - Math.hypot(backward[p], backward[area + p]) / movedPx)));
}

async function layFrame(from: PaintedFrame, frame: Frame, shot: Shot, motions: MotionSource): Promise<Layer> {
  const motion = await motions.between(from.content, frame);
  const area = frame.width * frame.height;
  if (motion.doubt !== undefined) {
    return {
      painted: from.painted,
      reliability: new Float32Array(area),
      hidden: new Float32Array(area).fill(1),
      maturity: from.maturity,
      motion,
    };
  }
  const painted = advect(from.painted, motion, frame);
  const hidden = hiddenMap(motion, frame);
  const before = shot.footage ? relight(from.content.rgb, motion.light) : from.content.rgb;
  const unexplained = addLight(painted, before, frame, motion, hidden, shot.colours);
  const maturity = warpBackward(from.maturity, motion.backward, frame, { border: 'clamp' }).image;
  return { painted, reliability: holdMap(motion, hidden, unexplained, frame), hidden, maturity, motion };
}

/** A sample so little beyond the edge is as good as one on it. */
const edgeSlackPx = 0.5;
/** Fewer hidden pixels than this in a square of nine are noise of the flow. */
const leastHiddenNeighbours = 3;

/** 1 where the other frame does not show a pixel, falling off over a pixel so that no seam is left. */
function hiddenMap({ backward, intoB }: Motion, { width, height }: Frame): Float32Array {
  const area = width * height;
  const raw = new Float32Array(area);
  for (let y = 0, p = 0; y < height; y++)
    for (let x = 0; x < width; x++, p++) {
      const beyondX = Math.max(-(x + backward[p]), x + backward[p] - (width - 1));
      const beyondY = Math.max(-(y + backward[area + p]), y + backward[area + p] - (height - 1));
      raw[p] = intoB.occluded[p] > 0 || !(Math.max(beyondX, beyondY) <= edgeSlackPx) ? 1 : 0;
    }
  const near = boxBlur(raw, width, height, 3);
  for (let p = 0; p < area; p++) if (near[p] < leastHiddenNeighbours / 9) raw[p] = 0;
  const soft = boxBlur(raw, width, height, 3);
  for (let p = 0; p < area; p++) soft[p] = Math.max(raw[p], soft[p]);
  return soft;
}

/** Along edges of motion the flow is never exact, but it is seldom far off. */
const edgeHold = 0.3;
/** Difference of luma between the footage and its own past at which paint is held half as firmly. */
const unexplainedLuma = 0.08;

/** How firmly paint is held: not at all next to what is hidden, less along edges of motion and where the light does not fit. */
function holdMap(
  { intoB }: Motion,
  hidden: Float32Array,
  unexplained: Float32Array,
  { width, height }: Frame,
): Float32Array {
  const near = boxBlur(hidden, width, height, 5);
  const out = new Float32Array(hidden.length);
  for (let p = 0; p < out.length; p++) {
    const fit = 1 / (1 + (unexplained[p] / unexplainedLuma) ** 4);
    const edge = intoB.motionEdge[p] > 0 ? edgeHold : 1;
    out[p] = intoB.outside[p] > 0 || intoB.occluded[p] > 0 ? 0 : Math.max(0, 1 - 2 * near[p]) * edge * fit;
  }
  return out;
}

/**
 * Adds what the light of the footage did since, in the colours of the paint, averaged over small areas.
 * @returns [H, W], the change of luma that this average does not explain
 */
function addLight(
  painted: Float32Array,
  before: Float32Array,
  now: Frame,
  motion: Motion,
  hidden: Float32Array,
  colours: ColourMap,
): Float32Array {
  const { width, height } = now;
  const area = width * height;
  const difference = (a: Float32Array, b: Float32Array) => {
    const then = warpBackward(lumaOf(a), motion.backward, now, { border: 'reflect' }).image;
    return lumaOf(b).map((luma, p) => luma - then[p]);
  };
  const weight = hidden.map(share => 1 - share);
  const count = boxBlur(weight, width, height, lightWindowPx);
  const averaged = (change: Float32Array) => {
    const sum = boxBlur(
      change.map((value, p) => weight[p] * value),
      width,
      height,
      lightWindowPx,
    );
    return sum.map((value, p) => (count[p] > 1e-3 ? value / count[p] : 0));
  };
  const added = averaged(difference(toEasel(before, colours), toEasel(now.rgb, colours)));
  for (let i = 0; i < painted.length; i++) painted[i] += lightShare * added[i % area];
  const change = difference(before, now.rgb);
  const explained = averaged(change);
  return change.map((value, p) => Math.abs(value - explained[p]));
}
