import { AppError } from '#protocol/errors';
import { constant, conv, input } from '../../bridge-server/src/graph/build';
import { fromModel, toModel } from '../../bridge-server/src/graph/model';
import { createNullRuntime } from '../../bridge-server/src/runtime/null';
import type { DeviceTensor, Runtime } from '../../bridge-server/src/runtime/runtime';
import { createNetCache } from '../../bridge-server/src/worker/net-source';
import { floatTensor } from '../../bridge-server/src/frame/tensor';
import { codeOf, tinyNet } from '../conformance/runtime';

const x = () => floatTensor(new Float32Array(2), [1, 2, 1, 1]);

/** Counts what is compiled and given back. */
function watched(options: { runMs?: number } = {}) {
  const inner = createNullRuntime(options);
  const counts = { loaded: 0, disposed: 0, freed: 0 };
  const runtime: Runtime = {
    ...inner,
    async load(model, loadOptions) {
      counts.loaded++;
      const net = await inner.load(model, loadOptions);
      return {
        ...net,
        free(tensor) {
          counts.freed++;
          net.free(tensor);
        },
        async dispose() {
          counts.disposed++;
          await net.dispose();
        },
      };
    },
  };
  return { runtime, counts };
}

const make = (options: { maxNets?: number; maxBytes?: number; runMs?: number } = {}) => {
  const { runtime, counts } = watched(options);
  const convention = () => Promise.reject(new Error('not asked for here'));
  const cache = createNetCache({ runtime, bytes: async () => tinyNet, convention, ...options });
  return { cache, counts };
};
const never = new AbortController().signal;

test('a net is compiled once per key and shared by tasks', async () => {
  const { cache, counts } = make();
  const first = cache.open(never).nets;
  const second = cache.open(never).nets;
  const a = await first.compiled('a', async () => tinyNet);
  expect(await first.compiled('a', async () => tinyNet)).toBe(a);
  await Promise.all([second.compiled('a', async () => tinyNet), second.compiled('a', async () => tinyNet)]);
  expect(counts.loaded).toBe(1);
});

test('the least recently used net goes first, and is compiled again when it is run', async () => {
  const { cache, counts } = make({ maxNets: 2 });
  const { nets } = cache.open(never);
  const a = await nets.compiled('a', async () => tinyNet);
  await nets.compiled('b', async () => tinyNet);
  await a.run({ x: x() });
  await nets.compiled('c', async () => tinyNet);
  expect(counts).toMatchObject({ loaded: 3, disposed: 1 });
  expect(cache.size).toBe(2);
  await a.run({ x: x() });
  expect(counts.loaded).toBe(3);
  const b = await nets.compiled('b', async () => tinyNet);
  expect((await b.run({ x: x() })).y).toBeDefined();
  expect(counts.loaded).toBe(4);
});

test('a net whose tensors are still on the device stays', async () => {
  const { cache, counts } = make({ maxNets: 1 });
  const { nets } = cache.open(never);
  const a = await nets.compiled('a', async () => tinyNet);
  const kept = (await a.run({ x: x() }, { keepOnDevice: ['s'] })).s as DeviceTensor;
  await nets.compiled('b', async () => tinyNet);
  expect(counts.disposed).toBe(0);
  expect((await a.read(kept)).dims).toEqual([1, 2, 1, 1]);
  a.free(kept);
  await nets.compiled('c', async () => tinyNet);
  expect(counts.disposed).toBeGreaterThan(0);
});

test('the end of a task gives back what its stages left on the device', async () => {
  const { cache, counts } = make();
  const task = cache.open(never);
  const net = await task.nets.compiled('a', async () => tinyNet);
  await net.run({ x: x() }, { keepOnDevice: ['s', 'y'] });
  task.end();
  expect(counts.freed).toBe(2);
});

test('an abort answers at once although the run goes on', async () => {
  const { cache, counts } = make({ runMs: 300 });
  const control = new AbortController();
  const task = cache.open(control.signal);
  const net = await task.nets.compiled('a', async () => tinyNet);
  const started = performance.now();
  const work = net.run({ x: x() }, { keepOnDevice: ['s'] });
  setTimeout(() => control.abort(), 20);
  expect(await codeOf(work)).toBe('CANCELLED');
  expect(performance.now() - started).toBeLessThan(200);
  expect(await codeOf(net.run({ x: x() }))).toBe('CANCELLED');
  await new Promise(resolve => setTimeout(resolve, 350));
  // The tensor of the late answer was given back.
  expect(counts.freed).toBe(1);
});

test('when the memory runs out, nets that wait are given back and the run is tried again', async () => {
  const inner = createNullRuntime();
  let loaded = 0;
  const runtime: Runtime = {
    ...inner,
    async load(model, options) {
      loaded++;
      const net = await inner.load(model, options);
      return {
        ...net,
        run: (feeds, runOptions) =>
          loaded > 1
            ? Promise.reject(new AppError('OUT_OF_MEMORY', { width: 1, height: 1 }))
            : net.run(feeds, runOptions),
        async dispose() {
          loaded--;
        },
      };
    },
  };
  const convention = () => Promise.reject(new Error('not asked for here'));
  const { nets } = createNetCache({ runtime, bytes: async () => tinyNet, convention }).open(never);
  await nets.compiled('a', async () => tinyNet);
  const b = await nets.compiled('b', async () => tinyNet);
  expect((await b.run({ x: x() })).y).toBeDefined();
  expect(loaded).toBe(1);
});

test('a run that fits in no way is OUT_OF_MEMORY', async () => {
  const inner = createNullRuntime();
  const runtime: Runtime = {
    ...inner,
    load: async (model, options) => ({
      ...(await inner.load(model, options)),
      run: () => Promise.reject(new AppError('OUT_OF_MEMORY', { width: 1, height: 1 })),
    }),
  };
  const convention = () => Promise.reject(new Error('not asked for here'));
  const { nets } = createNetCache({ runtime, bytes: async () => tinyNet, convention }).open(never);
  const net = await nets.compiled('a', async () => tinyNet);
  expect(await codeOf(net.run({ x: x() }))).toBe('OUT_OF_MEMORY');
});

test('while memory is short, loading a net gives back those that wait', async () => {
  const { runtime, counts } = watched();
  const convention = () => Promise.reject(new Error('not asked for here'));
  const { nets } = createNetCache({ runtime, bytes: async () => tinyNet, convention, memoryIsShort: () => true }).open(
    never,
  );
  for (const key of ['a', 'b', 'c']) await nets.compiled(key, async () => tinyNet);
  expect(counts).toMatchObject({ loaded: 3, disposed: 2 });
});

test('names that were asked for are gathered', async () => {
  const { cache } = make();
  const used = new Set<string>();
  const { nets } = cache.open(never, used);
  await nets.bytes('openimages');
  expect([...used]).toEqual(['openimages']);
});

test('a net that cannot be compiled can be tried again', async () => {
  const { cache } = make();
  const { nets } = cache.open(never);
  expect(await codeOf(nets.compiled('a', async () => new Uint8Array(3)))).toBe('NET_LOAD_FAILED');
  expect(await nets.compiled('a', async () => tinyNet)).toBeDefined();
});

test('half precision is for graphs that allow it, on devices that gain from it', async () => {
  const image = input('x', [1, 2, 4, 4]);
  const weights = constant(new Float32Array(36).fill(0.1), [2, 2, 3, 3]);
  const model = toModel({ outputs: { y: conv(image, weights, undefined, { pads: 1 }) } });
  const types = async (half: boolean, mayHalve: boolean) => {
    const inner = createNullRuntime({});
    const loaded: Uint8Array[] = [];
    const runtime: Runtime = { ...inner, load: (bytes, options) => (loaded.push(bytes), inner.load(bytes, options)) };
    const convention = () => Promise.reject(new Error('not asked for here'));
    const cache = createNetCache({ runtime, bytes: async () => model, convention, half });
    await cache.open(never).nets.compiled('a', async () => model, { mayHalve });
    const { outputs } = fromModel(loaded[0]);
    return outputs.y.op;
  };
  expect(await types(false, true)).toBe('Conv');
  expect(await types(true, false)).toBe('Conv');
  // Back to single precision at the end.
  expect(await types(true, true)).toBe('Cast');
});
