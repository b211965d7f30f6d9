import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NetSource } from '../../bridge-server/src/pipeline/stage';
import type { Device } from '../../bridge-server/src/worker/device';
import { runAtlas, tileName } from '../../bridge-server/src/worker/run-atlas';
import { makePicture } from '../stages/moving-picture';
import { closeShared, makeContext } from '../stages/tiny-feature-net';

let home: string;
let count = 0;
let nets: NetSource;
let compiled = 0;

/** A device whose nets count how often a graph is asked for. */
function makeDevice(sha256: string): Device {
  const counting: NetSource = { ...nets, compiled: (...given) => (compiled++, nets.compiled(...given)) };
  return {
    nets: () => ({ open: () => ({ nets: counting, end: () => undefined }) }),
    describeNets: () => Promise.resolve([{ name: 'tiny', sha256, licence: '' }]),
  } as unknown as Device;
}

async function run({ sha256 = 'a', stopAfter = Infinity } = {}) {
  const folder = join(home, `out-${count++}`);
  mkdirSync(folder);
  const control = new AbortController();
  const tiles: { layer: string; file: string; done: number; total: number }[] = [];
  const order = { net: 'tiny', provider: 'cpu', folder, folders: { clips: '', images: '', nets: join(home, 'nets') } };
  const ended = runAtlas(order, {
    device: makeDevice(sha256),
    image: makePicture(64, 64, 0),
    signal: control.signal,
    onTile: tile => {
      tiles.push(tile);
      if (tiles.length >= stopAfter) control.abort();
    },
  });
  const outcome = await ended.then(
    () => 'done',
    (error: { code?: string }) => error.code,
  );
  return { folder, tiles, outcome };
}

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'reverie-atlas-'));
  nets = (await makeContext({})).ctx.nets;
});
afterAll(async () => {
  rmSync(home, { recursive: true });
  await closeShared();
});
beforeEach(() => {
  compiled = 0;
});

test('a cancelled atlas goes on where it was, a finished one comes from what was kept', async () => {
  const broken = await run({ stopAfter: 2 });
  expect(broken.outcome).toBe('CANCELLED');
  expect(broken.tiles.map(({ layer }) => layer)).toEqual(['relu1_1', 'relu2_1']);
  const paid = compiled;
  const whole = await run();
  expect(whole.outcome).toBe('done');
  expect(whole.tiles.map(({ layer, done, total }) => [layer, done, total])).toEqual(
    [1, 2, 3, 4, 5].map(level => [`relu${level}_1`, level, 5]),
  );
  // Two of five tiles were there: three are left to pay for.
  expect(compiled - paid).toBeLessThan((paid / 2) * 3 + 1);
  compiled = 0;
  const again = await run();
  expect(compiled).toBe(0);
  for (const { file } of again.tiles)
    expect(readFileSync(join(again.folder, file))).toEqual(readFileSync(join(whole.folder, file)));
  expect(JSON.parse(readFileSync(join(again.folder, 'atlas.json'), 'utf8'))).toMatchObject({
    net: 'tiny',
    tiles: whole.tiles.map(({ layer, file }) => ({ layer, file })),
  });
});

test('another file of the net has an atlas of its own', async () => {
  await run({ sha256: 'b', stopAfter: 1 });
  expect(compiled).toBeGreaterThan(0);
  expect(readdirSync(join(home, 'atlases'))).toHaveLength(2);
});

test('a tile is named for its place and layer', () => {
  expect(tileName(7, 'ec10/expand')).toBe('0007-ec10-expand.jpg');
  expect(tileName(12, 'inception_4c/5x5', 31)).toBe('0012-inception-4c-5x5-31.jpg');
});
