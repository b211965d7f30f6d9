import { EventEmitter } from 'node:events';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  findAdobe,
  findFileDialog,
  fromFileUrl,
  offerAdobeMenu,
  toTheme,
  watchAdobeTheme,
  watchStylizeCommand,
  type AdobeCep,
} from '../../extension/src/host/adobe-window';
import { findPreset, presetFolders } from '../../extension/src/host/export-preset';
import { findNodeProgram, openLocalBridge, readBridgeFile } from '../../extension/src/host/local-bridge';
import { homeFolder, nodeFiles, type NodeParts } from '../../extension/src/host/node-parts';
import { createScriptCaller } from '../../extension/src/host/script-call';
import { node } from './make-premiere';

let folder: string;
beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'reverie page '))));
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

const environment = (grey: number, appId = 'PPRO') =>
  JSON.stringify({
    appId,
    appSkinInfo: { baseFontSize: 12, panelBackgroundColor: { color: { red: grey, green: grey, blue: grey } } },
  });

function makeCep(): AdobeCep & { grey: number; listeners: Set<(event: unknown) => void> } {
  const listeners = new Set<(event: unknown) => void>();
  const cep = {
    grey: 38,
    listeners,
    evalScript: () => undefined,
    getHostEnvironment: (): string => environment(cep.grey),
    getSystemPath: () => 'file:///C:/Program%20Files/R%C3%A9verie',
    addEventListener: (_type: string, listener: (event: unknown) => void) => void listeners.add(listener),
    removeEventListener: (_type: string, listener: (event: unknown) => void) => void listeners.delete(listener),
  };
  return cep;
}

test('a page in Premiere is told from one in a browser, and from one without Node', () => {
  const cep = makeCep();
  const load = (name: string) => ({ name });
  expect(findAdobe({})).toBeUndefined();
  expect(findAdobe({ __adobe_cep__: cep })).toBeUndefined();
  const page = findAdobe({ __adobe_cep__: cep, cep_node: { require: load, process: { env: {}, platform: 'win32' } } });
  expect(page).toMatchObject({ application: 'premiere', extensionFolder: 'C:/Program Files/Réverie' });
  expect(fromFileUrl('file:///Users/a%20b/x', 'darwin')).toBe('/Users/a b/x');
});

test('the theme is the host’s grey with a text that can be read on it, and follows it', () => {
  const cep = makeCep();
  const seen: { dark: boolean; background: string }[] = [];
  const stop = watchAdobeTheme(cep, theme => seen.push(theme));
  cep.grey = 240;
  cep.listeners.forEach(listener => listener({}));
  expect(seen.map(({ dark, background }) => [dark, background])).toEqual([
    [true, '#262626'],
    [false, '#f0f0f0'],
  ]);
  stop();
  expect(cep.listeners.size).toBe(0);
  expect(toTheme('{}')).toMatchObject({ dark: true, fontSizePx: 12 });
});

test('replies that are lost, bare, foreign or of another call are failures, never successes', async () => {
  for (const reply of ['', 'undefined', 'EvalScript error.', 'null', '{"id":99,"ok":true}', '{"ok":true}']) {
    const caller = createScriptCaller((_script, done) => done(reply));
    await expect(caller.call('place', {})).rejects.toMatchObject({ code: 'HOST_REPLY_BROKEN' });
  }
});

test('calls go one after the other, and their text survives line separators and quotes', async () => {
  const open: string[] = [];
  const order: string[] = [];
  const caller = createScriptCaller((script, done) => {
    expect(script).not.toMatch(/[\u2028\u2029]/);
    const inner = JSON.parse(JSON.parse(script.slice(script.indexOf('(') + 1, -1)) as string) as {
      id: number;
      method: string;
      params: { text: string };
    };
    open.push(inner.method);
    expect(open).toHaveLength(1);
    setTimeout(() => {
      open.pop();
      order.push(inner.method);
      done(JSON.stringify({ id: inner.id, ok: true, value: inner.params.text }));
    }, 5);
  });
  const text = `a"b'\\\u2028\u2029`;
  expect(await Promise.all([caller.call('one', { text }), caller.call('two', { text })])).toEqual([text, text]);
  expect(order).toEqual(['one', 'two']);
});

test('the stock preset is found in the application, of the right class and never one that ignores the path', async () => {
  const files = nodeFiles(node);
  const app = path.join(folder, 'Adobe Premiere Pro 2025.app');
  const [stock] = presetFolders(files, 'darwin', `${app}/Contents/MacOS`);
  expect(stock).toContain('4E49434B_48323634');
  fs.mkdirSync(stock, { recursive: true });
  const write = (name: string, text: string, zip = false) =>
    fs.writeFileSync(path.join(stock, name), zip ? gzipSync(text) : text);
  const find = (remembered?: string) => findPreset(files, 'darwin', `${app}/Contents`, remembered);
  await expect(find()).rejects.toMatchObject({ code: 'EXPORT_PRESET_MISSING' });
  write('01 - Match Source - High bitrate.epr', '<x>SameAsProject</x>', true);
  write('Anpassen.epr', '<x/>');
  expect(await find()).toBe(path.join(stock, 'Anpassen.epr'));
  write('02 - Match Source - Medium bitrate.epr', '<x/>', true);
  expect(await find()).toBe(path.join(stock, '02 - Match Source - Medium bitrate.epr'));
  expect(await find(path.join(stock, 'Anpassen.epr'))).toBe(path.join(stock, 'Anpassen.epr'));
  expect(await find(path.join(folder, 'gone.epr'))).toBe(path.join(stock, '02 - Match Source - Medium bitrate.epr'));
});

/** Node of which only `spawn` is not real: it writes what a starting bridge writes, or fails. */
function makeNode(
  onStart: (home: string) => { exit?: number },
  env: Record<string, string> = {},
): { node: NodeParts; started: string[][] } {
  const started: string[][] = [];
  const spawn = (program: string, args: string[]) => {
    started.push([program, ...args]);
    const child = Object.assign(new EventEmitter(), { unref: () => undefined });
    const { exit } = onStart(folder);
    if (exit !== undefined) setImmediate(() => child.emit('exit', exit));
    return child;
  };
  return {
    node: {
      ...node,
      env: { REVERIE_HOME: folder, REVERIE_NODE: process.execPath, ...env },
      childProcess: { ...node.childProcess, spawn } as unknown as NodeParts['childProcess'],
    },
    started,
  };
}
const bridgeFile = (address: string) =>
  fs.writeFileSync(path.join(folder, 'bridge.json'), JSON.stringify({ address, token: 'secret', pid: 1 }));
const quick = { waitMs: 500, stepMs: 10 };

test('a running bridge is used; a dead one’s file is not believed and a new one is started', async () => {
  fs.mkdirSync(path.join(folder, 'scripts'));
  fs.writeFileSync(path.join(folder, 'scripts', 'reverie.mjs'), '');
  const { node: parts, started } = makeNode(() => (bridgeFile('http://127.0.0.1:2'), {}));
  bridgeFile('http://127.0.0.1:1');
  const asked: string[] = [];
  const ask = (alive: string) => async (url: string) => {
    asked.push(url);
    if (!url.startsWith(alive)) throw new Error('refused');
    return { ok: true };
  };
  expect(await openLocalBridge(parts, folder, { ask: ask('http://127.0.0.1:1'), ...quick })).toEqual({
    base: 'http://127.0.0.1:1',
    token: 'secret',
  });
  expect(started).toEqual([]);
  expect(await openLocalBridge(parts, folder, { ask: ask('http://127.0.0.1:2'), ...quick })).toEqual({
    base: 'http://127.0.0.1:2',
    token: 'secret',
  });
  expect(started).toEqual([[process.execPath, path.join(folder, 'scripts', 'reverie.mjs'), 'serve']]);
  expect(asked[0]).toBe('http://127.0.0.1:1/health?token=secret');
});

test('a bridge that cannot start says why, and how it ended', async () => {
  const never = { ask: async () => ({ ok: false }), ...quick };
  const missing = makeNode(() => ({}));
  await expect(openLocalBridge(missing.node, folder, never)).rejects.toMatchObject({
    code: 'BRIDGE_NOT_STARTED',
    details: { problem: expect.stringContaining('missing') },
  });
  fs.mkdirSync(path.join(folder, 'scripts'));
  fs.writeFileSync(path.join(folder, 'scripts', 'reverie.mjs'), '');
  await expect(openLocalBridge(makeNode(() => ({ exit: 3 })).node, folder, never)).rejects.toMatchObject({
    details: { problem: 'it ended with status 3' },
  });
  await expect(openLocalBridge(makeNode(() => ({})).node, folder, never)).rejects.toMatchObject({
    details: { problem: expect.stringContaining('did not answer') },
  });
  fs.writeFileSync(path.join(folder, 'bridge.json'), '{"addr');
  expect(readBridgeFile(missing.node)).toBeUndefined();
});

test('node is found where a panel’s PATH does not lead, and the home is the server’s', () => {
  const files = new Set(['/opt/homebrew/bin/node']);
  const parts = {
    ...node,
    platform: 'darwin',
    fs: { ...fs, existsSync: (file: string) => files.has(file) },
  } as unknown as NodeParts;
  expect(findNodeProgram({ ...parts, env: { PATH: '/usr/bin:/bin' } })).toBe('/opt/homebrew/bin/node');
  files.clear();
  expect(findNodeProgram({ ...parts, env: {} })).toBeUndefined();
  expect(homeFolder({ ...node, platform: 'darwin' })).toBe(
    path.join(os.homedir(), 'Library', 'Application Support', 'Reverie'),
  );
  expect(homeFolder({ ...node, env: { REVERIE_HOME: '/x' } })).toBe('/x');
});

test('the native menu is laid ready with its submenus, and taken away again', () => {
  const laid: { menu: unknown[]; pick: (id: string) => void }[] = [];
  const cep: AdobeCep = {
    ...makeCep(),
    invokeAsync: (_call, menu, pick) => void laid.push({ ...(JSON.parse(menu) as { menu: unknown[] }), pick }),
  };
  const picked: string[] = [];
  const items = [
    { id: 'stylize', label: 'Stylize' },
    { id: 'with', label: 'Stylize with', items: [{ id: 'preset:tahiti', label: 'Tahiti “é”' }] },
  ];
  const withdraw = offerAdobeMenu(cep, items, id => picked.push(id));
  expect(laid[0].menu).toEqual([
    { id: 'stylize', label: 'Stylize', enabled: true, checkable: false },
    {
      id: 'with',
      label: 'Stylize with',
      enabled: true,
      checkable: false,
      menu: [{ id: 'preset:tahiti', label: 'Tahiti “é”', enabled: true, checkable: false }],
    },
  ]);
  laid[0].pick('preset:tahiti');
  expect(picked).toEqual(['preset:tahiti']);
  withdraw();
  expect(laid[1].menu).toEqual([]);
});

test('the host’s file dialog is used where there is one', async () => {
  expect(findFileDialog({})).toBeUndefined();
  const asked: unknown[] = [];
  const open = findFileDialog({
    cep: { fs: { showOpenDialog: (...given: unknown[]) => (asked.push(given), { err: 0, data: ['/a/b.epr'] }) } },
  });
  expect(await open!(['epr'])).toBe('/a/b.epr');
  expect(asked).toEqual([[false, false, 'Reverie', '', ['epr']]]);
});

test('the menu command is done once however often it is repeated, and told that it was heard', () => {
  const cep = makeCep();
  const heard: unknown[] = [];
  let done = 0;
  const stop = watchStylizeCommand({ ...cep, dispatchEvent: event => void heard.push(event) }, () => done++);
  for (let i = 0; i < 3; i++) cep.listeners.forEach(listener => listener({}));
  expect(done).toBe(1);
  expect(heard).toHaveLength(3);
  expect(heard[0]).toMatchObject({ type: 'org.reverie.heard', appId: 'PPRO' });
  stop();
  expect(cep.listeners.size).toBe(0);
});
