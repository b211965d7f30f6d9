/** @jest-environment jest-environment-jsdom */
import { act, cleanup, configure, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import type { Request } from '#protocol/messages';
import type { Preset } from '#protocol/preset';
import { App } from '../../extension/src/app/app';
import { SessionContext } from '../../extension/src/app/context';
import { createSession, type Session } from '../../extension/src/app/session';
import { createStore, type Store } from '../../extension/src/app/store';
import type { Bridge } from '../../extension/src/bridge/client';
import { createConnection } from '../../extension/src/bridge/connection';
import { download } from '../../extension/src/bridge/download';
import { upload } from '../../extension/src/bridge/upload';
import { createFileHost } from '../../extension/src/host/file';
import { createFakeBridge, type FakeBridge } from '../fakes/bridge-socket';
import { clipHash, makeClip, makeJob, makePreset } from './make';

// Asking for each element whether something hides it takes most of the time here; nothing in these screens is hidden that has a role.
configure({ defaultHidden: true });

let fake: FakeBridge;
let store: Store;
let session: Session;
let saved: { url: string; name: string }[];
let memory: Map<string, string>;

const presets: { preset: Preset; builtIn: boolean }[] = [
  { preset: makePreset(), builtIn: true },
  {
    preset: makePreset({
      name: 'tahiti',
      title: 'Tahiti',
      effects: [{ effect: 'style', params: { styles: [{ image: { painter: 'tahiti' }, weight: 1 }] } }],
    }),
    builtIn: true,
  },
  { preset: makePreset({ name: 'dream-paws', title: 'Paws', effects: [{ effect: 'dream' }] }), builtIn: true },
];
const layers = [
  { name: 'ec10/expand', channels: 64 },
  { name: 'ec11/expand', channels: 96 },
];

function open(languages = ['en-US']) {
  const connection = createConnection({ open: fake.open, client: 'test' });
  const bridge: Bridge = {
    connection,
    url: (path, width) => `http://bridge${path}${width ? `?width=${width}` : ''}`,
    upload: (source, kind, options) => upload(connection, source, kind, options),
    download: (job, sink, options) => download(connection, 'result', job, sink, options),
  };
  const host = createFileHost({
    resultUrl: job => bridge.url(`/jobs/${job}/result`),
    save: (url, name) => saved.push({ url, name }),
  });
  store = createStore();
  const storage = {
    getItem: (key: string) => memory.get(key) ?? null,
    setItem: (key: string, value: string) => void memory.set(key, value),
  };
  session = createSession({ store, bridge, host, storage });
  render(
    <SessionContext.Provider value={{ session, store }}>
      <App languages={languages} />
    </SessionContext.Provider>,
  );
}

const asked = <T extends Request['type']>(type: T) =>
  fake.requests.filter(request => request.type === type) as Extract<Request, { type: T }>[];
const file = (name: string, text = 'bytes of a film') => {
  const blob = new File([text], name);
  // jsdom's files cannot be read in pieces by arrayBuffer.
  Object.defineProperty(blob, 'slice', {
    value: (from: number, to: number) => ({
      arrayBuffer: async () => new TextEncoder().encode(text).slice(from, to).buffer,
    }),
  });
  return blob;
};
const choose = (name: string) =>
  fireEvent.change(document.querySelector('input[type=file]') as Element, { target: { files: [file(name)] } });
const tab = (name: string) => fireEvent.click(screen.getByRole('tab', { name: new RegExp(name) }));
const slider = (name: string) => screen.getByRole('slider', { name });

beforeEach(() => {
  globalThis.TextEncoder ??= jest.requireActual<typeof import('node:util')>('node:util').TextEncoder as never;
  fake = createFakeBridge();
  saved = [];
  memory = new Map();
  fake.answers = {
    presets: () => ({ presets }),
    nets: () => ({
      nets: [
        {
          name: 'openimages',
          title: 'Open Images',
          kind: 'embedded',
          uses: ['dream'],
          installed: true,
          sizeBytes: 1,
          licence: 'Apache-2.0',
          origin: 'x',
          layers,
        },
      ],
    }),
    jobs: () => ({ jobs: [], seqs: {} }),
    'upload-close': () => ({ sha256: clipHash, clip: makeClip() }),
    'clip-info': () => ({ clip: makeClip() }),
    estimate: () => ({
      estimate: { seconds: 90, memoryBytes: 2e9, diskBytes: 3e9, basis: 'table' },
      width: 1280,
      height: 720,
      frames: 200,
      resultBytes: 4.2e8,
    }),
    still: () => ({ width: 640, height: 360 }),
    atlas: () => ({ job: 'k' }),
    doctor: () => ({ checks: [] }),
  };
});
afterEach(() => {
  cleanup();
  session.close();
});

async function ready() {
  open();
  await screen.findByRole('radio', { name: /Tahiti/ });
  choose('shot.mov');
  await screen.findByText('shot.mov');
}

test('from an empty panel to a submitted job', async () => {
  await ready();
  expect(screen.getByText('640 × 360 · 25 fps · 100 frames')).toBeTruthy();
  fireEvent.click(screen.getByRole('radio', { name: /Tahiti/ }));
  fireEvent.keyDown(slider('Strength'), { key: 'ArrowRight' });
  fireEvent.keyDown(slider('In'), { key: 'ArrowRight', shiftKey: true });
  fireEvent.keyDown(slider('Out'), { key: 'Home' });
  fireEvent.keyDown(slider('Out'), { key: 'ArrowRight' });
  await screen.findByText('420 MB');
  expect(screen.getByText('about 1 min 30 s')).toBeTruthy();
  const job = makeJob();
  fake.answers.submit = () => ({ job });
  fireEvent.click(screen.getByRole('button', { name: 'Stylize' }));
  await screen.findByRole('progressbar', { name: /Progress of shot.mov/ });
  const [{ spec }] = asked('submit');
  expect(spec).toMatchObject({
    clip: clipHash,
    clipName: 'shot.mov',
    range: { first: 10, last: 11, rate: { num: 25, den: 1 } },
  });
  expect(spec.preset.effects[0]).toMatchObject({
    effect: 'style',
    params: { strength: 61, styles: [{ image: { painter: 'tahiti' } }] },
  });
});

test('the whole clip is sent without a range', async () => {
  await ready();
  fake.answers.submit = () => ({ job: makeJob() });
  fireEvent.click(screen.getByRole('button', { name: 'Stylize' }));
  await waitFor(() => expect(asked('submit')).toHaveLength(1));
  expect(asked('submit')[0].spec.range).toBeUndefined();
});

test('a still is asked for the frame under the playhead, sharpens, and is asked anew after a change', async () => {
  await ready();
  await waitFor(() => expect(asked('still')).toHaveLength(1), { timeout: 3000 });
  const [first] = asked('still');
  expect(first).toMatchObject({ clip: clipHash, frame: 33 });
  act(() => fake.send({ type: 'still', id: first.id, path: '/pictures/a/1.jpg', done: 10, total: 40, final: false }));
  await screen.findByText('Painting 10/40');
  fireEvent.keyDown(slider('Playhead'), { key: 'ArrowRight' });
  await waitFor(() => expect(asked('still')).toHaveLength(2), { timeout: 3000 });
  expect(asked('still-stop')).toMatchObject([{ still: first.id }]);
  const [, second] = asked('still');
  expect(second.frame).toBe(34);
  // A straggler of the first still is not taken for the second.
  act(() => fake.send({ type: 'still', id: first.id, path: '/pictures/a/2.jpg', done: 40, total: 40, final: true }));
  await act(() => new Promise(resolve => setTimeout(resolve, 20)));
  expect(store.get().still).toMatchObject({ phase: 'asked' });
  act(() => fake.send({ type: 'still', id: second.id, path: '/pictures/b/1.jpg', done: 40, total: 40, final: true }));
  await waitFor(() => expect(store.get().still).toMatchObject({ phase: 'done', path: '/pictures/b/1.jpg' }));
});

test('a still that fails says why, and the rest goes on', async () => {
  await ready();
  await waitFor(() => expect(asked('still')).toHaveLength(1), { timeout: 3000 });
  act(() =>
    fake.send({
      type: 'error',
      id: asked('still')[0].id,
      error: { code: 'OUT_OF_MEMORY', details: { width: 640, height: 360 } },
    }),
  );
  const alert = await screen.findByRole('alert');
  expect(alert.textContent).toContain('The memory ran out at 640x360.');
  expect(alert.textContent).toContain('Lower the working size');
  expect((screen.getByRole('button', { name: 'Stylize' }) as HTMLButtonElement).disabled).toBe(false);
});

test('with live preview off, nothing is painted until it is asked for', async () => {
  open();
  await screen.findByRole('radio', { name: /Tahiti/ });
  act(() => session.changeSettings({ livePreview: false }));
  choose('shot.mov');
  await screen.findByText('shot.mov');
  await act(() => new Promise(resolve => setTimeout(resolve, 600)));
  expect(asked('still')).toEqual([]);
  fireEvent.click(screen.getByRole('button', { name: 'Paint this frame' }));
  await waitFor(() => expect(asked('still')).toHaveLength(1));
});

test('a file that is no film is refused in words, and another can be chosen', async () => {
  open();
  await screen.findByRole('radio', { name: /Tahiti/ });
  fake.failures['upload-close'] = [{ code: 'NOT_MEDIA', details: { path: 'notes.mp4' } }];
  choose('notes.mp4');
  const alert = await screen.findByRole('alert');
  expect(alert.textContent).toContain('notes.mp4 is not a video that ffmpeg can read.');
  choose('shot.mov');
  await screen.findByText('640 × 360 · 25 fps · 100 frames');
  expect(screen.queryByRole('alert')).toBeNull();
});

test('jobs are there after a reload, and what happened meanwhile is asked for', async () => {
  const job = makeJob({
    status: 'active',
    progress: { done: 40, total: 100, secondsLeft: 75 },
    now: { stage: 'stylize', frame: 39, frames: 100 },
  });
  fake.answers.jobs = () => ({ jobs: [job], seqs: { [job.id]: 17 } });
  memory.set(
    'reverie.panel',
    JSON.stringify({
      version: 1,
      page: 'jobs',
      settings: {},
      chosen: 'default',
      range: { first: 0, last: 0 },
      playhead: 0,
    }),
  );
  open();
  const card = await screen.findByRole('listitem', { name: /shot.mov/ });
  expect(within(card).getByText(/Rendering 40/)).toBeTruthy();
  expect(within(card).getByText('1 min 15 s left')).toBeTruthy();
  expect(within(card).getByText('Painting: frame 40 of 100')).toBeTruthy();
  expect(asked('watch')[0].since).toEqual({ [job.id]: 17 });
  act(() =>
    fake.send({
      type: 'event',
      job: job.id,
      seq: 18,
      at: '2026-11-22T10:20:00Z',
      event: { type: 'progress', done: 60, stage: 'upscale', frame: 3, frames: 100, secondsLeft: 5 },
    }),
  );
  await within(card).findByText('Enlarging: frame 4 of 100');
});

test('a lost connection is said, and after it the panel asks from the last event it knows', async () => {
  const job = makeJob({ status: 'active' });
  fake.answers.jobs = () => ({ jobs: [job], seqs: { [job.id]: 3 } });
  open();
  tab('Jobs');
  await screen.findByRole('listitem', { name: /shot.mov/ });
  act(() => fake.cut());
  expect((await screen.findByRole('alert')).textContent).toContain('The connection to the bridge was lost.');
  await waitFor(() => expect(asked('watch')).toHaveLength(2), { timeout: 3000 });
  await waitFor(() => expect(screen.queryByRole('alert')).toBeNull());
  expect(screen.getByRole('listitem', { name: /shot.mov/ })).toBeTruthy();
});

test('a finished job is saved by the browser and shows its report in words', async () => {
  const result = { sizeBytes: 412e6, sha256: 'x', frames: 200, width: 1280, height: 720, fileName: 'shot-default.mov' };
  const job = makeJob({
    status: 'done',
    result,
    startedAt: '2026-11-22T10:00:00Z',
    finishedAt: '2026-11-22T10:02:00Z',
  });
  fake.answers.jobs = () => ({ jobs: [job], seqs: {} });
  fake.answers.report = () => ({
    report: {
      version: 1,
      job: job.id,
      reverie: '0.1.0',
      preset: 'default',
      clip: { sha256: clipHash, name: 'shot.mov', frames: 100, rate: '25', width: 640, height: 360 },
      range: { first: 0, last: 99 },
      seed: 0,
      output: {
        file: 'shot-default.mov',
        frames: 200,
        rate: '50',
        width: 1280,
        height: 720,
        codec: 'prores422hq',
        sizeBytes: 412e6,
        verified: true,
      },
      provider: 'cpu',
      providersRefused: [{ provider: 'webgpu', reason: 'no adapter' }],
      nets: [],
      stages: [{ stage: 'stylize', task: 'a', frames: 100, seconds: 100, reused: false }],
      notices: [{ kind: 'frame-repaired', stage: 'stylize', frame: 12, text: 'grey tile' }],
      figures: { defectTiles: 0 },
      startedAt: '',
      finishedAt: '',
      seconds: 120,
    },
  });
  open();
  tab('Jobs');
  const card = await screen.findByRole('listitem', { name: /shot.mov/ });
  fireEvent.click(within(card).getByRole('button', { name: 'Download' }));
  await within(card).findByText('Saved by the browser');
  expect(saved).toEqual([{ url: `http://bridge/jobs/${job.id}/result`, name: 'shot-default.mov' }]);
  fireEvent.click(within(card).getByRole('button', { name: 'Report' }));
  await within(card).findByText(/Decoded and counted/);
  expect(card.textContent).toContain('A faulty frame was made again and is sound now.');
  expect(card.textContent).toContain('Not used: webgpu: no adapter');
});

test('deleting asks once more; cancelling does not', async () => {
  const [done, active] = [
    makeJob({ status: 'failed', error: { code: 'DISK_FULL', details: { need: '3 GB', path: '/x' } } }),
    makeJob({ status: 'active' }),
  ];
  fake.answers.jobs = () => ({ jobs: [done, active], seqs: {} });
  open();
  tab('Jobs');
  const cards = await screen.findAllByRole('listitem', { name: /shot.mov/ });
  const failed = cards.find(card => card.dataset.status === 'failed') as HTMLElement;
  expect(failed.textContent).toContain('The disk is full: 3 GB more needed in /x.');
  fireEvent.click(within(failed).getByRole('button', { name: 'Delete' }));
  expect(asked('delete')).toEqual([]);
  fireEvent.click(within(failed).getByRole('button', { name: 'Delete for good?' }));
  await waitFor(() => expect(screen.getAllByRole('listitem', { name: /shot.mov/ })).toHaveLength(1));
  fireEvent.click(screen.getByRole('button', { name: 'Cancel' }));
  await waitFor(() => expect(asked('cancel')).toMatchObject([{ job: active.id }]));
});

test('a verb that the bridge refuses is told at the job', async () => {
  const job = makeJob({ status: 'active' });
  fake.answers.jobs = () => ({ jobs: [job], seqs: {} });
  fake.failures.pause = [{ code: 'JOB_NOT_FOUND', details: { id: job.id } }];
  open();
  tab('Jobs');
  const card = await screen.findByRole('listitem', { name: /shot.mov/ });
  fireEvent.click(within(card).getByRole('button', { name: 'Pause' }));
  expect((await within(card).findByRole('alert')).textContent).toContain(`There is no job ${job.id}.`);
});

test('a changed preset is saved under a new name; a built-in name is not taken', async () => {
  await ready();
  fireEvent.click(screen.getByRole('radio', { name: /Tahiti/ }));
  fireEvent.keyDown(slider('Strength'), { key: 'End' });
  fireEvent.click(screen.getByRole('button', { name: 'Save as…' }));
  const name = screen.getByRole('textbox', { name: 'Name' });
  const save = screen.getByRole('button', { name: 'Save' }) as HTMLButtonElement;
  fireEvent.change(name, { target: { value: 'Tahiti' } });
  expect(save.disabled).toBe(true);
  screen.getByText('A built-in preset has that name');
  fireEvent.change(name, { target: { value: 'Tahiti, wild' } });
  fireEvent.click(save);
  await waitFor(() => expect(asked('preset-save')).toHaveLength(1));
  expect(asked('preset-save')[0].preset).toMatchObject({
    name: 'tahiti-wild',
    title: 'Tahiti, wild',
    effects: [{ params: { strength: 100 } }],
  });
});

test('a layer is chosen by its picture', async () => {
  await ready();
  fireEvent.click(screen.getByRole('radio', { name: /Paws/ }));
  tab('Dream');
  fireEvent.click(screen.getByRole('button', { name: 'Show the layers' }));
  await waitFor(() => expect(asked('atlas')).toMatchObject([{ net: 'openimages' }]));
  const [{ id }] = asked('atlas');
  act(() =>
    fake.send({
      type: 'atlas-tile',
      id,
      layer: 'ec11/expand',
      channels: 96,
      path: '/pictures/k/1.jpg',
      done: 1,
      total: 2,
    }),
  );
  fireEvent.click(await screen.findByRole('button', { name: 'Dream of ec11/expand' }));
  expect(store.get().draft?.effects[0]).toMatchObject({
    effect: 'dream',
    params: { net: 'openimages', objectives: [{ layer: 'ec11/expand', weight: 1 }] },
  });
  expect(screen.getByRole('button', { name: 'Dream of ec11/expand' }).getAttribute('aria-pressed')).toBe('true');
});

test('the set-up page says what is wrong and what to do', async () => {
  fake.answers.doctor = () => ({
    checks: [
      { what: 'ffmpeg', ok: true, found: 'ffmpeg 5.1' },
      { what: 'disk', ok: false, found: '1 GB free', remedy: 'Make space.' },
    ],
  });
  open();
  tab('Set-up');
  await screen.findByText('1 thing needs attention.');
  screen.getByText('Make space.');
  screen.getByText('ffmpeg 5.1');
});

test('a job that fits badly is offered smaller, and one click takes the offer', async () => {
  const whole = fake.answers.estimate?.({} as never) as { estimate: object };
  const preset = { ...presets[0].preset, name: 'smaller' };
  fake.answers.estimate = () => ({
    ...whole,
    smaller: { preset, lines: 240, estimate: { seconds: 60, memoryBytes: 1e9, diskBytes: 2e9, basis: 'table' } },
  });
  await ready();
  fireEvent.click(await screen.findByRole('button', { name: /Paint 240 lines/ }));
  expect(store.get().draft?.name).toBe('smaller');
});

test('the report to send is fetched from the bridge', async () => {
  const links: string[] = [];
  const click = jest.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
    links.push(this.href);
  });
  open();
  tab('Set-up');
  fireEvent.click(await screen.findByRole('button', { name: 'Send report' }));
  click.mockRestore();
  expect(links).toEqual(['http://bridge/support.zip']);
});

test('the panel speaks the language of the system, or the one that is chosen', async () => {
  open(['fr-FR', 'en']);
  await screen.findByText('Choisissez ou déposez un clip');
  act(() => session.changeSettings({ language: 'en' }));
  screen.getByText('Choose or drop a clip');
  expect(document.documentElement.lang).toBe('en');
});

test('everything that can be used has a name', async () => {
  await ready();
  fireEvent.click(screen.getByRole('button', { name: 'More settings of Style' }));
  for (const page of ['Render', 'Presets', 'Dream', 'Set-up']) {
    tab(page);
    for (const role of [
      'button',
      'slider',
      'textbox',
      'combobox',
      'radio',
      'switch',
      'tab',
      'radiogroup',
      'progressbar',
    ] as const) {
      for (const element of screen.queryAllByRole(role)) {
        const name = element.getAttribute('aria-label') ?? element.textContent ?? '';
        const named =
          name.trim() !== '' || element.getAttribute('aria-labelledby') !== null || element.closest('label') !== null;
        expect(named ? '' : element.outerHTML).toBe('');
      }
    }
  }
  await screen.findByText('Everything that was checked works.');
});

test('arrow keys go through pages and presets', async () => {
  await ready();
  fireEvent.keyDown(screen.getByRole('radio', { name: /Painted/ }), { key: 'ArrowRight' });
  expect(screen.getByRole('radio', { name: /Tahiti/ }).getAttribute('aria-checked')).toBe('true');
  expect(document.activeElement).toBe(screen.getByRole('radio', { name: /Tahiti/ }));
  fireEvent.keyDown(screen.getByRole('tab', { name: 'Render' }), { key: 'ArrowRight' });
  expect(screen.getByRole('tab', { name: /Jobs/ }).getAttribute('aria-selected')).toBe('true');
});

test('several own pictures are dropped and weighed', async () => {
  await ready();
  fake.answers['upload-open'] = () => ({ transfer: 1, offset: 0, complete: true });
  const add = screen.getByRole('button', { name: 'Own pictures…' });
  const area = add.closest('[data-drop]') as Element;
  const files = [file('one.png', 'first picture'), file('two.png', 'second picture')];
  fireEvent.drop(area, { dataTransfer: { types: ['Files'], files } });
  const weights = await screen.findAllByRole('slider', { name: /Weight of Own picture/ });
  expect(weights).toHaveLength(2);
  fireEvent.keyDown(weights[1], { key: 'Home' });
  const style = store.get().draft?.effects[0];
  expect(style?.effect === 'style' && style.params.styles.map(each => each.weight)).toEqual([1, 0]);
  expect(asked('upload-open').filter(request => request.kind === 'image')).toHaveLength(2);
});
