import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

export const root = join(__dirname, '../..');
export const browserPath = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  process.env.REVERIE_CHROMIUM ?? '',
].find(path => path && existsSync(path));

/** Like `describe`; skipped, saying so, where there is no Chromium. */
export const describeWithBrowser: jest.Describe = browserPath ? describe : describe.skip;
if (!browserPath)
  console.warn('skipped: no Chromium on this computer (apt-get install chromium, or set REVERIE_CHROMIUM)');

export type RunningBridge = {
  readonly url: string;
  readonly home: string;
  readonly port: number;
  stop(signal?: NodeJS.Signals): Promise<void>;
};

/** The built bridge as a process of its own, as a person starts it. */
export async function startBridge(home: string, port = 0): Promise<RunningBridge> {
  const program = join(root, 'dist/server/cli.js');
  if (!existsSync(program) || !existsSync(join(root, 'dist/panel/main.js')))
    throw new Error('not built: run `npm run build`');
  const child: ChildProcess = spawn(process.execPath, [program, 'serve', '--json', '--port', String(port)], {
    env: { ...process.env, REVERIE_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr?.on('data', data => (errors += String(data)));
  const url = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', data => {
      text += String(data);
      for (const line of text.split('\n')) {
        if (!line.includes('"serving"')) continue;
        resolve((JSON.parse(line) as { url: string }).url);
      }
    });
    child.once('exit', code => reject(new Error(`the bridge ended with ${code}: ${errors}`)));
  });
  return {
    url,
    home,
    port: Number(new URL(url).port),
    stop: (signal = 'SIGTERM') =>
      new Promise(resolve => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once('exit', () => resolve());
        child.kill(signal);
      }),
  };
}

/** What all tests of a `describe` share, and what each has for itself. There from its hooks on. */
export type PanelWorld = {
  bridge: RunningBridge;
  readonly browser: Browser;
  /** Another person's browser in each test: the panel remembers how it was left. */
  context: BrowserContext;
};

export function makeHome(): string {
  return mkdtempSync(join(tmpdir(), 'reverie-e2e-'));
}

/**
 * The built bridge and a browser, for all tests of a `describe`.
 * @param options.home from `makeHome`; removed in the end
 * @param options.reverie where in it the bridge keeps its things
 * @param options.prepare what is to be there before the bridge starts
 */
export function usePanelWorld({
  home,
  reverie = join(home, 'reverie'),
  viewport,
  prepare,
}: {
  home: string;
  reverie?: string;
  viewport: { width: number; height: number };
  prepare: () => Promise<void> | void;
}): PanelWorld {
  const world = {} as { -readonly [Key in keyof PanelWorld]: PanelWorld[Key] };
  beforeAll(async () => {
    mkdirSync(reverie, { recursive: true });
    await prepare();
    world.bridge = await startBridge(reverie);
    world.browser = await startBrowser();
  });
  beforeEach(async () => {
    world.context = await world.browser.newContext({ viewport, acceptDownloads: true, locale: 'en-US' });
  });
  afterEach(() => world.context.close());
  afterAll(async () => {
    await world.browser?.close();
    await world.bridge?.stop();
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  });
  return world;
}

function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: browserPath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** What a page complained about: script errors, refused content, requests that failed or went elsewhere. */
export type Complaints = string[];

export async function openPanel(context: BrowserContext, url: string): Promise<{ page: Page; complaints: Complaints }> {
  const page = await context.newPage();
  const complaints: Complaints = [];
  const { origin } = new URL(url);
  page.on('pageerror', error => complaints.push(`script: ${error.message}`));
  page.on(
    'console',
    message =>
      message.type() === 'error' &&
      !message.text().startsWith('Failed to load resource') &&
      complaints.push(`console: ${message.text()}`),
  );
  page.on('request', request => {
    if (!/^(blob|data):/.test(request.url()) && new URL(request.url()).origin !== origin)
      complaints.push(`elsewhere: ${request.url()}`);
  });
  await page.goto(url);
  await page.waitForSelector('[data-connection=open]');
  return { page, complaints };
}
