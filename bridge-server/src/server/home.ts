import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folders of one installation. `REVERIE_HOME` moves them all. */
export type Home = {
  readonly root: string;
  readonly jobs: string;
  readonly clips: string;
  readonly images: string;
  readonly sounds: string;
  readonly nets: string;
  readonly presets: string;
  readonly uploads: string;
  /** Pictures of stills and atlases; emptied at each start. */
  readonly temporary: string;
  /** Address and token of the running bridge, for programs of the same user. */
  readonly bridgeFile: string;
  readonly machineFile: string;
  readonly settingsFile: string;
};

export function defaultHome(env: NodeJS.ProcessEnv = process.env): string {
  if (env.REVERIE_HOME) return env.REVERIE_HOME;
  if (process.platform === 'win32') return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'Reverie');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Reverie');
  return join(env.XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'reverie');
}

/** Makes the folders, readable by their owner alone: clips and results are private. */
export function openHome(root = defaultHome()): Home {
  const home: Home = {
    root,
    jobs: join(root, 'jobs'),
    clips: join(root, 'clips'),
    images: join(root, 'images'),
    sounds: join(root, 'sounds'),
    nets: join(root, 'nets'),
    presets: join(root, 'presets'),
    uploads: join(root, 'uploads'),
    temporary: join(root, 'temporary'),
    bridgeFile: join(root, 'bridge.json'),
    machineFile: join(root, 'machine.json'),
    settingsFile: join(root, 'settings.json'),
  };
  for (const folder of [
    home.root,
    home.jobs,
    home.clips,
    home.images,
    home.sounds,
    home.nets,
    home.presets,
    home.uploads,
    home.temporary,
  ]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }
  return home;
}
