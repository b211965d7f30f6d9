import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { AppError } from '#protocol/errors';
import { chooseProvider } from '../runtime/choose';
import { createThreadRuntime } from '../runtime/ort';
import { providerNames, type ProviderName } from '../runtime/runtime';
import { benchEngine, formatBench } from './bench-engine';
import { checkEngine, formatCheck } from './bench-check';
import { makeBenchNet } from './bench-graphs';
import type { BenchNet, BenchSize } from './bench-graphs';
import { makeGoogLeNet, makeVggNet } from './bench-nets';
import { action, collect } from './command';
import { openStore } from './open-store';

type BenchFlags = {
  readonly provider: string[];
  readonly net: string[];
  readonly size: string[];
  readonly half?: boolean;
  readonly seconds: string;
};

const usualNets = ['openimages', 'fast-style', 'upconv7-scale2x'];
const usualSizes = ['320x192', '640x360'];
const checkedSize = '128x96';
/** Nets that need no file: only their speed is like that of the real ones. */
const madeUpNets: Readonly<Record<string, () => BenchNet>> = { vgg19: makeVggNet, googlenet: makeGoogLeNet };

export function addBenchCommand(program: Command): void {
  program
    .command('bench')
    .description(
      'How fast this machine is, as a table: each net on each provider, against its own large matrix product.',
    )
    .argument(
      '[what]',
      'engine: how fast each net is; check: whether each provider computes what the CPU does',
      'engine',
    )
    .option(
      '--provider <name>',
      'cpu, webgpu, cuda, tensorrt, dml or coreml; may be given several times (default: cpu)',
      collect,
      [],
    )
    .option(
      '--net <name or file>',
      `an installed net or an .onnx file; may be given several times (default: ${Object.keys(madeUpNets).join(', ')}, ${usualNets.join(', ')})`,
      collect,
      [],
    )
    .option('--size <WxH>', `may be given several times (default: ${usualSizes.join(', ')})`, collect, [])
    .option('--half', 'in half precision too, on graphics processors')
    .option('--seconds <number>', 'for each row', '3')
    .option('--json', 'one JSON object a line')
    .action(
      action<[string, BenchFlags]>(async (output, what, flags) => {
        const seconds = Number(flags.seconds);
        if (!(seconds > 0))
          throw new AppError('PARAMETER_WRONG', {
            name: '--seconds',
            value: flags.seconds,
            problem: 'it must be above 0',
          });
        const providers: ProviderName[] = flags.provider.length === 0 ? ['cpu'] : flags.provider.map(toProvider);
        const nets = await findNets(flags.net);
        const half = flags.half === true;
        const open = async (name: ProviderName) => {
          const { provider, refused, half } = await chooseProvider(name);
          return { runtime: createThreadRuntime({ provider, refused }), half };
        };
        const onRow = (row: object) => output.event({ type: 'row', ...row });
        switch (what) {
          case 'engine': {
            const sizes = (flags.size.length === 0 ? usualSizes : flags.size).map(toSize);
            const budgetMs = seconds * 1000;
            const rows = await benchEngine({ providers, nets, sizes, half, budgetMs, open, onRow, deviceBytes });
            output.result({ type: 'bench', rows }, formatBench(rows));
            return;
          }
          case 'check': {
            const size = toSize(flags.size.at(-1) ?? checkedSize);
            const rows = await checkEngine({ providers, nets, size, half, open, onRow });
            const text = formatCheck(rows);
            output.result({ type: 'check', rows, text }, text);
            const wrong = rows.filter(row => row.verdict === 'wrong');
            if (wrong.length > 0)
              throw new AppError('PROVIDER_UNAVAILABLE', {
                provider: wrong[0].provider,
                problem: `it computes ${wrong.length} of ${rows.length} graphs wrongly`,
              });
            return;
          }
          default:
            throw new AppError('USAGE', { problem: `There is no bench named ${what}.` });
        }
      }),
    );
}

/** Memory in use on NVIDIA's graphics processor, as its driver tells. */
function deviceBytes(provider: ProviderName): number | undefined {
  if (provider !== 'cuda' && provider !== 'tensorrt') return undefined;
  const { status, stdout } = spawnSync('nvidia-smi', ['--query-gpu=memory.used', '--format=csv,noheader,nounits'], {
    encoding: 'utf8',
  });
  const used = Number.parseInt(stdout, 10);
  return status === 0 && Number.isFinite(used) ? used * 2 ** 20 : undefined;
}

function toProvider(name: string): ProviderName {
  const known = providerNames.find(each => each === name);
  if (known === undefined)
    throw new AppError('PARAMETER_WRONG', {
      name: '--provider',
      value: name,
      problem: `it must be one of ${providerNames.join(', ')}`,
    });
  return known;
}

function toSize(text: string): BenchSize {
  const [, width, height] = /^(\d{2,4})x(\d{2,4})$/.exec(text) ?? [];
  if (width === undefined)
    throw new AppError('PARAMETER_WRONG', { name: '--size', value: text, problem: 'it is written like 640x360' });
  return { width: Number(width), height: Number(height) };
}

async function findNets(names: readonly string[]): Promise<BenchNet[]> {
  const store = openStore();
  const wanted = names.length === 0 ? [...Object.keys(madeUpNets), ...usualNets] : names;
  return Promise.all(
    wanted.map(async name => {
      if (Object.hasOwn(madeUpNets, name)) return madeUpNets[name]();
      return name.endsWith('.onnx')
        ? makeBenchNet(basename(name, '.onnx'), await readNetFile(name))
        : makeBenchNet(name, await store.bytes(name));
    }),
  );
}

async function readNetFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new AppError('FILE_NOT_FOUND', { path }, { cause: error });
  }
}
