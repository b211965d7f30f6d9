import { toAppError, type ErrorJson } from '#protocol/errors';
import type { ServerMessage } from '#protocol/messages';
import type { Preset } from '#protocol/preset';
import type { Connection } from '../bridge/connection';
import type { AppState, Quote } from './state';
import type { Store } from './store';

/** How long a hand must rest before the frame is painted anew; an estimate is cheap and follows sooner. */
const stillPauseMs = 400;
const quotePauseMs = 200;
/** Sharp enough for the monitor of a 900 px panel on a dense screen. */
const stillSide = 960;
/** The protocol's largest still: what nets enlarge or clean is judged pixel for pixel. */
const wholeSide = 4096;

function sideFor(preset: Preset): number {
  const names = preset.effects.map(({ effect }) => effect);
  const paints = names.some(name => name === 'style' || name === 'dream' || name === 'zoom');
  return names.includes('upscale') && !paints ? wholeSide : stillSide;
}

/** What a still depends on; two states with the same key show the same picture. */
export function stillKey(state: AppState): string | undefined {
  const { source, draft, playhead, settings } = state;
  if (source.phase !== 'ready' || !draft) return undefined;
  return JSON.stringify([source.clip.sha256, playhead, draft.effects, settings.seed]);
}

function quoteKey(state: AppState): string | undefined {
  const { source, draft, range } = state;
  if (source.phase !== 'ready' || !draft) return undefined;
  return JSON.stringify([source.clip.sha256, range, draft.effects, draft.output]);
}

/** Keeps the still under the playhead and the estimate in step with what is chosen. */
export function createPreviewer(store: Store, connection: Connection) {
  let stillTimer: ReturnType<typeof setTimeout> | undefined;
  let quoteTimer: ReturnType<typeof setTimeout> | undefined;
  let wantedStill: string | undefined;
  let wantedQuote: string | undefined;
  let current: { readonly id: number; readonly key: string } | undefined;

  function stopCurrent() {
    if (current) connection.request('still-stop', { still: current.id }).catch(() => undefined);
    current = undefined;
  }

  function askStill() {
    const state = store.get();
    const key = stillKey(state);
    if (key === undefined || state.source.phase !== 'ready' || !state.draft || state.connection.status !== 'open')
      return;
    stopCurrent();
    const { still } = state;
    const last =
      still.phase === 'done'
        ? { path: still.path, pathKey: still.key }
        : still.phase === 'asked'
          ? { path: still.path, pathKey: still.pathKey }
          : {};
    store.dispatch({ type: 'still', still: { phase: 'asked', key, ...last, done: 0, total: 1 } });
    const { id, reply } = connection.start('still', {
      clip: state.source.clip.sha256,
      frame: state.playhead,
      preset: state.draft,
      seed: state.settings.seed,
      maxSide: sideFor(state.draft),
    });
    current = { id, key };
    reply.catch(thrown => {
      if (current?.id !== id) return;
      current = undefined;
      const error = toAppError(thrown).toJSON();
      if (error.code === 'CANCELLED' || error.code === 'CONNECTION_LOST')
        store.dispatch({ type: 'still', still: { phase: 'none' } });
      else store.dispatch({ type: 'still', still: { phase: 'failed', key, error } });
    });
  }

  async function askQuote() {
    const state = store.get();
    const key = quoteKey(state);
    if (key === undefined || state.source.phase !== 'ready' || !state.draft || state.connection.status !== 'open')
      return;
    const { clip } = state.source;
    const last =
      state.quote.phase === 'known' ? state.quote.quote : state.quote.phase === 'asked' ? state.quote.last : undefined;
    store.dispatch({ type: 'quote', quote: { phase: 'asked', last } });
    const spec = {
      clip: clip.sha256,
      clipName: clip.name,
      range: { ...state.range, rate: clip.rate },
      preset: state.draft,
      seed: state.settings.seed,
      provider: 'auto' as const,
      priority: 5,
      labels: {},
    };
    try {
      const quote: Quote = await connection.request('estimate', { spec });
      if (quoteKey(store.get()) === key) store.dispatch({ type: 'quote', quote: { phase: 'known', quote } });
    } catch (thrown) {
      const error = toAppError(thrown).toJSON();
      if (quoteKey(store.get()) !== key) return;
      store.dispatch({
        type: 'quote',
        quote: error.code === 'CONNECTION_LOST' ? { phase: 'none' } : { phase: 'failed', error },
      });
    }
  }

  function follow() {
    const state = store.get();
    // A painting without a dream would only keep the atlas waiting.
    const dreams = state.draft?.effects.some(({ effect }) => effect === 'dream' || effect === 'zoom');
    const shows = state.page === 'render' || (state.page === 'dream' && dreams);
    const still = shows && state.settings.livePreview ? stillKey(state) : undefined;
    if (still !== wantedStill) {
      wantedStill = still;
      clearTimeout(stillTimer);
      if (still === undefined) stopCurrent();
      else if (state.still.phase === 'none' || state.still.key !== still)
        stillTimer = setTimeout(askStill, stillPauseMs);
    }
    const quote = quoteKey(state);
    if (quote !== wantedQuote) {
      wantedQuote = quote;
      clearTimeout(quoteTimer);
      if (quote !== undefined) quoteTimer = setTimeout(() => void askQuote(), quotePauseMs);
    }
  }

  return {
    follow,
    /** After a reconnection the bridge has forgotten what was asked. */
    again() {
      current = undefined;
      wantedStill = undefined;
      wantedQuote = undefined;
      if (store.get().still.phase === 'asked') store.dispatch({ type: 'still', still: { phase: 'none' } });
      follow();
    },
    /** The machine was measured: what was estimated before may be far off. */
    estimateAgain() {
      wantedQuote = undefined;
      follow();
    },
    /** Paints the frame now, also when stills are not painted by themselves. */
    askNow: askStill,
    onStill(message: Extract<ServerMessage, { type: 'still' }>) {
      if (message.id !== current?.id) return;
      const { key } = current;
      if (message.final) {
        current = undefined;
        store.dispatch({ type: 'still', still: { phase: 'done', key, path: message.path } });
      } else {
        store.dispatch({
          type: 'still',
          still: { phase: 'asked', key, path: message.path, pathKey: key, done: message.done, total: message.total },
        });
      }
    },
    /** A picture that failed after the bridge had begun on it. */
    onError(id: number, error: ErrorJson) {
      if (id !== current?.id) return;
      const { key } = current;
      current = undefined;
      store.dispatch({ type: 'still', still: { phase: 'failed', key, error } });
    },
    close() {
      clearTimeout(stillTimer);
      clearTimeout(quoteTimer);
    },
  };
}
