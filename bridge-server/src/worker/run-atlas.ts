import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '#protocol/errors';
import type { Frame } from '../frame/frame';
import type { AtlasOrder } from '../jobs/task';
import { loadPicture } from '../media/still';
import { createRandom } from '../pipeline/random';
import { openAtlas } from '../stages/dream/atlas';
import type { Device } from './device';
import { writePicture } from './picture-file';

export type AtlasContext = {
  readonly device: Device;
  readonly signal: AbortSignal;
  /** The picture itself, where the order does not name one of the store. */
  readonly image?: Frame;
  readonly onTile: (tile: {
    readonly layer: string;
    readonly channels: number;
    readonly file: string;
    readonly done: number;
    readonly total: number;
  }) => void;
};

const longerSide = 480;
/** Counted up when tiles begin to look otherwise. */
const tileVersion = 1;
/** Atlases that are kept, the newest; one of GoogLeNet takes 2 MB. */
const keptAtlases = 24;

/** A layer's name as a file's: "ec10/expand" becomes "0007-ec10-expand.jpg", sorted from the first layer to the last. */
export function tileName(index: number, layer: string, channel?: number): string {
  const words = layer
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 80);
  return `${String(index).padStart(4, '0')}-${words}${channel === undefined ? '' : `-${channel}`}.jpg`;
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    ({ size }) => size > 0,
    () => false,
  );

/** Tiles of the same net, picture and layer look the same: they are kept below the nets' neighbour `atlases/`. */
async function openKept(order: AtlasOrder, netHash: string, image: Frame | undefined): Promise<string> {
  const picture = image
    ? createHash('sha256')
        .update(new Uint8Array(image.rgb.buffer, image.rgb.byteOffset, image.rgb.byteLength))
        .digest('hex')
    : '';
  const about = JSON.stringify([tileVersion, netHash, picture, order.channelsOf ?? '']);
  const all = join(dirname(order.folders.nets), 'atlases');
  const folder = join(all, createHash('sha256').update(about).digest('hex').slice(0, 32));
  await mkdir(folder, { recursive: true });
  const now = new Date();
  await utimes(folder, now, now);
  const known = await Promise.all(
    (await readdir(all)).map(async name => ({ name, time: (await stat(join(all, name))).mtimeMs })),
  );
  const oldest = known.sort((a, b) => b.time - a.time).slice(keptAtlases);
  await Promise.all(oldest.map(({ name }) => rm(join(all, name), { recursive: true, force: true })));
  return folder;
}

/**
 * Writes one picture per layer (or channel) into the order's folder, and `atlas.json` with what each shows. What an
 * earlier order for the same net and picture has made comes at once, also where that one was cancelled.
 */
export async function runAtlas(order: AtlasOrder, { device, signal, onTile, ...given }: AtlasContext): Promise<void> {
  const opened = device.nets(order.folders.nets).open(signal);
  const list: { layer: string; channels: number; channel?: number; file: string }[] = [];
  try {
    const image = order.image ? await loadPicture(join(order.folders.images, order.image)) : given.image;
    const atlas = await openAtlas(
      { net: order.net, image, channelsOf: order.channelsOf },
      {
        nets: opened.nets,
        signal,
        image: () => Promise.reject(new Error('an atlas has no guide')),
        random: (frame: number) => createRandom(0, 'atlas', frame),
      },
    );
    const [{ sha256 }] = await device.describeNets(order.folders.nets, [order.net]);
    const kept = await openKept(order, sha256, image);
    for (const [index, tile] of atlas.tiles.entries()) {
      if (signal.aborted) throw new AppError('CANCELLED');
      const file = tileName(index + 1, tile.layer, tile.channel);
      if (!(await isThere(join(kept, file))))
        await writePicture(join(kept, file), await atlas.paint(tile), 'jpeg', longerSide);
      await copyFile(join(kept, file), join(order.folder, file));
      list.push({ ...tile, file });
      onTile({
        layer: tile.layer,
        channels: tile.channel ?? tile.channels,
        file,
        done: index + 1,
        total: atlas.tiles.length,
      });
    }
    await writeFile(
      join(order.folder, 'atlas.json'),
      `${JSON.stringify({ net: order.net, tiles: list }, undefined, 1)}\n`,
    );
  } finally {
    opened.end();
  }
}
