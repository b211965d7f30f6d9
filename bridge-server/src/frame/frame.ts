/**
 * One picture of a stream, in the only pixel layout that exists between stages: planar RGB, float32, 0..1,
 * sRGB-encoded BT.709. `media/` converts on the way in and out; nets own their mean and scale; nobody else converts.
 */
export type Frame = {
  /** Position in its stream, counted from 0 at the stream's own rate. */
  readonly index: number;
  readonly width: number;
  readonly height: number;
  /** [3, H, W] */
  readonly rgb: Float32Array;
  /** [H, W], 0..1, straight (not premultiplied). Absent means opaque. */
  readonly alpha?: Float32Array;
  /** True on the first frame of a shot: nothing may be warped or blended across it. */
  readonly shotStart?: boolean;
};

type Sized = { readonly width: number; readonly height: number };

export function isSameSize(a: Sized, b: Sized): boolean {
  return a.width === b.width && a.height === b.height;
}

/** An opaque black frame, mostly for tests and for buffers that are filled at once. */
export function createFrame(width: number, height: number, index = 0): Frame {
  return { index, width, height, rgb: new Float32Array(3 * width * height) };
}

/** The same frame with other pixels; size may change. */
export function withPixels(frame: Frame, rgb: Float32Array, width = frame.width, height = frame.height): Frame {
  if (rgb.length !== 3 * width * height) {
    throw new RangeError(`expected ${3 * width * height} values for ${width}x${height}, got ${rgb.length}`);
  }
  const keepsAlpha = frame.alpha !== undefined && width === frame.width && height === frame.height;
  return {
    index: frame.index,
    width,
    height,
    rgb,
    ...(keepsAlpha ? { alpha: frame.alpha } : {}),
    ...(frame.shotStart ? { shotStart: true } : {}),
  };
}
