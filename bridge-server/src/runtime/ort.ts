import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { AppError } from '#protocol/errors';
import type { Tensor } from '../frame/tensor';
import { checkFeeds, checkFetch } from './check-feeds';
import type { KeptTensor, OrtSessions, SessionSettings } from './ort-sessions';
import type { DeviceTensor, LoadOptions, Net, ProviderName, Runtime } from './runtime';
import type { ThreadAnswer, ThreadData, ThreadRequest } from './thread-messages';
import type { Signature } from './tiny-model';

export type OrtOptions = SessionSettings & {
  readonly refused?: readonly { readonly provider: ProviderName; readonly reason: string }[];
  /** Arguments of node for the thread; its own by default. Tests bring their TypeScript loader in this way. */
  readonly execArgv?: readonly string[];
};

/** The three questions that a runtime asks of whoever holds the sessions: a thread, or this very thread. */
type Sessions = {
  load(net: number, model: Uint8Array, options: LoadOptions): Promise<Signature>;
  run(
    net: number,
    feeds: Readonly<Record<string, Tensor | KeptTensor>>,
    fetch: readonly string[] | undefined,
    keepOnDevice: readonly string[],
    give: readonly string[],
  ): Promise<Record<string, Tensor | KeptTensor>>;
  read(kept: number): Promise<Tensor>;
  free(kept: number): void;
  dispose(net: number): Promise<void>;
  close(): Promise<void>;
};

/**
 * onnxruntime in a thread of its own inside this process. Feeds are copied once on the way (not those in `give`),
 * outputs are handed over without a copy. The thread is never terminated: `close` waits for the run that is under way,
 * and whoever cannot wait ends the process.
 */
export function createThreadRuntime(options: OrtOptions): Runtime {
  return createRuntimeOver(options, openThread(options));
}

/** A way to whoever holds the sessions (`serve-sessions.ts`): a thread, a process. */
export type SessionChannel = {
  /** The buffers in `moved` belong to the other side afterwards. */
  post(request: ThreadRequest, moved: ArrayBuffer[]): void;
  onAnswer(take: (answer: ThreadAnswer) => void): void;
  /** Called once, when no answer will come any more. */
  onEnd(end: (problem: string) => void): void;
  /** While busy, the other side keeps this process alive. */
  setBusy(busy: boolean): void;
};

/** A runtime whose sessions live on the other side of a channel. */
export function createRuntimeOver(options: OrtOptions, channel: SessionChannel): Runtime {
  return createRuntime(options, sessionsOver(channel));
}

/** onnxruntime in the calling thread, which every load and run blocks. For tests and for short programs. */
export async function createInProcessRuntime(options: OrtOptions): Promise<Runtime> {
  const [ort, { OrtSessions: Sessions }] = await Promise.all([import('onnxruntime-node'), import('./ort-sessions')]);
  const sessions: OrtSessions = new Sessions(ort, options);
  return createRuntime(options, sessions);
}

/**
 * Where the thread's program lies: `ort-thread.js` beside the bundle that runs (see `scripts/webpack.server.mjs`), or
 * in a source tree `ort-thread.ts` beside this file, which needs a loader for TypeScript in the process's `execArgv`.
 */
function threadEntry(): string {
  const built = join(__dirname, 'ort-thread.js');
  return existsSync(built) ? built : join(__dirname, 'ort-thread.ts');
}

function openThread({ provider, threads, execArgv }: OrtOptions): SessionChannel {
  const workerData: ThreadData = { settings: { provider, threads } };
  const thread = new Worker(threadEntry(), { workerData, ...(execArgv ? { execArgv: [...execArgv] } : {}) });
  // Idle, the thread does not keep the process alive; while an answer is awaited it does.
  thread.unref();
  return {
    post: (request, moved) => thread.postMessage(request, moved),
    onAnswer: take => void thread.on('message', take),
    onEnd(end) {
      thread.on('error', error => end(`its thread ended: ${error.message}`));
      thread.on('exit', () => end('its thread has ended'));
    },
    setBusy: busy => (busy ? thread.ref() : thread.unref()),
  };
}

type Body = ThreadRequest extends infer R ? (R extends ThreadRequest ? Omit<R, 'id'> : never) : never;
type Answered = Extract<ThreadAnswer, { ok: true }>;

function sessionsOver(channel: SessionChannel): Sessions {
  const waiting = new Map<number, { resolve(answer: Answered): void; reject(reason: unknown): void }>();
  let nextId = 1;
  let ended: AppError | undefined;
  let tellEnd: () => void;
  const gone = new Promise<void>(resolve => (tellEnd = resolve));

  channel.onEnd(problem => {
    ended ??= new AppError('NET_RUN_FAILED', { name: 'onnxruntime', problem });
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
    tellEnd();
  });
  channel.onAnswer(answer => {
    const asked = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (waiting.size === 0) channel.setBusy(false);
    if (answer.ok) asked?.resolve(answer);
    else asked?.reject(AppError.from(answer.error));
  });

  const ask = (body: Body, moved: ArrayBuffer[] = []): Promise<Answered> => {
    if (ended) return Promise.reject(ended);
    const id = nextId++;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      channel.setBusy(true);
      channel.post({ id, ...body }, moved);
    });
  };

  return {
    async load(net, model, loadOptions) {
      const own = model.slice();
      const { signature } = await ask({ do: 'load', net, model: own, options: loadOptions }, [own.buffer]);
      return signature!;
    },
    async run(net, feeds, fetch, keepOnDevice, give) {
      const moved = new Set<ArrayBuffer>();
      const sent: Record<string, Tensor | KeptTensor> = {};
      for (const [name, fed] of Object.entries(feeds)) {
        if ('kept' in fed) {
          sent[name] = fed;
          continue;
        }
        const whole = fed.data.byteLength === fed.data.buffer.byteLength;
        const data = give.includes(name) && whole ? fed.data : fed.data.slice();
        moved.add(data.buffer as ArrayBuffer);
        sent[name] = { type: fed.type, dims: fed.dims, data };
      }
      const { outputs } = await ask({ do: 'run', net, feeds: sent, fetch, keepOnDevice }, [...moved]);
      return outputs!;
    },
    async read(kept) {
      return (await ask({ do: 'read', kept })).tensor!;
    },
    free(kept) {
      ask({ do: 'free', kept }).catch(() => undefined); // the other side has ended, and the tensor with it
    },
    async dispose(net) {
      if (!ended) await ask({ do: 'dispose', net });
    },
    async close() {
      if (ended) return;
      await ask({ do: 'close' });
      channel.setBusy(true);
      await gone;
    },
  };
}

function createRuntime(options: OrtOptions, sessions: Sessions): Runtime {
  let nextNet = 1;
  let closed = false;
  return {
    provider: options.provider,
    refused: options.refused ?? [],
    async load(model, loadOptions): Promise<Net> {
      if (closed) throw new AppError('CANCELLED');
      const id = nextNet++;
      const { label } = loadOptions;
      const signature = await sessions.load(id, model, loadOptions);
      return {
        inputs: signature.inputs,
        outputs: signature.outputs,
        async run(feeds, { fetch, keepOnDevice = [], give = [] } = {}) {
          if (closed) throw new AppError('CANCELLED');
          checkFetch(label, signature.outputs, [...(fetch ?? []), ...keepOnDevice]);
          checkFeeds(label, signature.inputs, feeds);
          const sent: Record<string, Tensor | KeptTensor> = {};
          for (const [name, fed] of Object.entries(feeds))
            sent[name] = 'device' in fed ? { kept: fed.id, dims: fed.dims } : fed;
          const outputs = await sessions.run(id, sent, fetch, keepOnDevice, give);
          const result: Record<string, Tensor | DeviceTensor> = {};
          for (const [name, output] of Object.entries(outputs)) {
            result[name] = 'kept' in output ? { device: true, id: output.kept, dims: output.dims } : output;
          }
          return result;
        },
        read: tensor => sessions.read(tensor.id),
        free: tensor => sessions.free(tensor.id),
        dispose: () => sessions.dispose(id),
      };
    },
    async close() {
      if (closed) return;
      closed = true;
      await sessions.close();
    },
  };
}
