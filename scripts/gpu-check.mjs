/** `npm run gpu-check`: here and now, or with `-- --bundle FOLDER` as a folder to take to another machine. */
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { root, setUp } from './set-up.mjs';

setUp();
const { build } = await import('./build.mjs');
await build(['server']);
const arguments_ = process.argv.slice(2);
const at = arguments_.indexOf('--bundle');
if (at >= 0) {
  const folder = arguments_[at + 1];
  if (!folder) throw new Error('usage: npm run gpu-check -- --bundle FOLDER [--without-cuda]');
  const { makeBundle } = await import('./gpu-check/bundle.mjs');
  makeBundle(resolve(folder), { cuda: !arguments_.includes('--without-cuda') });
  console.log(`${resolve(folder)} is ready: copy it to the machine with the graphics processor and start ./run there.`);
} else {
  process.exitCode =
    spawnSync(process.execPath, [join(root, 'scripts/gpu-check/gpu-check.mjs'), ...arguments_], { stdio: 'inherit' })
      .status ?? 1;
}
