/** @jest-environment jest-environment-jsdom */
import { cleanup, configure, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { App } from '../../extension/src/app/app';
import { SessionContext } from '../../extension/src/app/context';
import { createSession, type Session } from '../../extension/src/app/session';
import { createStore, type Store } from '../../extension/src/app/store';
import { createConnection } from '../../extension/src/bridge/connection';
import { download } from '../../extension/src/bridge/download';
import { upload } from '../../extension/src/bridge/upload';
import type { Host, HostReport, MenuItem } from '../../extension/src/host/host';
import { createFakeBridge } from '../fakes/bridge-socket';
import { makeAfterEffects } from './make-after-effects';
import { makePreset } from './make';

configure({ defaultHidden: true, asyncUtilTimeout: 20_000 });

let store: Store;
let session: Session;
let panel: Awaited<ReturnType<typeof makeAfterEffects>>;
let chosen: string | undefined;
let laid: { items: readonly MenuItem[]; pick: (id: string) => void }[];
let offered: number;

async function open(page: 'setup' | 'render', instead: Partial<Host> = {}) {
  [chosen, laid, offered] = [undefined, [], 0];
  panel = await makeAfterEffects(
    {},
    {
      preset: { get: () => chosen, set: name => (chosen = name) },
      readSources: () => store.get().settings.readSources,
      offerMenu(items, pick) {
        laid.push({ items, pick });
        offered++;
        return () => void offered--;
      },
    },
  );
  const fake = createFakeBridge();
  fake.answers.presets = () => ({ presets: [{ preset: makePreset(), builtIn: true }] });
  const connection = createConnection({ open: fake.open, client: 'test' });
  store = createStore();
  const host: Host = { ...panel.host, ...instead };
  session = createSession({
    store,
    host,
    storage: { getItem: () => null, setItem: () => undefined },
    bridge: {
      connection,
      url: path => path,
      upload: (source, kind, options) => upload(connection, source, kind, options),
      download: (job, sink, options) => download(connection, 'result', job, sink, options),
    },
  });
  session.go(page);
  render(
    <SessionContext.Provider value={{ session, store }}>
      <App languages={['en-US']} />
    </SessionContext.Provider>,
  );
}
afterEach(() => {
  session.close();
  cleanup();
  panel.close();
});

test('the output template is picked and remembered, and sources are handed over only when that is switched on', async () => {
  await open('setup');
  const select = await screen.findByRole<HTMLSelectElement>('combobox', { name: 'Export preset' });
  expect([...select.options].map(option => option.text)).toContain('Lossless');
  expect(select.selectedOptions[0].text).toBe('Best that is found');
  fireEvent.change(select, { target: { value: 'Lossless' } });
  await waitFor(() => expect(select.value).toBe('Lossless'));
  expect(chosen).toBe('Lossless');
  fireEvent.change(select, { target: { value: '' } });
  await waitFor(() => expect(chosen).toBeUndefined());
  const toggle = screen.getByRole('switch', { name: 'Send the source itself where it shows the same' });
  expect(toggle.getAttribute('aria-checked')).toBe('false');
  fireEvent.click(toggle);
  expect(store.get().settings.readSources).toBe(true);
});

test('the host checks run at a click and show each question, and what was answered otherwise', async () => {
  let finish: ((report: HostReport) => void) | undefined;
  await open('setup', { runHostChecks: () => new Promise(resolve => (finish = resolve)) });
  const button = await screen.findByRole<HTMLButtonElement>('button', { name: 'Run host checks' });
  fireEvent.click(button);
  expect(button.disabled).toBe(true);
  finish?.({
    host: 'aftereffects',
    version: '25.2',
    system: 'linux',
    path: '/checks/host-check.json',
    probes: [
      { question: 'templates', answer: 'as-expected', details: 'many' },
      { question: 'markers', answer: 'failed', details: 'HOST_FAILED: no marker' },
    ],
  });
  await screen.findByText('Report saved: /checks/host-check.json');
  expect(button.disabled).toBe(false);
  screen.getByText('Do markers keep name, comment and length?');
  screen.getByText('HOST_FAILED: no marker');
  expect(screen.queryByText('many')).toBeNull();
  const answers = [...document.querySelectorAll('[data-probe]')].map(each => each.getAttribute('data-answer'));
  expect(answers).toEqual(['as-expected', 'failed']);
});

test('the native menu lies ready while the pointer or the focus is on a clip that can be sent, and only then', async () => {
  await open('render');
  panel.layers.b.selected = true;
  panel.layers.mover.selected = true;
  Object.assign(panel.layers.mover, { hasVideo: false });
  await screen.findByText('B café');
  const rows = [...document.querySelectorAll<HTMLElement>('[data-clip]')];
  const [refused, usable] = rows;
  expect(refused.textContent).toContain('It has no picture');
  fireEvent.mouseEnter(refused);
  expect(offered).toBe(0);
  fireEvent.mouseEnter(usable);
  expect(offered).toBe(1);
  expect(laid[0].items.map(item => item.label)).toEqual(['Stylize', 'Stylize with']);
  expect(fireEvent.contextMenu(usable)).toBe(true);
  fireEvent.mouseLeave(usable);
  expect(offered).toBe(0);
  fireEvent.focus(usable);
  expect(offered).toBe(1);
  fireEvent.blur(usable);
  expect(offered).toBe(0);
});
