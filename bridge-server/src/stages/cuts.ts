import type { Frame } from '../frame/frame';
import { disHere, disQuick } from './flow/dis';
import { smallGrey, type Grey } from './flow/small-grey';
import { consistency } from './occlusion';
import { warpBackward } from './warp';

/** Width at which frames are compared: enough for the motion of whole objects, 3 ms a pair. */
const comparedWidth = 160;

/** How far a frame is from being the next moment of the one before. */
export type Break = {
  /** What motion and a change of light leave unexplained, relative to the picture's own contrast. Unrelated pictures: near 1. */
  readonly unexplained: number;
  /** Share of pixels whose motion contradicts itself. */
  readonly unreliable: number;
  /** Mean absolute difference that is left, in grey levels. */
  readonly residual: number;
};

/** Mean and mean absolute deviation. */
function levels({ grey }: Grey): { mean: number; spread: number } {
  let mean = 0;
  for (const value of grey) mean += value;
  mean /= grey.length;
  let spread = 0;
  for (const value of grey) spread += Math.abs(value - mean);
  return { mean, spread: spread / grey.length };
}

/** The first picture in the light of the second one, so that a fade or a lamp is no cut. */
function relit(a: Grey, b: Grey): Float32Array {
  const [from, to] = [levels(a), levels(b)];
  const gain = Math.min(3, Math.max(1 / 3, (to.spread + 1) / (from.spread + 1)));
  return a.grey.map(value => (value - from.mean) * gain + to.mean);
}

function compare(a: Grey, b: Grey): Break {
  const lit = relit(a, b);
  const { forward, backward } = disHere(lit, b.grey, b.width, b.height, disQuick);
  const { unreliableShare } = consistency(backward, forward, b, { edgesCount: false });
  const { image } = warpBackward(lit, backward, b);
  let residual = 0;
  for (let p = 0; p < image.length; p++) residual += Math.abs(image[p] - b.grey[p]);
  residual /= image.length;
  const contrast = Math.max(levels(a).spread, levels(b).spread);
  return { unexplained: residual / (contrast + 4), unreliable: unreliableShare, residual };
}

function isBreak({ unexplained, unreliable }: Break): boolean {
  // Unrelated pictures contradict each other nearly everywhere; then less of a difference is enough.
  return (unreliable > 0.6 && unexplained > 0.3) || (unreliable > 0.95 && unexplained > 0.2);
}

export type CutDetector = {
  /** Takes the next frame; answers whether it begins a new shot. The first frame does not. */
  push(frame: Frame): boolean;
  /**
   * A flash, or a damaged frame, is over: the last frame goes on from the one before the cut that was answered `length`
   * frames ago, so neither that cut nor one since then was one.
   */
  readonly wasFlash: number;
  /** The figures of the last frame. */
  readonly last: Break | undefined;
};

/** The largest difference of so many frames before is what a cut has to stand out from. */
const memory = 12;
/** Frames that a flash may last. */
const longestFlash = 3;

/**
 * Finds hard cuts, frame by frame. A frame begins a shot when most of its motion contradicts itself, the light-corrected
 * difference after motion is a good part of the picture's contrast, and both came suddenly: fades, changes of light
 * over the same picture and fast pans leave at least one of the three.
 */
export function createCutDetector(): CutDetector {
  let previous: Grey | undefined;
  let recent: number[] = [];
  let last: Break | undefined;
  let beforeCut: Grey | undefined;
  let sinceCut = 0;
  let wasFlash = 0;
  return {
    push(frame) {
      wasFlash = 0;
      const small = smallGrey(frame, comparedWidth);
      const before = previous;
      previous = small;
      if (!before) return false;
      // Frames of another size cannot go on from these.
      if (before.width !== small.width || before.height !== small.height) return true;
      last = compare(before, small);
      const usual = Math.max(1, ...recent);
      const isCut = isBreak(last) && last.residual > 2.5 * usual;
      sinceCut++;
      if (beforeCut && sinceCut <= longestFlash && !isBreak(compare(beforeCut, small))) {
        wasFlash = sinceCut;
        beforeCut = undefined;
        return false;
      }
      if (isCut && !(beforeCut && sinceCut < longestFlash)) {
        beforeCut = before;
        sinceCut = 0;
      }
      recent = isCut ? [] : [...recent.slice(1 - memory), last.residual];
      return isCut;
    },
    get wasFlash() {
      return wasFlash;
    },
    get last() {
      return last;
    },
  };
}

/**
 * Where shots begin in a stream of frames, by their indices; the first frame is not counted. A flash of a few frames
 * inside a shot does not end it.
 * @returns also the number of frames seen
 */
export async function detectCuts(
  frames: AsyncIterable<Frame> | Iterable<Frame>,
): Promise<{ frames: number; cuts: number[] }> {
  const detector = createCutDetector();
  const cuts: number[] = [];
  let count = 0;
  for await (const frame of frames) {
    count++;
    if (detector.push(frame)) cuts.push(frame.index);
    while (detector.wasFlash > 0 && cuts.length > 0 && cuts[cuts.length - 1] >= frame.index - detector.wasFlash)
      cuts.pop();
  }
  return { frames: count, cuts };
}
