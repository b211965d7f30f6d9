import type { Motion, MotionSource } from '../flow/motion';
import type { Frame } from '../../frame/frame';
import { longTermReliability } from '../occlusion';
import { warpBackward } from '../warp';
import { lumaOf, mapColours } from './colour';
import type { Shot, PaintedFrame } from './shot';

/** What earlier frames say about the one to be painted; planes of its size. */
export type Carried = {
  /** [3, H, W]: earlier paint where it was seen, the photograph in the painter's colours elsewhere. Never a constant. */
  readonly start: Float32Array;
  /** [3, H, W] and [H, W], 0..1: where earlier paint should stay, and how surely it belongs there. */
  readonly target: Float32Array;
  readonly reliability: Float32Array;
  /** [H, W], 0..1: what no earlier frame shows. */
  readonly exposed: Float32Array;
  /** Mean of `exposed`. */
  readonly exposedShare: number;
};

/** Share of a change of light that is let through to the paint (methods reference 3.3, ReCoNet). */
const lightShare = 0.7;
/** Light changes over areas; grain does not: the change is averaged over squares of this many pixels. */
const lightWindowPx = 9;
/** Below this share of newly seen pixels no look further back is worth its flow. */
const worthLookingBack = 0.003;

/**
 * Carries earlier paint along the motion. The nearest frame that shows a pixel counts (closest first); edges of
 * motion keep their paint as a start but are not held to it.
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
  const fill = mapColours(frame.rgb, shot.colours);
  const start = new Float32Array(3 * area);
  const target = new Float32Array(3 * area);
  const reliability = new Float32Array(area);
  const exposed = new Float32Array(area);
  for (let p = 0; p < area; p++) {
    let seen = 0;
    let sure = 0;
    for (let k = 0; k < layers.length; k++) {
      seen += visible[k][p];
      sure += shares[k][p];
    }
    reliability[p] = Math.min(1, sure);
    exposed[p] = Math.max(0, 1 - seen);
    for (let c = p; c < 3 * area; c += area) {
      let from = exposed[p] * fill[c];
      let held = 0;
      for (let k = 0; k < layers.length; k++) {
        from += visible[k][p] * layers[k].painted[c];
        held += shares[k][p] * layers[k].painted[c];
      }
      start[c] = from;
      target[c] = sure > 0 ? held / sure : from;
    }
  }
  return { start, target, reliability, exposed, exposedShare: meanOf(exposed) };
}

type Layer = {
  /** [3, H, W], warped and with the change of light. */
  readonly painted: Float32Array;
  readonly reliability: Float32Array;
  /** [H, W], 0..1, soft: not to be seen in that frame. */
  readonly hidden: Float32Array;
};

async function layFrame(from: PaintedFrame, frame: Frame, shot: Shot, motions: MotionSource): Promise<Layer> {
  const motion = await motions.between(from.content, frame);
  const { image: painted, inside } = warpBackward(from.painted, motion.backward, frame, { border: 'reflect', filter: 'cubic' });
  const hidden = hiddenMap(motion, inside, frame);
  addLight(painted, from.content, frame, motion, hidden, shot);
  return { painted, reliability: motion.intoB.reliability, hidden };
}

/** 1 where the other frame does not show a pixel, falling off over a few pixels so that no seam is left. */
function hiddenMap(motion: Motion, inside: Float32Array, { width, height }: Frame): Float32Array {
  const area = width * height;
  if (motion.doubt !== undefined) return new Float32Array(area).fill(1);
  const raw = new Float32Array(area);
  for (let p = 0; p < area; p++) raw[p] = Math.max(motion.intoB.occluded[p], 1 - inside[p]);
  const wide = boxBlur(raw, width, height, 5);
  for (let p = 0; p < area; p++) wide[p] = Math.min(1, Math.max(raw[p], 2 * wide[p]));
  return wide;
}

/** Adds what the light of the footage did since, in the colours of the paint, averaged over small areas. */
function addLight(painted: Float32Array, before: Frame, now: Frame, motion: Motion, hidden: Float32Array, shot: Shot): void {
  const { width, height } = now;
  const area = width * height;
  const then = warpBackward(lumaOf(mapColours(before.rgb, shot.colours)), motion.backward, now, { border: 'reflect' }).image;
  const luma = lumaOf(mapColours(now.rgb, shot.colours));
  const change = new Float32Array(area);
  const weight = new Float32Array(area);
  for (let p = 0; p < area; p++) {
    weight[p] = 1 - hidden[p];
    change[p] = weight[p] * (luma[p] - then[p]);
  }
  const sum = boxBlur(change, width, height, lightWindowPx);
  const count = boxBlur(weight, width, height, lightWindowPx);
  for (let p = 0; p < area; p++) {
    const added = count[p] > 1e-3 ? (lightShare * sum[p]) / count[p] : 0;
    for (let c = p; c < 3 * area; c += area) painted[c] += added;
  }
}

/** Mean over squares of an odd side; beyond the edge nothing counts, so the border is a mean of fewer. */
export function boxBlur(plane: Float32Array, width: number, height: number, side: number): Float32Array {
  const radius = (side - 1) / 2;
  const rows = new Float32Array(plane.length);
  const out = new Float32Array(plane.length);
  slide(plane, rows, height, width, width, 1, radius);
  slide(rows, out, width, height, 1, width, radius);
  return out;
}

function slide(from: Float32Array, to: Float32Array, lines: number, length: number, lineStep: number, step: number, radius: number): void {
  for (let line = 0; line < lines; line++) {
    const base = line * lineStep;
    let sum = 0;
    for (let i = 0; i < Math.min(radius, length); i++) sum += from[base + i * step];
    for (let i = 0; i < length; i++) {
      if (i + radius < length) sum += from[base + (i + radius) * step];
      if (i - radius - 1 >= 0) sum -= from[base + (i - radius - 1) * step];
      const count = Math.min(length - 1, i + radius) - Math.max(0, i - radius) + 1;
      to[base + i * step] = sum / count;
    }
  }
}

function meanOf(plane: Float32Array): number {
  let sum = 0;
  for (const value of plane) sum += value;
  return sum / Math.max(1, plane.length);
}
