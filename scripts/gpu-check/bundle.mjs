/**
 * Makes a folder that checks a graphics processor on a Linux machine without network or installation: Node, onnxruntime
 * with its CUDA provider, the built engine, the nets. `npm run gpu-check -- --bundle FOLDER [--without-cuda]`, then
 * there: `./run`. CUDA 13 and cuDNN 9 must be on that machine (the wheels of PyTorch bring them; other places are named
 * by REVERIE_CUDA_LIBRARIES). Where only small files can be taken along: `tar -C FOLDER -cJ . | split -b 60m - part-`
 * here, `cat part-* | tar -xJ` there.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../set-up.mjs';

/** The providers of exactly the onnxruntime that package.json pins; 180 MB, so not among the dependencies. */
const cudaPackage = 'com.github.asus4.onnxruntime.linux-x64-gpu';
const cudaVersion = '0.4.9';

const parts = [
  'dist/server/bench.js',
  'dist/server/ort-thread.js',
  'dist/server/probe-provider.js',
  'node_modules/onnxruntime-node/package.json',
  'node_modules/onnxruntime-node/dist',
  'node_modules/onnxruntime-node/bin/napi-v6/linux/x64',
  'node_modules/onnxruntime-common/package.json',
  'node_modules/onnxruntime-common/dist',
  'bridge-server/nets',
  'LICENSES',
];

export function makeBundle(folder, { cuda = true } = {}) {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error("The bundle is made of this machine's programs: make it on Linux, x64.");
  if (existsSync(folder)) throw new Error(`${folder} is there already. Name a new folder.`);
  mkdirSync(folder, { recursive: true });
  for (const part of parts) cpSync(join(root, part), join(folder, part), { recursive: true, dereference: true });
  for (const file of ['gpu-check.mjs', 'torch-steps.py'])
    cpSync(join(root, 'scripts/gpu-check', file), join(folder, file));
  cpSync(process.execPath, join(folder, 'node'));
  if (cuda) fetchCuda(join(folder, 'node_modules', cudaPackage));
  writeFileSync(join(folder, 'run'), '#!/bin/sh\nhere=$(dirname "$0")\nexec "$here/node" "$here/gpu-check.mjs" "$@"\n');
  chmodSync(join(folder, 'run'), 0o755);
}

/** The package's tarball, unpacked without running anything of it. */
function fetchCuda(target) {
  const work = mkdtempSync(join(tmpdir(), 'reverie-cuda-'));
  try {
    execFileSync('npm', ['pack', `${cudaPackage}@${cudaVersion}`, '--silent', '--pack-destination', work], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    mkdirSync(target, { recursive: true });
    execFileSync('tar', [
      '-xzf',
      join(work, `${cudaPackage}-${cudaVersion}.tgz`),
      '--strip-components',
      '1',
      '-C',
      target,
    ]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
