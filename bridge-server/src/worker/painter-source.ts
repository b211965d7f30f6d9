import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '#protocol/errors';
import { assetFolder } from './find-assets';
import type { Painters } from './task-services';

async function read(name: string, ending: string): Promise<Uint8Array> {
  if (!/^[a-z0-9-]{1,40}$/.test(name)) throw new AppError('FILE_NOT_FOUND', { path: name });
  try {
    return await readFile(join(assetFolder('painters'), `${name}${ending}`));
  } catch (cause) {
    throw new AppError('FILE_NOT_FOUND', { path: `${name}${ending}` }, { cause });
  }
}

/** The painters that come with Reverie: statistics and a swatch each. */
export const painters: Painters = {
  bytes: name => read(name, '.painter'),
  swatch: name => read(name, '.jpg'),
};
