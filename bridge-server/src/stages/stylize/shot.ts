import { floatTensor, floatsOf } from '../../frame/tensor';
import type { Tensor } from '../../frame/tensor';
import type { Frame } from '../../frame/frame';
import type { Notice } from '#protocol/report';
import type { LayerStatistics } from '../../nets/style-statistics';
import { blendStatistics } from '../../nets/style-statistics';
import type { Light } from '../light';
import { colourStatistics, lumaDeviation, matchColours, tellingDeviation } from './colour';
import type { ColourMap } from './colour';

/** A frame as it was, and as it was painted (in the colours of the easel, not yet those of the result). */
export type PaintedFrame = {
  readonly content: Frame;
  readonly painted: Float32Array;
  /** [H, W], 0..1: how finished the paint is. What has just come into view is worked on for some frames more. */
  readonly maturity: Float32Array;
};

/** What a frame of a shot needs to know of the ones before it; all that a resumed stage needs. */
export type Shot = {
  readonly previous: PaintedFrame;
  /** Frames further back, for what was hidden for a moment; the latest first. */
  readonly earlier: readonly PaintedFrame[];
  /** From the footage's colours to those in which it is painted, and the palette from which the shot should not drift. */
  readonly colours: ColourMap;
  readonly anchor: LayerStatistics;
  /** Colours of its footage in the light of its last frame. Absent where the paint takes part in changes of light. */
  readonly footage?: LayerStatistics;
  /** Deviation of the luma of its first frame. */
  readonly contrast: number;
  /** Adam's second moments and the steps that they have seen. */
  readonly carried?: { readonly moments: Float32Array; readonly steps: number };
  /** Style losses of the last frames. */
  readonly styleLosses: readonly number[];
  /** Frames since the last one that was put into `earlier`. */
  readonly sinceKept: number;
};

/** Frames whose style losses are remembered (methods reference 2.6). */
export const rememberedLosses = 10;

/** So many times the contrast of a shot that began in a fade is another picture. */
const awakening = 2;
/** A picture of less contrast than this shows nothing that strokes could follow. */
const leastContrast = 0.02;

/**
 * Whether a shot that began nearly black or white has become a picture since: what was painted on nothing, in colours
 * that were matched to nothing, is not worth keeping. Where it has, `notice` hears of it.
 */
export function hasAwoken(shot: Shot, frame: Frame, notice: (notice: Notice) => void): boolean {
  if (shot.contrast >= tellingDeviation) return false;
  const contrast = lumaDeviation(colourStatistics(frame.rgb, frame.alpha));
  if (contrast < awakening * Math.max(shot.contrast, leastContrast)) return false;
  const text = 'The picture has come out of a fade; painted anew.';
  notice({ kind: 'note', stage: 'stylize', frame: frame.index, text });
  return true;
}

/** So much of a frame's own colours the shot takes over: a camera that turns to another view gets its palette in seconds. */
const turningShare = 0.02;

/**
 * The shot in the light of its next frame: a fade, a flash or another exposure changes how footage becomes paint, not
 * the paint, which would wash out or drown in it.
 * @param light what it did since the frame before
 * @param palette the style's
 */
export function followLight(shot: Shot, { gain, offset }: Light, frame: Frame, palette: LayerStatistics): Shot {
  if (shot.footage === undefined) return shot;
  const lit = {
    channels: 3,
    mean: shot.footage.mean.map((value, c) => gain[c] * value + offset[c]),
    covariance: shot.footage.covariance.map((value, i) => gain[Math.floor(i / 3)] * gain[i % 3] * value),
  };
  const { footage } = blendStatistics([
    { statistics: { footage: lit }, weight: 1 - turningShare },
    { statistics: { footage: colourStatistics(frame.rgb, frame.alpha) }, weight: turningShare },
  ]);
  return { ...shot, footage, colours: matchColours(footage, palette) };
}

export function toTensors(shot: Shot): Record<string, Tensor> {
  const { previous, earlier, colours, anchor, footage, carried } = shot;
  const tensors: Record<string, Tensor> = {
    // Doubles as pairs of 32-bit words, so that nothing is rounded on the way to disk.
    numbers: wordsOf([
      shot.sinceKept,
      shot.contrast,
      carried?.steps ?? 0,
      ...colours.matrix,
      ...colours.offset,
      ...anchor.mean,
      ...anchor.covariance,
      ...shot.styleLosses,
    ]),
    indices: wordsOf([previous, ...earlier].map(frame => frame.content.index)),
  };
  [previous, ...earlier].forEach(({ content, painted, maturity }, i) => {
    const dims = [3, content.height, content.width];
    tensors[`content.${i}`] = floatTensor(content.rgb, dims);
    tensors[`painted.${i}`] = floatTensor(painted, dims);
    tensors[`maturity.${i}`] = floatTensor(maturity, dims.slice(1));
  });
  if (footage) tensors.footage = wordsOf([...footage.mean, ...footage.covariance]);
  if (carried) tensors.moments = floatTensor(carried.moments, [carried.moments.length]);
  return tensors;
}

/** @returns undefined when the state is of frames of another size: then nothing of it can be used */
export function fromTensors(
  tensors: Readonly<Record<string, Tensor>>,
  size: { readonly width: number; readonly height: number },
): Shot | undefined {
  const numbers = doublesOf(tensors.numbers);
  const indices = doublesOf(tensors.indices);
  const frames = indices.map((index, i): PaintedFrame => {
    const [, height, width] = tensors[`content.${i}`].dims;
    return {
      content: { index, width, height, rgb: floatsOf(tensors[`content.${i}`]) },
      painted: floatsOf(tensors[`painted.${i}`]),
      maturity: floatsOf(tensors[`maturity.${i}`]),
    };
  });
  if (frames.some(({ content }) => content.width !== size.width || content.height !== size.height)) return undefined;
  let at = 0;
  const take = (count: number) => Float64Array.from(numbers.slice(at, (at += count)));
  const [sinceKept, contrast, steps] = take(3);
  const colours = { matrix: take(9), offset: take(3) };
  const anchor = { channels: 3, mean: take(3), covariance: take(9) };
  const footage = tensors.footage && Float64Array.from(doublesOf(tensors.footage));
  return {
    previous: frames[0],
    earlier: frames.slice(1),
    colours,
    anchor,
    contrast,
    ...(footage ? { footage: { channels: 3, mean: footage.slice(0, 3), covariance: footage.slice(3) } } : {}),
    ...(tensors.moments ? { carried: { moments: floatsOf(tensors.moments), steps } } : {}),
    styleLosses: numbers.slice(at),
    sinceKept,
  };
}

function wordsOf(numbers: readonly number[]): Tensor {
  return { type: 'int32', dims: [2 * numbers.length], data: new Int32Array(Float64Array.from(numbers).buffer) };
}

function doublesOf(tensor: Tensor): number[] {
  const words = Int32Array.from(tensor.data as Int32Array);
  return Array.from(new Float64Array(words.buffer));
}
