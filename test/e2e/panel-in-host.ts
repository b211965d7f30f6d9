import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { AddressInfo } from 'node:net';
import type { BrowserContext, Page } from 'playwright-core';
import { root } from './panel-page';

/** What a panel in CEP has of its host: the script engine, and Node. */
export type HostOfPanel = {
  readonly appId: 'PPRO' | 'AEFT';
  readonly evalScript: (script: string, done: (reply: string) => void) => void;
  readonly env: Readonly<Record<string, string>>;
};

export type PanelInHost = {
  readonly page: Page;
  /** The native menu that is laid ready, by labels; undefined where none is. */
  menu(): Promise<{ id: string; label: string; menu?: { id: string; label: string }[] }[] | undefined>;
  /** A person picks from it. */
  pick(id: string): Promise<void>;
  /** An event of the host, as its script sends it. */
  tell(type: string): Promise<void>;
  close(): Promise<void>;
};

type NodeCall = { readonly names: readonly string[]; readonly given: readonly unknown[] };

const pack = (value: unknown): unknown =>
  value instanceof Uint8Array ? { $bytes: Buffer.from(value).toString('base64') } : value;
const unpack = (value: unknown): unknown =>
  value !== null && typeof value === 'object' && '$bytes' in value
    ? new Uint8Array(Buffer.from(String(value.$bytes), 'base64'))
    : value;

/**
 * The Node of a panel lies in its own process and is called directly; a page in Chromium asks this process instead, by
 * requests that block where the call does.
 */
function serveNode(): Promise<{ url: string; server: Server }> {
  const modules: Record<string, unknown> = { fs, path, os };
  const handles = new Map<number, fs.promises.FileHandle>();
  const secret = randomUUID();

  async function answer({ names, given }: NodeCall): Promise<unknown> {
    const [first, ...rest] = names;
    const args = given.map(unpack);
    const handle = handles.get(Number(first));
    if (handle && rest[0] === 'read') {
      const bytes = new Uint8Array(Number(args[1]));
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, Number(args[2]));
      return bytes.subarray(0, bytesRead);
    }
    const holder = rest
      .slice(0, -1)
      .reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], handle ?? modules[first]);
    const made = await (holder as Record<string, (...args: unknown[]) => unknown>)[rest[rest.length - 1]](...args);
    if (rest.join('.') === 'promises.open') {
      const id = handles.size + 1;
      handles.set(id, made as fs.promises.FileHandle);
      return { $handle: id };
    }
    return made;
  }

  const server = createServer((request, response) => {
    response.setHeader('Access-Control-Allow-Origin', '*');
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      if (request.url !== `/${secret}`) return response.writeHead(404).end();
      answer(JSON.parse(Buffer.concat(parts).toString()) as NodeCall).then(
        value => response.end(JSON.stringify({ value: pack(value) })),
        (thrown: NodeJS.ErrnoException) => response.end(JSON.stringify({ error: thrown.message, code: thrown.code })),
      );
    });
  });
  return new Promise(resolve =>
    server.listen(0, '127.0.0.1', () =>
      resolve({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${secret}`, server }),
    ),
  );
}

/** Runs in the page before its own scripts: what CEP puts on the window. */
function layCep({
  url,
  appId,
  env,
  folder,
}: {
  url: string;
  appId: string;
  env: Record<string, string>;
  folder: string;
}) {
  type Answer = { value?: unknown; error?: string; code?: string };
  type Wide = Record<string, unknown> & {
    hostEval: (script: string) => Promise<string>;
    XMLHttpRequest: new () => {
      open(verb: string, url: string, later: boolean): void;
      send(body: string): void;
      responseText: string;
    };
  };
  const page = globalThis as unknown as Wide;
  const decode = (text: string) => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  const pack = (value: unknown) => {
    if (!(value instanceof Uint8Array)) return value;
    let text = '';
    for (const byte of value) text += String.fromCharCode(byte);
    return { $bytes: btoa(text) };
  };
  const open = (answer: string): unknown => {
    const { value, error, code } = JSON.parse(answer) as Answer;
    if (error !== undefined) throw Object.assign(new Error(error), { code });
    if (value !== null && typeof value === 'object' && '$bytes' in value) return decode(String(value.$bytes));
    if (value !== null && typeof value === 'object' && '$handle' in value) return handle(String(value.$handle));
    return value;
  };
  const body = (names: string[], given: unknown[]) => JSON.stringify({ names, given: given.map(pack) });
  const wait = (names: string[], given: unknown[]) => {
    const request = new page.XMLHttpRequest();
    request.open('POST', url, false);
    request.send(body(names, given));
    return open(request.responseText);
  };
  const later = async (names: string[], given: unknown[]) =>
    open(await (await fetch(url, { method: 'POST', body: body(names, given) })).text());
  const handle = (id: string) => ({
    async read(bytes: Uint8Array, _at: number, length: number, offset: number) {
      const read = (await later([id, 'read'], [null, length, offset])) as Uint8Array;
      bytes.set(read);
      return { bytesRead: read.length };
    },
    write: (bytes: Uint8Array) => later([id, 'write'], [bytes]),
    sync: () => later([id, 'sync'], []),
    close: () => later([id, 'close'], []),
  });
  const calls = (names: string[], call: typeof wait | typeof later): object =>
    new Proxy(
      { constants: { W_OK: 2 } },
      {
        get(own: Record<string, unknown>, name) {
          if (typeof name !== 'string' || name in own) return own[name as string];
          if (name === 'promises') return calls([...names, name], later);
          return (...given: unknown[]) => call([...names, name], given);
        },
      },
    );
  const listeners: [string, (event: unknown) => void][] = [];
  page.__adobe_cep__ = {
    evalScript: (script: string, done: (reply: string) => void) => void page.hostEval(script).then(done),
    getHostEnvironment: () =>
      JSON.stringify({
        appId,
        appSkinInfo: { baseFontSize: 12, panelBackgroundColor: { color: { red: 35, green: 35, blue: 35 } } },
      }),
    getSystemPath: () => `file://${folder}`,
    addEventListener: (type: string, listener: (event: unknown) => void) => listeners.push([type, listener]),
    removeEventListener: (type: string, listener: (event: unknown) => void) => {
      const at = listeners.findIndex(each => each[0] === type && each[1] === listener);
      if (at >= 0) listeners.splice(at, 1);
    },
    invokeAsync: (_call: string, menu: string, onPick: (id: string) => void) => {
      page.nativeMenu = (JSON.parse(menu) as { menu: unknown }).menu;
      page.pickFromMenu = onPick;
    },
  };
  page.tellPanel = (type: string) => listeners.filter(each => each[0] === type).forEach(each => each[1]({ type }));
  page.cep_node = { require: (name: string) => calls([name], wait), process: { env, platform: 'linux' } };
}

/** The built panel from its file, as a host opens it. */
export async function openPanelInHost(context: BrowserContext, host: HostOfPanel): Promise<PanelInHost> {
  const { url, server } = await serveNode();
  const page = await context.newPage();
  await page.exposeFunction('hostEval', (script: string) => new Promise<string>(done => host.evalScript(script, done)));
  await page.addInitScript(layCep, { url, appId: host.appId, env: { ...host.env }, folder: root });
  await page.goto(`file://${path.join(root, 'dist/panel/index.html')}`);
  await page.waitForSelector('[data-connection=open]');
  return {
    page,
    menu: () => page.evaluate(() => (globalThis as unknown as { nativeMenu?: never }).nativeMenu),
    pick: id =>
      page.evaluate(picked => (globalThis as unknown as { pickFromMenu(id: string): void }).pickFromMenu(picked), id),
    tell: type =>
      page.evaluate(told => (globalThis as unknown as { tellPanel(type: string): void }).tellPanel(told), type),
    async close() {
      await page.close();
      server.closeAllConnections();
      server.close();
    },
  };
}
