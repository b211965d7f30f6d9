import type { TriggerHost } from '#protocol/messages';
import type { Connection } from '../bridge/connection';
import type { Host } from '../host/host';
import type { AppState } from './state';
import type { Store } from './store';

const hostNames: Readonly<Record<Host['name'], TriggerHost>> = {
  file: 'browser',
  'premiere-cep': 'premiere',
  'premiere-uxp': 'premiere',
  'aftereffects-cep': 'aftereffects',
};

/** Tells the bridge that a person has turned to this panel, and whether there is something to stylize: of several, one is triggered. */
export function createAttention({ store, connection, host }: { store: Store; connection: Connection; host: Host }) {
  const isMarked = ({ selection, source }: AppState) =>
    host.capabilities.range === 'timeline' ? selection.range !== undefined : source.phase === 'ready';
  let told: boolean | undefined;

  function tell() {
    const state = store.get();
    if (state.connection.status !== 'open') return;
    told = isMarked(state);
    // A connection that is lost meanwhile tells anew when it is back.
    connection.request('attend', { host: hostNames[host.name], marked: told }).catch(() => undefined);
  }
  return {
    tell,
    /** What is marked has come or gone. */
    follow() {
      if (told !== undefined && told !== isMarked(store.get())) tell();
    },
  };
}
