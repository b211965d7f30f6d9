import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const folder = mkdtempSync(join(tmpdir(), 'reverie-dev-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The script is a module of Node's own kind; it is asked in a process of its own. */
function ask<T>(expression: string): T {
  const address = pathToFileURL(join(__dirname, '../../scripts/dev.mjs')).href;
  const program = `const dev = await import(${JSON.stringify(address)}); let out; try { out = ${expression}; } catch (error) { out = { problem: error.message }; } console.log(JSON.stringify(out ?? null));`;
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })) as T;
}

test('the panel is linked where the hosts look for a user’s extensions', () => {
  const of = (platform: string, env: object) =>
    ask<string | null>(`dev.extensionsFolder(${JSON.stringify(platform)}, ${JSON.stringify(env)}, '/home/me')`);
  expect(of('darwin', {})).toBe('/home/me/Library/Application Support/Adobe/CEP/extensions');
  expect(of('win32', { APPDATA: 'C:/Users/me/AppData/Roaming' })?.replace(/\\/g, '/')).toBe(
    'C:/Users/me/AppData/Roaming/Adobe/CEP/extensions',
  );
  expect(of('linux', {})).toBeNull();
});

test('debug mode is switched on for every version of CEP that a host may run', () => {
  const mac = ask<string[][]>(`dev.debugModeCommands('darwin')`).map(words => words.join(' '));
  expect(mac).toContain('defaults write com.adobe.CSXS.11 PlayerDebugMode 1');
  expect(mac).toContain('defaults write com.adobe.CSXS.12 PlayerDebugMode 1');
  const windows = ask<string[][]>(`dev.debugModeCommands('win32')`);
  expect(windows).toContainEqual([
    'reg',
    'add',
    'HKCU\\Software\\Adobe\\CSXS.12',
    '/v',
    'PlayerDebugMode',
    '/t',
    'REG_SZ',
    '/d',
    '1',
    '/f',
  ]);
  expect(ask(`dev.debugModeCommands('linux')`)).toEqual([]);
});

test('a link is made, renewed and removed; an installed panel is left alone', () => {
  const extensions = join(folder, 'extensions');
  const link = join(extensions, 'org.reverie');
  const path = (each: string) => JSON.stringify(each);
  ask(`dev.linkPanel(${path(extensions)}, ${path(folder)})`);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  rmSync(link);
  symlinkSync('/nowhere/else', link);
  ask(`dev.linkPanel(${path(extensions)}, ${path(folder)})`);
  expect(existsSync(join(link, 'extensions'))).toBe(true);
  expect(ask(`dev.unlinkPanel(${path(extensions)})`)).toBe(true);
  expect(existsSync(link)).toBe(false);
  mkdirSync(link);
  expect(ask<{ problem: string }>(`dev.linkPanel(${path(extensions)}, ${path(folder)})`).problem).toMatch(/installed/);
  expect(ask(`dev.unlinkPanel(${path(extensions)})`)).toBe(false);
  expect(lstatSync(link).isDirectory()).toBe(true);
});

test('the bundle that is linked has the name of the manifest', () => {
  const manifest = readFileSync(join(__dirname, '../../CSXS/manifest.xml'), 'utf8');
  expect(manifest).toContain('ExtensionBundleId="org.reverie"');
});
