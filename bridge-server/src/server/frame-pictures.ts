import type { ClipInfo } from '#protocol/clip';
import { AppError } from '#protocol/errors';
import { decodeFrames } from '../media/decode';
import { encodePicture } from '../media/still';
import { thumbnailSize } from '../media/thumbnails';
import type { PictureCache } from './picture-cache';

const largestSide = 1920;

/** JPEGs of single frames of clips. */
export class FramePictures {
  constructor(private readonly cache: PictureCache) {}

  /** @throws AppError RANGE_OUTSIDE, TOO_MANY, and what decoding throws */
  get(path: string, clip: ClipInfo, frame: number, width: number | undefined): Promise<Buffer> {
    if (frame >= clip.frames) throw new AppError('RANGE_OUTSIDE', { first: frame, last: frame, frames: clip.frames });
    const wanted = Math.min(width ?? largestSide, largestSide);
    // A few widths for all wishes, so that the cache is of use.
    const side = Math.ceil((wanted * Math.max(clip.width, clip.height)) / clip.width / 160) * 160;
    return this.cache.get(`${clip.sha256} ${frame} ${side}`, () => makePicture(path, clip, frame, side));
  }
}

async function makePicture(path: string, clip: ClipInfo, frame: number, side: number): Promise<Buffer> {
  const scaleTo = thumbnailSize(clip.width, clip.height, side);
  for await (const picture of decodeFrames(path, clip, { first: frame, last: frame, scaleTo }))
    return encodePicture(picture, 'jpeg', { quality: 82 });
  throw new AppError('MEDIA_DAMAGED', { path: clip.name, problem: `frame ${frame} cannot be decoded` });
}
