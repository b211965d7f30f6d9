import { bridgeUrl, httpPaths, tokenParameter } from '#protocol/http';

/** Where the bridge is and what opens it. In a browser from the page's own address; in CEP from the bridge's file. */
export type BridgeAddress = { readonly base: string; readonly token: string };

/**
 * The page is served by the bridge itself, opened with `?token=`. The token is kept for reloads of this tab and taken
 * out of the address line, so that a copied address or a screenshot does not give it away.
 */
export function addressOfPage(
  location: Pick<Location, 'origin' | 'href'>,
  storage: Pick<Storage, 'getItem' | 'setItem'>,
  history: Pick<History, 'replaceState'>,
): BridgeAddress {
  const url = new URL(location.href);
  const given = url.searchParams.get(tokenParameter);
  if (given) {
    storage.setItem('reverie.token', given);
    url.searchParams.delete(tokenParameter);
    history.replaceState(null, '', url.pathname + url.search + url.hash);
  }
  return { base: location.origin, token: given ?? storage.getItem('reverie.token') ?? '' };
}

export function socketUrl({ base, token }: BridgeAddress): string {
  return bridgeUrl(base, httpPaths.socket, token).replace(/^http/, 'ws');
}
