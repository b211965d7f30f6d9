import { bridgeUrl } from '#protocol/http';
import type { BridgeAddress } from '../bridge/address';
import { plugInQuery } from '../host/plug-in';
import { mark, type PlugInEvent } from '../host/uxp-messages';

/** UXP's `<webview>`, as far as it is used. */
export type WebViewElement = HTMLElement & { src: string; postMessage(message: string): void };
type WebMessage = { readonly data?: unknown; readonly source?: unknown; readonly origin?: string };

/** The page that comes with the plug-in: it says that no bridge runs, and offers to start one. */
export const localPage = `plugin:/panel/index.html?${plugInQuery}`;

export function pageAddress(bridge: BridgeAddress | undefined): string {
  return bridge ? `${bridgeUrl(bridge.base, '/', bridge.token)}&${plugInQuery}` : localPage;
}

/**
 * The panel's page in a web view: the bridge's own page while a bridge runs (there the page may use all that pages may
 * use), else the one in the package. Only what that page says is answered.
 */
export function createWebView(
  view: WebViewElement,
  window: Pick<Window, 'addEventListener'>,
  answer: (text: unknown) => Promise<string | undefined>,
) {
  let bridge: BridgeAddress | undefined;
  let unreachable: string | undefined;
  let isShown = false;
  let isOpen = false;

  function show(next: BridgeAddress | undefined): void {
    bridge = next;
    isShown = true;
    isOpen = false;
    view.src = pageAddress(next);
  }

  function hear({ source, origin = '', data }: WebMessage): void {
    if (source !== undefined && source !== null && source !== view) return;
    // The origin of a page in the package differs from system to system; that of the bridge's page is its address.
    if (bridge && origin !== '' && !`${origin}/`.startsWith(`${bridge.base}/`)) return;
    void answer(data).then(text => {
      if (text === undefined) return;
      isOpen = true;
      view.postMessage(text);
    });
  }
  // Some versions tell a message to the window, some to the web view, some to both: it is answered once all the same.
  window.addEventListener('message', event => hear(event as WebMessage));
  view.addEventListener('message', event => hear(event as unknown as WebMessage));
  view.addEventListener('loadstart', event => {
    const { url = '' } = event as unknown as { url?: string };
    // Nothing on the bridge's page leads elsewhere; what does is led back.
    if (bridge && !url.startsWith(`${bridge.base}/`)) show(bridge);
  });
  view.addEventListener('loaderror', () => {
    // A bridge that was killed leaves its address behind.
    unreachable = bridge?.token ?? unreachable;
    if (bridge) show(undefined);
  });

  return {
    /** The address that a running bridge wrote; called again and again. */
    follow(next: BridgeAddress | undefined): void {
      const usable = next && next.token !== unreachable ? next : undefined;
      const isNew = usable && (usable.base !== bridge?.base || usable.token !== bridge.token);
      if (isNew || !isShown) show(usable);
    },
    /** A page of ours has spoken. */
    isOpen: () => isOpen,
    tell(tell: PlugInEvent): void {
      view.postMessage(JSON.stringify({ mark, tell }));
    },
  };
}
export type WebView = ReturnType<typeof createWebView>;
