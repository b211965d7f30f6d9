import { AppError } from '#protocol/errors';
import type { Unsubscribe } from './host';
import { createCaller } from './script-call';
import {
  isHostCall,
  mark,
  messages,
  plugInTextSchema,
  type MessageName,
  type ParamsOf,
  type PlugInEvent,
  type ValueOf,
} from './uxp-messages';

/** What UXP puts on the window of a page in a web view. */
export type PageWindow = {
  readonly uxpHost?: { postMessage(message: string): void };
  addEventListener(type: 'message', listener: (event: { data: unknown; source: unknown }) => void): void;
};

/** The plug-in around the page, as the page sees it. */
export type PlugIn = {
  /** @throws AppError HOST_BUSY, HOST_REPLY_BROKEN, and whatever the plug-in failed with */
  ask<Name extends MessageName>(method: Name, params: ParamsOf<Name>, timeoutMs?: number): Promise<ValueOf<Name>>;
  /** A call into Premiere is still without answer. */
  isBusy(): boolean;
  onEvent(listener: (told: PlugInEvent) => void): Unsubscribe;
};

/** The plug-in opens its page with a sign in the address. */
export const plugInQuery = 'host=uxp';
export const isPlugInPage = ({ search }: Pick<Location, 'search'>): boolean => search.includes(plugInQuery);

/**
 * @param isExpected the page was opened as the plug-in's: nobody says whether its object is there before the first script
 * @returns undefined in a page that is not in the plug-in's web view
 */
export async function findPlugIn(
  window: PageWindow,
  isExpected: boolean,
  { waitMs = 5000, timeoutMs }: { waitMs?: number; timeoutMs?: number } = {},
): Promise<PlugIn | undefined> {
  for (let waited = 0; isExpected && !window.uxpHost && waited < waitMs; waited += 50) {
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  return window.uxpHost && connect(window, window.uxpHost, timeoutMs);
}

function connect(window: PageWindow, uxpHost: NonNullable<PageWindow['uxpHost']>, timeoutMs?: number): PlugIn {
  const page = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}`;
  const waiting = new Map<string, (answer: string) => void>();
  const listeners = new Set<(told: PlugInEvent) => void>();

  window.addEventListener('message', ({ data, source }) => {
    // Only what the plug-in itself sent: no frame and no opener has anything to say here.
    if (typeof data !== 'string' || (source !== null && source !== uxpHost)) return;
    const read = plugInTextSchema.safeParse(parseText(data));
    if (!read.success) return;
    if ('tell' in read.data) {
      for (const listener of listeners) listener(read.data.tell);
      return;
    }
    const key = `${read.data.to} ${read.data.answer.id}`;
    waiting.get(key)?.(JSON.stringify(read.data.answer));
    waiting.delete(key);
  });

  const createQueue = (name: string) =>
    createCaller((call, done) => {
      const from = `${page}-${name}`;
      waiting.set(`${from} ${call.id}`, done);
      uxpHost.postMessage(JSON.stringify({ mark, from, ...call }));
    }, timeoutMs);
  // Premiere's calls go one after the other; the disk is not held up by an export.
  const premiere = createQueue('premiere');
  const disk = createQueue('disk');

  return {
    isBusy: premiere.isBusy,
    async ask(method, params, timeoutMs) {
      const value = await (isHostCall(method) ? premiere : disk).call(method, params, timeoutMs);
      const read = messages[method].value.safeParse(value);
      if (!read.success)
        throw new AppError('HOST_REPLY_BROKEN', { call: method, reply: String(JSON.stringify(value)).slice(0, 80) });
      return read.data as ValueOf<typeof method>;
    },
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not ours: everything of ours is JSON.
    return undefined;
  }
}
