import { AppError } from '#protocol/errors';
import { sizeOf, type Tensor, type TensorData, type TensorType } from '../frame/tensor';
import { checkFeeds, checkFetch } from './check-feeds';
import type { DeviceTensor, Net, Runtime } from './runtime';
import { readSignature, type Signature } from './tiny-model';

export function zeros(type: TensorType, dims: readonly number[]): Tensor {
  const size = sizeOf(dims);
  const make: Record<TensorType, () => TensorData> = {
    float32: () => new Float32Array(size),
    float16: () => new Uint16Array(size),
    int32: () => new Int32Array(size),
    int64: () => new BigInt64Array(size),
    uint8: () => new Uint8Array(size),
    bool: () => new Uint8Array(size),
  };
  return { type, dims, data: make[type]() };
}

/**
 * Computes nothing: checks names, types and sizes as the real runtime does and answers zeros, so that a pipeline can be
 * tested in milliseconds. A named output dimension takes the size that an input of the run gave it, otherwise 1.
 */
export function createNullRuntime(options: { readonly runMs?: number } = {}): Runtime {
  let next = 1;
  let closed = false;
  return {
    provider: 'cpu',
    refused: [],
    async load(model, { label }): Promise<Net> {
      let signature: Signature;
      try {
        signature = readSignature(model);
      } catch (cause) {
        throw new AppError('NET_LOAD_FAILED', { name: label, problem: (cause as Error).message }, { cause });
      }
      const kept = new Map<number, Tensor>();
      return {
        inputs: signature.inputs,
        outputs: signature.outputs,
        async run(feeds, runOptions = {}) {
          if (closed) throw new AppError('CANCELLED');
          const asked = runOptions.fetch ?? signature.outputs.map(output => output.name);
          const keep = runOptions.keepOnDevice ?? [];
          checkFetch(label, signature.outputs, [...asked, ...keep]);
          const sizes = checkFeeds(label, signature.inputs, feeds);
          if (options.runMs) await new Promise(resolve => setTimeout(resolve, options.runMs));
          const result: Record<string, Tensor | DeviceTensor> = {};
          for (const output of signature.outputs) {
            if (!asked.includes(output.name) && !keep.includes(output.name)) continue;
            const dims = output.dims.map(dim => (typeof dim === 'number' ? dim : (sizes.get(dim) ?? 1)));
            const tensor = zeros(output.type, dims);
            if (keep.includes(output.name)) {
              kept.set(next, tensor);
              result[output.name] = { device: true, id: next++, dims };
            } else result[output.name] = tensor;
          }
          return result;
        },
        async read(tensor) {
          const found = kept.get(tensor.id);
          if (!found)
            throw new AppError('NET_RUN_FAILED', {
              name: label,
              problem: 'a kept tensor was read after it was given back',
            });
          return found;
        },
        free(tensor) {
          kept.delete(tensor.id);
        },
        async dispose() {
          kept.clear();
        },
      };
    },
    async close() {
      closed = true;
    },
  };
}
