import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Frame } from '../../bridge-server/src/frame/frame';
import { createFrameStore } from '../../bridge-server/src/media/frame-store';
import { loadState, saveState } from '../../bridge-server/src/media/state-file';
import { drawScene } from '../../bridge-server/src/media/test-scene';

const folder = mkdtempSync(join(tmpdir(), 'reverie-store-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const bytes = (data: Float32Array | undefined) => data && Buffer.from(data.buffer, data.byteOffset, data.byteLength);

function makeFrame(index: number): Frame {
  const frame = drawScene(index, { width: 48, height: 32 });
  return { ...frame, alpha: frame.rgb.slice(0, 48 * 32) };
}

test('a frame is read back bit for bit as `write` returned it', async () => {
  const store = await createFrameStore(join(folder, 'a'));
  const plain = drawScene(3, { width: 50, height: 31 });
  for (const [index, frame] of [
    [0, plain],
    [7, makeFrame(1)],
    [12345678, { ...plain, shotStart: true }],
  ] as const) {
    const written = await store.write(index, frame);
    const read = (await store.read(index))!;
    expect(bytes(read.rgb)!.equals(bytes(written.rgb)!)).toBe(true);
    expect(bytes(read.alpha)).toEqual(bytes(written.alpha));
    expect({ ...read, rgb: 0, alpha: 0 }).toEqual({ ...written, rgb: 0, alpha: 0 });
    expect(read.index).toBe(index);
    const worst = read.rgb.reduce((most, value, at) => Math.max(most, Math.abs(value - frame.rgb[at])), 0);
    expect(worst).toBeLessThanOrEqual(0.5001 / 65535);
    // Written again, nothing changes: what a resumed job reads is what an undisturbed one had.
    expect(bytes((await store.write(index, read)).rgb)!.equals(bytes(written.rgb)!)).toBe(true);
  }
  expect(await store.indices()).toEqual([0, 7, 12345678]);
  expect(await store.count()).toBe(3);
  expect((await store.read(0))!.shotStart).toBeUndefined();
  expect((await store.read(12345678))!.shotStart).toBe(true);
});

test('noise, black, and values that are no numbers', async () => {
  const store = await createFrameStore(join(folder, 'b'));
  let state = 1;
  const noise = Float32Array.from({ length: 3 * 64 * 64 }, () => (state = (state * 48271) % 2147483647) / 2147483647);
  const black = new Float32Array(3 * 64 * 64);
  const odd = new Float32Array(3 * 64 * 64).fill(NaN);
  odd.set([-1, 2, Infinity, -Infinity]);
  for (const [index, rgb] of [noise, black, odd].entries()) {
    const written = await store.write(index, { index, width: 64, height: 64, rgb });
    expect(bytes((await store.read(index))!.rgb)!.equals(bytes(written.rgb)!)).toBe(true);
    expect(written.rgb.every(value => value >= 0 && value <= 1)).toBe(true);
  }
  expect([...(await store.read(2))!.rgb.subarray(0, 5)]).toEqual([0, 1, 1, 0, 0]);
});

test('a torn, flipped, emptied or misplaced file reads as absent', async () => {
  const store = await createFrameStore(join(folder, 'c'));
  for (let index = 0; index < 5; index++) await store.write(index, makeFrame(index));
  const path = (index: number) => join(store.folder, `${String(index).padStart(6, '0')}.frame`);
  truncateSync(path(0), 900);
  const flipped = readFileSync(path(1));
  flipped[flipped.length >> 1] ^= 1;
  writeFileSync(path(1), flipped);
  writeFileSync(path(2), Buffer.alloc(readFileSync(path(2)).length));
  writeFileSync(path(3), readFileSync(path(4)));
  for (let index = 0; index < 4; index++) {
    expect(await store.has(index)).toBe(false);
    expect(await store.read(index)).toBeUndefined();
  }
  expect(await store.has(4)).toBe(true);
  expect(await store.has(99)).toBe(false);
});

test('an interrupted write leaves no frame, and removing takes only what is named', async () => {
  const store = await createFrameStore(join(folder, 'd'), { sync: true });
  await store.write(1, makeFrame(1));
  await store.write(2, makeFrame(2));
  writeFileSync(join(store.folder, '000003.frame.partial'), 'half');
  expect(await store.indices()).toEqual([1, 2]);
  expect(await store.has(3)).toBe(false);
  await store.remove([1]);
  expect(await store.indices()).toEqual([2]);
  await store.remove();
  expect(readdirSync(store.folder).filter(name => name.endsWith('.frame'))).toEqual([]);
});

test('a state survives the disk bit for bit, in every type', async () => {
  const floats = new Float32Array(
    new Uint32Array([0x7fc00001, 0x80000000, 0x00000001, 0x3f800001, 0xff800000, 0x12345678]).buffer,
  );
  const state = {
    nextIndex: 42,
    tensors: {
      canvas: { type: 'float32', dims: [2, 3], data: floats },
      half: { type: 'float16', dims: [3], data: Uint16Array.of(1, 2, 65535) },
      seen: { type: 'bool', dims: [1], data: Uint8Array.of(1) },
      step: { type: 'int64', dims: [], data: BigInt64Array.of(-5n) },
      nothing: { type: 'int32', dims: [0, 4], data: new Int32Array(0) },
    },
  } as const;
  const path = join(folder, 'state.bin');
  await saveState(path, state, { sync: true });
  const loaded = (await loadState(path))!;
  expect(loaded.nextIndex).toBe(42);
  expect(Object.keys(loaded.tensors)).toEqual(Object.keys(state.tensors));
  expect(bytes(loaded.tensors.canvas.data as Float32Array)!.equals(bytes(floats)!)).toBe(true);
  expect(loaded.tensors.step.data).toEqual(BigInt64Array.of(-5n));
  expect(loaded.tensors.half).toEqual(state.tensors.half);
  expect(loaded.tensors.nothing.dims).toEqual([0, 4]);
});

test('a torn state reads as absent', async () => {
  const path = join(folder, 'torn.bin');
  expect(await loadState(path)).toBeUndefined();
  await saveState(path, { nextIndex: 1, tensors: { a: { type: 'float32', dims: [9], data: new Float32Array(9) } } });
  const whole = readFileSync(path);
  for (const length of [0, 3, 20, whole.length - 1]) {
    writeFileSync(path, whole.subarray(0, length));
    expect(await loadState(path)).toBeUndefined();
  }
  const flipped = Buffer.from(whole);
  flipped[whole.length - 40] ^= 4;
  writeFileSync(path, flipped);
  expect(await loadState(path)).toBeUndefined();
});
