import { isSameSize, type Frame } from '../../frame/frame';

/** Side of the squares in which a frame is judged. */
export const tileSide = 32;

export type Tile = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

/** Columns and rows of tiles; the last of each may be narrower. */
export type TileGrid = { readonly columns: number; readonly rows: number; readonly tiles: readonly Tile[] };

export function tileGrid(width: number, height: number): TileGrid {
  const columns = Math.ceil(width / tileSide);
  const rows = Math.ceil(height / tileSide);
  const tiles = Array.from({ length: columns * rows }, (_, i) => {
    const x = (i % columns) * tileSide;
    const y = Math.floor(i / columns) * tileSide;
    return { x, y, width: Math.min(tileSide, width - x), height: Math.min(tileSide, height - y) };
  });
  return { columns, rows, tiles };
}

/** What a tile looks like; values in 0..1. */
export type TileFigures = {
  readonly mean: readonly [number, number, number];
  /** The largest of the channels' standard deviations. */
  readonly deviation: number;
  /** Mean squared difference to the right and lower neighbour, all channels. */
  readonly gradient: number;
  /** Mean alpha. */
  readonly opacity: number;
};

/** A tile narrower than this says little by itself: it is judged together with its neighbour's pixels. */
const leastSide = tileSide / 2;

/** In large frames every second pixel of every second row tells as much. */
const largeArea = 1_500_000;

/** The same part of a picture of another size. */
export function scaledTile(
  tile: Tile,
  from: { width: number; height: number },
  to: { width: number; height: number },
): Tile {
  if (isSameSize(from, to)) return tile;
  const x = Math.min(to.width - 1, Math.floor((tile.x * to.width) / from.width));
  const y = Math.min(to.height - 1, Math.floor((tile.y * to.height) / from.height));
  const right = Math.max(x + 1, Math.min(to.width, Math.ceil(((tile.x + tile.width) * to.width) / from.width)));
  const bottom = Math.max(y + 1, Math.min(to.height, Math.ceil(((tile.y + tile.height) * to.height) / from.height)));
  return { x, y, width: right - x, height: bottom - y };
}

export function tileFigures(frame: Frame, tile: Tile): TileFigures {
  const { width, height, rgb, alpha } = frame;
  const area = width * height;
  const left = Math.max(0, Math.min(tile.x, tile.x + tile.width - Math.min(leastSide, width)));
  const top = Math.max(0, Math.min(tile.y, tile.y + tile.height - Math.min(leastSide, height)));
  const right = tile.x + tile.width;
  const bottom = tile.y + tile.height;
  const step = area > largeArea && right - left >= leastSide && bottom - top >= leastSide ? 2 : 1;
  const count = Math.ceil((right - left) / step) * Math.ceil((bottom - top) / step);
  const mean: [number, number, number] = [0, 0, 0];
  let deviation = 0;
  let gradient = 0;
  for (let c = 0; c < 3; c++) {
    const base = c * area;
    // Differences to one of the values keep the precision of the squares.
    const origin = rgb[base + top * width + left];
    let sum = 0;
    let squares = 0;
    for (let y = top; y < bottom; y += step) {
      const row = base + y * width;
      const below = y + 1 < height ? width : 0;
      for (let x = left; x < right; x += step) {
        const value = rgb[row + x];
        const offset = value - origin;
        sum += offset;
        squares += offset * offset;
        const across = (x + 1 < width ? rgb[row + x + 1] : value) - value;
        const down = rgb[row + x + below] - value;
        gradient += across * across + down * down;
      }
    }
    mean[c] = origin + sum / count;
    deviation = Math.max(deviation, Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2)));
  }
  let opacity = 1;
  if (alpha) {
    let sum = 0;
    for (let y = top; y < bottom; y += step) for (let x = left; x < right; x += step) sum += alpha[y * width + x];
    opacity = sum / count;
  }
  return { mean, deviation, gradient: gradient / (3 * count), opacity };
}

/** Mean and largest absolute difference of a tile in two frames of one size. */
export function tileDifference(a: Frame, b: Frame, tile: Tile): { readonly mean: number; readonly most: number } {
  const area = a.width * a.height;
  let sum = 0;
  let most = 0;
  for (let c = 0; c < 3; c++) {
    for (let y = tile.y; y < tile.y + tile.height; y++) {
      const row = c * area + y * a.width;
      for (let x = tile.x; x < tile.x + tile.width; x++) {
        const difference = Math.abs(a.rgb[row + x] - b.rgb[row + x]);
        sum += difference;
        if (difference > most) most = difference;
      }
    }
  }
  return { mean: sum / (3 * tile.width * tile.height), most };
}

/**
 * Keeps the marked tiles that hang together, side by side, over more than `least` pixels.
 * @param marked one flag a tile of the grid
 */
export function connectedTiles(grid: TileGrid, marked: readonly boolean[], least: number): Tile[] {
  const seen = new Set<number>();
  const kept: Tile[] = [];
  for (let start = 0; start < marked.length; start++) {
    if (!marked[start] || seen.has(start)) continue;
    const group = [start];
    seen.add(start);
    for (let i = 0; i < group.length; i++) {
      const at = group[i];
      const column = at % grid.columns;
      const around = [
        column > 0 ? at - 1 : -1,
        column < grid.columns - 1 ? at + 1 : -1,
        at - grid.columns,
        at + grid.columns,
      ];
      for (const next of around) {
        if (next < 0 || next >= marked.length || !marked[next] || seen.has(next)) continue;
        seen.add(next);
        group.push(next);
      }
    }
    const area = group.reduce((sum, at) => sum + grid.tiles[at].width * grid.tiles[at].height, 0);
    if (area > least) kept.push(...group.map(at => grid.tiles[at]));
  }
  return kept;
}
