import { toAppError, type ErrorJson } from '#protocol/errors';
import type { ServerMessage } from '#protocol/messages';
import type { Connection } from '../bridge/connection';
import type { AtlasTile } from './state';
import type { Store } from './store';

/**
 * The pictures of a net's layers, which come one by one. After a broken line `resume` asks again, and what was made
 * before comes at once.
 */
export function createAtlasViewer(store: Store, connection: Connection) {
  let current: number | undefined;

  function show(net: string, channelsOf?: string) {
    stop();
    ask(net, channelsOf, []);
  }

  function ask(net: string, channelsOf: string | undefined, tiles: readonly AtlasTile[]) {
    store.dispatch({ type: 'atlas', atlas: { phase: 'coming', net, channelsOf, tiles, done: 0, total: 0 } });
    const { id, reply } = connection.start('atlas', { net, channelsOf });
    current = id;
    reply
      .then(({ job }) => {
        const { atlas } = store.get();
        if (current === id && (atlas.phase === 'coming' || atlas.phase === 'done'))
          store.dispatch({ type: 'atlas', atlas: { ...atlas, job } });
      })
      .catch(thrown => {
        if (current === id)
          store.dispatch({ type: 'atlas', atlas: { phase: 'failed', net, error: toAppError(thrown).toJSON() } });
      });
  }

  function stop() {
    const { atlas } = store.get();
    if (current !== undefined && atlas.phase === 'coming') {
      connection.request('still-stop', { still: current }).catch(() => undefined);
      store.dispatch({ type: 'atlas', atlas: { ...atlas, phase: 'done' } });
    }
    current = undefined;
  }

  return {
    show,
    stop,
    resume() {
      const { atlas } = store.get();
      if (atlas.phase === 'coming') ask(atlas.net, atlas.channelsOf, atlas.tiles);
    },
    onError(id: number, error: ErrorJson) {
      const { atlas } = store.get();
      if (id === current && atlas.phase === 'coming')
        store.dispatch({ type: 'atlas', atlas: { phase: 'failed', net: atlas.net, error } });
    },
    onTile(message: Extract<ServerMessage, { type: 'atlas-tile' }>) {
      const { atlas } = store.get();
      if (message.id !== current || atlas.phase !== 'coming') return;
      const tile = { layer: message.layer, channels: message.channels, path: message.path };
      const at = atlas.tiles.findIndex(each => each.layer === tile.layer);
      // A tile may come again, sharper.
      const tiles = at === -1 ? [...atlas.tiles, tile] : atlas.tiles.map((each, index) => (index === at ? tile : each));
      store.dispatch({
        type: 'atlas',
        atlas: {
          ...atlas,
          tiles,
          done: message.done,
          total: message.total,
          phase: message.done >= message.total ? 'done' : 'coming',
        },
      });
    },
  };
}
