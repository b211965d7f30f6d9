/** @jest-environment jest-environment-jsdom */
import { act, cleanup, configure, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import { httpPaths } from '#protocol/http';
import { App } from '../../extension/src/app/app';
import { SessionContext } from '../../extension/src/app/context';
import { createSession, type Session } from '../../extension/src/app/session';
import { createStore } from '../../extension/src/app/store';
import { createConnection } from '../../extension/src/bridge/connection';
import { download } from '../../extension/src/bridge/download';
import { upload } from '../../extension/src/bridge/upload';
import { createFakeBridge, type FakeBridge } from '../fakes/bridge-socket';
import { clipHash, makeClip, makeJob, makePreset } from './make';
import { makePremiere } from './make-premiere';

configure({ defaultHidden: true, asyncUtilTimeout: 5000 });

let panel: Awaited<ReturnType<typeof makePremiere>>;
let fake: FakeBridge;
let session: Session;

/** The render page in a small Premiere, with a bridge that has pictures of everything but the logo. */
async function open(arrange: () => void = () => undefined) {
  panel = await makePremiere();
  arrange();
  fake = createFakeBridge();
  fake.answers = {
    presets: () => ({
      presets: [
        { preset: makePreset(), builtIn: true },
        { preset: makePreset({ name: 'tahiti', title: 'Tahiti' }), builtIn: true },
      ],
    }),
    jobs: () => ({ jobs: [], seqs: {} }),
    nets: () => ({ nets: [] }),
    'upload-close': () => {
      const { exports } = panel.premiere;
      const { first, last } = exports[exports.length - 1];
      return { sha256: clipHash, clip: makeClip({ frames: last - first + 1 }) };
    },
    submit: request => {
      if (request.type !== 'submit') throw new Error(request.type);
      return { job: makeJob({ spec: request.spec }) };
    },
    glimpses: request => {
      if (request.type !== 'glimpses') throw new Error(request.type);
      return {
        paths: request.of.map(({ path, seconds }) =>
          path.includes('Logo') ? null : httpPaths.glimpse(`${path}@${seconds}`),
        ),
      };
    },
  };
  const connection = createConnection({ open: fake.open, client: 'test' });
  const store = createStore();
  session = createSession({
    store,
    host: panel.host,
    storage: { getItem: () => null, setItem: () => undefined },
    bridge: {
      connection,
      url: path => `http://bridge${path}`,
      upload: (source, kind, options) => upload(connection, source, kind, options),
      download: (job, sink, options) => download(connection, 'result', job, sink, options),
    },
  });
  render(
    <SessionContext.Provider value={{ session, store }}>
      <App languages={['en-US']} />
    </SessionContext.Provider>,
  );
}
afterEach(() => {
  cleanup();
  session.close();
  panel.close();
});

const rows = () => [...document.querySelectorAll<HTMLElement>('[data-clip]')];
const picture = (row: HTMLElement) => row.querySelector('img')?.getAttribute('src');
const submitted = () => fake.requests.flatMap(request => (request.type === 'submit' ? [request.spec] : []));

test('clips under the playhead are listed, the topmost first, each with a picture of how it begins', async () => {
  await open(() => panel.premiere.setPlayhead(57));
  await screen.findByRole('heading', { name: 'Under the playhead' });
  await waitFor(() => expect(picture(rows()[1])).toBe('http://bridge/glimpses//media/B café.mov@0.28.jpg'));
  expect(rows().map(row => row.textContent)).toEqual([
    'Logo00:00:02:05 – 00:00:02:10',
    'B café00:00:02:00 – 00:00:02:19',
  ]);
  expect(picture(rows()[0])).toBeUndefined();
  expect(rows()[0].querySelector('svg')).not.toBeNull();
});

test('a picture that cannot be made leaves the clip with its name', async () => {
  await open();
  await waitFor(() => expect(picture(rows()[0])).toBeDefined());
  fireEvent.error(rows()[0].querySelector('img') as Element);
  expect(picture(rows()[0])).toBeUndefined();
  expect(rows()[0].textContent).toContain('A');
});

test('a bridge that was started again is asked for the pictures anew', async () => {
  await open();
  await waitFor(() => expect(picture(rows()[0])).toBeDefined());
  fake.answers.glimpses = () => ({ paths: [httpPaths.glimpse('new')] });
  act(() => fake.cut());
  await waitFor(() => expect(picture(rows()[0])).toBe('http://bridge/glimpses/new.jpg'));
});

test('with keys alone: arrows go from clip to clip, Enter opens the menu, Enter again stylizes that clip', async () => {
  await open(() => panel.premiere.setPlayhead(57));
  await waitFor(() => expect(rows()).toHaveLength(2));
  const [logo, b] = rows();
  expect([logo.tabIndex, b.tabIndex]).toEqual([0, -1]);
  logo.focus();
  fireEvent.keyDown(logo, { key: 'ArrowDown' });
  expect(document.activeElement).toBe(b);
  expect([logo.tabIndex, b.tabIndex]).toEqual([-1, 0]);
  fireEvent.keyDown(b, { key: 'ArrowDown' });
  expect(document.activeElement).toBe(b);
  fireEvent.keyDown(b, { key: 'Home' });
  fireEvent.keyDown(logo, { key: 'End' });
  expect(document.activeElement).toBe(b);
  // A browser clicks a button on Enter.
  fireEvent.click(b);
  const menu = screen.getByRole('menu', { name: 'Actions for B café' });
  const [first] = within(menu).getAllByRole('menuitem');
  expect(document.activeElement).toBe(first);
  fireEvent.click(first);
  await waitFor(() => expect(submitted()).toHaveLength(1));
  expect(submitted()[0].labels).toMatchObject({ place: '50:69:25/1', track: '0' });
});

test('the menu key opens the menu below the clip; Escape gives the focus back', async () => {
  await open();
  await waitFor(() => expect(rows()).toHaveLength(1));
  rows()[0].focus();
  expect(fireEvent.contextMenu(rows()[0])).toBe(false);
  fireEvent.keyDown(screen.getByRole('menu'), { key: 'Escape' });
  expect(screen.queryByRole('menu')).toBeNull();
  expect(document.activeElement).toBe(rows()[0]);
});

test('what cannot be sent says so and offers nothing', async () => {
  await open(() => panel.premiere.addClip(1, 0, 9, { name: 'Lost', item: { offline: true } }));
  await waitFor(() => expect(rows()).toHaveLength(2));
  expect(rows()[0].textContent).toContain('Cannot be sent · Its file is missing.');
  expect(rows()[0].getAttribute('aria-disabled')).toBe('true');
  fireEvent.click(rows()[0]);
  expect(screen.queryByRole('menu')).toBeNull();
});

describe('markers named "stylize: …"', () => {
  const wish = (preset: string) => document.querySelector<HTMLElement>(`[data-wish="${preset}"]`) as HTMLElement;
  const arrange = () => {
    panel.premiere.addMarker('stylize: tahiti', 10, 5);
    panel.premiere.addMarker('stylize: tahitti', 20, 5);
    panel.premiere.addMarker('stylize: xyzzy', 30, 5);
    panel.premiere.addClipMarker(panel.clips.b, 'Stylize: Default', 9, 0);
  };

  test('are offered with their preset, a misspelt one with the nearest, and one that is like none with nothing', async () => {
    await open(arrange);
    await screen.findByText('Marked to stylize');
    expect(wish('tahiti').textContent).toBe('Tahiti00:00:00:10 – 00:00:00:14Stylize with Tahiti');
    expect(wish('tahitti').textContent).toContain('No preset is called “tahitti”.');
    within(wish('tahitti')).getByRole('button', { name: 'Stylize with Tahiti' });
    expect(wish('xyzzy').textContent).toContain('No preset is called “xyzzy”.');
    expect(within(wish('xyzzy')).queryByRole('button')).toBeNull();
    expect(wish('Default').textContent).toContain('B café');
  });

  test('are rendered by one click where the preset is known, and what is under way is not rendered again', async () => {
    await open(arrange);
    fireEvent.click(await screen.findByRole('button', { name: 'Render all markers' }));
    await waitFor(() => expect(submitted()).toHaveLength(2));
    expect(submitted().map(({ preset, labels }) => [preset.name, labels.place, labels.section])).toEqual([
      ['tahiti', '10:14:25/1', 'stylize: tahiti'],
      ['default', '50:69:25/1', 'stylize: default'],
    ]);
    expect(panel.premiere.exports.map(({ first, last }) => [first, last])).toEqual([
      [10, 14],
      [50, 69],
    ]);
    session.go('render');
    expect((await screen.findByRole<HTMLButtonElement>('button', { name: 'Render all markers' })).disabled).toBe(true);
    expect(wish('tahiti').textContent).toContain('Waiting');
    fireEvent.click(within(wish('tahitti')).getByRole('button'));
    await waitFor(() => expect(submitted()).toHaveLength(3));
    expect(submitted()[2]).toMatchObject({ preset: { name: 'tahiti' }, labels: { place: '20:24:25/1' } });
  });
});
