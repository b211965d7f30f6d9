import { AppError } from '#protocol/errors';
import { floatTensor, floatsOf, sizeOf, type Tensor } from '../../frame/tensor';
import { cutAtMeans, maskName, sumsName, type NetParts, type SharedMean } from '../../nets/shared-means';
import type { NetSource } from '../../pipeline/stage';
import { tileBudgetBytes } from '../../runtime/memory';
import type { DeviceTensor, Net } from '../../runtime/runtime';
import { cutTile, placeTile, type Tile } from '../tiles';
import { createPlanes, type EnlargeContext, type Planes, type Upscaler } from './upscaler';

/** A net whose means are taken over all tiles of a picture, compiled for one size of tile. */
export type SharedNet = { readonly up: Upscaler; readonly cut: NetParts; readonly nets: readonly Net[] };

const cuts = new WeakMap<Net, Map<string, NetParts | undefined>>();

/** @returns undefined when the net averages nothing over the picture */
export async function openShared(
  up: Upscaler,
  picture: Planes,
  tile: Tile,
  nets: NetSource,
): Promise<SharedNet | undefined> {
  const whole = (length: number) => Math.ceil(length / up.multiple) * up.multiple;
  const border = 2 * (up.pad + up.overlap);
  const [tileDims, wholeDims] = [
    [tile.height + border, tile.width + border],
    [whole(picture.height) + border, whole(picture.width) + border],
  ] as [[number, number], [number, number]];
  const known = cuts.get(up.net) ?? new Map<string, NetParts | undefined>();
  cuts.set(up.net, known);
  const key = `${tileDims.join('x')}/${wholeDims.join('x')}`;
  if (!known.has(key)) known.set(key, cutOrNothing(await nets.bytes(up.name), up.name, tileDims, wholeDims));
  const cut = known.get(key);
  if (!cut) return undefined;
  const compiled = cut.parts.map(({ model, keeps }, part) =>
    nets.compiled(`upscale:${up.name}:${tileDims.join('x')}:${part}`, async () => model, {
      keepOnDevice: keeps,
      mayHalve: true,
    }),
  );
  return { up, cut, nets: await Promise.all(compiled) };
}

/** Nets with operators that cannot be taken apart here keep each tile's own means. */
function cutOrNothing(...parts: Parameters<typeof cutAtMeans>): NetParts | undefined {
  try {
    return cutAtMeans(...parts);
  } catch (error) {
    if (error instanceof AppError && error.code === 'NET_UNSUPPORTED') return undefined;
    throw error;
  }
}

type Kept = { readonly tensor: DeviceTensor; readonly net: Net };

/** One tile's values between two parts, by their names. */
class KeptValues {
  private readonly values = new Map<string, Kept>();

  get(name: string): DeviceTensor {
    return (this.values.get(name) as Kept).tensor;
  }

  set(name: string, tensor: DeviceTensor, net: Net): void {
    this.values.set(name, { tensor, net });
  }

  free(names: Iterable<string> = [...this.values.keys()]): void {
    for (const name of names) {
      const kept = this.values.get(name);
      kept?.net.free(kept.tensor);
      this.values.delete(name);
    }
  }
}

/** Every part over all tiles before the next one begins: in between the means of the whole picture become known. */
export async function enlargeWithSharedMeans(
  shared: SharedNet,
  picture: Planes,
  tiles: readonly Tile[],
  ctx: EnlargeContext,
): Promise<Planes> {
  const { cut, up } = shared;
  const out = createPlanes(picture.width * up.scale, picture.height * up.scale);
  const means: Tensor[] = [];
  const kept = tiles.map(() => new KeptValues());
  // Tiles beyond it begin anew for each part.
  const mayKeep = Math.floor(tileBudgetBytes() / Math.max(1, cut.keptBytes));
  try {
    for (let part = 0; part < cut.parts.length; part++) {
      const mean = cut.means[part] as SharedMean | undefined;
      const sums = new Float64Array(mean ? sizeOf(mean.dims) : 0);
      for (const [index, tile] of tiles.entries()) {
        let values: Float32Array = new Float32Array();
        for (let step = index < mayKeep ? part : 0; step <= part; step++) {
          ctx.signal.throwIfAborted();
          values = await runPart(shared, step, picture, tile, means, kept[index]);
        }
        if (mean) for (let c = 0; c < sums.length; c++) sums[c] += values[c];
        else placeTile(out.pixels, 3, out.width, out.height, tile, withoutBorder(values, tile, up), up.scale);
        if (index >= mayKeep) kept[index].free();
        ctx.done((part * tiles.length + index + 1) / (cut.parts.length * tiles.length));
      }
      if (mean) {
        const count = mean.whole[0] * mean.whole[1];
        means.push(
          floatTensor(
            Float32Array.from(sums, sum => sum / count),
            mean.dims,
          ),
        );
      }
    }
  } finally {
    for (const values of kept) values.free();
  }
  return out;
}

async function runPart(
  { up, cut, nets }: SharedNet,
  step: number,
  picture: Planes,
  tile: Tile,
  means: readonly Tensor[],
  kept: KeptValues,
): Promise<Float32Array> {
  const part = cut.parts[step];
  const border = up.pad + up.overlap;
  const feeds: Record<string, Tensor | DeviceTensor> = {};
  for (const name of part.inputs) {
    const mean = cut.means.findIndex(each => each.name === name);
    if (mean >= 0) feeds[name] = means[mean];
    else if (name !== cut.picture) feeds[name] = kept.get(name);
    else {
      const pixels = cutTile(picture.pixels, 3, picture.width, picture.height, tile, border);
      feeds[name] = floatTensor(pixels, [1, 3, tile.height + 2 * border, tile.width + 2 * border]);
    }
  }
  const mean = cut.means[step] as SharedMean | undefined;
  if (mean) feeds[maskName] = maskOf(mean, tile, picture, up.multiple);
  const asked = mean ? sumsName : cut.output;
  const outputs = await nets[step].run(feeds, {
    fetch: [asked],
    keepOnDevice: part.keeps,
    give: [cut.picture, maskName].filter(name => name in feeds),
  });
  for (const name of part.keeps) kept.set(name, outputs[name] as DeviceTensor, nets[step]);
  kept.free(part.drops);
  return floatsOf(outputs[asked] as Tensor);
}

/** 1 for every place of the tile's map that no tile before it covers, so that each place of the whole map counts once. */
function maskOf({ tile: [height, width], whole }: SharedMean, tile: Tile, picture: Planes, multiple: number): Tensor {
  const rows = newFrom(tile.y, tile.height, height, picture.height, whole[0], multiple);
  const columns = newFrom(tile.x, tile.width, width, picture.width, whole[1], multiple);
  const mask = new Float32Array(height * width);
  for (let y = rows; y < height; y++) mask.fill(1, y * width + columns, (y + 1) * width);
  return floatTensor(mask, [height * width, 1]);
}

/**
 * The first place of a tile's map, along one axis, that the tile before it did not have. Tiles lie side by side but for
 * the last, which ends with the picture; their maps overlap by what the net's convolutions need of the surroundings.
 */
function newFrom(
  start: number,
  side: number,
  mapSide: number,
  length: number,
  wholeMap: number,
  multiple: number,
): number {
  if (start === 0) return 0;
  const whole = Math.ceil(length / multiple) * multiple;
  const step = (whole - side) / (wholeMap - mapSide);
  const before = start + side >= whole ? Math.floor((start - 1) / side) * side : start - side;
  return before / step + mapSide - start / step;
}

function withoutBorder(pixels: Float32Array, tile: Tile, { overlap, scale }: Upscaler): Float32Array {
  if (overlap === 0) return pixels;
  const border = overlap * scale;
  const [width, height] = [tile.width * scale, tile.height * scale];
  return cutTile(pixels, 3, width + 2 * border, height + 2 * border, { x: border, y: border, width, height }, 0);
}
