/**
 * Makes the embedded nets in bridge-server/nets from the npm packages that they come from.
 *   node --import ./scripts/prepare-nets/typescript.mjs scripts/prepare-nets/prepare.mjs [--check] [--from FOLDER]
 * `--check` compares with the files that are there instead of writing; `--from` takes tarballs from a folder instead of
 * fetching them. The packages are unpacked and never installed.
 */
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { origins, recipes } from './recipes.mjs';

const nets = fileURLToPath(new URL('../../bridge-server/nets/', import.meta.url));
const { values: options } = parseArgs({ options: { check: { type: 'boolean' }, from: { type: 'string' } } });

const sha256 = bytes => createHash('sha256').update(bytes).digest('hex');

function run(program, args, cwd) {
  const result = spawnSync(program, args, {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) throw new Error(`${program} ${args.join(' ')} failed`);
}

/** Folder with the origin's members, unpacked from the tarball whose hash was checked. */
function unpack(name, work) {
  const origin = origins[name];
  const folder = join(work, name);
  if (existsSync(folder)) return folder;
  mkdirSync(folder);
  const tarballs = options.from ?? work;
  if (!options.from)
    run(process.platform === 'win32' ? 'npm.cmd' : 'npm', ['pack', '--ignore-scripts', '--silent', origin.spec], work);
  const tarball = join(tarballs, origin.tarball);
  const actual = sha256(readFileSync(tarball));
  if (actual !== origin.sha256) throw new Error(`${tarball} has the hash ${actual}, expected ${origin.sha256}`);
  run('tar', ['-xzf', tarball, '-C', folder, ...origin.members]);
  return folder;
}

const work = mkdtempSync(join(tmpdir(), 'reverie-nets-'));
let differing = 0;
let total = 0;
try {
  for (const recipe of recipes) {
    const draft = recipe.make(unpack(recipe.origin, work));
    Object.assign(draft.metadata, {
      licence: recipe.licence,
      origin: `npm ${origins[recipe.origin].spec}, ${recipe.from}`,
    });
    const bytes = draft.toBytes();
    total += bytes.length;
    const path = join(nets, recipe.file);
    const same = existsSync(path) && sha256(readFileSync(path)) === sha256(bytes);
    if (!same && options.check) differing++;
    if (!same && !options.check) {
      mkdirSync(nets, { recursive: true });
      writeFileSync(path, bytes);
    }
    console.log(
      `${sha256(bytes)} ${String(bytes.length).padStart(9)} ${recipe.file}${same ? '' : options.check ? '  DIFFERS' : '  written'}`,
    );
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
console.log(`${(total / 2 ** 20).toFixed(2)} MiB in ${recipes.length} files`);
process.exitCode = differing === 0 ? 0 : 1;
