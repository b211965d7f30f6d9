/**
 * For work on Reverie itself: links this folder into the CEP extensions folder, switches the hosts' debug mode on,
 * builds at every change, and runs the bridge, which serves the same panel to a browser.
 * `node scripts/dev.mjs [--no-link] [--unlink] [--port 4711]`
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './set-up.mjs';

const bundle = 'org.reverie';
/** Premiere and After Effects 22 to 24 run CEP 11, later ones 12; each reads the switch of its own version only. */
const cepVersions = [9, 10, 11, 12];
const say = text => console.error(`[dev] ${text}`);

/** Where a user's extensions lie; undefined where Adobe's applications do not exist. */
export function extensionsFolder(platform = process.platform, env = process.env, home = homedir()) {
  if (platform === 'win32') return join(env.APPDATA ?? join(home, 'AppData', 'Roaming'), 'Adobe', 'CEP', 'extensions');
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'Adobe', 'CEP', 'extensions');
  return undefined;
}

/** The commands that let the hosts load an unsigned panel. */
export function debugModeCommands(platform = process.platform) {
  const of = {
    win32: version => [
      'reg',
      'add',
      `HKCU\\Software\\Adobe\\CSXS.${version}`,
      '/v',
      'PlayerDebugMode',
      '/t',
      'REG_SZ',
      '/d',
      '1',
      '/f',
    ],
    darwin: version => ['defaults', 'write', `com.adobe.CSXS.${version}`, 'PlayerDebugMode', '1'],
  }[platform];
  return of ? cepVersions.map(of) : [];
}

function isThere(path) {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

/** Puts a link to `target` into `folder`. A link is renewed; anything else of that name is somebody's and stays. */
export function linkPanel(folder, target = root) {
  const link = join(folder, bundle);
  const there = isThere(link);
  if (there && !there.isSymbolicLink())
    throw new Error(`${link} is a folder, not a link: an installed Reverie. Remove it first, or start with --no-link.`);
  if (there && readlinkSync(link).replace(/[\\/]$/, '') === target) return link;
  mkdirSync(folder, { recursive: true });
  if (there) rmSync(link);
  // A junction needs no administrator; elsewhere the word means nothing.
  symlinkSync(target, link, 'junction');
  return link;
}

export function unlinkPanel(folder) {
  const link = join(folder, bundle);
  if (!isThere(link)?.isSymbolicLink()) return false;
  rmSync(link);
  return true;
}

function connectToHosts() {
  const folder = extensionsFolder();
  if (!folder) return say('No Premiere or After Effects on this system: the panel runs in a browser only.');
  say(`linked as ${linkPanel(folder)}`);
  for (const [program, ...args] of debugModeCommands()) execFileSync(program, args, { stdio: 'ignore' });
  say('debug mode is on; restart the application once, then open Window > Extensions > Reverie.');
}

let bridge;
function startBridge(port) {
  const child = spawn(process.execPath, [join(root, 'dist/server/cli.js'), 'serve', '--port', port], {
    stdio: 'inherit',
  });
  bridge = child;
  child.on('exit', code => {
    if (bridge === child && code) say(`the bridge ended with ${code}; it is started again after the next change.`);
  });
}
async function restartBridge(port) {
  const last = bridge;
  bridge = undefined;
  if (last && last.exitCode === null) {
    const gone = new Promise(resolve => last.once('exit', resolve));
    last.kill('SIGTERM');
    await gone;
  }
  startBridge(port);
}

async function watchAll(port) {
  const { default: webpack } = await import('webpack');
  const { buildWasm } = await import('./build-wasm.mjs');
  await buildWasm();
  const { panelConfig } = await import('./webpack.panel.mjs');
  const { hostConfig } = await import('./webpack.host.mjs');
  const { serverConfig } = await import('./webpack.server.mjs');
  // What is built here is no release: the next `npm run build` makes everything anew.
  for (const part of ['panel', 'host', 'server']) rmSync(join(root, 'dist', `.${part}.stamp`), { force: true });
  const watch = (config, onBuilt = () => undefined) =>
    webpack(config).watch({ aggregateTimeout: 100 }, (error, stats) => {
      if (error || stats.hasErrors()) {
        say(
          `${config.name ?? 'server'}: ${error ?? stats.toString({ preset: 'errors-only', colors: process.stderr.isTTY })}`,
        );
        return;
      }
      say(`${config.name ?? 'server'} built in ${((stats.endTime - stats.startTime) / 1000).toFixed(1)} s`);
      void onBuilt();
    });
  return [
    watch(panelConfig(root, { mode: 'development' })),
    watch(hostConfig(root)),
    watch(await serverConfig(root), () => restartBridge(port)),
  ];
}

async function main(args) {
  const folder = extensionsFolder();
  if (args.includes('--unlink')) {
    say(folder && unlinkPanel(folder) ? 'the link is removed.' : 'there was no link.');
    return;
  }
  if (!existsSync(join(root, 'node_modules', 'webpack')))
    throw new Error('The packages are not installed. Run: npm ci');
  if (!args.includes('--no-link')) connectToHosts();
  const port = args.includes('--port') ? args[args.indexOf('--port') + 1] : '0';
  const watchers = await watchAll(port);
  const end = () => {
    for (const watcher of watchers) watcher.close(() => undefined);
    bridge?.kill('SIGTERM');
    process.exitCode = 0;
  };
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main(process.argv.slice(2)).catch(error => {
    say(error.message);
    process.exitCode = 1;
  });
}
