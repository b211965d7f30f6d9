import type { Frame } from '../../frame/frame';
import type { StageContext } from '../../pipeline/stage';
import type { StyleParams } from '#protocol/effects/style';
import { beginShot } from './optimise';
import { toResult } from './painted-frame';
import { openStudio } from './studio';

/** A picture on its way: each is sharper than the one before, the last is the result. */
export type StillStep = {
  readonly done: number;
  readonly total: number;
  readonly frame: Frame;
  readonly final: boolean;
};

/**
 * Paints one frame by optimising, as the first of a shot, and shows it while it comes into being.
 * @throws AppError as the stage does
 */
export async function* stylizeStill(
  frame: Frame,
  params: StyleParams,
  ctx: Pick<StageContext, 'signal' | 'random' | 'nets' | 'image' | 'painter' | 'notice'>,
): AsyncGenerator<StillStep, Frame> {
  const masked = frame.alpha !== undefined;
  const studio = await openStudio(ctx, params, frame, masked);
  const steps: StillStep[] = [];
  let wake = () => {};
  const progress: StageContext['progress'] = ({ done, total, preview }) => {
    if (preview) steps.push({ done, total, frame: preview, final: false });
    wake();
  };
  let ended = false;
  const work = beginShot({ studio, params, ctx: { ...ctx, progress }, frame }).finally(() => {
    ended = true;
    wake();
  });
  // Awaited below; a failure before that must not count as unhandled.
  work.catch(() => undefined);
  while (!ended || steps.length > 0) {
    const step = steps.shift();
    if (step) yield step;
    else await new Promise<void>(resolve => (wake = resolve));
  }
  const shot = await work;
  const result = toResult(shot.previous, frame, params, shot.colours);
  yield { done: 1, total: 1, frame: result, final: true };
  return result;
}
