import { floatsOf } from '../frame/tensor';
import type { Tensor } from '../frame/tensor';
import type { ProviderName, Runtime } from '../runtime/runtime';
import { problemOf, startingTensor } from './bench-engine';
import type { OpenedProvider } from './bench-engine';
import type { BenchGraph, BenchNet, BenchSize, BenchTask } from './bench-graphs';

export type CheckRow = {
  readonly provider: ProviderName;
  /** Empty where the provider itself does not start. */
  readonly net: string;
  readonly task?: BenchTask;
  readonly half: boolean;
  /** Root of the mean squared difference from the CPU in single precision, relative to that of its numbers; the worst output. */
  readonly difference?: number;
  readonly verdict: 'right' | 'wrong' | 'not checked';
  readonly problem?: string;
};

export type CheckOptions = {
  readonly providers: readonly ProviderName[];
  readonly nets: readonly BenchNet[];
  readonly size: BenchSize;
  /** Also in half precision, where a provider can. */
  readonly half: boolean;
  /** @throws AppError PROVIDER_UNAVAILABLE */
  readonly open: (provider: ProviderName) => Promise<OpenedProvider>;
  readonly onRow?: (row: CheckRow) => void;
};

/**
 * What still counts as right. Single precision leaves room for TF32, 10 bits of mantissa in products; half precision for
 * its own 10 bits and the gates of ReLU that they flip, all the way through a net and back. A wrong op is off by the
 * size of the signal.
 */
const tolerance = { single: 2e-3, half: 0.1 } as const;

/** Computes one step of every net on each provider and on the CPU, and compares the numbers. */
export async function checkEngine(options: CheckOptions): Promise<CheckRow[]> {
  const { runtime: cpu } = await options.open('cpu');
  const rows: CheckRow[] = [];
  const add = (row: CheckRow) => {
    rows.push(row);
    options.onRow?.(row);
  };
  const cases = options.nets.flatMap(net => net.tasks.map(task => ({ net, task })));
  try {
    for (const provider of options.providers) {
      let opened: OpenedProvider;
      try {
        opened = await options.open(provider);
      } catch (error) {
        add({ provider, net: '', half: false, verdict: 'not checked', problem: problemOf(error) });
        continue;
      }
      try {
        for (const { net, task } of cases)
          for (const half of options.half && opened.half ? [false, true] : [false])
            add({
              provider,
              net: net.name,
              task,
              half,
              ...(await check(net, task, half, options.size, opened.runtime, cpu)),
            });
      } finally {
        await opened.runtime.close();
      }
    }
  } finally {
    await cpu.close();
  }
  return rows;
}

async function check(
  net: BenchNet,
  task: BenchTask,
  half: boolean,
  size: BenchSize,
  runtime: Runtime,
  cpu: Runtime,
): Promise<Pick<CheckRow, 'verdict' | 'difference' | 'problem'>> {
  try {
    const expected = await results(cpu, net.build(task, size, { half: false, steps: 1 }));
    const difference = compare(expected, await results(runtime, net.build(task, size, { half, steps: 1 })));
    return { difference, verdict: difference <= (half ? tolerance.half : tolerance.single) ? 'right' : 'wrong' };
  } catch (error) {
    return { verdict: 'wrong', problem: problemOf(error) };
  }
}

async function results(runtime: Runtime, graph: BenchGraph): Promise<Map<string, Float32Array>> {
  const net = await runtime.load(graph.model, { label: 'check' });
  try {
    const feeds = Object.fromEntries(graph.inputs.map(({ name, dims }) => [name, startingTensor(name, dims)]));
    const outputs = await net.run(feeds, { fetch: graph.compared });
    return new Map(graph.compared.map(name => [name, floatsOf(outputs[name] as Tensor)]));
  } finally {
    await net.dispose();
  }
}

/** A number that is none makes the difference infinite. */
function compare(expected: ReadonlyMap<string, Float32Array>, actual: ReadonlyMap<string, Float32Array>): number {
  return Math.max(
    ...[...expected].map(([name, right]) => {
      const given = actual.get(name) as Float32Array;
      let [error, power] = [0, 0];
      for (let at = 0; at < right.length; at++) {
        error += (given[at] - right[at]) ** 2;
        power += right[at] ** 2;
      }
      const difference = Math.sqrt(error / power);
      return Number.isFinite(difference) ? difference : Infinity;
    }),
  );
}

export function formatCheck(rows: readonly CheckRow[]): string {
  return rows
    .map(({ provider, half, net, task, verdict, difference, problem }) => {
      const detail = problem ?? `differs from the CPU by ${(difference as number).toExponential(1)}`;
      const where = [provider + (half ? ' half' : ''), net, task].filter(Boolean).join(', ');
      return `${verdict.padEnd(11)}  ${where}: ${detail}`;
    })
    .join('\n');
}
