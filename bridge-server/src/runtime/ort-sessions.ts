import type * as Ort from 'onnxruntime-node';
import { AppError } from '#protocol/errors';
import type { Tensor, TensorData, TensorType } from '../frame/tensor';
import type { LoadOptions, ProviderName, TensorInfo } from './runtime';
import { largestPicture, readSignature, writeTinyModel, type Signature } from './tiny-model';

/** A kept tensor as the side that holds the sessions names it. */
export type KeptTensor = { readonly kept: number; readonly dims: readonly number[] };
export type SessionSettings = {
  readonly provider: ProviderName;
  /** Threads of one net on the CPU; 0 or absent lets onnxruntime choose. */
  readonly threads?: number;
};

/** One provider at a time: a list hides which one ran, and a misspelt name is dropped silently. */
export function executionProviders(provider: ProviderName): Ort.InferenceSession.ExecutionProviderConfig[] {
  switch (provider) {
    case 'webgpu':
      // NHWC computes some 3x3 convolutions wrongly (input channels 6, 9, 15 ...; upstream issue 29651), and 1x1
      // convolutions with a bias and fewer than 8 channels on both sides. NCHW does neither; of the second kind there
      // remain, with fewer than 8 input channels, pictures of 2, 4 or 6 pixels (found by trying; no net here has them).
      return [{ name: 'webgpu', preferredLayout: 'NCHW' } as Ort.InferenceSession.ExecutionProviderConfig];
    case 'tensorrt':
      return ['tensorrt', 'cuda', 'cpu'];
    case 'cuda':
    case 'dml':
    case 'coreml':
      return [provider, 'cpu'];
    case 'cpu':
      return ['cpu'];
  }
}

/** What onnxruntime and its providers say when an allocation fails; they have no code for it. */
const memoryWords =
  /bad.?alloc|failed to allocate|out of memory|OUT_OF_MEMORY|not enough memory|AllocateRawInternal|E_OUTOFMEMORY|Buffer allocation failed/i;

type Loaded = {
  readonly session: Ort.InferenceSession;
  readonly signature: Signature;
  readonly label: string;
  readonly keep: ReadonlySet<string>;
};

/**
 * The sessions of one device in the thread that computes. Every call here blocks its thread: `ort-thread.ts` gives it
 * one of its own, tests may call it directly.
 */
export class OrtSessions {
  private readonly nets = new Map<number, Loaded>();
  private readonly kept = new Map<number, Ort.Tensor>();
  private readonly readers = new Map<string, Promise<Ort.InferenceSession>>();
  private nextKept = 1;

  constructor(
    private readonly ort: typeof Ort,
    private readonly settings: SessionSettings,
  ) {}

  /** @throws AppError NET_LOAD_FAILED, OUT_OF_MEMORY */
  async load(id: number, model: Uint8Array, options: LoadOptions): Promise<Signature> {
    let signature: Signature;
    try {
      signature = readSignature(model);
    } catch (cause) {
      throw new AppError('NET_LOAD_FAILED', { name: options.label, problem: (cause as Error).message }, { cause });
    }
    const picture = largestPicture(signature);
    const keep = new Set(this.settings.provider === 'webgpu' ? (options.keepOnDevice ?? []) : []);
    try {
      const session = await this.ort.InferenceSession.create(model, {
        executionProviders: executionProviders(this.settings.provider),
        graphOptimizationLevel: options.graphOptimization ?? 'all',
        // Allocates a second full set of buffers at the second run and gains nothing (engine reference, section 2).
        enableMemPattern: false,
        enableCpuMemArena: options.keepMemory ?? true,
        ...(this.settings.threads ? { intraOpNumThreads: this.settings.threads } : {}),
        interOpNumThreads: 1,
        logSeverityLevel: 4,
        ...(keep.size > 0
          ? {
              preferredOutputLocation: Object.fromEntries(
                signature.outputs.map(output => [output.name, keep.has(output.name) ? 'gpu-buffer' : 'cpu'] as const),
              ),
            }
          : {}),
      });
      this.nets.set(id, { session, signature, label: options.label, keep });
      return signature;
    } catch (cause) {
      throw failure('NET_LOAD_FAILED', options.label, picture, cause);
    }
  }

  /** @throws AppError OUT_OF_MEMORY, NET_RUN_FAILED */
  async run(
    id: number,
    feeds: Readonly<Record<string, Tensor | KeptTensor>>,
    fetch: readonly string[] | undefined,
    keepOnDevice: readonly string[],
  ): Promise<Record<string, Tensor | KeptTensor>> {
    const net = this.find(id);
    try {
      const inputs: Record<string, Ort.Tensor> = {};
      for (const [name, fed] of Object.entries(feeds))
        inputs[name] = 'kept' in fed ? this.keptTensor(fed.kept) : this.toOrt(fed);
      const asked = fetch ? [...new Set([...fetch, ...keepOnDevice])] : undefined;
      const outputs = asked ? await net.session.run(inputs, asked) : await net.session.run(inputs);
      const result: Record<string, Tensor | KeptTensor> = {};
      for (const [name, output] of Object.entries(outputs)) {
        if (keepOnDevice.includes(name)) {
          this.kept.set(this.nextKept, output);
          result[name] = { kept: this.nextKept++, dims: [...output.dims] };
        } else if (output.location === 'cpu') {
          result[name] = fromOrt(output);
        } else {
          result[name] = await this.readBack(output);
          output.dispose();
        }
      }
      return result;
    } catch (cause) {
      throw failure('NET_RUN_FAILED', net.label, pictureOf(feeds), cause);
    }
  }

  /** @throws AppError NET_RUN_FAILED */
  async read(kept: number): Promise<Tensor> {
    const tensor = this.keptTensor(kept);
    if (tensor.location === 'cpu') return fromOrt(tensor);
    try {
      return await this.readBack(tensor);
    } catch (cause) {
      throw failure('NET_RUN_FAILED', 'read back', { width: 0, height: 0 }, cause);
    }
  }

  free(kept: number): void {
    this.kept.get(kept)?.dispose();
    this.kept.delete(kept);
  }

  async dispose(id: number): Promise<void> {
    const net = this.nets.get(id);
    this.nets.delete(id);
    await net?.session.release();
  }

  async close(): Promise<void> {
    for (const id of [...this.kept.keys()]) this.free(id);
    for (const id of [...this.nets.keys()]) await this.dispose(id);
    for (const reader of this.readers.values()) await (await reader).release();
    this.readers.clear();
  }

  private find(id: number): Loaded {
    const net = this.nets.get(id);
    if (!net)
      throw new AppError('NET_RUN_FAILED', { name: `#${id}`, problem: 'it was used after it had been disposed of' });
    return net;
  }

  private keptTensor(kept: number): Ort.Tensor {
    const tensor = this.kept.get(kept);
    if (!tensor)
      throw new AppError('NET_RUN_FAILED', {
        name: `tensor #${kept}`,
        problem: 'it was used after it had been given back',
      });
    return tensor;
  }

  private toOrt(tensor: Tensor): Ort.Tensor {
    return new this.ort.Tensor(tensor.type as 'float32', tensor.data as Float32Array, tensor.dims);
  }

  /** `getData()` on a device tensor aborts the process (engine reference, section 9): a net of one Identity brings it back. */
  private async readBack(tensor: Ort.Tensor): Promise<Tensor> {
    const type = tensor.type as TensorType;
    const key = `${type}/${tensor.dims.length}`;
    let reader = this.readers.get(key);
    if (!reader) {
      const info = (name: string): TensorInfo => ({ name, type, dims: tensor.dims.map((_, axis) => `d${axis}`) });
      const model = writeTinyModel({
        inputs: [info('x')],
        outputs: [info('y')],
        nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
      });
      reader = this.ort.InferenceSession.create(model, {
        executionProviders: executionProviders(this.settings.provider),
        enableMemPattern: false,
        logSeverityLevel: 4,
      });
      this.readers.set(key, reader);
    }
    const { y } = await (await reader).run({ x: tensor });
    return fromOrt(y);
  }
}

function fromOrt(tensor: Ort.Tensor): Tensor {
  return { type: tensor.type as TensorType, dims: [...tensor.dims], data: tensor.data as TensorData };
}

function pictureOf(feeds: Readonly<Record<string, { readonly dims: readonly number[] }>>): {
  width: number;
  height: number;
} {
  let largest = { width: 0, height: 0 };
  for (const { dims } of Object.values(feeds)) {
    const [height, width] = dims.slice(-2);
    if (dims.length === 4 && width * height > largest.width * largest.height) largest = { width, height };
  }
  return largest;
}

function failure(
  code: 'NET_LOAD_FAILED' | 'NET_RUN_FAILED',
  label: string,
  picture: { width: number; height: number },
  cause: unknown,
): AppError {
  if (cause instanceof AppError) return cause;
  const problem = cause instanceof Error ? cause.message : String(cause);
  if (memoryWords.test(problem)) return new AppError('OUT_OF_MEMORY', { ...picture, name: label }, { cause });
  return new AppError(code, { name: label, problem }, { cause });
}
