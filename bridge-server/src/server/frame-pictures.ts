import type { ClipInfo } from '#protocol/clip';
import { AppError } from '#protocol/errors';
import { decodeFrames } from '../media/decode';
import { encodePicture } from '../media/still';
import { thumbnailSize } from '../media/thumbnails';

/** Pictures kept in memory, for a playhead that goes to and fro. */
const cacheBytes = 48e6;
const decodersAtOnce = 2;
const waitingAtMost = 64;
const largestSide = 1920;

/** JPEGs of single frames of clips: a few at a time, the latest kept. */
export class FramePictures {
  private readonly known = new Map<string, Promise<Buffer>>();
  private readonly sizes = new Map<string, number>();
  private total = 0;
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  /** @throws AppError RANGE_OUTSIDE, TOO_MANY, and what decoding throws */
  get(path: string, clip: ClipInfo, frame: number, width: number | undefined): Promise<Buffer> {
    if (frame >= clip.frames) throw new AppError('RANGE_OUTSIDE', { first: frame, last: frame, frames: clip.frames });
    const wanted = Math.min(width ?? largestSide, largestSide);
    // A few widths for all wishes, so that the cache is of use.
    const side = Math.ceil((wanted * Math.max(clip.width, clip.height)) / clip.width / 160) * 160;
    const key = `${clip.sha256} ${frame} ${side}`;
    const before = this.known.get(key);
    if (before) {
      this.known.delete(key);
      this.known.set(key, before);
      return before;
    }
    if (this.waiting.length >= waitingAtMost)
      throw new AppError('TOO_MANY', { what: 'pictures', limit: waitingAtMost });
    const made = this.inTurn(() => makePicture(path, clip, frame, side));
    this.known.set(key, made);
    made.then(
      bytes => this.keep(key, bytes.length),
      () => this.known.delete(key),
    );
    return made;
  }

  private keep(key: string, bytes: number): void {
    this.sizes.set(key, bytes);
    this.total += bytes;
    for (const [oldest] of this.known) {
      if (this.total <= cacheBytes) return;
      const size = this.sizes.get(oldest);
      if (size === undefined) continue;
      this.known.delete(oldest);
      this.sizes.delete(oldest);
      this.total -= size;
    }
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= decodersAtOnce) await new Promise<void>(resolve => this.waiting.push(resolve));
    this.running++;
    try {
      return await work();
    } finally {
      this.running--;
      this.waiting.shift()?.();
    }
  }
}

async function makePicture(path: string, clip: ClipInfo, frame: number, side: number): Promise<Buffer> {
  const scaleTo = thumbnailSize(clip.width, clip.height, side);
  for await (const picture of decodeFrames(path, clip, { first: frame, last: frame, scaleTo }))
    return encodePicture(picture, 'jpeg', { quality: 82 });
  throw new AppError('MEDIA_DAMAGED', { path: clip.name, problem: `frame ${frame} cannot be decoded` });
}
