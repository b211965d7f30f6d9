import './zod-without-eval';
import { createRoot } from 'react-dom/client';
import { httpPaths } from '#protocol/http';
import { App } from './app/app';
import { SessionContext } from './app/context';
import { createSession, type Session } from './app/session';
import { createStore, type Store } from './app/store';
import { addressOfPage, type BridgeAddress } from './bridge/address';
import { createBridge } from './bridge/client';
import { createAdobeHost } from './host/adobe-host';
import { findAdobe, watchStylizeCommand, type AdobePage } from './host/adobe-window';
import { createFileHost, saveByLink } from './host/file';
import type { Host } from './host/host';
import { nowhere, openLocalBridge } from './host/local-bridge';
import { findPlugIn, isPlugInPage, type PageWindow, type PlugIn } from './host/plug-in';
import { createPremiereUxpHost, createRemembered, rememberedPreset } from './host/premiere-uxp';
import { toAppError, type AppError } from '#protocol/errors';
import './app/page.css';

type PagePart = { readonly store: Store; readonly notice: (error: AppError) => void };
/** What differs from one place in which the panel is opened to the next. */
type Place = {
  readonly address: BridgeAddress;
  readonly storage: Pick<Storage, 'getItem' | 'setItem'>;
  /** undefined: an application that no adapter knows */
  createHost?(part: PagePart): Host | undefined;
  onSession?(session: Session): void;
  readonly problem?: AppError;
};

const inBrowser = (): Place => ({
  address: addressOfPage(window.location, window.sessionStorage, window.history),
  storage: window.localStorage,
});

async function inAdobe(adobe: AdobePage): Promise<Place> {
  const openBridge = () => openLocalBridge(adobe.node, adobe.extensionFolder, { ask: url => fetch(url) });
  const { address, problem } = await openBridge().then(
    found => ({ address: found, problem: undefined }),
    thrown => ({ address: nowhere, problem: toAppError(thrown) }),
  );
  return {
    address,
    problem,
    storage: window.localStorage,
    createHost: ({ store, notice }) =>
      createAdobeHost(adobe, {
        window,
        notice,
        readSources: () => store.get().settings.readSources,
        async startBridge() {
          await openBridge();
          // The bridge that was started has another address and token.
          window.location.reload();
        },
      }),
    onSession: session => watchStylizeCommand(adobe.cep, () => session.stylizeSelection()),
  };
}

async function inPlugIn(plugIn: PlugIn): Promise<Place> {
  const hello = await plugIn.ask('hello', {});
  let say: PagePart['notice'] | undefined;
  const storage = createRemembered(plugIn, hello, thrown => say?.(toAppError(thrown)));
  const isOfBridge = window.location.protocol.startsWith('http');
  return {
    address: isOfBridge
      ? addressOfPage(window.location, window.sessionStorage, window.history)
      : (hello.bridge ?? nowhere),
    storage,
    createHost({ store, notice }) {
      say = notice;
      return createPremiereUxpHost(plugIn, hello, {
        notice,
        preset: rememberedPreset(storage),
        readSources: () => store.get().settings.readSources,
        isVisible: () => document.visibilityState === 'visible',
      });
    },
    onSession(session) {
      plugIn.onEvent(told => told.event === 'command' && session.stylizeSelection());
      if (hello.isStylizeWanted) session.stylizeSelection();
    },
  };
}

async function findPlace(): Promise<Place> {
  const adobe = findAdobe(window);
  if (adobe) return inAdobe(adobe);
  const plugIn = await findPlugIn(window as unknown as PageWindow, isPlugInPage(window.location));
  return plugIn ? inPlugIn(plugIn) : inBrowser();
}

function mount({ address, storage, createHost, onSession, problem }: Place): void {
  const bridge = createBridge(address, 'panel');
  const store = createStore();
  const host =
    createHost?.({ store, notice: error => session.say(error.toJSON()) }) ??
    createFileHost({
      resultUrl: job => bridge.url(httpPaths.result(job)),
      save: saveByLink,
      matchMedia: query => window.matchMedia(query),
    });
  const watchAttention = (onAttention: () => void) => {
    const signs = ['focus', 'pointerdown'] as const;
    for (const sign of signs) window.addEventListener(sign, onAttention);
    return () => signs.forEach(sign => window.removeEventListener(sign, onAttention));
  };
  const session = createSession({ store, bridge, host, storage, watchAttention });
  const root = document.getElementById('root');
  if (!root) throw new Error('the page has no #root');
  createRoot(root).render(
    <SessionContext.Provider value={{ session, store }}>
      <App languages={navigator.languages} />
    </SessionContext.Provider>,
  );
  onSession?.(session);
  if (problem) session.say(problem.toJSON());
}

void findPlace()
  .catch(thrown => ({ ...inBrowser(), problem: toAppError(thrown) }))
  .then(mount);
