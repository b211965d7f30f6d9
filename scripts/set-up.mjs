/**
 * Brings a fresh checkout to the point where it can be built: packages, and ffmpeg (and, for the tests, Chromium).
 * Uses nothing but Node itself, because it runs before anything is installed. Safe to call again: it does only what
 * is missing.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const say = text => console.error(`[set-up] ${text}`);

function runs(program, args = ['-version']) {
  const result = spawnSync(program, args, { stdio: 'ignore', timeout: 60_000 });
  return result.status === 0;
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 9)) {
    throw new Error(`Node 20.9 or later is needed; this is ${process.versions.node}. Install it from nodejs.org.`);
  }
}

/** `npm ci` when the lockfile is not the one that was installed last. Install scripts stay off (.npmrc): none may download. */
function installPackages() {
  const stamp = join(root, 'node_modules', '.reverie-lock');
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say('installing packages (a few minutes on the first run)');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const result = spawnSync(npm, ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) throw new Error('npm ci failed; its message stands above. Check the network and try again.');
  writeFileSync(stamp, wanted);
}

const isRoot = () => process.platform === 'linux' && process.getuid?.() === 0;

function aptInstall(names) {
  if (!isRoot() || !runs('apt-get', ['--version'])) return false;
  const options = { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  const install = () =>
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', ...names], options).status === 0;
  if (install()) return true;
  spawnSync('apt-get', ['update'], options);
  return install();
}

/** The user's own ffmpeg first; else Debian's; else the one that travels in a package (older, without ffprobe). */
function provideFfmpeg() {
  if (runs(process.env.REVERIE_FFMPEG ?? 'ffmpeg')) return;
  say('no ffmpeg found: trying to install it');
  if (aptInstall(['ffmpeg']) && runs('ffmpeg')) return;
  say('using the ffmpeg that came with the packages. A newer one is better:');
  say(
    process.platform === 'darwin'
      ? '  brew install ffmpeg'
      : process.platform === 'win32'
        ? '  winget install ffmpeg'
        : '  apt-get install ffmpeg',
  );
}

/** For the browser test only. Where it cannot be had, that test is skipped and says so. */
function provideChromium() {
  if (['chromium', 'chromium-browser', 'google-chrome'].some(name => runs(name, ['--version']))) return;
  say('no Chromium found for the browser test: trying to install it');
  if (!aptInstall(['chromium'])) say('Chromium could not be installed: the browser test will be skipped.');
}

export function setUp({ forTests = false } = {}) {
  checkNode();
  installPackages();
  provideFfmpeg();
  if (forTests) provideChromium();
}
