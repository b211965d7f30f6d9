import { unzipSync } from 'fflate';
import { AppError } from '#protocol/errors';
import { sizeOf } from '../frame/tensor';
import { damagedNet, unsupportedNet } from './imported-net';
import { PickleError, readPickle, type PickledCall } from './pickle';

export type TorchTensor = { readonly dims: readonly number[]; readonly data: Float32Array };

/** Where a tensor's numbers lie, as the pickle names it. */
type StorageRef = { readonly storage: string; readonly type: string; readonly count: number };

const zipMark = 0x04034b50;
/** First object in files of before PyTorch 1.6 (torch/serialization.py). */
const legacyMagic = 0x1950a86a20f9469cfc6cn;
const limits = { rank: 8, entries: 100_000 };

/**
 * Reads the tensors of a PyTorch file of weights, zipped (since 1.6) or not. Nothing in it is run. A `module.` before
 * every name, from training on several devices, is left out.
 * @throws AppError NET_UNKNOWN_FORMAT, NET_DAMAGED, NET_UNSUPPORTED
 * Source: torch/serialization.py.
 */
export function parseTorch(bytes: Uint8Array, net: string): Map<string, TorchTensor> {
  try {
    const isZip = bytes.length > 4 && new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true) === zipMark;
    const { weights, storages } = isZip ? readZip(bytes, net) : readLegacy(bytes, net);
    if (!(weights instanceof Map)) throw unsupportedNet(net, 'something other than a list of weights');
    const tensors = new Map<string, TorchTensor>();
    for (const [name, value] of weights)
      tensors.set(String(name).replace(/^module\./, ''), readTensor(String(name), value, storages, net));
    return tensors;
  } catch (error) {
    if (error instanceof PickleError) throw damagedNet(net, 'the list of weights', error.message);
    throw error;
  }
}

type Parts = { readonly weights: unknown; readonly storages: (ref: StorageRef) => Uint8Array | undefined };

function readZip(bytes: Uint8Array, net: string): Parts {
  let files: Record<string, Uint8Array>;
  try {
    // Weights are stored, not packed, so nothing in the archive can be larger than the archive.
    files = unzipSync(bytes, { filter: file => file.compression === 0 && file.originalSize <= bytes.length });
  } catch (error) {
    throw damagedNet(net, 'the archive', error instanceof Error ? error.message : String(error));
  }
  const list = Object.keys(files).find(name => name.endsWith('/data.pkl'));
  if (list === undefined)
    throw new AppError('NET_UNKNOWN_FORMAT', { path: net, problem: 'the archive holds no weights of PyTorch' });
  const folder = list.slice(0, -'data.pkl'.length);
  return {
    weights: readPickle(files[list]!, 0, toStorage).value,
    storages: ref => files[`${folder}data/${ref.storage}`],
  };
}

/** Five pickles (mark, version, machine, weights, names of the storages), then each storage with its length. */
function readLegacy(bytes: Uint8Array, net: string): Parts {
  let at = 0;
  const next = (): unknown => {
    const { value, end } = readPickle(bytes, at, toStorage);
    at = end;
    return value;
  };
  const first = bytes[0] === 0x80 ? next() : undefined;
  if (first !== legacyMagic)
    throw new AppError('NET_UNKNOWN_FORMAT', { path: net, problem: 'it is not a file of PyTorch' });
  next();
  next();
  const sizes = new Map<string, StorageRef>();
  const { value: weights, end } = readPickle(bytes, at, id => {
    const ref = toStorage(id);
    sizes.set(ref.storage, ref);
    return ref;
  });
  at = end;
  const names = next();
  if (!Array.isArray(names) || names.length > limits.entries)
    throw new PickleError('the names of the storages are missing');
  const places = new Map<string, Uint8Array>();
  for (const name of names) {
    const ref = sizes.get(String(name));
    if (!ref || at + 8 > bytes.length) throw damagedNet(net, `storage ${String(name)}`, 'it is cut off');
    at += 8;
    const length = ref.count * bytesPer(ref);
    if (at + length > bytes.length)
      throw damagedNet(net, `storage ${String(name)}`, `it needs ${length} bytes, ${bytes.length - at} are left`);
    places.set(ref.storage, bytes.subarray(at, at + length));
    at += length;
  }
  return { weights, storages: ref => places.get(ref.storage) };
}

/** ('storage', type, name, device, count) */
function toStorage(id: unknown): StorageRef {
  const [kind, type, storage, , count] = Array.isArray(id) ? (id as unknown[]) : [];
  if (kind !== 'storage' || typeof storage !== 'string' || !Number.isSafeInteger(count) || (count as number) < 0)
    throw new PickleError('a reference to a storage is damaged');
  return { storage, type: String((type as Partial<PickledCall>)?.global ?? type), count: count as number };
}

function bytesPer({ type }: StorageRef): number {
  return type === 'torch.FloatStorage' ? 4 : type === 'torch.LongStorage' || type === 'torch.DoubleStorage' ? 8 : 1;
}

/** torch._utils._rebuild_tensor_v2(storage, offset, size, stride, …) */
function readTensor(name: string, value: unknown, storages: Parts['storages'], net: string): TorchTensor {
  const { global, args } = (value ?? {}) as Partial<PickledCall>;
  if (global !== 'torch._utils._rebuild_tensor_v2' || !args)
    throw unsupportedNet(net, `weights made by ${global ?? 'nothing'} (${name})`);
  const [ref, offset, size, stride] = args as [StorageRef, number, number[], number[]];
  const dims = Array.isArray(size) ? size : [];
  const isSane =
    dims.length <= limits.rank &&
    dims.every(dim => Number.isSafeInteger(dim) && dim >= 0) &&
    Number.isSafeInteger(offset) &&
    offset >= 0;
  if (!isSane || typeof ref?.storage !== 'string')
    throw damagedNet(net, name, `a size of [${dims.slice(0, limits.rank).join(', ')}]`);
  // Counters of batch norms; no net that is read here uses them.
  if (ref.type === 'torch.LongStorage') return { dims, data: new Float32Array(0) };
  if (ref.type !== 'torch.FloatStorage') throw unsupportedNet(net, `weights in a ${ref.type} (${name})`);
  const contiguous = dims.map((_, axis) => sizeOf(dims.slice(axis + 1)));
  if (
    !Array.isArray(stride) ||
    stride.length !== dims.length ||
    dims.some((dim, axis) => dim > 1 && stride[axis] !== contiguous[axis])
  ) {
    throw unsupportedNet(net, `weights that do not lie in a row (${name})`);
  }
  const bytes = storages(ref);
  const [from, to] = [4 * offset, 4 * (offset + sizeOf(dims))];
  if (!bytes || to > bytes.length)
    throw damagedNet(net, name, `its weights need ${to} bytes, ${bytes?.length ?? 0} are there`);
  return { dims, data: new Float32Array(Uint8Array.prototype.slice.call(bytes, from, to).buffer) };
}
