import { AppError } from '#protocol/errors';
import type { CodecName } from '#protocol/preset';

export type Size = { readonly width: number; readonly height: number };

/** What the machine that paints can do, as far as plans depend on it. */
export type Machine = {
  /** Provider that computes ("cpu", "cuda" ...): decides the size at which frames are painted. */
  readonly provider: string;
};

/** Sides that any result, and any picture on its way, must keep. */
export const smallestSide = 16;
export const largestSide = 8192;

/**
 * Lines painted when nobody says: methods.md 9.4 gives a CPU 360 lines and the rest to the upscaler; one GPU of the
 * 2020s paints 720 lines in seconds a frame; CUDA with tensor cores 1080.
 */
const linesByProvider: Readonly<Record<string, number>> = {
  cpu: 360,
  webgpu: 720,
  dml: 720,
  coreml: 720,
  cuda: 1080,
  tensorrt: 1080,
};
const shareByDetail = { draft: 0.6, normal: 1, fine: 1.5 } as const;

function even(value: number): number {
  return Math.max(smallestSide, Math.round(value / 2) * 2);
}

export function sameSize(a: Size, b: Size): boolean {
  return a.width === b.width && a.height === b.height;
}

/** `size` with `lines` lines and the same shape, in even numbers; never larger than `size` itself. */
export function scaledToLines(size: Size, lines: number): Size {
  // Portrait clips are counted by their shorter side: "360 lines" means the same amount of work either way up.
  const shorter = Math.min(size.width, size.height);
  if (lines >= shorter) return size;
  const factor = lines / shorter;
  return {
    width: Math.min(size.width, even(size.width * factor)),
    height: Math.min(size.height, even(size.height * factor)),
  };
}

/**
 * The size at which frames are painted or dreamt into. `wantedLines` 0 chooses by the machine.
 * @param share lines beside those of a careful painter, for work that is lighter
 */
export function workingSize(
  size: Size,
  wantedLines: number,
  machine: Machine,
  detail: keyof typeof shareByDetail = 'normal',
  share = 1,
): Size {
  const usual = (linesByProvider[machine.provider] ?? linesByProvider.cpu) * shareByDetail[detail] * share;
  const lines = wantedLines > 0 ? wantedLines : usual;
  return scaledToLines(size, Math.max(smallestSide, Math.round(lines)));
}

/** 4:2:0 and 4:2:2 codecs store colour for pairs of pixels: an odd side is cut by one pixel. */
export function sizeForCodec(size: Size, codec: CodecName): Size {
  const pairs = codec === 'h264' || codec === 'dnxhr' || codec === 'prores422hq' || codec === 'prores4444';
  const cut = (side: number) => (pairs ? side - (side % 2) : side);
  return { width: cut(size.width), height: cut(size.height) };
}

/** @throws AppError SIZE_REFUSED */
export function checkSize(size: Size): Size {
  const problem =
    size.width < smallestSide || size.height < smallestSide
      ? 'too small'
      : size.width > largestSide || size.height > largestSide
        ? 'too large'
        : undefined;
  if (problem) throw new AppError('SIZE_REFUSED', { width: size.width, height: size.height, problem });
  return size;
}
