import { AppError, type ErrorCode } from '#protocol/errors';
import { floatTensor, type Tensor } from '../../bridge-server/src/frame/tensor';
import type { DeviceTensor, Runtime } from '../../bridge-server/src/runtime/runtime';
import { writeTinyModel } from '../../bridge-server/src/runtime/tiny-model';

/** y = relu(x * w + b) over pictures of any size; also the plain sum s = x + x. */
export const tinyNet = writeTinyModel({
  inputs: [{ name: 'x', type: 'float32', dims: [1, 2, 'h', 'w'] }],
  outputs: [
    { name: 'y', type: 'float32', dims: [1, 1, 'h', 'w'] },
    { name: 's', type: 'float32', dims: [1, 2, 'h', 'w'] },
  ],
  nodes: [
    { op: 'Conv', inputs: ['x', 'w0', 'b0'], outputs: ['c'], attributes: { kernel_shape: [1, 1] } },
    { op: 'Relu', inputs: ['c'], outputs: ['y'] },
    { op: 'Add', inputs: ['x', 'x'], outputs: ['s'] },
  ],
  constants: {
    w0: floatTensor(new Float32Array([2, -1]), [1, 2, 1, 1]),
    b0: floatTensor(new Float32Array([0.5]), [1]),
  },
});

const picture = (values: number[], h = 1, w = values.length / 2): Tensor =>
  floatTensor(new Float32Array(values), [1, 2, h, w]);

export async function codeOf(work: Promise<unknown>): Promise<ErrorCode | 'nothing was thrown'> {
  try {
    await work;
    return 'nothing was thrown';
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown.code;
    throw thrown;
  }
}

const hostTensor = (value: Tensor | DeviceTensor): Tensor => {
  if ('device' in value) throw new TypeError('the tensor was kept');
  return value;
};

/** @param computes false for the runtime that answers zeros */
export function describeRuntime(name: string, open: () => Promise<Runtime>, { computes }: { computes: boolean }): void {
  describe(`runtime: ${name}`, () => {
    let runtime: Runtime;
    beforeAll(async () => {
      runtime = await open();
    });
    afterAll(() => runtime.close());

    test('says what a net takes and gives', async () => {
      const net = await runtime.load(tinyNet, { label: 'tiny' });
      expect(net.inputs).toEqual([{ name: 'x', type: 'float32', dims: [1, 2, 'h', 'w'] }]);
      expect(net.outputs.map(output => output.name)).toEqual(['y', 's']);
      await net.dispose();
    });

    test('runs at one size and then at another', async () => {
      const net = await runtime.load(tinyNet, { label: 'tiny' });
      for (const [h, w] of [
        [1, 9],
        [3, 5],
        [1, 9],
      ]) {
        const values = Array.from({ length: 2 * h * w }, (_, i) => Math.sin(i));
        const y = hostTensor((await net.run({ x: picture(values, h, w) })).y);
        expect(y.dims).toEqual([1, 1, h, w]);
        if (!computes) continue;
        for (let i = 0; i < h * w; i++)
          expect((y.data as Float32Array)[i]).toBeCloseTo(Math.max(0, 2 * values[i] - values[h * w + i] + 0.5), 5);
      }
      await net.dispose();
    });

    test('computes only what is asked for', async () => {
      const net = await runtime.load(tinyNet, { label: 'tiny' });
      expect(Object.keys(await net.run({ x: picture([1, 2]) }, { fetch: ['s'] }))).toEqual(['s']);
      await net.dispose();
    });

    test("an input stays the caller's unless it is given away", async () => {
      const net = await runtime.load(tinyNet, { label: 'tiny' });
      const x = picture([1, 2]);
      await net.run({ x });
      expect([...(x.data as Float32Array)]).toEqual([1, 2]);
      const y = hostTensor((await net.run({ x }, { give: ['x'] })).y);
      expect(y.dims).toEqual([1, 1, 1, 1]);
      await net.dispose();
    });

    test('a kept tensor feeds the next run and can be read', async () => {
      const net = await runtime.load(tinyNet, { label: 'tiny', keepOnDevice: ['s'] });
      let state = (await net.run({ x: picture([1, 2]) }, { fetch: ['s'], keepOnDevice: ['s'] })).s as DeviceTensor;
      expect(state.device).toBe(true);
      for (let step = 0; step < 3; step++) {
        const next = (await net.run({ x: state }, { keepOnDevice: ['s'], fetch: ['s'] })).s as DeviceTensor;
        net.free(state);
        state = next;
      }
      expect(state.dims).toEqual([1, 2, 1, 1]);
      const read = await net.read(state);
      if (computes) expect([...(read.data as Float32Array)]).toEqual([16, 32]);
      // Reading leaves it usable.
      if (computes) expect([...((await net.read(state)).data as Float32Array)]).toEqual([16, 32]);
      net.free(state);
      expect(await codeOf(net.read(state))).toBe('NET_RUN_FAILED');
      await net.dispose();
    });

    test('refuses what does not fit before anything runs', async () => {
      const net = await runtime.load(tinyNet, { label: 'tiny' });
      const x = picture([1, 2]);
      expect(await codeOf(net.run({}))).toBe('NET_INPUT_WRONG');
      expect(await codeOf(net.run({ x, z: x }))).toBe('NET_INPUT_WRONG');
      expect(await codeOf(net.run({ x: { type: 'float16', dims: [1, 2, 1, 1], data: new Uint16Array(2) } }))).toBe(
        'NET_INPUT_WRONG',
      );
      expect(await codeOf(net.run({ x: floatTensor(new Float32Array(3), [1, 3, 1, 1]) }))).toBe('NET_INPUT_WRONG');
      expect(await codeOf(net.run({ x: floatTensor(new Float32Array(2), [2, 1, 1]) }))).toBe('NET_INPUT_WRONG');
      expect(await codeOf(net.run({ x: { type: 'float32', dims: [1, 2, 1, 1], data: new Float32Array(1) } }))).toBe(
        'NET_INPUT_WRONG',
      );
      expect(await codeOf(net.run({ x }, { fetch: ['q'] }))).toBe('NET_INPUT_WRONG');
      expect(await codeOf(net.run({ x }))).toBe('nothing was thrown');
      await net.dispose();
    });

    test('refuses what is not a net', async () => {
      expect(await codeOf(runtime.load(new Uint8Array([1, 2, 3]), { label: 'rubbish' }))).toBe('NET_LOAD_FAILED');
      expect(await codeOf(runtime.load(tinyNet.subarray(0, tinyNet.length / 2), { label: 'half' }))).toBe(
        'NET_LOAD_FAILED',
      );
    });

    test('several runs may be asked for at once', async () => {
      const net = await runtime.load(tinyNet, { label: 'tiny' });
      const answers = await Promise.all(
        [1, 2, 3, 4].map(value => net.run({ x: picture([value, 0]) }, { fetch: ['s'] })),
      );
      expect(answers.map(answer => hostTensor(answer.s).dims)).toEqual(Array(4).fill([1, 2, 1, 1]));
      if (computes) expect(answers.map(answer => (hostTensor(answer.s).data as Float32Array)[0])).toEqual([2, 4, 6, 8]);
      await net.dispose();
    });

    if (computes) {
      test('memory that cannot be had is OUT_OF_MEMORY, and the next run works', async () => {
        const huge = writeTinyModel({
          inputs: [{ name: 'size', type: 'int64', dims: [1] }],
          outputs: [{ name: 'y', type: 'float32', dims: ['n'] }],
          nodes: [{ op: 'ConstantOfShape', inputs: ['size'], outputs: ['y'] }],
        });
        const net = await runtime.load(huge, { label: 'huge' });
        const ask = (count: bigint) =>
          net.run({ size: { type: 'int64', dims: [1], data: new BigInt64Array([count]) } });
        expect(await codeOf(ask(1n << 48n))).toBe('OUT_OF_MEMORY');
        expect(hostTensor((await ask(3n)).y).dims).toEqual([3]);
        await net.dispose();
      });

      test('a failing run says which net and why', async () => {
        const net = await runtime.load(
          writeTinyModel({
            inputs: [
              { name: 'a', type: 'float32', dims: ['n'] },
              { name: 'b', type: 'float32', dims: ['m'] },
            ],
            outputs: [{ name: 'y', type: 'float32', dims: ['k'] }],
            nodes: [{ op: 'Add', inputs: ['a', 'b'], outputs: ['y'] }],
          }),
          { label: 'mismatch' },
        );
        const three = floatTensor(new Float32Array(3), [3]);
        const two = floatTensor(new Float32Array(2), [2]);
        await expect(net.run({ a: three, b: two })).rejects.toMatchObject({
          code: 'NET_RUN_FAILED',
          details: { name: 'mismatch' },
        });
        await net.dispose();
      });
    }
  });
}
