/** @jest-environment jest-environment-jsdom */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { act } from '@testing-library/react';
import { createFakePremiere } from '../fakes/premiere';
import { buildHostScript } from '../setup/build-host-script';

// React asks for this where state changes outside of its own events.
(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;

test('the page, loaded in Premiere, follows the running bridge, the host’s grey and its selection', async () => {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'reverie-home-'));
  fs.writeFileSync(
    path.join(home, 'bridge.json'),
    JSON.stringify({ address: 'http://127.0.0.1:4711', token: 'secret' }),
  );
  const premiere = createFakePremiere({ script: await buildHostScript() });
  premiere.addClip(0, 0, 49, { name: 'Dancer on the roof', selected: true });
  const sockets: string[] = [];
  const environment = {
    appId: 'PPRO',
    appSkinInfo: { baseFontSize: 12, panelBackgroundColor: { color: { red: 35, green: 36, blue: 37 } } },
  };
  Object.assign(window, {
    __adobe_cep__: {
      evalScript: premiere.evalScript,
      getHostEnvironment: () => JSON.stringify(environment),
      getSystemPath: () => `file://${home}`,
      addEventListener: () => undefined,
      removeEventListener: () => undefined,
    },
    cep_node: {
      require: (name: string) => jest.requireActual(name),
      process: { env: { REVERIE_HOME: home }, platform: 'linux' },
    },
    fetch: async () => ({ ok: true, json: async () => ({ ok: true, bridge: 1 }) }),
    WebSocket: class {
      constructor(url: string) {
        sockets.push(url);
      }
      addEventListener() {}
      close() {}
    },
    matchMedia: () => ({ matches: false, addEventListener: () => undefined, removeEventListener: () => undefined }),
  });
  document.body.innerHTML = '<div id="root"></div>';
  await act(async () => {
    await import('../../extension/src/main');
    await new Promise(resolve => setTimeout(resolve, 1500));
  });
  expect(sockets[0]).toBe('ws://127.0.0.1:4711/socket?token=secret');
  expect(document.body.textContent).toContain('Dancer on the roof');
  expect(document.documentElement.outerHTML).toContain('#232425');
  fs.rmSync(home, { recursive: true, force: true });
});
