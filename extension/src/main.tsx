import './zod-without-eval';
import { createRoot } from 'react-dom/client';
import { httpPaths } from '#protocol/http';
import { App } from './app/app';
import { SessionContext } from './app/context';
import { createSession } from './app/session';
import { createStore } from './app/store';
import { addressOfPage, type BridgeAddress } from './bridge/address';
import { createBridge, type Bridge } from './bridge/client';
import { findAdobe, watchAdobeTheme, type AdobePage } from './host/adobe-window';
import { createFileHost, saveByLink } from './host/file';
import type { Host } from './host/host';
import { nowhere, openLocalBridge } from './host/local-bridge';
import { homeFolder } from './host/node-parts';
import { createPremiereCepHost } from './host/premiere-cep';
import { toAppError, type AppError } from '#protocol/errors';
import './app/page.css';

const presetKey = 'reverie.export-preset';

const openAdobeBridge = ({ node, extensionFolder }: AdobePage) =>
  openLocalBridge(node, extensionFolder, { ask: url => fetch(url) });

function createHost(adobe: AdobePage | undefined, bridge: Bridge, notice: (error: AppError) => void): Host {
  if (adobe?.application === 'premiere') {
    const { cep, node } = adobe;
    return createPremiereCepHost({
      evalScript: (script, done) => cep.evalScript(script, done),
      node,
      folder: node.path.join(homeFolder(node), 'premiere'),
      preset: {
        get: () => window.localStorage.getItem(presetKey) ?? undefined,
        set: path =>
          path === undefined ? window.localStorage.removeItem(presetKey) : window.localStorage.setItem(presetKey, path),
      },
      watchTheme: onChange => watchAdobeTheme(cep, onChange),
      isVisible: () => document.visibilityState === 'visible',
      notice,
      async startBridge() {
        await openAdobeBridge(adobe);
        // The bridge that was started has another address and token.
        window.location.reload();
      },
    });
  }
  return createFileHost({
    resultUrl: job => bridge.url(httpPaths.result(job)),
    save: saveByLink,
    matchMedia: query => window.matchMedia(query),
  });
}

function mount(address: BridgeAddress, adobe?: AdobePage, problem?: AppError): void {
  const bridge = createBridge(address, 'panel');
  const store = createStore();
  const host = createHost(adobe, bridge, error => session.say(error.toJSON()));
  const session = createSession({ store, bridge, host, storage: window.localStorage });
  const root = document.getElementById('root');
  if (!root) throw new Error('the page has no #root');
  createRoot(root).render(
    <SessionContext.Provider value={{ session, store }}>
      <App languages={navigator.languages} />
    </SessionContext.Provider>,
  );
  if (problem) session.say(problem.toJSON());
}

const adobe = findAdobe(window);
if (adobe) {
  openAdobeBridge(adobe).then(
    address => mount(address, adobe),
    thrown => mount(nowhere, adobe, toAppError(thrown)),
  );
} else {
  mount(addressOfPage(window.location, window.sessionStorage, window.history));
}
