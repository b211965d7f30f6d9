import type { BridgeCore } from '../server/core';
import { createBridgeCore } from '../server/core';
import { openHome } from '../server/home';
import type { NetShelf } from '../server/nets';
import { openStore } from './open-store';

export type OpenOptions = { readonly adopt?: boolean; readonly workers?: number };

/** The store as the bridge wants it: hashes are known without waiting, and known anew after an import. */
export async function openShelf(): Promise<NetShelf> {
  const store = openStore();
  let hashes = await store.hashes();
  return {
    list: () => store.list(),
    hashes: () => hashes,
    async importFile(path, name, styleNet) {
      const { record } = await store.importFile(path, name, { styleNet });
      hashes = await store.hashes();
      return record;
    },
  };
}

/** The bridge without sockets, in this process: what every command that renders works with. */
export async function openCore(options: OpenOptions = {}): Promise<BridgeCore> {
  return createBridgeCore({ home: openHome().root, nets: await openShelf(), ...options });
}

/** Runs `work` with an open core and closes it whatever happens. */
export async function withCore<T>(work: (core: BridgeCore) => Promise<T>, options: OpenOptions = {}): Promise<T> {
  const core = await openCore(options);
  try {
    return await work(core);
  } finally {
    await core.close();
  }
}
