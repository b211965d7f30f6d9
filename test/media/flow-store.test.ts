import { existsSync, mkdtempSync, readdirSync, rmSync, truncateSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFlowStore, type MotionKey } from '../../bridge-server/src/media/flow-store';
import { createMotionSource } from '../../bridge-server/src/stages/flow/motion';
import { createClassicalFlow } from '../../bridge-server/src/stages/flow/classical';
import { makePicture } from '../stages/moving-picture';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'flows-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const [width, height] = [24, 16];
const key: MotionKey = { provider: 'classical', from: 7, to: 8, width, height };
const makeMotion = (largest = 40) => {
  const plane = (shift: number) =>
    Float32Array.from({ length: 2 * width * height }, (_, i) => largest * Math.sin((i + shift) / 50));
  return { forward: plane(0), backward: plane(9) };
};
const furthest = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

test('motion comes back as it was given back when written, to 1/64 pixel, in any later store', async () => {
  const motion = makeMotion();
  const written = await createFlowStore(folder, 'clip').write(key, motion);
  const read = await createFlowStore(folder, 'clip').read(key);
  expect(read).toEqual(written);
  expect(furthest(written.forward, motion.forward)).toBeLessThanOrEqual(1 / 128 + 1e-6);
  expect(furthest(written.backward, motion.backward)).toBeLessThanOrEqual(1 / 128 + 1e-6);
});

test('no motion is exactly none', async () => {
  const none = { forward: new Float32Array(2 * width * height), backward: new Float32Array(2 * width * height) };
  const { forward, backward } = await createFlowStore(folder, 'clip').write(key, none);
  expect(forward.every(value => value === 0) && backward.every(value => value === 0)).toBe(true);
});

test.each<[string, Partial<MotionKey>]>([
  ['another provider', { provider: 'raft-small' }],
  ['another pair', { from: 8, to: 9 }],
  ['a pair further apart', { to: 9 }],
  ['the way back', { from: 8, to: 7 }],
  ['another size', { width: 16, height: 24 }],
])('motion is not taken for that of %s', async (_, change) => {
  const store = createFlowStore(folder, 'clip');
  await store.write(key, makeMotion());
  expect(await store.read({ ...key, ...change })).toBeUndefined();
});

test('motion is not taken for that of another clip, and a damaged file for none at all', async () => {
  await createFlowStore(folder, 'clip').write(key, makeMotion());
  expect(await createFlowStore(folder, 'other').read(key)).toBeUndefined();
  const [kind] = readdirSync(join(folder, 'clip'));
  const [file] = readdirSync(join(folder, 'clip', kind));
  truncateSync(join(folder, 'clip', kind, file), 100);
  expect(await createFlowStore(folder, 'clip').read(key)).toBeUndefined();
});

test('what cannot be motion is handed on as it is and not kept', async () => {
  const store = createFlowStore(folder, 'clip');
  const broken = { ...makeMotion(), forward: makeMotion().forward.fill(NaN) };
  expect(await store.write(key, broken)).toBe(broken);
  const wild = makeMotion(4000);
  expect(await store.write(key, wild)).toBe(wild);
  expect(await store.read(key)).toBeUndefined();
});

test('without room motion is rounded all the same, so that results do not depend on the disk', async () => {
  const kept = await createFlowStore(folder, 'clip').write(key, makeMotion());
  const full = createFlowStore(folder, 'full', 1000);
  expect(await full.write(key, makeMotion())).toEqual(kept);
  expect(await full.read(key)).toBeUndefined();
});

test('clips that rest make room, not those just worked on', async () => {
  await createFlowStore(folder, 'resting').write(key, makeMotion());
  await createFlowStore(folder, 'busy').write(key, makeMotion());
  const resting = join(folder, 'resting');
  const [kind] = readdirSync(resting);
  const [file] = readdirSync(join(resting, kind));
  const longAgo = new Date(Date.now() - 86400e3);
  for (const path of [join(resting, kind, file), join(resting, kind), resting]) utimesSync(path, longAgo, longAgo);
  await createFlowStore(folder, 'new', 1000).write(key, makeMotion());
  expect(existsSync(resting)).toBe(false);
  expect(existsSync(join(folder, 'busy'))).toBe(true);
});

test('motion is searched once for a clip: a second stage, or a second job, finds it', async () => {
  const searched: number[] = [];
  const classical = createClassicalFlow({ where: 'here' });
  const counting = {
    ...classical,
    flow: (...pair: Parameters<typeof classical.flow>) => {
      searched.push(pair[1].index);
      return classical.flow(...pair);
    },
  };
  const [a, b] = [0, 1].map(i => makePicture(64, 48, i, (x, y) => [x - 2 * i, y]));
  const look = () => {
    const flows = createFlowStore(folder, 'clip');
    return createMotionSource(counting, { stage: 'test', notice: () => undefined, flows }).between(a, b);
  };
  expect(await look()).toEqual(await look());
  expect(searched).toEqual([1]);
});
