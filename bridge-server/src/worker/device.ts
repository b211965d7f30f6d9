import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { AppError, toAppError } from '#protocol/errors';
import { createNetStore } from '../models/store';
import { chooseProvider, isProviderName, type Refused } from '../runtime/choose';
import { availableBytes, usableBytes } from '../runtime/memory';
import { createThreadRuntime } from '../runtime/ort';
import type { ProviderName, Runtime } from '../runtime/runtime';
import { assetFolder } from './find-assets';
import { createNetCache, type NetCache } from './net-source';

/** The one device that this process computes on, opened by the first order that needs it. */
export type Device = {
  readonly provider: ProviderName;
  readonly refused: readonly Refused[];
  readonly half: boolean;
  /** Nets for orders whose nets lie in `folder`. @throws AppError PROVIDER_UNAVAILABLE */
  nets(folder: string): NetCache;
  /** Facts about nets by name, for reports. */
  describeNets(folder: string, names: Iterable<string>): Promise<{ name: string; sha256: string; licence: string }[]>;
  close(): Promise<void>;
};

/** Below this share of the memory nothing that merely waits is kept. */
const shortShare = 0.15;
const memoryIsShort = () => availableBytes() < shortShare * usableBytes();

/** Where the answers about this machine's providers are kept. */
export function providerCacheFile(env: NodeJS.ProcessEnv = process.env): string {
  if (env.REVERIE_HOME) return join(env.REVERIE_HOME, 'providers.json');
  const cache =
    process.platform === 'win32'
      ? (env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'))
      : process.platform === 'darwin'
        ? join(homedir(), 'Library', 'Caches')
        : (env.XDG_CACHE_HOME ?? join(homedir(), '.cache'));
  return join(cache, 'reverie', 'providers.json');
}

/**
 * Chooses the provider. A named one that does not work here is not an end: the process lives and every order that
 * computes is answered with the reason.
 */
export async function openDevice(wanted: string, onRun: () => void): Promise<Device> {
  let choice: { provider: ProviderName; refused: readonly Refused[]; half: boolean };
  let problem: AppError | undefined;
  try {
    if (wanted !== 'auto' && !isProviderName(wanted))
      throw new AppError('PROVIDER_UNAVAILABLE', { provider: wanted, problem: 'there is no such provider' });
    choice = await chooseProvider(wanted, { cacheFile: providerCacheFile(), execArgv: process.execArgv });
  } catch (thrown) {
    problem = toAppError(thrown);
    const provider = isProviderName(wanted) ? wanted : 'cpu';
    choice = { provider, refused: [{ provider, reason: problem.message }], half: false };
  }

  let runtime: Runtime | undefined;
  let cache: NetCache | undefined;
  let openFolder = '';
  const store = (folder: string) => createNetStore({ embeddedDir: assetFolder('nets'), homeDir: dirname(folder) });
  return {
    ...choice,
    nets(folder) {
      if (problem) throw problem;
      runtime ??= createThreadRuntime({ provider: choice.provider, refused: choice.refused });
      if (!cache || openFolder !== folder) {
        const nets = store(folder);
        cache = createNetCache({
          runtime,
          half: choice.half,
          memoryIsShort,
          bytes: name => nets.bytes(name),
          convention: async name => (await nets.info(name)).convention,
          onRun,
        });
        openFolder = folder;
      }
      return cache;
    },
    async describeNets(folder, names) {
      const nets = store(folder);
      return Promise.all(
        [...names].map(async name => {
          const { sha256, licence } = await nets.info(name);
          return { name, sha256, licence };
        }),
      );
    },
    async close() {
      await runtime?.close();
    },
  };
}
