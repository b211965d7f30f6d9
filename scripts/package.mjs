/**
 * Makes, under dist/package, what people install:
 *   org.reverie            the CEP extension folder for Premiere Pro and After Effects, with the bridge and all it needs
 *   reverie-premiere.ccx   the UXP plug-in for Premiere Pro 25.6 and later
 * `node scripts/package.mjs [--panel-only] [--without-node]`. Native parts are those of this computer: run it on each
 * system that the package is for, which signing asks for anyway.
 */
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zipSync } from 'fflate';
import { build } from './build.mjs';
import { root } from './set-up.mjs';
import { external } from './webpack.server.mjs';

const folder = join(root, 'dist/package');
const target = join(folder, 'org.reverie');
const isWindows = process.platform === 'win32';

/** Links, empty files and Finder's notes make a signed package load as a blank panel (Adobe's KnownIssue2024). */
export function belongs(path) {
  const stat = lstatSync(path);
  return (
    !stat.isSymbolicLink() &&
    basename(path) !== '.DS_Store' &&
    !/\.(map|d\.[cm]?ts)$/.test(path) &&
    (stat.isDirectory() || stat.size > 0)
  );
}

/** onnxruntime-node brings the libraries of every system, 290 MB; those of this one are enough. */
function isForThisSystem(path) {
  const system = /onnxruntime-node[\\/]bin[\\/]napi-v\d+[\\/](\w+)/.exec(path)?.[1];
  return system === undefined || system === process.platform;
}

function copy(path) {
  const from = join(root, path);
  if (existsSync(from))
    cpSync(from, join(target, path), { recursive: true, filter: each => belongs(each) && isForThisSystem(each) });
}

/** Folders of the packages that the built bridge loads while it runs, and of what those need. */
export function packagesOf(names, from = root, found = new Set()) {
  for (const name of names) {
    const place = findPackage(name, from);
    // Optional ones of other systems are not there.
    if (!place || found.has(place)) continue;
    found.add(place);
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
      readFileSync(join(place, 'package.json'), 'utf8'),
    );
    packagesOf(Object.keys({ ...dependencies, ...optionalDependencies }), place, found);
  }
  return [...found];
}

function findPackage(name, from) {
  for (let at = from; at.startsWith(root); at = dirname(at)) {
    const place = join(at, 'node_modules', name);
    if (existsSync(join(place, 'package.json'))) return place;
  }
  return undefined;
}

/** The Node that runs this, so that nobody has to install one. One that needs libraries beside it would not start. */
function copyNode() {
  if (process.config.variables.node_shared) {
    console.error(
      '[package] this Node needs libraries of its own and stays behind: install one from nodejs.org to pack it',
    );
    return;
  }
  const runtime = join(target, 'runtime', isWindows ? 'node.exe' : 'node');
  mkdirSync(dirname(runtime));
  cpSync(realpathSync(process.execPath), runtime);
  chmodSync(runtime, 0o755);
}

/** A program that can be double-clicked, and that the UXP plug-in, which can start nothing itself, may open. */
const starters = {
  win32: [
    'Start Reverie.cmd',
    '@echo off\r\ncd /d "%~dp0"\r\nif exist runtime\\node.exe (runtime\\node.exe scripts\\reverie.mjs serve) else (node scripts\\reverie.mjs serve)\r\n',
  ],
  other: [
    'Start Reverie.command',
    '#!/bin/sh\ncd "$(dirname "$0")" || exit 1\nPATH="$PWD/runtime:/opt/homebrew/bin:/usr/local/bin:$PATH"\nexec node scripts/reverie.mjs serve\n',
  ],
};

function writeStarter() {
  const [name, text] = starters[isWindows ? 'win32' : 'other'];
  writeFileSync(join(target, name), text, { mode: 0o755 });
}

export async function makePackage({ panelOnly = false, withNode = true } = {}) {
  await build(panelOnly ? ['panel', 'host'] : undefined);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const parts = ['CSXS', 'dist/panel', 'dist/host', 'LICENSES', 'package.json', 'README.md'];
  if (!panelOnly) {
    parts.push('dist/server', 'scripts/reverie.mjs', 'bridge-server/nets', 'bridge-server/painters');
    parts.push(...packagesOf(external).map(place => relative(root, place)));
  }
  parts.forEach(copy);
  if (!panelOnly) {
    writeStarter();
    if (withNode) copyNode();
  }
  for (const file of ['MainPath', 'ScriptPath']) {
    const manifest = readFileSync(join(target, 'CSXS/manifest.xml'), 'utf8');
    const path = new RegExp(`<${file}>\\./([^<]+)</${file}>`).exec(manifest)?.[1];
    if (!path || !existsSync(join(target, path)))
      throw new Error(`${file} of the manifest names ${path}, which is not in the package`);
  }
  return target;
}

function filesBelow(path) {
  return readdirSync(path, { withFileTypes: true }).flatMap(entry => {
    const full = join(path, entry.name);
    if (!belongs(full)) return [];
    return entry.isDirectory() ? filesBelow(full) : [full];
  });
}

/** A .ccx is a zip with the manifest at its top: the plug-in's own files, and the panel's page in `panel/`. */
export function makeCcx({ plugIn, panel }) {
  const files = {};
  const add = (from, into) => {
    for (const path of filesBelow(from)) files[into + relative(from, path).split(sep).join('/')] = readFileSync(path);
  };
  add(plugIn, '');
  add(panel, 'panel/');
  const manifest = JSON.parse(files['manifest.json']?.toString('utf8') ?? '{}');
  for (const path of [
    manifest.main,
    ...(manifest.icons ?? []).map(icon => icon.path),
    'main.js',
    'panel/index.html',
    'panel/main.js',
  ])
    if (!files[path]) throw new Error(`${path} is not in the plug-in`);
  return zipSync(files, { level: 9 });
}

/** One version everywhere: hosts compare it when a package is installed over another. */
function checkVersions() {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const cep = readFileSync(join(root, 'CSXS/manifest.xml'), 'utf8');
  const uxp = JSON.parse(readFileSync(join(root, 'extension/src/uxp/manifest.json'), 'utf8'));
  if (
    !cep.includes(`ExtensionBundleVersion="${version}"`) ||
    !cep.includes(`Id="org.reverie.panel" Version="${version}"`) ||
    uxp.version !== version
  )
    throw new Error(`the manifests in CSXS and extension/src/uxp must have the version of package.json, ${version}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const panelOnly = process.argv.includes('--panel-only');
  checkVersions();
  const made = await makePackage({ panelOnly, withNode: !process.argv.includes('--without-node') });
  console.log(made);
  if (!panelOnly) {
    const ccx = join(folder, 'reverie-premiere.ccx');
    writeFileSync(ccx, makeCcx({ plugIn: join(root, 'dist/uxp'), panel: join(root, 'dist/panel') }));
    console.log(ccx);
  }
  console.log('Neither is signed: docs/install.md says how to sign the folder, and how to install both.');
}
