import { gunzipSync } from 'fflate';
import { AppError } from '#protocol/errors';
import type { HostFiles } from './host-files';

/** NICK + H264, the class of stock H.264 presets; QuickTime's folders hold presets of the same names. */
const h264Folder = '4E49434B_48323634';
/** By preference; the names are translated in some versions, so any preset of the folder is better than none. */
const wanted = [/match source.*high/i, /match source.*medium/i, /match source/i];

export type PresetFiles = Pick<HostFiles, 'join' | 'open'> & {
  /** Names in a folder; none where there is no such folder. */
  list(folder: string): Promise<readonly string[]>;
};

/** Folders that hold the stock presets, seen from the application's own place ('' where the host does not tell it). */
export function presetFolders({ join }: Pick<HostFiles, 'join'>, platform: string, applicationPath: string): string[] {
  const bundle = /^(.*?\.app)(\/|$)/.exec(applicationPath);
  const own = bundle ? [join(bundle[1], 'Contents')] : [applicationPath, join(applicationPath, '..')];
  const roots = applicationPath ? own : [];
  const shops = platform === 'darwin' ? '/Applications' : 'C:\\Program Files\\Adobe';
  const years = ['2026', '2025', '2024', '2023', '2022'];
  for (const year of years) {
    for (const product of ['Adobe Premiere Pro', 'Adobe Media Encoder']) {
      const folder = `${product} ${year}`;
      roots.push(platform === 'darwin' ? join(shops, folder, `${folder}.app`, 'Contents') : join(shops, folder));
    }
  }
  return roots.map(root => join(root, 'MediaIO', 'systempresets', h264Folder));
}

/** Folders in which a person keeps presets of their own. */
async function ownFolders(files: PresetFiles, home: string): Promise<string[]> {
  const encoder = files.join(home, 'Documents', 'Adobe', 'Adobe Media Encoder');
  const versions = [...(await files.list(encoder))].sort().reverse();
  return [
    ...versions.map(version => files.join(encoder, version, 'Presets')),
    files.join(home, 'AppData', 'Roaming', 'Adobe', 'Common', 'AME', '7.0', 'Presets'),
  ];
}

/** The presets in a folder by preference, without those that ignore the path that they are given. */
async function presetsIn(files: PresetFiles, folder: string): Promise<string[]> {
  const names = (await files.list(folder)).filter(name => /\.epr$/i.test(name)).sort();
  const ranked = [...new Set([...wanted.flatMap(pattern => names.filter(name => pattern.test(name))), ...names])];
  const paths = ranked.map(name => files.join(folder, name));
  const usable = await Promise.all(paths.map(path => isUsable(files, path)));
  return paths.filter((_, index) => usable[index]);
}

/**
 * A preset that renders to a path of ours: the remembered one, else the stock H.264 "Match Source - High bitrate".
 * @throws AppError EXPORT_PRESET_MISSING, naming where it was looked for
 */
export async function findPreset(
  files: PresetFiles,
  platform: string,
  applicationPath: string,
  remembered: string | undefined,
): Promise<string> {
  const tried: string[] = [];
  if (remembered) {
    if (await isUsable(files, remembered)) return remembered;
    tried.push(remembered);
  }
  for (const folder of presetFolders(files, platform, applicationPath)) {
    tried.push(folder);
    const [best] = await presetsIn(files, folder);
    if (best) return best;
  }
  throw new AppError('EXPORT_PRESET_MISSING', { tried: tried.slice(0, 3).join(', ') });
}

/** All that are fit: a person's own first, then those of the first installation that has any. */
export async function listPresets(
  files: PresetFiles,
  platform: string,
  applicationPath: string,
  home: string,
): Promise<string[]> {
  const own = await Promise.all((await ownFolders(files, home)).map(folder => presetsIn(files, folder)));
  for (const folder of presetFolders(files, platform, applicationPath)) {
    const stock = await presetsIn(files, folder);
    if (stock.length > 0) return [...own.flat(), ...stock];
  }
  return own.flat();
}

/** @throws AppError EXPORT_PRESET_UNFIT */
export async function checkPreset(files: PresetFiles, path: string): Promise<void> {
  const unfit = (problem: string) => new AppError('EXPORT_PRESET_UNFIT', { path, problem });
  if (!/\.epr$/i.test(path)) throw unfit('it is no .epr file');
  if (!(await isUsable(files, path))) throw unfit('it cannot be read, or it ignores the path that it is given');
}

/** A preset with the destination "same as project" ignores the path that it is given. Presets may be gzipped. */
async function isUsable(files: PresetFiles, file: string): Promise<boolean> {
  let bytes: Uint8Array;
  try {
    const source = await files.open(file);
    bytes = await source.read(0, source.sizeBytes);
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = gunzipSync(bytes);
  } catch {
    // Gone, locked or damaged: not usable, and the next one is looked at.
    return false;
  }
  return bytes.length > 0 && !includesAscii(bytes, 'SameAsProject');
}

/** Without TextDecoder, which UXP has not. */
function includesAscii(bytes: Uint8Array, word: string): boolean {
  const codes = [...word].map(letter => letter.charCodeAt(0));
  for (let at = bytes.indexOf(codes[0]); at >= 0; at = bytes.indexOf(codes[0], at + 1)) {
    if (codes.every((code, index) => bytes[at + index] === code)) return true;
  }
  return false;
}
