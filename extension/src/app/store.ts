import { initialState, reduceApp, type Action, type AppState } from './state';

export type Store = {
  get(): AppState;
  dispatch(action: Action): void;
  subscribe(listener: () => void): () => void;
};

/** The one store: everything that a screen shows, changed by `reduceApp` alone. */
export function createStore(initial: AppState = initialState): Store {
  let state = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => state,
    dispatch(action) {
      const next = reduceApp(state, action);
      if (next === state) return;
      state = next;
      for (const listener of [...listeners]) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
