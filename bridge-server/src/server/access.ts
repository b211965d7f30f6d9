import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { AppError } from '#protocol/errors';
import { tokenParameter } from '#protocol/http';

/**
 * Who may speak to the bridge. Three questions, in this order, for every request and every socket:
 * 1. Host: is it an address that this bridge was started with? A page that made its own name point to 127.0.0.1 (DNS
 *    rebinding) is refused here.
 * 2. Origin: the bridge's own pages, or no page at all, or a panel (CEP sends "file://" or "null", UXP its own scheme).
 *    Any other page is refused, whatever it knows.
 * 3. Token: made anew at each start, 256 bits. As `Authorization: Bearer`, as `?token=`, as the WebSocket subprotocol
 *    `reverie.<token>`, or as the cookie that the page was given. The cookie counts only for the bridge's own pages:
 *    it is sent without the page knowing it, so a "null" page must name the token itself.
 */
export type Access = {
  readonly token: string;
  readonly cookieName: string;
  /** @throws AppError ORIGIN_REFUSED */
  checkPlace(request: IncomingMessage): void;
  /** @throws AppError ORIGIN_REFUSED, UNAUTHORISED */
  check(request: IncomingMessage): void;
  /** True when the token is in the address or a header, not only in the cookie. */
  hasExplicitToken(request: IncomingMessage): boolean;
  /** The page's cookie. HttpOnly: scripts need not read it; Strict: other sites' pages never send it. */
  cookie(): string;
  /** The origin to name in `Access-Control-Allow-Origin`, for panels whose page is not the bridge's. */
  corsOrigin(request: IncomingMessage): string | undefined;
};

export type AccessOptions = {
  /** Values of the Host header that mean this bridge: "127.0.0.1:4711", "localhost:4711". */
  readonly hosts: readonly string[];
  /** Further origins that may connect with the token. */
  readonly origins?: readonly string[];
  readonly port: number;
  readonly secure: boolean;
  readonly token?: string;
};

/** Pages that are no web pages: CEP loads the panel from disk, UXP from its package. They must name the token. */
const panelOrigins = /^(null|file:\/\/.*|uxp:\/\/.*|uxp-internal:\/\/.*)$/i;

export const socketProtocolPrefix = 'reverie.';

export function makeToken(): string {
  return randomBytes(32).toString('base64url');
}

function sameText(a: string, b: string): boolean {
  // Hashed first: equal lengths, and no time that depends on where they differ.
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

export function createAccess({ hosts, origins = [], port, secure, token = makeToken() }: AccessOptions): Access {
  const known = new Set(hosts.map(host => host.toLowerCase()));
  const own = new Set([...known].map(host => `${secure ? 'https' : 'http'}://${host}`));
  const extra = new Set(origins.map(origin => origin.toLowerCase()));
  const cookieName = `reverie-${port}`;

  const isPanel = (origin: string) => panelOrigins.test(origin) || extra.has(origin.toLowerCase());
  const explicitToken = (request: IncomingMessage): string | undefined => {
    const bearer = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '');
    if (bearer) return bearer[1];
    const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(',').map(part => part.trim());
    const named = protocols.find(part => part.startsWith(socketProtocolPrefix));
    if (named) return named.slice(socketProtocolPrefix.length);
    return queryOf(request).get(tokenParameter) ?? undefined;
  };
  const cookieToken = (request: IncomingMessage): string | undefined => {
    const { origin } = request.headers;
    const site = request.headers['sec-fetch-site'];
    // Another port of this machine is the same "site" to a browser, and still another program.
    if (
      (origin !== undefined && !own.has(origin.toLowerCase())) ||
      (site !== undefined && site !== 'same-origin' && site !== 'none')
    )
      return undefined;
    const pairs = (request.headers.cookie ?? '').split(';').map(pair => pair.trim().split('='));
    return pairs.find(([name]) => name === cookieName)?.[1];
  };

  const access: Access = {
    token,
    cookieName,
    checkPlace(request) {
      const host = (request.headers.host ?? '').toLowerCase();
      if (!known.has(host)) throw new AppError('ORIGIN_REFUSED', { origin: host.slice(0, 200) });
      const { origin } = request.headers;
      if (origin !== undefined && !own.has(origin.toLowerCase()) && !isPanel(origin))
        throw new AppError('ORIGIN_REFUSED', { origin: origin.slice(0, 200) });
    },
    check(request) {
      access.checkPlace(request);
      const given = explicitToken(request) ?? cookieToken(request);
      if (given === undefined || !sameText(given, token)) throw new AppError('UNAUTHORISED');
    },
    hasExplicitToken(request) {
      const given = explicitToken(request);
      return given !== undefined && sameText(given, token);
    },
    cookie: () => `${cookieName}=${token}; Path=/; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`,
    corsOrigin(request) {
      const { origin } = request.headers;
      return origin !== undefined && isPanel(origin) ? origin : undefined;
    },
  };
  return access;
}

export function queryOf(request: IncomingMessage): URLSearchParams {
  const url = request.url ?? '/';
  const at = url.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : url.slice(at + 1));
}
