import { cutTile, placeTile, planTiles, turn, turnBack } from '../../bridge-server/src/stages/tiles';

const ramp = (length: number) => Float32Array.from({ length }, (_, i) => i);

test.each([
  [64, 48, 32, 4],
  [65, 49, 32, 4],
  [10, 7, 64, 4],
  [1280, 720, 588, 4],
  [33, 200, 16, 1],
])('tiles of one size cover %ix%i and stay multiples', (width, height, size, multiple) => {
  const tiles = planTiles(width, height, size, multiple);
  const seen = new Uint8Array(width * height);
  for (const tile of tiles) {
    expect([
      tile.width % multiple,
      tile.height % multiple,
      tile.width === tiles[0].width,
      tile.height === tiles[0].height,
    ]).toEqual([0, 0, true, true]);
    expect(tile.x >= 0 && tile.y >= 0).toBe(true);
    for (let y = tile.y; y < Math.min(height, tile.y + tile.height); y++)
      seen.fill(1, y * width + tile.x, y * width + Math.min(width, tile.x + tile.width));
  }
  expect(seen.every(value => value === 1)).toBe(true);
});

test('cut into tiles and put back, a picture is what it was', () => {
  const [width, height] = [37, 23];
  const picture = ramp(3 * width * height);
  const out = new Float32Array(picture.length);
  for (const tile of planTiles(width, height, 16, 4))
    placeTile(out, 3, width, height, tile, cutTile(picture, 3, width, height, tile, 0), 1);
  expect(out).toEqual(picture);
});

test('beyond the picture its edge is repeated', () => {
  const cut = cutTile(ramp(4), 1, 2, 2, { x: 0, y: 0, width: 2, height: 2 }, 1);
  expect([...cut]).toEqual([0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3]);
});

test.each([0, 1, 2, 3, 4, 5, 6, 7])('turning way %i is undone', way => {
  const picture = ramp(2 * 5 * 3);
  const turned = turn(picture, 2, 5, 3, way);
  const transposed = (way & 4) !== 0;
  expect(turnBack(turned, 2, transposed ? 3 : 5, transposed ? 5 : 3, way)).toEqual(picture);
});
