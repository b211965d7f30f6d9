import { createNetStore, type NetStore } from '../models/store';
import { openHome } from '../server/home';
import { assetFolder } from '../worker/find-assets';

/** The nets of this installation and of this user. `REVERIE_MIRROR` names a server for closed networks. */
export function openStore(): NetStore {
  return createNetStore({
    embeddedDir: assetFolder('nets'),
    homeDir: openHome().root,
    mirror: process.env.REVERIE_MIRROR,
  });
}
