import { cutTile, type Tile } from '../tiles';
import type { Size } from './octaves';

/** Neighbouring tiles share this part of their side and fade into each other there. */
const overlapShare = 1 / 8;

/** First pixels of tiles along one side, at a random phase; the first and the last lie flush with the picture's edges. */
function startsAlong(length: number, side: number, phase: number): number[] {
  const stride = side - Math.round(side * overlapShare);
  const starts: number[] = [];
  for (let start = -Math.floor(phase * stride); start < length; start += stride) {
    const inside = Math.min(Math.max(0, start), length - side);
    if (starts.at(-1) !== inside) starts.push(inside);
  }
  return starts;
}

/** Tiles of one size that cover a picture; their borders fall elsewhere each time. */
export function shiftedTiles({ width, height }: Size, tilePx: number, random: () => number): Tile[] {
  const [tileWidth, tileHeight] = [Math.min(tilePx, width), Math.min(tilePx, height)];
  const columns = startsAlong(width, tileWidth, random());
  const rows = startsAlong(height, tileHeight, random());
  return rows.flatMap(y => columns.map(x => ({ x, y, width: tileWidth, height: tileHeight })));
}

/** Weight along one side of a tile: 0 to 1 over the overlap, but for an end that is the picture's own. */
function ramp(start: number, side: number, length: number): Float32Array {
  const overlap = Math.max(1, Math.round(side * overlapShare));
  return Float32Array.from({ length: side }, (_, at) => {
    const before = start === 0 ? 1 : (at + 0.5) / overlap;
    const after = start + side === length ? 1 : (side - at - 0.5) / overlap;
    return Math.min(1, before, after);
  });
}

/**
 * A gradient that is too large to be computed at once, tile by tile. What a net says near a tile's edge lacks its
 * surroundings; it counts little there, and since tiles begin elsewhere at each step, nothing of their borders stays
 * (the random roll of TensorFlow's DeepDream tutorial).
 * @param image [3, H, W]
 * @param gradientOf the gradient of one tile [3, tile.height, tile.width]
 */
export async function tiledGradient(
  image: Float32Array,
  size: Size,
  tiles: readonly Tile[],
  gradientOf: (tile: Float32Array) => Promise<Float32Array>,
): Promise<Float32Array> {
  const { width, height } = size;
  const area = width * height;
  const sum = new Float32Array(3 * area);
  const weights = new Float32Array(area);
  for (const tile of tiles) {
    const gradient = await gradientOf(cutTile(image, 3, width, height, tile, 0));
    const [across, down] = [ramp(tile.x, tile.width, width), ramp(tile.y, tile.height, height)];
    for (let y = 0; y < tile.height; y++)
      for (let x = 0; x < tile.width; x++) {
        const weight = across[x] * down[y];
        const at = (tile.y + y) * width + tile.x + x;
        weights[at] += weight;
        for (let c = 0; c < 3; c++) sum[c * area + at] += weight * gradient[(c * tile.height + y) * tile.width + x];
      }
  }
  return sum.map((value, i) => value / weights[i % area]);
}
