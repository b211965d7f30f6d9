import { createContext, useContext, useSyncExternalStore } from 'react';
import type { Session } from './session';
import type { AppState } from './state';
import type { Store } from './store';

export const SessionContext = createContext<{ readonly session: Session; readonly store: Store } | undefined>(
  undefined,
);

function useParts() {
  const parts = useContext(SessionContext);
  if (!parts) throw new Error('a screen was mounted outside the panel');
  return parts;
}

export function useSession(): Session {
  return useParts().session;
}

/** A part of the state; the component is drawn again only when that part is another. */
export function useApp<T>(select: (state: AppState) => T): T {
  const { store } = useParts();
  return useSyncExternalStore(store.subscribe, () => select(store.get()));
}
