import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { AppError } from '#protocol/errors';
import { framesToCover } from '#protocol/time';
import type { RenderedClip, TimelineRange } from '#protocol/timeline';
import { findPlugIn, type PageWindow } from '../../extension/src/host/plug-in';
import { createPremiereUxpHost } from '../../extension/src/host/premiere-uxp';
import type { Uxp, UxpFs } from '../../extension/src/uxp/modules';
import { createPlugIn, entryIds } from '../../extension/src/uxp/plug-in';
import { createFakePremiereUxp, createFakeUxpFs, type FakePremiereUxpOptions } from '../fakes/premiere-uxp';

type Listener = (event: never) => void;
type Entries = Parameters<Uxp['entrypoints']['setup']>[0];

/** A web view and the page in it: messages are text, and come a moment later. */
function createFakeWebView() {
  const ofView = new Map<string, Listener[]>();
  const ofWindow: Listener[] = [];
  const ofPage: ((event: { data: unknown; source: unknown }) => void)[] = [];
  const addresses: string[] = [];
  const uxpHost = {
    postMessage(message: string) {
      const event = { data: message, source: view, origin: originOf(view.src) };
      // As some versions do it: told to both.
      setTimeout(() => [...ofWindow, ...(ofView.get('message') ?? [])].forEach(listener => listener(event as never)));
    },
  };
  const view = {
    set src(address: string) {
      addresses.push(address);
    },
    get src() {
      return addresses[addresses.length - 1];
    },
    setAttribute: () => undefined,
    addEventListener(type: string, listener: Listener) {
      ofView.set(type, [...(ofView.get(type) ?? []), listener]);
    },
    postMessage: (message: string) =>
      setTimeout(() => ofPage.forEach(listener => listener({ data: message, source: uxpHost }))),
  };
  const page: PageWindow = { uxpHost, addEventListener: (_type, listener) => ofPage.push(listener) };
  return {
    view,
    page,
    addresses,
    window: { addEventListener: (_type: string, listener: Listener) => ofWindow.push(listener) },
    /** An event of the view itself. */
    happen: (type: string, event: object) => ofView.get(type)?.forEach(listener => listener(event as never)),
    /** A message from somewhere. */
    inject: (event: object) => ofWindow.forEach(listener => listener(event as never)),
    answered: (listener: (text: string) => void) => ofPage.push(({ data }) => listener(String(data))),
  };
}
const originOf = (address: string) => (address.startsWith('http') ? new URL(address).origin : 'file://');

/**
 * The plug-in in a small Premiere, and the page's side of it: on V1 the clips A (frames 0 to 49) and B (50 to 69, to be
 * marked), a logo over B on V2, sound on A1.
 */
export async function makePremiereUxp(fake: FakePremiereUxpOptions = {}, { timeoutMs }: { timeoutMs?: number } = {}) {
  const premiere = createFakePremiereUxp(fake);
  premiere.addClip(0, 0, 49, { name: 'A' });
  premiere.addClip(0, 50, 69, { name: 'B café' });
  premiere.addClip(1, 55, 60, { name: 'Logo' });
  premiere.addClip(0, 0, 69, { name: 'Sound', kind: 'audio' });
  const userHome = fs.mkdtempSync(path.join(os.tmpdir(), 'reverie uxp '));
  const folder = path.join(userHome, 'Library/Application Support/Reverie/premiere');
  const presets = path.join(userHome, 'Adobe Premiere Pro.app/Contents/MediaIO/systempresets/4E49434B_48323634');
  fs.mkdirSync(presets, { recursive: true });
  fs.writeFileSync(path.join(presets, '01 - Match Source - High bitrate.epr'), '<PremiereData Version="3"/>');
  const disk = createFakeUxpFs(fs, {
    undeletable: file => premiere.bad.has('export-stale') && file.includes('/exports/'),
  });
  const web = createFakeWebView();
  let entries: Entries | undefined;
  const opened: string[] = [];
  const root = { appendChild: () => undefined, textContent: '' };
  const running = createPlugIn({
    premiere: premiere.premiere,
    fs: disk as UxpFs,
    os: { platform: () => 'darwin', homedir: () => userHome },
    window: web.window as never,
    document: { createElement: () => web.view } as never,
    uxp: {
      host: { version: '26.5.0', applicationPath: path.join(userHome, 'Adobe Premiere Pro.app') },
      entrypoints: { setup: given => (entries = given) },
      shell: {
        openPath: async file => {
          opened.push(file);
          return '';
        },
      },
      storage: { localFileSystem: { getFileForOpening: async () => undefined } },
    },
    times: { pollMs: 20, importMs: 600, steadyMs: 400, exportMs: 3000, followMs: 40 },
  });
  const open = async () => {
    entries!.panels[entryIds.panel].create!(root as never);
    for (let tries = 0; web.addresses.length === 0 && tries < 200; tries++)
      await new Promise(done => setTimeout(done, 5));
  };
  await open();
  const plugIn = (await findPlugIn(web.page, true, { timeoutMs }))!;
  const hello = await plugIn.ask('hello', {});
  const notices: AppError[] = [];
  const host = createPremiereUxpHost(plugIn, hello, { notice: error => notices.push(error) });
  const placed = (ours: boolean) =>
    premiere
      .tracks()
      .flatMap((clips, track) => clips.map(clip => ({ ...clip, track })))
      .filter(clip => clip.path.includes('/results/') === ours);
  return {
    premiere,
    host,
    plugIn,
    hello,
    web,
    disk,
    folder,
    userHome,
    notices,
    opened,
    root,
    open,
    runCommand: () => entries!.commands[entryIds.stylize].run(),
    mark: () => premiere.select('B café'),
    timeline: {
      results: () => placed(true).map(({ track, first, last }) => ({ track, first, last })),
      own: () => [placed(false), premiere.tracks('audio')],
      moveResult: (frames: number) => premiere.move(placed(true)[0].path, frames),
      addMarker: (name: string, first: number, frames: number) => premiere.addMarker(name, first, frames),
      addClipMarker: (name: string) => premiere.addClipMarker('B café', name, 4),
    },
    async makeResult(job: string, range: TimelineRange, name = 'Result é.mov'): Promise<RenderedClip> {
      const rate = { num: 50, den: 1 };
      const frames = framesToCover(range.range.last - range.range.first + 1, range.range.rate, rate);
      const sink = await host.openSink!(name);
      await sink.write(new TextEncoder().encode(JSON.stringify({ frames, rate })));
      const { width, height } = range.sequence;
      return { job, path: await sink.finish(), name, frames, rate, width: 2 * width, height: 2 * height, labels: {} };
    },
    close() {
      premiere.closeDialog();
      running.close();
      fs.rmSync(userHome, { recursive: true, force: true });
    },
  };
}
