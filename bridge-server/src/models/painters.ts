import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '#protocol/errors';

export type PainterStore = {
  /** Names, in alphabetical order. */
  list(): Promise<string[]>;
  /** The statistics, for `nets/painter.ts`. @throws AppError FILE_NOT_FOUND */
  bytes(name: string): Promise<Uint8Array>;
  /** A JPEG that Reverie painted with them. @throws AppError FILE_NOT_FOUND */
  swatch(name: string): Promise<Uint8Array>;
};

const statisticsEnding = '.painter';
const swatchEnding = '.jpg';
const painterName = /^[a-z0-9-]{1,40}$/;

/** What paintings taught, without the paintings: one file of statistics and one swatch each, made by `scripts/prepare-painters`. */
export function createPainterStore(folder: string): PainterStore {
  const read = async (name: string, ending: string): Promise<Uint8Array> => {
    if (!painterName.test(name)) throw new AppError('FILE_NOT_FOUND', { path: name });
    return readFile(join(folder, `${name}${ending}`)).catch((error: unknown) => {
      throw new AppError('FILE_NOT_FOUND', { path: `${name}${ending}` }, { cause: error });
    });
  };
  return {
    async list() {
      const files = await readdir(folder).catch(() => []);
      return files
        .filter(file => file.endsWith(statisticsEnding))
        .map(file => file.slice(0, -statisticsEnding.length))
        .sort();
    },
    bytes: name => read(name, statisticsEnding),
    swatch: name => read(name, swatchEnding),
  };
}
