import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * What comes with Reverie and is read at run time (nets, painters): `bridge-server/<name>` below the folder that
 * Reverie was installed to, found upward from here: the same from the sources, from `dist/server/` and from a
 * packaged extension.
 */
export function assetFolder(name: 'nets' | 'painters'): string {
  for (let folder = __dirname; ; folder = dirname(folder)) {
    const place = join(folder, 'bridge-server', name);
    if (existsSync(place) || dirname(folder) === folder) return place;
  }
}
