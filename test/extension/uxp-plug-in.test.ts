import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { unzipSync } from 'fflate';
import { entryIds } from '../../extension/src/uxp/plug-in';
import { makePremiereUxp } from './make-premiere-uxp';

type Panel = Awaited<ReturnType<typeof makePremiereUxp>>;
let panel: Panel;
afterEach(() => panel?.close());

const tick = () => new Promise(resolve => setTimeout(resolve, 30));
const question = (change: object) =>
  JSON.stringify({ mark: 'reverie', from: 'another-page', id: 1, method: 'hello', params: {}, ...change });

async function ask(data: string, event: object = {}): Promise<string[]> {
  const answers: string[] = [];
  panel.web.answered(text => text.includes('another-page') && answers.push(text));
  panel.web.inject({ data, source: panel.web.view, origin: 'file://', ...event });
  await tick();
  return answers;
}

test('a message that comes in two ways is answered once', async () => {
  panel = await makePremiereUxp();
  const answers: string[] = [];
  panel.web.answered(text => answers.push(text));
  await panel.plugIn.ask('stamp', {});
  await tick();
  expect(answers).toHaveLength(1);
});

test.each([
  ['an unknown method', question({ method: 'eval' })],
  ['no mark', question({ mark: 'other' })],
  ['no JSON', 'hello'],
])('%s is not answered at all', async (_name, data) => {
  panel = await makePremiereUxp();
  expect(await ask(data)).toEqual([]);
});

test('parameters are checked, and what is asked for wrongly is not done', async () => {
  panel = await makePremiereUxp();
  const [answer] = await ask(question({ method: 'remove', params: { sequence: 1, path: '/x' } }));
  expect(JSON.parse(answer)).toMatchObject({ answer: { ok: false, error: { code: 'MESSAGE_INVALID' } } });
});

test('a message of another source is not answered', async () => {
  panel = await makePremiereUxp();
  expect(await ask(question({}), { source: {} })).toEqual([]);
});

test.each([
  ['sizeOf', (home: string) => path.join(home, 'secret.txt')],
  ['readText', (_home: string, folder: string) => `${folder}/../secret.txt`],
  ['readText', (_home: string, folder: string) => `${folder}\\..\\secret.txt`],
] as const)('%s opens nothing outside the own folder', async (method, place) => {
  panel = await makePremiereUxp();
  fs.writeFileSync(path.join(panel.userHome, 'secret.txt'), 'secret');
  await expect(panel.plugIn.ask(method, { path: place(panel.userHome, panel.folder) })).rejects.toMatchObject({
    code: 'FILE_NOT_FOUND',
  });
});

test('a source that lies on the timeline may be read, and is sent instead of an export where both show the same', async () => {
  panel = await makePremiereUxp();
  const source = path.join(panel.userHome, 'footage.mov');
  fs.writeFileSync(source, 'footage');
  await expect(panel.plugIn.ask('sizeOf', { path: source })).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  panel.premiere.addClip(0, 100, 110, { name: 'Own', path: source });
  await panel.plugIn.ask('readTimeline', {});
  expect(await panel.plugIn.ask('sizeOf', { path: source })).toEqual({ sizeBytes: 7 });
});

test('what is remembered is there after a restart, and a damaged file is no hindrance', async () => {
  panel = await makePremiereUxp();
  await panel.plugIn.ask('remember', { key: 'a', value: '1' });
  await panel.plugIn.ask('remember', { key: 'b', value: 'é' });
  const file = path.join(panel.folder, 'panel.json');
  expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toEqual({ a: '1', b: 'é' });
  expect((await panel.plugIn.ask('hello', {})).remembered).toEqual({ a: '1', b: 'é' });
});

test('the command reaches the open page; before there is one it waits for it, once', async () => {
  panel = await makePremiereUxp();
  const told: string[] = [];
  panel.plugIn.onEvent(event => told.push(event.event));
  panel.runCommand();
  await tick();
  expect(told).toContain('command');
  expect((await panel.plugIn.ask('hello', {})).isStylizeWanted).toBe(false);
});

test('the web view shows the bridge’s page while one runs, follows a new one, and leaves one that is dead', async () => {
  panel = await makePremiereUxp();
  const { web, userHome } = panel;
  const write = (address: string, token: string) =>
    fs.writeFileSync(
      path.join(userHome, 'Library/Application Support/Reverie/bridge.json'),
      JSON.stringify({ address, token }),
    );
  const shown = async (address: RegExp) => {
    for (let tries = 0; !address.test(web.view.src) && tries < 300; tries++)
      await new Promise(done => setTimeout(done, 20));
    expect(web.view.src).toMatch(address);
  };
  expect(web.addresses).toEqual(['plugin:/panel/index.html?host=uxp']);
  write('http://example.org:80', 'x');
  await new Promise(done => setTimeout(done, 200));
  expect(web.addresses).toHaveLength(1);
  write('http://127.0.0.1:4711', 'first');
  await shown(/^http:\/\/127\.0\.0\.1:4711\/\?token=first&host=uxp$/);
  web.happen('loadstart', { url: 'https://example.org/' });
  expect(web.addresses.slice(-2)).toEqual([web.view.src, web.view.src]);
  expect(await ask(question({}), { origin: 'https://example.org' })).toEqual([]);
  expect(await ask(question({}), { origin: 'http://127.0.0.1:47110' })).toEqual([]);
  expect(await ask(question({}), { origin: 'http://127.0.0.1:4711' })).toHaveLength(1);
  web.happen('loaderror', {});
  await shown(/^plugin:/);
  write('http://127.0.0.1:4712', 'second');
  await shown(/:4712\/\?token=second/);
});

test('a .ccx holds the manifest at its top and the page, and one without its parts is not made', async () => {
  panel = undefined as never;
  const folder = fs.mkdtempSync(path.join(process.env.TMPDIR ?? '/tmp', 'reverie-ccx-'));
  const write = (name: string, text: string) => {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  };
  const own = path.join(__dirname, '../../extension/src/uxp');
  write('uxp/manifest.json', fs.readFileSync(path.join(own, 'manifest.json'), 'utf8'));
  write('uxp/index.html', 'x');
  write('uxp/main.js', 'x');
  write('panel/index.html', 'x');
  write('panel/main.js', 'x');
  write('panel/main.js.map', 'x');
  const make = () => {
    const script = `import { makeCcx } from ${JSON.stringify(path.join(__dirname, '../../scripts/package.mjs'))};
      const folder = ${JSON.stringify(folder)};
      process.stdout.write(Buffer.from(makeCcx({ plugIn: folder + '/uxp', panel: folder + '/panel' })).toString('base64'));`;
    return execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', stdio: 'pipe' });
  };
  expect(make).toThrow(/icon\.svg is not in the plug-in/);
  write('uxp/icon.svg', '<svg/>');
  const files = unzipSync(Buffer.from(make(), 'base64'));
  fs.rmSync(folder, { recursive: true });
  expect(Object.keys(files).sort()).toEqual([
    'icon.svg',
    'index.html',
    'main.js',
    'manifest.json',
    'panel/index.html',
    'panel/main.js',
  ]);
  const manifest = JSON.parse(Buffer.from(files['manifest.json']).toString('utf8'));
  expect(manifest).toMatchObject({ manifestVersion: 5, host: { app: 'premierepro', minVersion: '25.6.0' } });
  expect(manifest.entrypoints.map(({ type, id }: { type: string; id: string }) => [type, id])).toEqual([
    ['panel', entryIds.panel],
    ['command', entryIds.stylize],
  ]);
  expect(manifest.version).toBe(
    JSON.parse(fs.readFileSync(path.join(__dirname, '../../package.json'), 'utf8')).version,
  );
});
