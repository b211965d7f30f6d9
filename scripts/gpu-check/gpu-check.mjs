/**
 * Whether the graphics processor of this machine computes rightly, and how fast: every graph against the CPU, then
 * milliseconds in single and half precision, then the same steps in PyTorch where that is installed.
 *   node gpu-check.mjs [--provider cuda --provider webgpu] [--size 1280x720] [--out gpu-check.json]
 * Needs nothing but Node and what lies beside it: `bundle.mjs` makes a folder that runs on a machine without network.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const root = existsSync(join(here, 'dist/server/bench.js')) ? here : join(here, '../..');
const bench = join(root, 'dist/server/bench.js');

/** Every kind of graph that effects run: with gradients, and as they are. */
const checkedNets = [
  ...['vgg19', 'googlenet', 'openimages', 'fast-style'],
  ...['upconv7-scale2x', 'cunet-scale2x', 'cunet-noise1', 'rife-v4.6', 'rife-v4.6-flow'],
];

/** Milliseconds on one H100 at 1280x720, methods.md 9: what we aim at. */
const goals = { 'vgg19 style': 4, 'googlenet dream': 1, 'upconv7-scale2x forward': 4, 'fast-style forward': 3 };

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

function benchRows(what, more) {
  const providers = flags.provider.flatMap(name => ['--provider', name]);
  const child = spawnSync(process.execPath, [bench, 'bench', what, '--json', '--half', ...providers, ...more], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...(libraries ? { REVERIE_CUDA_LIBRARIES: libraries } : {}) },
  });
  const lines = child.stdout
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line));
  if (lines.length === 0) throw new Error(`bench ${what} ended with status ${child.status} and without a result`);
  return lines.filter(line => line.type === 'row');
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

console.log('\nEvery graph against the CPU');
const checks = benchRows('check', [...checkedNets.flatMap(name => ['--net', name]), '--size', flags['check-size']]);
for (const row of checks) {
  const where = [row.provider + (row.half ? ' half' : ''), row.net, row.task].filter(Boolean).join(', ');
  console.log(`${row.verdict.padEnd(11)}  ${where}: ${row.problem ?? `differs by ${row.difference.toExponential(1)}`}`);
}

console.log(`\nMilliseconds a step at ${flags.size}`);
const times = benchRows('engine', ['--size', flags.size, '--seconds', flags.seconds]);
const torch = torchSteps(flags.size.split('x'));
console.log(tableOf(times, torch.rows));
console.log(torch.rows.length === 0 ? `${torch.about}: not measured.` : `${torch.about}.`);

writeFileSync(
  flags.out,
  `${JSON.stringify({ gpu: gpu.stdout?.trim() ?? '', size: flags.size, checks, times, torch }, undefined, 1)}\n`,
);
console.log(`\n${flags.out} holds all of it.`);
process.exitCode = checks.some(row => row.verdict === 'wrong') ? 4 : 0;
