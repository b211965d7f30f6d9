import { checkEngine, formatCheck } from '../../bridge-server/src/cli/bench-check';
import { makeBenchNet } from '../../bridge-server/src/cli/bench-graphs';
import { makeGoogLeNet } from '../../bridge-server/src/cli/bench-nets';
import * as g from '../../bridge-server/src/graph/build';
import { toModel } from '../../bridge-server/src/graph/model';
import { createInProcessRuntime } from '../../bridge-server/src/runtime/ort';
import type { Runtime } from '../../bridge-server/src/runtime/runtime';
import { AppError } from '#protocol/errors';

const image = g.input('image', [1, 3, 24, 32]);
const weights = g.constant(
  Float32Array.from({ length: 108 }, (_, at) => Math.sin(at)),
  [4, 3, 3, 3],
);
const small = makeBenchNet(
  'small',
  toModel({ inputs: [image], outputs: { y: g.relu(g.conv(image, weights, undefined, { pads: 1 })) } }),
);
const open = () => createInProcessRuntime({ provider: 'cpu', threads: 1 });

/** Computes as the CPU does, and then spoils one number. */
async function spoilt(by: number): Promise<Runtime> {
  const runtime = await open();
  return {
    ...runtime,
    provider: 'webgpu',
    close: () => runtime.close(),
    async load(model, options) {
      const net = await runtime.load(model, options);
      return {
        ...net,
        dispose: () => net.dispose(),
        async run(feeds, runOptions) {
          const outputs = await net.run(feeds, runOptions);
          for (const tensor of Object.values(outputs)) if ('data' in tensor) tensor.data[0] = by;
          return outputs;
        },
      };
    },
  };
}

test('a provider that computes wrongly, or does not start, is found out', async () => {
  const rows = await checkEngine({
    providers: ['cpu', 'webgpu', 'cuda'],
    nets: [small],
    size: { width: 32, height: 24 },
    half: false,
    async open(provider) {
      if (provider === 'cuda') throw new AppError('PROVIDER_UNAVAILABLE', { provider, problem: 'no such device' });
      return { runtime: await (provider === 'cpu' ? open() : spoilt(5)), half: false };
    },
  });
  expect(rows.map(row => [row.provider, row.verdict])).toEqual([
    ['cpu', 'right'],
    ['webgpu', 'wrong'],
    ['cuda', 'not checked'],
  ]);
  expect(rows[0].difference).toBe(0);
  expect(formatCheck(rows)).toContain('not checked  cuda: ');
});

test('one number that is none makes a provider wrong', async () => {
  const rows = await checkEngine({
    providers: ['webgpu'],
    nets: [small],
    size: { width: 32, height: 24 },
    half: false,
    open: async provider => ({ runtime: await (provider === 'cpu' ? open() : spoilt(NaN)), half: false }),
  });
  expect(rows).toMatchObject([{ verdict: 'wrong', difference: Infinity }]);
});

test('GoogLeNet to 4c costs what its table says, there and back', () => {
  const { cost } = makeGoogLeNet().build('dream', { width: 1280, height: 720 }, { half: false, steps: 1 });
  // 86.1 GFLOP by hand, and the normalisation across channels, which is a 1x1 convolution here.
  const normalisation = (2 * 2 * (64 ** 2 + 192 ** 2) * 320 * 180) / 1e9;
  expect(cost.productFlops / 1e9 - normalisation).toBeCloseTo(86.1, 0);
});
