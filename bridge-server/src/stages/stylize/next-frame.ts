import type { Carried } from './carry';
import type { Painted } from './paint';
import type { Shot } from './shot';
import { resizedPlanes } from './studio';
import type { Studio } from './studio';

export type NextOrder = {
  /** [3, H, W] in the colours in which it is painted. */
  readonly photograph: Float32Array;
  readonly mask?: Float32Array;
  readonly carried: Carried;
  readonly shot: Shot;
  readonly random: () => number;
};

/** A frame that begins with earlier paint is nearly finished: small steps keep what is there. */
const calmRateShare = 0.3;
/** The more of a frame is new, the longer the steps, up to full length when this share of it is. */
const busyShare = 0.15;
/** Newly seen areas of more than this share of the picture are painted coarsely first. */
const worthRoughing = 0.005;
const roughScale = 0.5;
/** Steps at half size cost a quarter. */
const roughStepsShare = 2;
/** Share of the steps that a frame gets to which all paint came as it was; the others are for what did not. */
const calmStepsShare = 0.25;
/** So much riper is paint after each frame. */
const ripening = 0.2;

/** Maturity of carried paint after one more frame. */
export function riper(maturity: Float32Array): Float32Array {
  return maturity.map(share => Math.min(1, share + ripening));
}

/** Paints a frame from what was carried over from the ones before it. */
export async function paintNext(
  studio: Studio,
  order: NextOrder,
  hooks: { readonly signal: AbortSignal },
): Promise<Painted> {
  const { carried, shot } = order;
  const start = carried.exposedShare > worthRoughing ? await roughIn(studio, order, hooks) : carried.start;
  const easel = await studio.at(1);
  const painted = await easel.paint(
    {
      start,
      photograph: order.photograph,
      ...(order.mask ? { mask: order.mask } : {}),
      temporal: { target: carried.target, weight: carried.reliability },
      anchor: shot.anchor,
      steps: Math.ceil(
        studio.steps.next * (calmStepsShare + (1 - calmStepsShare) * Math.min(1, carried.unfinishedShare)),
      ),
      rate: studio.rate * (calmRateShare + (1 - calmRateShare) * Math.min(1, carried.exposedShare / busyShare)),
      ...(shot.carried ? { carried: shot.carried } : {}),
      random: order.random,
    },
    hooks,
  );
  return { ...painted, image: settle(painted.image, carried, studio.settleShare) };
}

/**
 * Takes a share of what changed back where the paint is sure to belong: what an optimiser does to a picture that is
 * finished is mostly noise of its steps, and what is not noise comes back with the next frame.
 */
function settle(image: Float32Array, { target, reliability }: Carried, share: number): Float32Array {
  const area = reliability.length;
  return image.map((value, i) => value + share * reliability[i % area] * (target[i] - value));
}

/**
 * Gives newly seen areas forms before detail, as a first frame gets them: at half size, with the paint around them held
 * in place, so that strokes go on across the seam. The rest is held, not frozen: a small free area in a frozen picture
 * would have to make up for the style of the whole, in glaring colours. The photograph's own detail is not kept:
 * what is sharp already no optimiser paints over.
 */
async function roughIn(
  studio: Studio,
  order: NextOrder,
  hooks: { readonly signal: AbortSignal },
): Promise<Float32Array> {
  const { carried } = order;
  const easel = await studio.at(roughScale);
  const small = (planes: Float32Array, channels: number) => resizedPlanes(planes, channels, studio.size, easel.size);
  const start = small(carried.start, 3);
  const hold = small(carried.exposed, 1).map(value => Math.min(1, Math.max(0, 1 - value)));
  const steps = Math.round(studio.steps.next * roughStepsShare);
  const rough = await easel.paint(
    {
      start,
      photograph: small(order.photograph, 3),
      ...(order.mask ? { mask: small(order.mask, 1) } : {}),
      temporal: { target: start, weight: hold },
      steps,
      rate: studio.rate,
      random: order.random,
    },
    hooks,
  );
  const large = resizedPlanes(rough.image, 3, easel.size, studio.size);
  const area = carried.exposed.length;
  return carried.start.map((value, i) => value + carried.exposed[i % area] * (large[i] - value));
}
