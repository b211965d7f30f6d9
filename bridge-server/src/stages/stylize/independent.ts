import { resizedPlanes } from './studio';
import type { Studio } from './studio';
import type { Painted } from './paint';

export type IndependentOrder = {
  /** [3, H, W] in the colours in which it is painted. */
  readonly photograph: Float32Array;
  /** [H, W] */
  readonly mask?: Float32Array;
  readonly random: () => number;
};

export type IndependentHooks = {
  readonly signal: AbortSignal;
  /** After each run: steps done of all, and the picture so far at full size, if asked for. */
  readonly onStep?: (done: number, total: number, picture: () => Promise<Float32Array>) => Promise<void>;
};

/** Forms are there after the smallest size: shorter steps refine them with less grain and a lower loss. */
const refiningRateShare = 0.5;

/** Paints a picture without any before it: from the photograph, coarse to fine. */
export async function paintIndependent(
  studio: Studio,
  order: IndependentOrder,
  hooks: IndependentHooks,
): Promise<Painted> {
  const { scales } = studio;
  const stepsAt = (scale: number) => (scale === 1 ? studio.steps.first : studio.steps.coarse);
  const total = scales.reduce((sum, scale) => sum + stepsAt(scale), 0);
  let before = 0;
  let painted: Painted | undefined;
  let size = studio.size;
  for (const scale of scales) {
    const easel = await studio.at(scale);
    const photograph = resizedPlanes(order.photograph, 3, studio.size, easel.size);
    const start = painted === undefined ? photograph : resizedPlanes(painted.image, 3, size, easel.size);
    const steps = stepsAt(scale);
    const done = before;
    painted = await easel.paint(
      {
        start,
        photograph,
        ...(order.mask ? { mask: resizedPlanes(order.mask, 1, studio.size, easel.size) } : {}),
        steps,
        rate: studio.rate * (scale === scales[0] ? 1 : refiningRateShare),
        random: order.random,
      },
      {
        signal: hooks.signal,
        ...(hooks.onStep
          ? {
              onStep: (now: number, picture: () => Promise<Float32Array>) =>
                hooks.onStep?.(done + now, total, async () =>
                  resizedPlanes(await picture(), 3, easel.size, studio.size),
                ) ?? Promise.resolve(),
            }
          : {}),
      },
    );
    size = easel.size;
    before += steps;
  }
  return painted as Painted;
}
