import { tileBudgetBytes } from '../../runtime/memory';
import { cutTile, placeTile, planTiles, turn, turnBack } from '../tiles';
import { enlargeWithSharedMeans, openShared } from './shared-tiles';
import { createPlanes, openAt, runNet, type EnlargeContext, type Planes, type Upscaler } from './upscaler';

export type EnlargeOptions = {
  /** Average over the eight turned and mirrored copies of the picture. */
  readonly tta: boolean;
  /** Largest side of a tile; 0 chooses by memory. */
  readonly tilePx: number;
};

/** Activations of upconv_7 and cunet at full size take about this much per input pixel (engine reference, section 7). */
const bytesPerPixel = 2600;

/** [3, H, W] through the net in tiles. The result does not depend on their size but for rounding. */
export async function enlarge(
  up: Upscaler,
  picture: Planes,
  options: EnlargeOptions,
  ctx: EnlargeContext,
): Promise<Planes> {
  const [width, height] = [picture.width * up.scale, picture.height * up.scale];
  const ways = options.tta ? 8 : 1;
  let sum: Float32Array | undefined;
  for (let way = 0; way < ways; way++) {
    const done = (share: number) => ctx.done((way + share) / ways);
    const turned = await enlargeOnce(up, turnedPicture(picture, way), options.tilePx, { ...ctx, done });
    const straight = way === 0 ? turned.pixels : turnBack(turned.pixels, 3, turned.width, turned.height, way);
    if (!sum) sum = straight;
    else for (let i = 0; i < sum.length; i++) sum[i] += straight[i];
  }
  const pixels = sum as Float32Array;
  const repeated = up.givesDifference ? repeatPixels(picture, up.scale) : undefined;
  for (let i = 0; i < pixels.length; i++)
    pixels[i] = Math.min(1, Math.max(0, pixels[i] / ways + (repeated ? repeated[i] : 0)));
  return { pixels, width, height };
}

function repeatPixels({ pixels, width, height }: Planes, scale: number): Float32Array {
  const out = new Float32Array(pixels.length * scale * scale);
  const wide = width * scale;
  for (let row = 0; row < 3 * height * scale; row++)
    for (let x = 0; x < wide; x++)
      out[row * wide + x] = pixels[Math.floor(row / scale) * width + Math.floor(x / scale)];
  return out;
}

function turnedPicture(picture: Planes, way: number): Planes {
  if (way === 0) return picture;
  const [width, height] = (way & 4) !== 0 ? [picture.height, picture.width] : [picture.width, picture.height];
  return { pixels: turn(picture.pixels, 3, picture.width, picture.height, way), width, height };
}

async function enlargeOnce(up: Upscaler, picture: Planes, tilePx: number, ctx: EnlargeContext): Promise<Planes> {
  const { width, height } = picture;
  const largest = tilePx > 0 ? tilePx : Math.floor(Math.sqrt(tileBudgetBytes() / bytesPerPixel));
  const tiles = planTiles(width, height, largest, up.multiple);
  const shared = tiles.length > 1 ? await openShared(up, picture, tiles[0], ctx.nets) : undefined;
  if (shared) return enlargeWithSharedMeans(shared, picture, tiles, ctx);

  const border = up.pad + up.overlap;
  const [cutWidth, cutHeight] = [tiles[0].width + 2 * border, tiles[0].height + 2 * border];
  const net = await openAt(up, ctx.nets, cutWidth, cutHeight);
  const out = createPlanes(width * up.scale, height * up.scale);
  for (const [index, tile] of tiles.entries()) {
    ctx.signal.throwIfAborted();
    const cut = cutTile(picture.pixels, 3, width, height, tile, border);
    const result = await runNet(net, cut, cutWidth, cutHeight);
    placeTile(out.pixels, 3, out.width, out.height, tile, withoutBorder(result, up.overlap * up.scale), up.scale);
    ctx.done((index + 1) / tiles.length);
  }
  return out;
}

function withoutBorder({ pixels, width, height }: Planes, border: number): Float32Array {
  if (border === 0) return pixels;
  const inside = { x: border, y: border, width: width - 2 * border, height: height - 2 * border };
  return cutTile(pixels, 3, width, height, inside, 0);
}
