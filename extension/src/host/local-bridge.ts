import { AppError } from '#protocol/errors';
import { bridgeUrl, httpPaths } from '#protocol/http';
import type { BridgeAddress } from '../bridge/address';
import { homeFolder, type NodeParts } from './node-parts';

/** The address under which nothing answers: the page then says so and offers to start the bridge. */
export const nowhere: BridgeAddress = { base: 'http://127.0.0.1:9', token: '' };

/** What a running bridge wrote for programs of the same user; undefined when there is none. */
export function readBridgeFile(node: NodeParts): BridgeAddress | undefined {
  const file = node.path.join(homeFolder(node), 'bridge.json');
  if (!node.fs.existsSync(file)) return undefined;
  try {
    const { address, token } = JSON.parse(node.fs.readFileSync(file, 'utf8')) as { address?: unknown; token?: unknown };
    return typeof address === 'string' && typeof token === 'string' ? { base: address, token } : undefined;
  } catch {
    // Half written, or not ours: as good as none, and a starting bridge writes it anew.
    return undefined;
  }
}

export type Ask = (url: string) => Promise<{ ok: boolean }>;

/** A bridge that was killed leaves its file behind, so it is asked. */
async function isAlive(address: BridgeAddress, ask: Ask): Promise<boolean> {
  try {
    return (await ask(bridgeUrl(address.base, httpPaths.health, address.token))).ok;
  } catch {
    return false;
  }
}

/** The one in the package; else, as a panel's process has not the PATH of a terminal, the usual places are looked at, too. */
export function findNodeProgram({ fs, path, env, platform }: NodeParts, extensionFolder = ''): string | undefined {
  const name = platform === 'win32' ? 'node.exe' : 'node';
  const folders = [
    ...(env.PATH ?? env.Path ?? '').split(platform === 'win32' ? ';' : ':'),
    ...(platform === 'win32'
      ? [path.join(env.ProgramFiles ?? 'C:\\Program Files', 'nodejs')]
      : ['/opt/homebrew/bin', '/usr/local/bin', '/usr/bin']),
  ];
  const packed = extensionFolder ? [path.join(extensionFolder, 'runtime', name)] : [];
  const places = [env.REVERIE_NODE, ...packed, ...folders.filter(Boolean).map(folder => path.join(folder, name))];
  return places.find(place => place !== undefined && place !== '' && fs.existsSync(place));
}

export type StartOptions = { readonly ask: Ask; readonly waitMs?: number; readonly stepMs?: number };

/**
 * The bridge that runs, or one that is started as a process of its own: it outlives panel and host.
 * @throws AppError BRIDGE_NOT_STARTED
 */
export async function openLocalBridge(
  node: NodeParts,
  extensionFolder: string,
  { ask, waitMs = 20_000, stepMs = 200 }: StartOptions,
): Promise<BridgeAddress> {
  const running = readBridgeFile(node);
  if (running && (await isAlive(running, ask))) return running;
  const program = node.path.join(extensionFolder, 'scripts', 'reverie.mjs');
  if (!node.fs.existsSync(program)) throw new AppError('BRIDGE_NOT_STARTED', { problem: `${program} is missing` });
  const engine = findNodeProgram(node, extensionFolder);
  if (!engine) throw new AppError('BRIDGE_NOT_STARTED', { problem: 'Node.js 20 or later was not found' });
  // Installers unpack without the permission to run; where it cannot be given, starting fails and says why.
  if (engine.startsWith(extensionFolder)) await node.fs.promises.chmod(engine, 0o755).catch(() => undefined);
  let problem: string | undefined;
  const child = node.childProcess.spawn(engine, [program, 'serve'], {
    detached: true,
    stdio: 'ignore',
    cwd: extensionFolder,
    windowsHide: true,
  });
  child.on('error', error => (problem = error.message));
  child.on('exit', code => (problem ??= `it ended with status ${code}`));
  child.unref();
  for (let waited = 0; waited < waitMs && problem === undefined; waited += stepMs) {
    await new Promise(resolve => setTimeout(resolve, stepMs));
    const address = readBridgeFile(node);
    if (address && (await isAlive(address, ask))) return address;
  }
  throw new AppError('BRIDGE_NOT_STARTED', { problem: problem ?? `it did not answer within ${waitMs / 1000} s` });
}
