import { cpus } from 'node:os';
import { AppError, toAppError } from '#protocol/errors';
import { sizeOf } from '../frame/tensor';
import type { Tensor } from '../frame/tensor';
import { gradientGraphBytes, usableBytes } from '../runtime/memory';
import type { DeviceTensor, Net, ProviderName, Runtime } from '../runtime/runtime';
import type { BenchGraph, BenchNet, BenchSize, BenchTask } from './bench-graphs';
import { peakGraph } from './bench-nets';

export type BenchRow = {
  readonly provider: ProviderName;
  readonly net: string;
  readonly task: BenchTask | 'peak';
  readonly width: number;
  readonly height: number;
  readonly half: boolean;
  /** One step, or one look: fastest and middle run; the first runs, which compile and warm up, are not counted. */
  readonly ms?: number;
  readonly medianMs?: number;
  readonly loadMs?: number;
  /** Of the convolutions and matrix products. */
  readonly gflops?: number;
  /** Of this machine's own large matrix product, in the same run of the program. */
  readonly shareOfPeak?: number;
  /** Of this process while the row was measured. */
  readonly peakRssBytes?: number;
  /** On the graphics processor, beyond what was in use before: what a session has taken it keeps to its end. */
  readonly deviceBytes?: number;
  /** Why there are no figures. Nothing is ever estimated. */
  readonly notMeasured?: string;
};

/** A provider that runs, and whether half precision is right and worth it there (never on a CPU). */
export type OpenedProvider = { readonly runtime: Runtime; readonly half: boolean };

export type BenchEngineOptions = {
  readonly providers: readonly ProviderName[];
  readonly nets: readonly BenchNet[];
  readonly sizes: readonly BenchSize[];
  /** Also in half precision, on providers that gain from it. */
  readonly half?: boolean;
  /** Optimiser steps in one run on devices other than the CPU; default 5. */
  readonly stepsPerRun?: number;
  /** Another yardstick than the usual large one: side of the matrices, and products in one run. */
  readonly peak?: { readonly side: number; readonly count: number };
  /** Time for the repetitions of one row; at least three are made. */
  readonly budgetMs?: number;
  /** @throws AppError PROVIDER_UNAVAILABLE */
  readonly open: (provider: ProviderName) => Promise<OpenedProvider>;
  readonly onRow?: (row: BenchRow) => void;
  /** Memory in use on the graphics processor; undefined where that cannot be asked. */
  readonly deviceBytes?: (provider: ProviderName) => number | undefined;
};

const warmUpRuns = 2;
const fewestRuns = 3;
const mostRuns = 50;
/** As the style stage runs it. */
const stepsPerRunOnDevice = 5;
/** How often memory is looked at while a net computes. */
const sampleMs = 10;

/** Large enough that overheads vanish, small enough for a few runs a second. */
const peakSizes: Readonly<Record<'cpu' | 'gpu', { side: number; count: number }>> = {
  cpu: { side: 1536, count: 2 },
  gpu: { side: 4096, count: 16 },
};

/**
 * Times every net at every size on every provider, against the machine's own large matrix product.
 * A row that cannot be measured says why; the others go on.
 */
export async function benchEngine(options: BenchEngineOptions): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  const add = (row: BenchRow): BenchRow => {
    rows.push(row);
    options.onRow?.(row);
    return row;
  };
  for (const provider of options.providers) {
    let opened: OpenedProvider;
    try {
      opened = await options.open(provider);
    } catch (error) {
      add({ provider, net: '', task: 'peak', width: 0, height: 0, half: false, notMeasured: problemOf(error) });
      continue;
    }
    try {
      for (const half of options.half && opened.half ? [false, true] : [false])
        await benchProvider(opened.runtime, provider, half, options, add);
    } finally {
      await opened.runtime.close();
    }
  }
  return rows;
}

async function benchProvider(
  runtime: Runtime,
  provider: ProviderName,
  half: boolean,
  options: BenchEngineOptions,
  add: (row: BenchRow) => BenchRow,
): Promise<void> {
  const { side, count } = options.peak ?? peakSizes[provider === 'cpu' ? 'cpu' : 'gpu'];
  const common = { provider, half };
  const deviceBytes = () => options.deviceBytes?.(provider);
  const before = deviceBytes() ?? 0;
  const timed = async (build: () => BenchGraph): Promise<Figures> => {
    const { deviceBytes: used, ...figures } = await measure(runtime, build, deviceBytes, options.budgetMs);
    return used === undefined ? figures : { ...figures, deviceBytes: used - before };
  };
  const yardstick = await timed(() => peakGraph(side, count, half));
  const peak = add({
    ...common,
    net: `matrix product ${side}`,
    task: 'peak',
    width: side,
    height: side,
    ...yardstick,
  }).gflops;
  for (const net of options.nets) {
    for (const task of net.tasks) {
      for (const size of options.sizes) {
        const row = { ...common, net: net.name, task, ...size };
        const steps = provider === 'cpu' ? 1 : (options.stepsPerRun ?? stepsPerRunOnDevice);
        const figures = await timed(() => net.build(task, size, { half, steps }));
        const share = figures.gflops !== undefined && peak !== undefined ? { shareOfPeak: figures.gflops / peak } : {};
        add({ ...row, ...figures, ...share });
      }
    }
  }
}

type Figures = Pick<BenchRow, 'ms' | 'medianMs' | 'loadMs' | 'gflops' | 'peakRssBytes' | 'deviceBytes' | 'notMeasured'>;

async function measure(
  runtime: Runtime,
  build: () => BenchGraph,
  deviceBytes: () => number | undefined,
  budgetMs = 3000,
): Promise<Figures> {
  const memory = watchMemory();
  try {
    const graph = build();
    refuseTooLarge(graph);
    const started = performance.now();
    const net = await runtime.load(graph.model, { label: 'bench', keepOnDevice: Object.keys(graph.carried) });
    try {
      const loadMs = performance.now() - started;
      const times = await timeRuns(net, graph, budgetMs);
      const sorted = [...times].sort((a, b) => a - b);
      return {
        ms: sorted[0] / graph.steps,
        medianMs: sorted[Math.floor(sorted.length / 2)] / graph.steps,
        loadMs,
        gflops: graph.cost.productFlops / sorted[0] / 1e6,
        peakRssBytes: memory.peakBytes(),
        deviceBytes: deviceBytes(),
      };
    } finally {
      await net.dispose();
    }
  } catch (error) {
    return { notMeasured: problemOf(error) };
  } finally {
    memory.stop();
  }
}

/** A machine that swaps measures nothing. @throws AppError MEMORY_TOO_SMALL */
function refuseTooLarge({ cost, inputs }: BenchGraph): void {
  const pixels = Math.max(...inputs.map(({ dims }) => (dims.length === 4 ? dims[2] * dims[3] : 0)));
  const need = Math.min(
    gradientGraphBytes(pixels, cost.weightBytes),
    cost.peakActivationBytes * 2 + 3 * cost.weightBytes,
  );
  if (need > usableBytes())
    throw new AppError('MEMORY_TOO_SMALL', { need: gibibytes(need), have: gibibytes(usableBytes()) });
}

const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

async function timeRuns(net: Net, graph: BenchGraph, budgetMs: number): Promise<number[]> {
  const keepOnDevice = Object.keys(graph.carried);
  let feeds: Record<string, Tensor | DeviceTensor> = Object.fromEntries(
    graph.inputs.map(({ name, dims }) => [name, startingTensor(name, dims)]),
  );
  const times: number[] = [];
  const begun = performance.now();
  for (let run = 0; run < warmUpRuns + mostRuns; run++) {
    if (times.length >= fewestRuns && performance.now() - begun > budgetMs) break;
    const started = performance.now();
    const results = await net.run(feeds, keepOnDevice.length > 0 ? { keepOnDevice, fetch: keepOnDevice } : {});
    if (run >= warmUpRuns) times.push(performance.now() - started);
    const next = { ...feeds };
    for (const [output, name] of Object.entries(graph.carried)) {
      const old = feeds[name];
      if ('device' in old) net.free(old);
      next[name] = results[output];
    }
    feeds = next;
  }
  for (const tensor of Object.values(feeds)) if ('device' in tensor) net.free(tensor);
  return times;
}

/** Pictures of a gentle pattern; moments and counters start at 0. */
export function startingTensor(name: string, dims: readonly number[]): Tensor {
  const count = sizeOf(dims);
  const isState = name === 'm' || name === 'v' || name === 'step';
  const data = isState
    ? new Float32Array(count)
    : Float32Array.from({ length: count }, (_, at) => (at * 0.6180339887) % 1);
  return { type: 'float32', dims, data: dims.length === 0 && !isState ? Float32Array.of(1) : data };
}

function watchMemory(): { peakBytes(): number; stop(): void } {
  let peak = process.memoryUsage.rss();
  const look = () => {
    peak = Math.max(peak, process.memoryUsage.rss());
  };
  const timer = setInterval(look, sampleMs);
  return {
    peakBytes() {
      look();
      return peak;
    },
    stop: () => clearInterval(timer),
  };
}

export function problemOf(error: unknown): string {
  return toAppError(error).message;
}

/** The rows as a table, with the machine's name above it. */
export function formatBench(rows: readonly BenchRow[]): string {
  const heads = [
    'provider',
    'net',
    'task',
    'size',
    'ms',
    'median',
    'GFLOP/s',
    'of peak',
    'peak MiB',
    'GPU MiB',
    'load ms',
  ];
  const cells = rows.map(row => {
    const lead = [
      row.provider + (row.half ? ' half' : ''),
      row.net,
      row.task,
      row.width > 0 ? `${row.width}x${row.height}` : '',
    ];
    if (row.notMeasured !== undefined) return [...lead, `not measured: ${row.notMeasured}`];
    const share = row.shareOfPeak === undefined ? '' : `${(row.shareOfPeak * 100).toFixed(0)} %`;
    const mebibytes = (bytes: number | undefined) => (bytes === undefined ? '' : String(Math.round(bytes / 2 ** 20)));
    return [
      ...lead,
      shortMs(row.ms),
      shortMs(row.medianMs),
      row.gflops?.toFixed(0) ?? '',
      share,
      mebibytes(row.peakRssBytes),
      mebibytes(row.deviceBytes),
      shortMs(row.loadMs),
    ];
  });
  const widths = heads.map((head, column) =>
    Math.max(
      head.length,
      ...cells.map(line => (line.length < heads.length && column >= 4 ? 0 : (line[column]?.length ?? 0))),
    ),
  );
  const line = (texts: readonly string[]) =>
    texts
      .map((text, column) =>
        column < 4 ? text.padEnd(widths[column]) : text.padStart(texts.length < heads.length ? 0 : widths[column]),
      )
      .join('  ')
      .trimEnd();
  const [processor] = cpus();
  return [
    `${processor?.model.trim() ?? 'unknown processor'}, ${cpus().length} threads`,
    line(heads),
    ...cells.map(line),
  ].join('\n');
}

function shortMs(ms: number | undefined): string {
  if (ms === undefined) return '';
  return ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : ms.toFixed(0);
}
