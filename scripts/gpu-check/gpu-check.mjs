/**
 * Whether the graphics processor of this machine computes rightly, and how fast: every graph against the CPU, then
 * milliseconds in single and half precision, then the same steps in PyTorch where that is installed.
 *   node gpu-check.mjs [--provider cuda --provider webgpu] [--size 1280x720] [--out gpu-check.json]
 * Needs nothing but Node and what lies beside it: `bundle.mjs` makes a folder that runs on a machine without network.
 * Ends with 0 when all that could be checked is right, 4 when something is wrong, 3 when nothing could be checked.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const root = existsSync(join(here, 'dist/server/bench.js')) ? here : join(here, '../..');
const program = join(root, 'dist/server/bench.js');

/** Every kind of graph that effects run: with gradients, and as they are. */
const checkedNets = [
  ...['vgg19', 'googlenet', 'openimages', 'fast-style'],
  ...['upconv7-scale2x', 'cunet-scale2x', 'cunet-noise1', 'rife-v4.6', 'rife-v4.6-flow'],
];

/** Milliseconds on one H100 at 1280x720, methods.md 9: what we aim at. */
const goals = { 'vgg19 style': 4, 'googlenet dream': 1, 'upconv7-scale2x forward': 4, 'fast-style forward': 3 };

/** The oldest NVIDIA driver that runs CUDA 13. */
const leastDriver = 580;

const { values: flags } = parseArgs({
  options: {
    provider: { type: 'string', multiple: true, default: ['cuda', 'webgpu'] },
    size: { type: 'string', default: '1280x720' },
    'check-size': { type: 'string', default: '128x96' },
    seconds: { type: 'string', default: '3' },
    out: { type: 'string', default: 'gpu-check.json' },
  },
});

/** A Python that has PyTorch, and where the CUDA libraries lie that its wheels have brought. */
function findTorch() {
  const where =
    'import glob, os, torch; print(":".join(glob.glob(os.path.join(os.path.dirname(os.path.dirname(torch.__file__)), "nvidia/*/lib"))))';
  for (const python of ['python3', '/usr/bin/python3']) {
    const { status, stdout } = spawnSync(python, ['-c', where], { encoding: 'utf8' });
    if (status === 0) return { python, libraries: stdout.trim() };
  }
  return undefined;
}
const torchHere = findTorch();
const libraries = [process.env.REVERIE_CUDA_LIBRARIES, torchHere?.libraries].filter(Boolean).join(':');

/** What a bench ends with: its rows, and the text that says them. */
function bench(what, more) {
  const providers = flags.provider.flatMap(name => ['--provider', name]);
  const child = spawnSync(process.execPath, [program, 'bench', what, '--json', '--half', ...providers, ...more], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...(libraries ? { REVERIE_CUDA_LIBRARIES: libraries } : {}) },
  });
  const lines = child.stdout
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line));
  const result = lines.find(line => line.rows !== undefined);
  if (result === undefined) throw new Error(`bench ${what} ended with status ${child.status} and without a result`);
  return result;
}

/** The same steps in PyTorch, with what it says of itself; without rows where it sees no graphics processor. */
function torchSteps([width, height]) {
  if (torchHere === undefined) return { about: 'PyTorch is not installed here', rows: [] };
  const child = spawnSync(torchHere.python, [join(here, 'torch-steps.py'), width, height], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [about, ...rows] = child.stdout
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line));
  const ending = child.status === 0 ? '' : `; it ended with status ${child.status}`;
  return {
    about: about ? `PyTorch ${about.torch} on ${about.device}${ending}` : `PyTorch did not start${ending}`,
    rows,
  };
}

const nameOf = row => `${row.net.split(' (')[0].replace(' 4c', '')} ${row.task}`;
const shortMs = ms => (ms < 10 ? ms.toFixed(2) : ms.toFixed(0));

function tableOf(rows, torch) {
  const heads = ['provider', 'step', 'ms', 'of peak', 'goal on an H100', 'PyTorch ms', 'ours / PyTorch'];
  const lines = rows.map(row => {
    const lead = [row.provider + (row.half ? ' half' : ''), nameOf(row)];
    if (row.notMeasured !== undefined) return [...lead, `not measured: ${row.notMeasured}`];
    const theirs = torch.find(each => nameOf(each) === nameOf(row) && each.half === row.half)?.ms;
    return [
      ...lead,
      shortMs(row.medianMs),
      row.shareOfPeak === undefined ? '' : `${(row.shareOfPeak * 100).toFixed(0)} %`,
      goals[nameOf(row)] === undefined ? '' : String(goals[nameOf(row)]),
      theirs === undefined ? 'not measured' : shortMs(theirs),
      theirs === undefined ? '' : (row.medianMs / theirs).toFixed(2),
    ];
  });
  const widths = heads.map((head, at) =>
    Math.max(head.length, ...lines.map(line => (at >= 2 && line.length === 3 ? 0 : (line[at]?.length ?? 0)))),
  );
  return [heads, ...lines]
    .map(line =>
      line
        .map((text, at) => text.padEnd(widths[at]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const gpu = spawnSync('nvidia-smi', ['--query-gpu=name,driver_version', '--format=csv,noheader'], { encoding: 'utf8' });
console.log(gpu.status === 0 ? gpu.stdout.trim() : 'no NVIDIA driver answered here');
if (gpu.status === 0 && Number.parseInt(gpu.stdout.split(',').at(-1), 10) < leastDriver)
  console.log(`its driver is older than ${leastDriver}: CUDA 13 does not run on it`);
console.log(`CUDA's libraries are looked for in: ${libraries || 'the usual places'}`);

console.log('\nEvery graph against the CPU');
const checkedAt = ['--size', flags['check-size']];
const { rows: checks, text } = bench('check', [...checkedNets.flatMap(name => ['--net', name]), ...checkedAt]);
console.log(text);

console.log(`\nMilliseconds a step at ${flags.size}`);
const { rows: times } = bench('engine', ['--size', flags.size, '--seconds', flags.seconds]);
const torch = torchSteps(flags.size.split('x'));
console.log(tableOf(times, torch.rows));
console.log(torch.rows.length === 0 ? `${torch.about}: not measured.` : `${torch.about}.`);

writeFileSync(
  flags.out,
  `${JSON.stringify({ gpu: gpu.stdout?.trim() ?? '', size: flags.size, checks, times, torch }, undefined, 1)}\n`,
);
console.log(`\n${flags.out} holds all of it.`);
const has = verdict => checks.some(row => row.verdict === verdict);
if (!has('right') && !has('wrong'))
  console.log('Nothing could be checked: no graphics processor was there to be used.');
process.exitCode = has('wrong') ? 4 : has('right') ? 0 : 3;
