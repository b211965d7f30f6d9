import { benchEngine, formatBench } from '../../bridge-server/src/cli/bench-engine';
import type { BenchRow } from '../../bridge-server/src/cli/bench-engine';
import type { BenchNet } from '../../bridge-server/src/cli/bench-graphs';
import { makeBenchNet } from '../../bridge-server/src/cli/bench-graphs';
import * as g from '../../bridge-server/src/graph/build';
import { costOf } from '../../bridge-server/src/graph/cost';
import { toModel } from '../../bridge-server/src/graph/model';
import { createInProcessRuntime } from '../../bridge-server/src/runtime/ort';
import { AppError } from '#protocol/errors';

const size = { width: 32, height: 24 };
const weights = g.constant(new Float32Array(4 * 3 * 9).fill(0.1), [4, 3, 3, 3]);

function makeNet(): BenchNet {
  const image = g.input('image', [1, 3, 24, 32]);
  return makeBenchNet(
    'small',
    toModel({ inputs: [image], outputs: { y: g.relu(g.conv(image, weights, undefined, { pads: 1 })) } }),
  );
}

const carrying: BenchNet = {
  name: 'carrying',
  tasks: ['dream'],
  build() {
    const image = g.input('image', [1, 3, 24, 32]);
    const next = g.mul(
      g.conv(image, g.constant(new Float32Array(27 * 3).fill(0.01), [3, 3, 3, 3]), undefined, { pads: 1 }),
      1.1,
    );
    return {
      model: toModel({ inputs: [image], outputs: { next } }),
      cost: costOf([next]),
      inputs: [{ name: 'image', dims: image.dims }],
      carried: { next: 'image' },
      steps: 1,
      compared: ['next'],
    };
  },
};

test('every net is timed against the matrix product of the same run', async () => {
  const seen: BenchRow[] = [];
  const rows = await benchEngine({
    providers: ['cpu'],
    nets: [makeNet(), carrying],
    sizes: [size],
    budgetMs: 20,
    peak: { side: 64, count: 2 },
    open: async provider => ({ runtime: await createInProcessRuntime({ provider, threads: 1 }), half: false }),
    onRow: row => seen.push(row),
  });
  expect(seen).toEqual(rows);
  expect(rows.map(row => [row.net.split(' ')[0], row.task])).toEqual([
    ['matrix', 'peak'],
    ['small', 'forward'],
    ['carrying', 'dream'],
  ]);
  for (const row of rows) {
    expect(row.notMeasured).toBeUndefined();
    expect(row.ms).toBeGreaterThan(0);
    expect(row.medianMs).toBeGreaterThanOrEqual(row.ms as number);
    expect(row.peakRssBytes).toBeGreaterThan(2 ** 24);
  }
  const [peak, small] = rows;
  // 4 filters of 3x3x3 on 32x24 pixels, two operations each.
  expect((small.gflops as number) * (small.ms as number) * 1e6).toBeCloseTo(2 * 4 * 27 * 32 * 24, 0);
  expect(small.shareOfPeak).toBeCloseTo((small.gflops as number) / (peak.gflops as number), 6);
});

test('what cannot be measured says why, and the others go on', async () => {
  const failing: BenchNet = {
    name: 'failing',
    tasks: ['forward'],
    build() {
      throw new AppError('NET_INPUT_WRONG', { name: 'failing', actual: '32x24', expected: '64x64' });
    },
  };
  const rows = await benchEngine({
    providers: ['cuda', 'cpu'],
    nets: [failing, makeNet()],
    sizes: [size],
    budgetMs: 20,
    peak: { side: 64, count: 2 },
    async open(provider) {
      if (provider === 'cuda') throw new AppError('PROVIDER_UNAVAILABLE', { provider, problem: 'no such device' });
      return { runtime: await createInProcessRuntime({ provider, threads: 1 }), half: false };
    },
  });
  expect(rows.map(row => [row.provider, row.net.split(' ')[0], row.notMeasured?.split(':')[0]])).toEqual([
    ['cuda', '', 'PROVIDER_UNAVAILABLE'],
    ['cpu', 'matrix', undefined],
    ['cpu', 'failing', 'NET_INPUT_WRONG'],
    ['cpu', 'small', undefined],
  ]);
  const table = formatBench(rows);
  expect(table).toContain('not measured: PROVIDER_UNAVAILABLE');
  expect(table.split('\n')).toHaveLength(2 + rows.length);
});

test("a graphics processor's memory is what a row takes beyond what was in use before", async () => {
  const used = [500, 800, 700].map(mebibytes => mebibytes * 2 ** 20);
  const rows = await benchEngine({
    providers: ['cpu'],
    nets: [makeNet()],
    sizes: [size],
    budgetMs: 20,
    peak: { side: 64, count: 2 },
    deviceBytes: () => used.shift(),
    open: async provider => ({ runtime: await createInProcessRuntime({ provider, threads: 1 }), half: false }),
  });
  expect(rows.map(row => (row.deviceBytes as number) / 2 ** 20)).toEqual([300, 200]);
  expect(formatBench(rows).split('\n')[1]).toContain('GPU MiB');
});
