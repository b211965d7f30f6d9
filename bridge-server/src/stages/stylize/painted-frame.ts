import { withPixels } from '../../frame/frame';
import type { Frame } from '../../frame/frame';
import type { StyleParams } from '#protocol/effects/style';
import { inverseColours, keepHues, mapColours } from './colour';
import type { ColourMap } from './colour';
import type { Painted } from './paint';
import type { PaintedFrame } from './shot';

/** The part of a frame whose statistics count. */
export const maskOf = (frame: Frame) => (frame.alpha ? { mask: frame.alpha } : {});

/**
 * The footage in the colours of the style, in which it is painted: hues far from the painter's own would have to be
 * unlearnt step by step, and what is left of them looks like an accident.
 */
export function toEasel(rgb: Float32Array, colours: ColourMap): Float32Array {
  return mapColours(rgb, colours).map(value => Math.min(1, Math.max(0, value)));
}

/** A picture from the easel as a frame of the shot; clamped, as a screen would. Without `maturity` it is finished everywhere. */
export function finished(content: Frame, { image }: Pick<Painted, 'image'>, maturity?: Float32Array): PaintedFrame {
  const painted = image.map(value => Math.min(1, Math.max(0, value)));
  return {
    content: { index: content.index, width: content.width, height: content.height, rgb: content.rgb },
    painted,
    maturity: maturity ?? new Float32Array(content.width * content.height).fill(1),
  };
}

/** Back to the colours that were asked for. */
export function toResult(
  { painted }: Pick<PaintedFrame, 'painted'>,
  frame: Frame,
  params: StyleParams,
  colours: ColourMap,
): Frame {
  const back = params.colour === 'style' ? painted : mapColours(painted, inverseColours(colours));
  const coloured = params.colour === 'keep' ? keepHues(back, frame.rgb) : back;
  return withPixels(
    frame,
    coloured.map(value => Math.min(1, Math.max(0, value))),
  );
}
