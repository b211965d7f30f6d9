import { createHmac, randomBytes } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { AppError } from '#protocol/errors';
import { makeGlimpse } from '../media/glimpse';
import type { PictureCache } from './picture-cache';

/** Addresses that are kept; a long timeline has some hundred clips. */
const keptAtMost = 4000;
const side = 320;

/**
 * Small pictures of the files that lie on a host's timeline. A panel names a file over its own connection and is given
 * an address that cannot be guessed; over HTTP nobody can name a file. What is no film or picture gives nothing, and a
 * file that changes has another address.
 */
export class Glimpses {
  private readonly secret = randomBytes(32);
  private readonly known = new Map<string, { readonly path: string; readonly seconds: number }>();

  constructor(private readonly cache: PictureCache) {}

  /** @returns the key of the picture's address; undefined where there is no such file */
  async admit(path: string, seconds: number): Promise<string | undefined> {
    if (!isAbsolute(path) || path.includes('\0')) return undefined;
    // Not there, not readable: the clip is shown without a picture.
    const real = await realpath(path).catch(() => undefined);
    const found = real === undefined ? undefined : await stat(real).catch(() => undefined);
    if (real === undefined || !found?.isFile()) return undefined;
    const about = JSON.stringify([real, found.size, found.mtimeMs, seconds]);
    const key = createHmac('sha256', this.secret).update(about).digest('hex');
    this.known.delete(key);
    this.known.set(key, { path: real, seconds });
    const [oldest] = this.known.keys();
    if (this.known.size > keptAtMost) this.known.delete(oldest);
    return key;
  }

  /** @throws AppError FILE_NOT_FOUND, TOO_MANY, and what decoding throws */
  get(key: string): Promise<Buffer> {
    const glimpse = this.known.get(key);
    if (!glimpse) throw new AppError('FILE_NOT_FOUND', { path: 'the picture' });
    return this.cache.get(key, () => makeGlimpse(glimpse.path, glimpse.seconds, side));
  }
}
