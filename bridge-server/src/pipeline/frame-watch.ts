import type { Frame } from '../frame/frame';
import { checkFrame, type Checked, type Defect } from '../stages/check-frames';

/** After so many second tries that mended nothing, defects are only named: something in the footage looks like one. */
const hopelessAfter = 3;

export type FrameWatch = {
  /** What a painter was given for a frame. */
  tookContent(frame: Frame): void;
  /** What a frame is painted from, until a later one was accepted; undefined where there is no such frame. */
  content(index: number): Frame | undefined;
  /** What is wrong with a painted frame; nothing, usually. */
  check(frame: Frame): Defect[];
  /** A frame was accepted; `stored` is what a later try would read. Defects that a second try left in it are remembered. */
  accepted(stored: Frame, defects: readonly Defect[]): void;
  /** Whether a second try is worth its time. */
  readonly mayRetry: boolean;
  /** Frames before `next` that no second try could mend; a resumed task goes on counting from there. */
  unmendedBefore(next: number): number;
};

/**
 * Compares painted frames with what they were painted from and with the one before. What it answers depends on stored
 * frames only, never on what this process happened to see, so that a resumed task mends the same frames.
 * @param before the last stored frame and what it was painted from, when a task is resumed
 */
export function createFrameWatch(before?: { readonly stored?: Frame; readonly unmended: number }): FrameWatch {
  const contents = new Map<number, Frame>();
  const unmended: number[] = [];
  let previous: Frame | undefined = before?.stored;
  const checkedOf = (frame: Frame): Checked => ({ frame, content: contents.get(frame.index) });
  return {
    tookContent(frame) {
      contents.set(frame.index, frame);
    },
    content: index => contents.get(index),
    check(frame) {
      const content = contents.get(frame.index);
      // A zoom's frames have no counterpart in the source: nothing can be said but that they are numbers.
      if (!content) return checkFrame({ frame }).filter(defect => defect.kind === 'not-a-number');
      const sameShot =
        previous !== undefined &&
        previous.index === frame.index - 1 &&
        !content.shotStart &&
        contents.has(previous.index);
      return checkFrame(checkedOf(frame), sameShot ? checkedOf(previous!) : undefined);
    },
    accepted(stored, defects) {
      if (defects.length > 0) unmended.push(stored.index);
      previous = stored;
      for (const index of [...contents.keys()]) if (index < stored.index) contents.delete(index);
    },
    get mayRetry() {
      return (before?.unmended ?? 0) + unmended.length < hopelessAfter;
    },
    unmendedBefore: next => (before?.unmended ?? 0) + unmended.filter(index => index < next).length,
  };
}

/** The first value of a frame that is not a number, if there is one. For frames whose stages are checked elsewhere. */
export function isBroken(frame: Frame): boolean {
  for (const values of frame.alpha ? [frame.rgb, frame.alpha] : [frame.rgb]) {
    // x - x is 0 for every finite number and NaN for the rest.
    for (let i = 0; i < values.length; i++) if (values[i] - values[i] !== 0) return true;
  }
  return false;
}
