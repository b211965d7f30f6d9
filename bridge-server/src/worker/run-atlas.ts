import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Frame } from '../frame/frame';
import type { AtlasOrder } from '../jobs/task';
import { loadPicture } from '../media/still';
import { createRandom } from '../pipeline/random';
import { atlas } from '../stages/dream/atlas';
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

/** A layer's name as a file's: "ec10/expand" becomes "07-ec10-expand.jpg", sorted from the first layer to the last. */
export function tileName(index: number, layer: string, channel?: number): string {
  const words = layer
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 80);
  return `${String(index).padStart(4, '0')}-${words}${channel === undefined ? '' : `-${channel}`}.jpg`;
}

/** Writes one picture per layer (or channel) into the order's folder, and `atlas.json` with what each shows. */
export async function runAtlas(order: AtlasOrder, { device, signal, onTile, ...given }: AtlasContext): Promise<void> {
  const opened = device.nets(order.folders.nets).open(signal);
  const list: { layer: string; channels: number; file: string }[] = [];
  try {
    const image = order.image ? await loadPicture(join(order.folders.images, order.image)) : given.image;
    const ctx = {
      nets: opened.nets,
      signal,
      image: () => Promise.reject(new Error('an atlas has no guide')),
      random: (frame: number) => createRandom(0, 'atlas', frame),
    };
    for await (const { layer, channels, picture, done, total } of atlas(
      { net: order.net, image, channelsOf: order.channelsOf },
      ctx,
    )) {
      const file = tileName(done, layer, order.channelsOf === undefined ? undefined : channels);
      await writePicture(join(order.folder, file), picture, 'jpeg', longerSide);
      list.push({ layer, channels, file });
      onTile({ layer, channels, file, done, total });
    }
    await writeFile(
      join(order.folder, 'atlas.json'),
      `${JSON.stringify({ net: order.net, tiles: list }, undefined, 1)}\n`,
    );
  } finally {
    opened.end();
  }
}
