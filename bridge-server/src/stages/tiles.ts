/** A rectangle of the source picture. */
export type Tile = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

/**
 * Covers `width` x `height` with tiles of one size, so that a net compiled for one serves all. Sides and places are
 * multiples of `multiple` (a net with strides must see every tile in the same phase): the picture is thought to be
 * continued to the next multiple. What overlaps is computed twice and is equal.
 * @param size the largest side of a tile; tiles are made as small as their number allows
 */
export function planTiles(width: number, height: number, size: number, multiple = 1): Tile[] {
  const up = (value: number) => Math.ceil(value / multiple) * multiple;
  const along = (length: number): { starts: number[]; side: number } => {
    const whole = up(length);
    const count = Math.ceil(whole / Math.max(multiple, Math.floor(size / multiple) * multiple));
    const side = up(whole / count);
    return { starts: Array.from({ length: count }, (_, index) => Math.min(index * side, whole - side)), side };
  };
  const [columns, rows] = [along(width), along(height)];
  return rows.starts.flatMap(y => columns.starts.map(x => ({ x, y, width: columns.side, height: rows.side })));
}

/**
 * A tile with `pad` pixels of its surroundings; outside the picture the edge is repeated.
 * @param planes [C, height, width]
 * @returns [C, tile.height + 2 pad, tile.width + 2 pad]
 */
export function cutTile(
  planes: Float32Array,
  channels: number,
  width: number,
  height: number,
  tile: Tile,
  pad: number,
): Float32Array {
  const [outWidth, outHeight] = [tile.width + 2 * pad, tile.height + 2 * pad];
  const out = new Float32Array(channels * outWidth * outHeight);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < outHeight; y++) {
      const row = (c * height + Math.min(height - 1, Math.max(0, tile.y + y - pad))) * width;
      const to = (c * outHeight + y) * outWidth;
      for (let x = 0; x < outWidth; x++) {
        out[to + x] = planes[row + Math.min(width - 1, Math.max(0, tile.x + x - pad))];
      }
    }
  }
  return out;
}

/** Puts an enlarged tile where it belongs; what lies outside the target is dropped. */
export function placeTile(
  target: Float32Array,
  channels: number,
  width: number,
  height: number,
  tile: Tile,
  pixels: Float32Array,
  scale: number,
): void {
  const [tileWidth, tileHeight] = [tile.width * scale, tile.height * scale];
  const [x0, y0] = [tile.x * scale, tile.y * scale];
  const [copyWidth, copyHeight] = [Math.min(tileWidth, width - x0), Math.min(tileHeight, height - y0)];
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < copyHeight; y++) {
      const from = (c * tileHeight + y) * tileWidth;
      target.set(pixels.subarray(from, from + copyWidth), (c * height + y0 + y) * width + x0);
    }
  }
}

/**
 * One of the eight turned and mirrored copies of a square grid (bit 0 mirrors left and right, bit 1 up and down, bit 2
 * exchanges rows and columns last).
 */
export function turn(planes: Float32Array, channels: number, width: number, height: number, way: number): Float32Array {
  const [mirrorX, mirrorY, transpose] = [(way & 1) !== 0, (way & 2) !== 0, (way & 4) !== 0];
  const out = new Float32Array(planes.length);
  for (let c = 0; c < channels; c++) {
    const base = c * width * height;
    for (let y = 0; y < height; y++) {
      const toY = mirrorY ? height - 1 - y : y;
      for (let x = 0; x < width; x++) {
        const toX = mirrorX ? width - 1 - x : x;
        out[base + (transpose ? toX * height + toY : toY * width + toX)] = planes[base + y * width + x];
      }
    }
  }
  return out;
}

/** Undoes `turn`: `width` and `height` are those of the turned picture. */
export function turnBack(
  planes: Float32Array,
  channels: number,
  width: number,
  height: number,
  way: number,
): Float32Array {
  const [mirrorX, mirrorY, transpose] = [(way & 1) !== 0, (way & 2) !== 0, (way & 4) !== 0];
  if (!transpose) return turn(planes, channels, width, height, way);
  // turn = transpose after mirror, so undo the transpose first; mirroring is its own inverse.
  const straight = turn(planes, channels, width, height, 4);
  return turn(straight, channels, height, width, (mirrorX ? 1 : 0) | (mirrorY ? 2 : 0));
}
