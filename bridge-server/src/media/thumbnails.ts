import type { ClipInfo } from '#protocol/clip';
import { decodeFrames } from './decode';
import { encodePicture, type PictureFormat } from './still';

export type Thumbnail = { readonly frame: number; readonly bytes: Buffer };

/** Size that fits into a square of `side` with the clip's shape, never larger than the clip. */
export function thumbnailSize(width: number, height: number, side: number): { width: number; height: number } {
  const scale = Math.min(1, side / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/**
 * Pictures spread evenly over a clip, for a strip under a player.
 * @param options.side longest side in pixels
 * @throws AppError as `decodeFrames`
 */
export async function filmstrip(
  path: string,
  info: ClipInfo,
  options: {
    readonly count: number;
    readonly side?: number;
    readonly format?: PictureFormat;
    readonly signal?: AbortSignal;
  },
): Promise<Thumbnail[]> {
  const count = Math.min(options.count, info.frames);
  const scaleTo = thumbnailSize(info.width, info.height, options.side ?? 160);
  const strip: Thumbnail[] = [];
  for (let order = 0; order < count; order++) {
    const at = count === 1 ? 0 : Math.round((order * (info.frames - 1)) / (count - 1));
    for await (const frame of decodeFrames(path, info, { first: at, last: at, scaleTo, signal: options.signal })) {
      strip.push({ frame: at, bytes: await encodePicture(frame, options.format ?? 'jpeg', { quality: 80 }) });
    }
  }
  return strip;
}
