import { prefetch } from '../../bridge-server/src/pipeline/prefetch';

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

async function* counting(upTo: number, made: number[], makeMs = 0) {
  try {
    for (let i = 0; i < upTo; i++) {
      if (makeMs) await pause(makeMs);
      made.push(i);
      yield i;
    }
  } finally {
    made.push(-1);
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

test('order is kept at any depth', async () => {
  for (const depth of [1, 2, 5])
    expect(await collect(prefetch(counting(20, []), depth))).toEqual([...Array(20).keys()]);
});

test('the source works while the consumer does, and no further ahead than allowed', async () => {
  const made: number[] = [];
  const iterator = prefetch(counting(20, made), 3)[Symbol.asyncIterator]();
  expect((await iterator.next()).value).toBe(0);
  await pause(20);
  expect(made).toEqual([0, 1, 2, 3]);
  await iterator.return!();
});

test('making and using overlap', async () => {
  const made: number[] = [];
  const ahead: number[] = [];
  for await (const item of prefetch(counting(10, made, 5), 2)) {
    await pause(30);
    ahead.push(Math.max(...made) - item);
  }
  expect(ahead.slice(0, 7).every(count => count > 0)).toBe(true);
});

test('an error comes after the items before it', async () => {
  async function* failing() {
    yield 1;
    yield 2;
    throw new Error('the third');
  }
  const seen: number[] = [];
  await expect(
    (async () => {
      for await (const item of prefetch(failing(), 4)) seen.push(item);
    })(),
  ).rejects.toThrow('the third');
  expect(seen).toEqual([1, 2]);
});

test('a consumer that stops ends the source', async () => {
  const made: number[] = [];
  for await (const item of prefetch(counting(100, made), 2)) if (item === 3) break;
  expect(made.at(-1)).toBe(-1);
  expect(made.length).toBeLessThan(10);
});

test('a source that is slow to end is waited for', async () => {
  let ended = false;
  async function* slow() {
    try {
      yield 1;
      await pause(30);
      yield 2;
    } finally {
      await pause(10);
      ended = true;
    }
  }
  for await (const _ of prefetch(slow(), 2)) break;
  expect(ended).toBe(true);
});
