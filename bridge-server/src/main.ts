import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '#protocol/errors';
import { openShelf } from './cli/open-core';
import { isRunning, type ProcessIdentity } from './jobs/process-identity';
import { openBridge, type Bridge, type BridgeOptions } from './server/bridge';
import { createBridgeCore, type BridgeCore, type CoreOptions } from './server/core';
import { openHome, type Home } from './server/home';
import { sweepContent } from './server/sweep';
import { assetFolder } from './worker/find-assets';

export type StartOptions = Partial<Omit<BridgeOptions, 'core'>> & Partial<Omit<CoreOptions, 'adopt'>>;

export type RunningBridge = Bridge & { readonly core: BridgeCore };

/** The built panel: beside the programs when built, in `dist/` when run from the sources. */
function panelFolder(): string {
  const beside = join(__dirname, '../panel');
  return existsSync(join(beside, 'index.html')) ? beside : join(__dirname, '../../dist/panel');
}

/** The bridge that serves this home already, if there is one. */
export function findRunningBridge(
  home: Home,
): { readonly address: string; readonly token: string; readonly pid: number } | undefined {
  try {
    const found = JSON.parse(readFileSync(home.bridgeFile, 'utf8')) as ProcessIdentity & {
      address: string;
      token: string;
    };
    return found.pid !== process.pid && isRunning(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Pictures of bridges that are gone. */
function sweepTemporary(home: Home): void {
  mkdirSync(home.temporary, { recursive: true });
  for (const name of readdirSync(home.temporary)) {
    if (!isRunning({ pid: Number(name) || 0 }) || !/^\d+$/.test(name))
      rmSync(join(home.temporary, name), { recursive: true, force: true });
  }
}

/**
 * The bridge process: nets, jobs, sockets. Unfinished jobs of an ended bridge go on at once.
 * @throws AppError USAGE when a bridge runs for this home already, when the port is taken, or for plain HTTP off the loopback
 */
export async function startBridge(options: StartOptions = {}): Promise<RunningBridge> {
  const home = openHome(options.home);
  const running = findRunningBridge(home);
  if (running)
    throw new AppError('USAGE', { problem: `A bridge runs already at ${running.address} (process ${running.pid}).` });
  sweepTemporary(home);
  const core = createBridgeCore({
    ...options,
    home: home.root,
    nets: options.nets ?? (await openShelf()),
    adopt: true,
  });
  try {
    const bridge = await openBridge({
      ...options,
      core,
      panel: options.panel ?? panelFolder(),
      painters: options.painters ?? assetFolder('painters'),
    });
    const log = options.log ?? (() => undefined);
    const sweep = () => void sweepContent(core).catch(error => log(`clearing up: ${String(error)}`));
    sweep();
    const sweeper = setInterval(sweep, 6 * 3600 * 1000);
    sweeper.unref();
    return {
      ...bridge,
      core,
      async close() {
        clearInterval(sweeper);
        await bridge.close();
        await core.close();
      },
    };
  } catch (error) {
    await core.close();
    throw error;
  }
}
