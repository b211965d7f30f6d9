/**
 * Builds everything into dist/: the server's programs, the panel's page, the UXP plug-in, the host script.
 * `node scripts/build.mjs [server|panel|uxp|host …]`; without a name, all. Skips a part whose sources did not change.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './set-up.mjs';

/** name -> sources that its output depends on, and the webpack configuration, made only when needed. */
const parts = {
  server: {
    sources: ['bridge-server/src', 'scripts/webpack.server.mjs', 'scripts/build-wasm.mjs'],
    config: async () => (await import('./webpack.server.mjs')).serverConfig(root),
    before: async () => {
      if (existsSync(join(root, 'scripts/build-wasm.mjs'))) await (await import('./build-wasm.mjs')).buildWasm(root);
    },
  },
  panel: {
    sources: ['extension', 'bridge-server/src/protocol', 'scripts/webpack.panel.mjs'],
    config: async () => (await import('./webpack.panel.mjs')).panelConfig(root),
  },
  uxp: {
    sources: ['extension', 'bridge-server/src/protocol', 'scripts/webpack.uxp.mjs'],
    config: async () => (await import('./webpack.uxp.mjs')).uxpConfig(root),
  },
  host: {
    sources: ['host-jsx', 'bridge-server/src/protocol', 'scripts/webpack.host.mjs'],
    config: async () => (await import('./webpack.host.mjs')).hostConfig(root),
  },
};

function hashOf(paths) {
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
  const visit = path => {
    const full = join(root, path);
    if (!existsSync(full)) return;
    let entries;
    try {
      entries = readdirSync(full, { withFileTypes: true });
    } catch {
      hash.update(path).update(readFileSync(full));
      return;
    }
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) visit(join(path, entry.name));
  };
  paths.forEach(visit);
  return hash.digest('hex');
}

async function buildPart(name) {
  const part = parts[name];
  const factory = join(root, 'scripts', `webpack.${name}.mjs`);
  if (!existsSync(factory)) return;
  const stamp = join(root, 'dist', `.${name}.stamp`);
  const wanted = hashOf([...part.sources, relative(root, fileURLToPath(import.meta.url))]);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const started = Date.now();
  await part.before?.();
  const { default: webpack } = await import('webpack');
  const config = await part.config();
  const stats = await new Promise((resolve, reject) =>
    webpack(config, (error, result) => (error ? reject(error) : resolve(result))),
  );
  if (stats.hasErrors()) throw new Error(stats.toString({ preset: 'errors-only', colors: false }));
  mkdirSync(join(root, 'dist'), { recursive: true });
  writeFileSync(stamp, wanted);
  console.error(`[build] ${name} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

export async function build(names = Object.keys(parts)) {
  for (const name of names) {
    if (!parts[name]) throw new Error(`nothing is called "${name}"; choose from ${Object.keys(parts).join(', ')}`);
    await buildPart(name);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await build(process.argv.length > 2 ? process.argv.slice(2) : undefined);
}
