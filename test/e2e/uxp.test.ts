import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { createContext, Script } from 'node:vm';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { findFfmpeg } from '../../bridge-server/src/media/find-ffmpeg';
import { createFakePremiereUxp, createFakeUxpFs, type FakePremiereUxp } from '../fakes/premiere-uxp';
import { browserPath, makeHome, removeHome, root, startBridge, startBrowser, type RunningBridge } from './panel-page';

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

const describeWithBrowser = browserPath ? describe : describe.skip;
if (!browserPath)
  console.warn('skipped: no Chromium on this computer (apt-get install chromium, or set REVERIE_CHROMIUM)');

describeWithBrowser('the UXP panel', () => {
  const userHome = makeHome();
  const home = join(userHome, 'Library/Application Support/Reverie');
  let bridge: RunningBridge;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let premiere: FakePremiereUxp;
  let plugIn: ReturnType<typeof runPlugIn>;
  let ffmpeg: string;

  /** Frames of a clip by decoding, each one tick of 1/50 after the last. */
  function countAt50(path: string): number {
    const decoded = spawnSync(ffmpeg, ['-v', 'error', '-i', path, '-map', '0', '-f', 'framecrc', '-'], {
      encoding: 'utf8',
    });
    expect(decoded.stdout).toContain('#tb 0: 1/50\n');
    expect(decoded.stdout).not.toContain('#tb 1');
    const frames = decoded.stdout.split('\n').filter(line => /^\d/.test(line));
    expect(frames.map(line => Number(line.split(',')[2]))).toEqual(frames.map((_, index) => index));
    return frames.length;
  }

  beforeAll(async () => {
    ffmpeg = (await findFfmpeg()).path;
    const presets = join(userHome, 'Adobe Premiere Pro.app/Contents/MediaIO/systempresets/4E49434B_48323634');
    fs.mkdirSync(presets, { recursive: true });
    fs.writeFileSync(join(presets, 'Match Source - High bitrate.epr'), '<PremiereData Version="3"/>');
    bridge = await startBridge(home);
    browser = await startBrowser();
  });
  beforeEach(async () => {
    premiere = createFakePremiereUxp({
      mediaOf: path => ({ frames: countAt50(path), rate: { num: 50, den: 1 } }),
      render(path, first, last) {
        const source = `testsrc2=size=64x48:rate=25,trim=start_frame=0:end_frame=${last - first + 1}`;
        execFileSync(ffmpeg, ['-v', 'error', '-f', 'lavfi', '-i', source, '-pix_fmt', 'yuv420p', path]);
      },
    });
    premiere.addClip(0, 0, 49, { name: 'A' });
    premiere.addClip(0, 50, 57, { name: 'Dancer é' });
    premiere.addClip(1, 0, 20, { name: 'Logo' });
    premiere.addClip(0, 0, 57, { name: 'Song', kind: 'audio' });
    context = await browser.newContext({ viewport: { width: 480, height: 720 }, locale: 'en-US' });
    page = await context.newPage();
    await page.exposeFunction('tellPlugIn', (text: string) => plugIn.receive(text));
    await page.addInitScript('window.uxpHost = { postMessage: text => void window.tellPlugIn(text) };');
    const hear = 'text => window.dispatchEvent(new MessageEvent("message", { data: text }))';
    plugIn = runPlugIn(
      premiere,
      userHome,
      address => void page.goto(address.replace(/^plugin:\/panel/, `file://${join(root, 'dist/panel')}`)),
      text =>
        // What is told to a page while another one loads is lost, as in a web view.
        void page.evaluate(`(${hear})(${JSON.stringify(text)})`).catch(() => undefined),
    );
  });
  afterEach(async () => {
    plugIn.stop();
    await context.close();
  });
  afterAll(async () => {
    await browser?.close();
    await bridge?.stop();
    removeHome(userHome);
  });

  const results = () =>
    premiere
      .tracks()
      .flatMap((clips, track) =>
        clips.filter(({ path }) => path.includes('/results/')).map(clip => ({ ...clip, track })),
      );
  const own = () => [
    premiere.tracks().map(track => track.filter(({ path }) => !path.includes('/results/'))),
    premiere.tracks('audio'),
  ];
  const preset = () => page.getByRole('radio', { name: '50 frames a second' }).first();
  const choosePreset = async () => {
    await page.getByRole('tab', { name: 'Render' }).click();
    await preset().click();
  };

  test('right-click, Stylize, export, job: the clip lies on the track above, as one undo step', async () => {
    const before = own();
    plugIn.open();
    await page.waitForSelector('[data-connection=open]');
    expect(new URL(page.url()).origin).toBe(new URL(bridge.url).origin);
    await choosePreset();
    premiere.select('Dancer é');
    await page.locator('[data-clip]').getByText('Dancer é').click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Stylize', exact: true }).click();
    await page.locator('[data-job][data-status=done]').waitFor({ timeout: 90_000 });
    expect(premiere.exports).toEqual([expect.objectContaining({ first: 50, last: 57, full: false })]);
    const steps = premiere.steps().length;

    const card = page.locator('[data-job]').first();
    await card.getByRole('button', { name: 'Place on timeline' }).click();
    await card.getByText('Placed on track 2').waitFor({ timeout: 60_000 });
    expect(results()).toEqual([expect.objectContaining({ track: 1, first: 50, last: 57, exact: true })]);
    expect(countAt50(results()[0].path)).toBe(16);
    expect(premiere.steps().slice(steps)).toEqual(['Reverie: bin "Reverie"', 'Reverie: place result']);
    expect(own()).toEqual(before);
    expect(premiere.undo()).toBe('Reverie: place result');
    expect(results()).toEqual([]);
    expect(own()).toEqual(before);
    expect(premiere.scriptErrors).toEqual([]);
  });

  test('the command of the host’s menu stylizes the selection, also when it comes before the panel', async () => {
    premiere.select('Dancer é');
    plugIn.runCommand();
    plugIn.open();
    await page.waitForSelector('[data-connection=open]');
    const exported = async (count: number) => {
      for (let tries = 0; premiere.exports.length < count && tries < 400; tries++) await page.waitForTimeout(50);
      expect(premiere.exports).toHaveLength(count);
    };
    await exported(1);
    await page.locator('[data-job]').first().waitFor({ timeout: 60_000 });
    plugIn.runCommand();
    await exported(2);
  });

  test('what was set is there again when the panel is opened anew', async () => {
    plugIn.open();
    await page.waitForSelector('[data-connection=open]');
    await choosePreset();
    await page.waitForTimeout(700);
    await page.reload();
    await page.waitForSelector('[data-connection=open]');
    expect(await preset().isChecked()).toBe(true);
  });

  test('without a bridge the page in the package opens and says so; a bridge that starts is followed', async () => {
    await bridge.stop();
    plugIn.open();
    await page.waitForURL(/^file:.*host=uxp/);
    await page.locator('[data-connection]:not([data-connection=open])').first().waitFor();
    bridge = await startBridge(home);
    await page.waitForURL(url => url.origin === new URL(bridge.url).origin, { timeout: 30_000 });
    await page.waitForSelector('[data-connection=open]');
  });
});
