import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '#protocol/errors';
import { readPainter } from '../nets/painter';

/** A painter that comes with Reverie. */
export type PainterInfo = {
  readonly name: string;
  /** Feature net whose statistics it holds. */
  readonly net: string;
  readonly sizeBytes: number;
  /** Longer sides at which the painting was measured. */
  readonly sides: readonly number[];
};

export type PainterStore = {
  list(): Promise<PainterInfo[]>;
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
  const bytes = (name: string): Promise<Uint8Array> => read(name, statisticsEnding);
  return {
    async list() {
      const files = (await readdir(folder).catch(() => [])).filter(file => file.endsWith(statisticsEnding)).sort();
      return Promise.all(
        files.map(async file => {
          const name = file.slice(0, -statisticsEnding.length);
          const content = await bytes(name);
          const painter = readPainter(content, name);
          return {
            name,
            net: painter.net,
            sizeBytes: content.length,
            sides: painter.entries.map(entry => entry.sidePx),
          };
        }),
      );
    },
    bytes,
    swatch: name => read(name, swatchEnding),
  };
}
