import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { sizeOf, type Tensor, type TensorData, type TensorType } from '../frame/tensor';
import { writeWhole } from './write-whole';

/** What a stage needs to go on where it stopped; `StageState` of the pipeline is one. */
export type TensorState = { readonly nextIndex: number; readonly tensors: Readonly<Record<string, Tensor>> };

type Entry = { readonly name: string; readonly type: TensorType; readonly dims: readonly number[] };
type Head = { readonly version: 1; readonly nextIndex: number; readonly tensors: readonly Entry[] };

const magic = Buffer.from('RVS1');
const sumBytes = 32;

const arrays = {
  float32: Float32Array,
  float16: Uint16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const satisfies Record<TensorType, unknown>;

function bytesOf(data: TensorData): Uint8Array {
  return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
}

/**
 * Stores a state bit for bit, whole or not at all, with a checksum.
 * @throws AppError DISK_FULL, OUTPUT_UNWRITABLE
 */
export async function saveState(
  path: string,
  state: TensorState,
  options: { readonly sync?: boolean } = {},
): Promise<void> {
  const names = Object.keys(state.tensors);
  const head: Head = {
    version: 1,
    nextIndex: state.nextIndex,
    tensors: names.map(name => ({ name, type: state.tensors[name].type, dims: state.tensors[name].dims })),
  };
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  const parts = [magic, length, text, ...names.map(name => bytesOf(state.tensors[name].data))];
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  await writeWhole(path, [...parts, hash.digest()], options);
}

/** @returns undefined when there is no such file, or it is not whole */
export async function loadState(path: string): Promise<TensorState | undefined> {
  const bytes = await readFile(path).catch((problem: NodeJS.ErrnoException) => {
    if (problem.code === 'ENOENT') return undefined;
    throw problem;
  });
  if (!bytes || bytes.length < 8 + sumBytes || !bytes.subarray(0, 4).equals(magic)) return undefined;
  const end = bytes.length - sumBytes;
  if (!createHash('sha256').update(bytes.subarray(0, end)).digest().equals(bytes.subarray(end))) return undefined;
  const start = 8 + bytes.readUInt32LE(4);
  const head = JSON.parse(bytes.toString('utf8', 8, start)) as Head;
  let at = start;
  const tensors: Record<string, Tensor> = {};
  for (const { name, type, dims } of head.tensors) {
    const Data = arrays[type];
    const size = sizeOf(dims) * Data.BYTES_PER_ELEMENT;
    // A copy of its own: the numbers must begin at a multiple of their size.
    const data = new Data(new Uint8Array(bytes.subarray(at, at + size)).buffer);
    tensors[name] = { type, dims, data };
    at += size;
  }
  return { nextIndex: head.nextIndex, tensors };
}
