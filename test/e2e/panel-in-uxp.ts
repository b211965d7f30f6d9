import * as fs from 'node:fs';
import { join } from 'node:path';
import { createContext, Script } from 'node:vm';
import type { BrowserContext, Page } from 'playwright-core';
import { createFakeUxpFs, type FakePremiereUxp } from '../fakes/premiere-uxp';
import { root } from './panel-page';

type Listener = (event: object) => void;
type Entries = {
  panels: Record<string, { create(root: object): void }>;
  commands: Record<string, { run(): void }>;
};

/** Objects that a plug-in has in UXP beside those of the language; TextDecoder, URL, fetch and the like are not among them. */
const uxpGlobals = { console, setTimeout, clearTimeout, setInterval, clearInterval };

/** Runs the built plug-in as UXP does, in a small Premiere. `show` opens an address in the web view. */
function runPlugIn(
  premiere: FakePremiereUxp,
  userHome: string,
  show: (address: string) => void,
  send: (text: string) => void,
) {
  const windowListeners: Listener[] = [];
  const viewListeners = new Map<string, Listener[]>();
  let address = '';
  const view = {
    get src() {
      return address;
    },
    set src(next: string) {
      address = next;
      show(next);
    },
    setAttribute: () => undefined,
    addEventListener: (type: string, listener: Listener) =>
      void viewListeners.set(type, [...(viewListeners.get(type) ?? []), listener]),
    postMessage: send,
  };
  let entries: Entries | undefined;
  const timers: ReturnType<typeof setInterval>[] = [];
  const modules: Record<string, unknown> = {
    premierepro: premiere.premiere,
    fs: createFakeUxpFs(fs),
    os: { platform: () => 'darwin', homedir: () => userHome },
    uxp: {
      host: { version: '26.5.0', applicationPath: join(userHome, 'Adobe Premiere Pro.app') },
      entrypoints: { setup: (given: Entries) => (entries = given) },
      shell: { openPath: async () => '' },
      storage: { localFileSystem: { getFileForOpening: async () => undefined } },
    },
  };
  const window = { addEventListener: (_type: string, listener: Listener) => windowListeners.push(listener) };
  const context = createContext(
    {
      ...uxpGlobals,
      setInterval: (...given: Parameters<typeof setInterval>) => {
        const timer = setInterval(...given);
        timers.push(timer);
        return timer;
      },
      require: (name: string) => modules[name],
      window,
      document: { createElement: () => view },
    },
    // As UXP without `allowCodeGenerationFromStrings`.
    { codeGeneration: { strings: false, wasm: false } },
  );
  new Script(fs.readFileSync(join(root, 'dist/uxp/main.js'), 'utf8')).runInContext(context);
  return {
    open: () => entries!.panels['reverie.panel'].create({ appendChild: () => undefined }),
    runCommand: () => entries!.commands['reverie.stylize'].run(),
    /** A message of the page, told to the window and to the view. */
    receive(data: string) {
      const event = { data, source: view, origin: address.startsWith('http') ? new URL(address).origin : 'null' };
      for (const listener of [...windowListeners, ...(viewListeners.get('message') ?? [])]) listener(event);
    },
    stop: () => timers.forEach(clearInterval),
  };
}

export type PanelInUxp = {
  readonly page: Page;
  readonly plugIn: ReturnType<typeof runPlugIn>;
  close(): Promise<void>;
};

/** Where the small Premiere of `userHome` lies, with a preset to export with. */
export function installPremiere(userHome: string): void {
  const presets = join(userHome, 'Adobe Premiere Pro.app/Contents/MediaIO/systempresets/4E49434B_48323634');
  fs.mkdirSync(presets, { recursive: true });
  fs.writeFileSync(join(presets, 'Match Source - High bitrate.epr'), '<PremiereData Version="3"/>');
}

/** The built plug-in, and a page that is its web view; the panel is not opened yet. */
export async function openPanelInUxp(
  context: BrowserContext,
  premiere: FakePremiereUxp,
  userHome: string,
): Promise<PanelInUxp> {
  const page = await context.newPage();
  const hear = 'text => window.dispatchEvent(new MessageEvent("message", { data: text }))';
  const plugIn = runPlugIn(
    premiere,
    userHome,
    address => void page.goto(address.replace(/^plugin:\/panel/, `file://${join(root, 'dist/panel')}`)),
    text =>
      // What is told to a page while another one loads is lost, as in a web view.
      void page.evaluate(`(${hear})(${JSON.stringify(text)})`).catch(() => undefined),
  );
  await page.exposeFunction('tellPlugIn', (text: string) => plugIn.receive(text));
  await page.addInitScript('window.uxpHost = { postMessage: text => void window.tellPlugIn(text) };');
  return {
    page,
    plugIn,
    async close() {
      plugIn.stop();
      await page.close();
    },
  };
}
