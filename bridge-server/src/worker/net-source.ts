import { AppError } from '#protocol/errors';
import { toHalfModel } from '../graph/half-model';
import type { NetSource } from '../pipeline/stage';
import type { DeviceTensor, LoadOptions, Net, Runtime } from '../runtime/runtime';

export type NetCacheOptions = {
  readonly runtime: Runtime;
  /** Serialised nets by catalogue name. */
  readonly bytes: (name: string) => Promise<Uint8Array>;
  /** What a picture is turned into before a net sees it. */
  readonly convention: NetSource['convention'];
  /** Half precision gives right numbers on this device, and pays. */
  readonly half?: boolean;
  /** Compiled nets that may wait for their next use, by the size of their files; memory is a few times that. */
  readonly maxBytes?: number;
  readonly maxNets?: number;
  /** True while memory is short: nets that wait are given back before another one is loaded. */
  readonly memoryIsShort?: () => boolean;
  /** Called after each run: a sign of life while one frame takes minutes. */
  readonly onRun?: () => void;
};

/** Compiled nets for the life of a worker, shared by its tasks. */
export type NetCache = {
  /**
   * What a task's stages get. Runs are refused with CANCELLED as soon as `signal` is aborted: at once for the caller,
   * although onnxruntime finishes the run that it has begun. `end` gives back the tensors that stages left on the device.
   * @param used gathers the catalogue names that were asked for
   */
  open(signal: AbortSignal, used?: Set<string>): { readonly nets: NetSource; end(): void };
  /** Compiled nets at this moment. */
  readonly size: number;
  /** Gives memory back; nets are compiled again when they are needed. */
  clear(): Promise<void>;
};

type Entry = {
  readonly key: string;
  build: () => Promise<Uint8Array>;
  options: LoadOptions;
  mayHalve: boolean;
  loading?: Promise<Net>;
  net?: Net;
  sizeBytes: number;
  /** Runs under way and tensors left on the device: neither survives `dispose`. */
  busy: number;
  readonly kept: Set<number>;
  lastUse: number;
};

/** Tensors that a task's stages keep on the device, with the way to give each back. */
type Left = Map<number, () => void>;

export function createNetCache({
  runtime,
  bytes,
  convention,
  half = false,
  maxBytes = 400e6,
  maxNets = 24,
  memoryIsShort = () => false,
  onRun,
}: NetCacheOptions): NetCache {
  const entries = new Map<string, Entry>();
  let clock = 0;

  const idle = (entry: Entry) => entry.net !== undefined && entry.busy === 0 && entry.kept.size === 0;

  /** @returns how many nets were given back */
  const shrink = async (toBytes: number, toNets: number, except?: Entry): Promise<number> => {
    const oldestFirst = [...entries.values()].filter(entry => entry.net).sort((a, b) => a.lastUse - b.lastUse);
    let count = oldestFirst.length;
    let total = oldestFirst.reduce((sum, entry) => sum + entry.sizeBytes, 0);
    for (const entry of oldestFirst) {
      if (total <= toBytes && count <= toNets) break;
      if (entry === except || !idle(entry)) continue;
      const net = entry.net!;
      entry.net = undefined;
      count--;
      total -= entry.sizeBytes;
      await net.dispose();
    }
    return oldestFirst.length - count;
  };

  /** Nets that wait hold the memory of their last run: a second try without them may fit, and changes no pixel. */
  const withRoom = async <T>(entry: Entry, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.code !== 'OUT_OF_MEMORY' || (await shrink(0, 0, entry)) === 0)
        throw thrown;
      return work();
    }
  };

  const open = (entry: Entry): Promise<Net> => {
    if (entry.net) return Promise.resolve(entry.net);
    entry.loading ??= (async () => {
      try {
        const built = await entry.build();
        const model = (half && entry.mayHalve && toHalfModel(built, entry.key)) || built;
        entry.sizeBytes = model.byteLength;
        if (memoryIsShort()) await shrink(0, 0, entry);
        const net = await withRoom(entry, () => runtime.load(model, entry.options));
        entry.net = net;
        await shrink(maxBytes, maxNets, entry);
        return net;
      } finally {
        entry.loading = undefined;
      }
    })();
    return entry.loading;
  };

  /** A net that outlives its session: evicted while nobody used it, it is compiled again by the next run. */
  const guard = (entry: Entry, first: Net, signal: AbortSignal, left: Left): Net => {
    const stop = () => new AppError('CANCELLED');
    const free = (tensor: DeviceTensor) => {
      left.delete(tensor.id);
      if (entry.kept.delete(tensor.id)) entry.net?.free(tensor);
    };
    return {
      inputs: first.inputs,
      outputs: first.outputs,
      async run(feeds, options) {
        if (signal.aborted) throw stop();
        entry.lastUse = ++clock;
        entry.busy++;
        try {
          const net = await open(entry);
          const running = withRoom(entry, () => net.run(feeds, options)).then(outputs => {
            for (const output of Object.values(outputs)) {
              if (!('device' in output)) continue;
              entry.kept.add(output.id);
              left.set(output.id, () => free(output));
              // Nobody waits for it any more.
              if (signal.aborted) free(output);
            }
            return outputs;
          });
          return await orAborted(running, signal, stop);
        } finally {
          onRun?.();
          entry.busy--;
        }
      },
      read: (tensor: DeviceTensor) => open(entry).then(net => net.read(tensor)),
      free,
      // Shared with later tasks: given back when the cache needs the room.
      dispose: async () => undefined,
    };
  };

  return {
    get size() {
      return [...entries.values()].filter(entry => entry.net).length;
    },
    open(signal, used) {
      const left: Left = new Map();
      // One object per net: stages remember what they found out about a net by the net itself.
      const guards = new Map<string, Net>();
      const nets: NetSource = {
        provider: runtime.provider,
        convention,
        async bytes(name) {
          used?.add(name);
          return bytes(name);
        },
        async compiled(key, build, { mayHalve = false, ...options } = {}) {
          if (signal.aborted) throw new AppError('CANCELLED');
          const known = guards.get(key);
          if (known) return known;
          let entry = entries.get(key);
          if (!entry) {
            entry = {
              key,
              build,
              options: { label: key, ...options },
              mayHalve,
              sizeBytes: 0,
              busy: 0,
              kept: new Set(),
              lastUse: 0,
            };
            entries.set(key, entry);
          }
          // The newest builder: an older one may hold a task's memory.
          entry.build = build;
          entry.lastUse = ++clock;
          entry.busy++;
          try {
            const first = await orAborted(open(entry), signal, () => new AppError('CANCELLED'));
            const guarded = guards.get(key) ?? guard(entry, first, signal, left);
            guards.set(key, guarded);
            return guarded;
          } finally {
            entry.busy--;
          }
        },
      };
      return { nets, end: () => [...left.values()].forEach(free => free()) };
    },
    async clear() {
      await shrink(0, 0);
      for (const [key, entry] of entries) if (!entry.net && entry.busy === 0 && !entry.loading) entries.delete(key);
    },
  };
}

/** The work's answer, or the abort, whichever is first; a late answer is dropped. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal, reason: () => Error): Promise<T> {
  if (signal.aborted) {
    work.catch(() => undefined);
    return Promise.reject(reason());
  }
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(reason());
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
