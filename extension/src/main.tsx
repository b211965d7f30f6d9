import './zod-without-eval';
import { createRoot } from 'react-dom/client';
import { httpPaths } from '#protocol/http';
import { App } from './app/app';
import { SessionContext } from './app/context';
import { createSession } from './app/session';
import { createStore, type Store } from './app/store';
import { addressOfPage, type BridgeAddress } from './bridge/address';
import { createBridge, type Bridge } from './bridge/client';
import { createAdobeHost } from './host/adobe-host';
import { findAdobe, type AdobePage } from './host/adobe-window';
import { createFileHost, saveByLink } from './host/file';
import type { Host } from './host/host';
import { nowhere, openLocalBridge } from './host/local-bridge';
import { toAppError, type AppError } from '#protocol/errors';
import './app/page.css';

const openAdobeBridge = ({ node, extensionFolder }: AdobePage) =>
  openLocalBridge(node, extensionFolder, { ask: url => fetch(url) });

function createHost(
  adobe: AdobePage | undefined,
  bridge: Bridge,
  store: Store,
  notice: (error: AppError) => void,
): Host {
  const host =
    adobe &&
    createAdobeHost(adobe, {
      window,
      notice,
      readSources: () => store.get().settings.readSources,
      async startBridge() {
        await openAdobeBridge(adobe);
        // The bridge that was started has another address and token.
        window.location.reload();
      },
    });
  return (
    host ??
    createFileHost({
      resultUrl: job => bridge.url(httpPaths.result(job)),
      save: saveByLink,
      matchMedia: query => window.matchMedia(query),
    })
  );
}

function mount(address: BridgeAddress, adobe?: AdobePage, problem?: AppError): void {
  const bridge = createBridge(address, 'panel');
  const store = createStore();
  const host = createHost(adobe, bridge, store, error => session.say(error.toJSON()));
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
