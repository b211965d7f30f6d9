import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What comes with Reverie and is read at run time: `bridge-server/nets` and `bridge-server/painters`, seen from the
 * sources and from `dist/server`, or folders of these names beside the built programs.
 */
export function assetFolder(name: 'nets' | 'painters'): string {
  const places = ['../..', '../../bridge-server', '.'].map(place => join(__dirname, place, name));
  return places.find(existsSync) ?? places[0];
}
