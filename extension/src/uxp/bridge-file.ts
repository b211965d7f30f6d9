import type { BridgeAddress } from '../bridge/address';
import type { PlugInFiles } from './files';

/** Where an installation keeps everything, as the server decides it; UXP tells no environment, so `REVERIE_HOME` cannot count. */
export function homeFolder({ join }: PlugInFiles, platform: string, userHome: string): string {
  if (platform.startsWith('win')) return join(userHome, 'AppData', 'Local', 'Reverie');
  if (platform === 'darwin') return join(userHome, 'Library', 'Application Support', 'Reverie');
  return join(userHome, '.local', 'share', 'reverie');
}

/** What a running bridge wrote for programs of the same user; on this computer only. */
export async function readBridgeFile(files: PlugInFiles, home: string): Promise<BridgeAddress | undefined> {
  const text = await files.readText(files.join(home, 'bridge.json'));
  try {
    const { address, token } = JSON.parse(text ?? '') as { address?: unknown; token?: unknown };
    const isOurs =
      typeof address === 'string' && typeof token === 'string' && /^http:\/\/127\.0\.0\.1:\d+$/.test(address);
    return isOurs ? { base: address, token } : undefined;
  } catch {
    // Not there, half written, or not ours: as good as none, and a starting bridge writes it anew.
    return undefined;
  }
}

/** The program in the CEP package that starts the bridge; a plug-in may open a file, and start nothing itself. */
export async function findStarter(files: PlugInFiles, platform: string, userHome: string): Promise<string | undefined> {
  const { join } = files;
  const isWindows = platform.startsWith('win');
  const places = isWindows
    ? [join(userHome, 'AppData', 'Roaming'), 'C:\\Program Files (x86)\\Common Files', 'C:\\Program Files\\Common Files']
    : [join(userHome, 'Library', 'Application Support'), '/Library/Application Support'];
  const name = isWindows ? 'Start Reverie.cmd' : 'Start Reverie.command';
  for (const place of places) {
    const file = join(place, 'Adobe', 'CEP', 'extensions', 'org.reverie', name);
    if ((await files.sizeOf(file)) !== undefined) return file;
  }
  return undefined;
}
