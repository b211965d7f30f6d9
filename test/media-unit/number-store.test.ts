import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNumberStore } from '../../bridge-server/src/media/number-store';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'reverie-numbers-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const numbers = Float32Array.of(1 / 3, -0, 1e-30, 7);

test('numbers come back bit for bit, to whoever asks for them', async () => {
  const store = createNumberStore(join(folder, 'fits'));
  expect(await store.read('a')).toBeUndefined();
  expect(store.has('a')).toBe(false);
  await store.write('a', numbers);
  expect(store.has('a')).toBe(true);
  expect(await createNumberStore(join(folder, 'fits')).read('a')).toEqual(numbers);
  expect(await store.read('b')).toBeUndefined();
});

test('a file that is not whole is no file', async () => {
  const store = createNumberStore(folder);
  await store.write('a', numbers);
  const [name] = readdirSync(folder);
  writeFileSync(join(folder, name), readFileSync(join(folder, name)).subarray(0, -3));
  expect(await store.read('a')).toBeUndefined();
});

test('two that find the same at the same time leave it whole', async () => {
  const store = createNumberStore(folder);
  await Promise.all([store.write('a', numbers), createNumberStore(folder).write('a', numbers)]);
  expect(await store.read('a')).toEqual(numbers);
  expect(readdirSync(folder)).toHaveLength(1);
});

test('what was not used for longest makes room', async () => {
  const limitBytes = 500;
  const store = createNumberStore(folder, limitBytes);
  const longAgo = new Date(Date.now() - 86400e3);
  for (const hash of ['old', 'used']) {
    await store.write(hash, numbers);
    for (const name of readdirSync(folder)) utimesSync(join(folder, name), longAgo, longAgo);
  }
  await store.read('used');
  await store.write('new', numbers);
  expect(await store.read('old')).toBeUndefined();
  expect(await store.read('used')).toEqual(numbers);
  expect(await store.read('new')).toEqual(numbers);
});

test('without room nothing is kept, and nothing fails', async () => {
  const store = createNumberStore(folder, 10);
  await store.write('a', numbers);
  expect(await store.read('a')).toBeUndefined();
});
