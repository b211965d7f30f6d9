import { AppError } from '#protocol/errors';
import type { NodeParts } from './node-parts';

/** NICK + H264, the class of stock H.264 presets; QuickTime's folders hold presets of the same names. */
const h264Folder = '4E49434B_48323634';
/** By preference; the names are translated in some versions, so any preset of the folder is better than none. */
const wanted = [/match source.*high/i, /match source.*medium/i, /match source/i];

/** Folders that hold the stock presets, seen from the application's own place. */
export function presetFolders(node: Pick<NodeParts, 'path' | 'platform'>, applicationPath: string): string[] {
  const { path, platform } = node;
  const bundle = /^(.*?\.app)(\/|$)/.exec(applicationPath);
  const own = bundle ? [path.join(bundle[1], 'Contents')] : [applicationPath, path.dirname(applicationPath)];
  const roots = applicationPath ? own : [];
  const shops = platform === 'darwin' ? '/Applications' : 'C:\\Program Files\\Adobe';
  const years = ['2026', '2025', '2024', '2023', '2022'];
  for (const year of years) {
    for (const product of ['Adobe Premiere Pro', 'Adobe Media Encoder']) {
      const folder = `${product} ${year}`;
      roots.push(
        platform === 'darwin' ? path.join(shops, folder, `${folder}.app`, 'Contents') : path.join(shops, folder),
      );
    }
  }
  return roots.map(root => path.join(root, 'MediaIO', 'systempresets', h264Folder));
}

/**
 * A preset that renders to a path of ours: the remembered one, else the stock H.264 "Match Source - High bitrate".
 * @throws AppError EXPORT_PRESET_MISSING, naming where it was looked for
 */
export function findPreset(node: NodeParts, applicationPath: string, remembered: string | undefined): string {
  const { fs, path } = node;
  const tried: string[] = [];
  if (remembered) {
    if (isUsable(node, remembered)) return remembered;
    tried.push(remembered);
  }
  for (const folder of presetFolders(node, applicationPath)) {
    tried.push(folder);
    if (!fs.existsSync(folder)) continue;
    const names = fs
      .readdirSync(folder)
      .filter(name => /\.epr$/i.test(name))
      .sort();
    const ranked = [...wanted.flatMap(pattern => names.filter(name => pattern.test(name))), ...names];
    const found = ranked.map(name => path.join(folder, name)).find(file => isUsable(node, file));
    if (found) return found;
  }
  throw new AppError('EXPORT_PRESET_MISSING', { tried: tried.slice(0, 3).join(', ') });
}

/** A preset with the destination "same as project" ignores the path that it is given. Presets may be gzipped. */
function isUsable({ fs, zlib }: NodeParts, file: string): boolean {
  if (!fs.existsSync(file)) return false;
  const bytes = fs.readFileSync(file);
  const text =
    bytes[0] === 0x1f && bytes[1] === 0x8b ? zlib.gunzipSync(bytes).toString('utf8') : bytes.toString('utf8');
  return text.length > 0 && !text.includes('SameAsProject');
}
