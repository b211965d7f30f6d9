/**
 * Makes dist/package/org.reverie, a CEP extension folder that can be copied into the host's extensions folder, and says
 * how to sign it. `node scripts/package.mjs [--panel-only]`; without the flag the bridge and its packages go along.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';
import { root } from './set-up.mjs';

const target = join(root, 'dist/package/org.reverie');

/** Links, empty files and Finder's notes make a signed package load as a blank panel (Adobe's KnownIssue2024). */
export function belongs(path) {
  const stat = lstatSync(path);
  return !stat.isSymbolicLink() && basename(path) !== '.DS_Store' && !path.endsWith('.map') && (stat.isDirectory() || stat.size > 0);
}

function copy(path) {
  const from = join(root, path);
  if (existsSync(from)) cpSync(from, join(target, path), { recursive: true, filter: belongs });
}

/** Folders of the packages that the bridge needs while it runs. npm ends with 1 when an optional one is missing. */
function productionPackages() {
  let listed;
  try {
    listed = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], { cwd: root, encoding: 'utf8', shell: process.platform === 'win32', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch (error) {
    if (!error.stdout) throw error;
    listed = error.stdout;
  }
  return listed.split('\n').map(line => relative(root, line.trim())).filter(path => path.startsWith('node_modules'));
}

export async function makePackage({ panelOnly = false } = {}) {
  await build(panelOnly ? ['panel', 'host'] : undefined);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const parts = ['CSXS', 'dist/panel', 'dist/host', 'LICENSES', 'package.json', 'README.md'];
  if (!panelOnly) parts.push('dist/server', 'scripts/reverie.mjs', 'bridge-server/nets', 'bridge-server/painters', ...productionPackages());
  parts.forEach(copy);
  for (const file of ['MainPath', 'ScriptPath']) {
    const manifest = readFileSync(join(target, 'CSXS/manifest.xml'), 'utf8');
    const path = new RegExp(`<${file}>\\./([^<]+)</${file}>`).exec(manifest)?.[1];
    if (!path || !existsSync(join(target, path))) throw new Error(`${file} of the manifest names ${path}, which is not in the package`);
  }
  return target;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = await makePackage({ panelOnly: process.argv.includes('--panel-only') });
  console.log(`${folder}

The package is not signed. ZXPSignCmd (Adobe-CEP/CEP-Resources) exists for Windows and macOS; sign on each of them:
  ZXPSignCmd -selfSignedCert <country> <state> <organisation> <name> <password> certificate.p12
  ZXPSignCmd -sign "${folder}" reverie.zxp certificate.p12 <password> -tsa http://timestamp.digicert.com
To try it unsigned, copy the folder to
  Windows  %APPDATA%\\Adobe\\CEP\\extensions\\org.reverie
  macOS    ~/Library/Application Support/Adobe/CEP/extensions/org.reverie
and set PlayerDebugMode to 1 for CSXS.9 to CSXS.12:
  Windows  reg add HKCU\\Software\\Adobe\\CSXS.12 /v PlayerDebugMode /t REG_SZ /d 1
  macOS    defaults write com.adobe.CSXS.12 PlayerDebugMode 1`);
}
