import './zod-without-eval';
import { createRoot } from 'react-dom/client';
import { httpPaths } from '#protocol/http';
import { App } from './app/app';
import { SessionContext } from './app/context';
import { createSession } from './app/session';
import { createStore } from './app/store';
import { addressOfPage } from './bridge/address';
import { createBridge } from './bridge/client';
import { createFileHost, saveByLink } from './host/file';
import './app/page.css';

const address = addressOfPage(window.location, window.sessionStorage, window.history);
const bridge = createBridge(address, 'panel');
const host = createFileHost({
  resultUrl: job => bridge.url(httpPaths.result(job)),
  save: saveByLink,
  matchMedia: query => window.matchMedia(query),
});
const store = createStore();
const session = createSession({ store, bridge, host, storage: window.localStorage });

const root = document.getElementById('root');
if (!root) throw new Error('the page has no #root');
createRoot(root).render(
  <SessionContext.Provider value={{ session, store }}>
    <App languages={navigator.languages} />
  </SessionContext.Provider>,
);
