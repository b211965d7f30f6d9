import type { Tensor, TensorType } from '../frame/tensor';
import type { TensorInfo } from './runtime';

/**
 * The little of the ONNX format that the runtime needs itself: what a model takes and gives, and models of a few nodes
 * for the self-test and for reading tensors back. Kept apart from `graph/` so that the self-test does not rest on the
 * code that it is to vouch for. Field numbers: onnx/onnx.proto3.
 */

const typeCodes: Record<TensorType, number> = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10 };
const typeNames = new Map(Object.entries(typeCodes).map(([name, code]) => [code, name as TensorType]));

export type TinyNode = {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Whole numbers become `i`, lists `ints`, `{ float }` becomes `f`, text `s`. */
  readonly attributes?: Readonly<Record<string, number | string | readonly number[] | { readonly float: number }>>;
};

export type TinyModel = {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  readonly nodes: readonly TinyNode[];
  readonly constants?: Readonly<Record<string, Tensor>>;
  readonly opset?: number;
};

type Field =
  { readonly number: number; readonly bytes: Uint8Array } | { readonly number: number; readonly value: number };

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const whole = (field: number, value: number) => new Uint8Array([...varint(field * 8), ...varint(value)]);
const block = (field: number, bytes: Uint8Array) =>
  concat([new Uint8Array([...varint(field * 8 + 2), ...varint(bytes.length)]), bytes]);
const text = (field: number, value: string) => block(field, new TextEncoder().encode(value));

function single(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(5);
  bytes[0] = field * 8 + 5;
  new DataView(bytes.buffer).setFloat32(1, value, true);
  return bytes;
}

function attribute(name: string, value: number | string | readonly number[] | { readonly float: number }): Uint8Array {
  if (typeof value === 'number') return concat([text(1, name), whole(3, value), whole(20, 2)]);
  if (typeof value === 'string') return concat([text(1, name), text(4, value), whole(20, 3)]);
  if ('float' in value) return concat([text(1, name), single(2, value.float), whole(20, 1)]);
  return concat([text(1, name), ...value.map(item => whole(8, item)), whole(20, 7)]);
}

function valueInfo(info: TensorInfo): Uint8Array {
  const dims = info.dims.map(dim => block(1, typeof dim === 'number' ? whole(1, dim) : text(2, dim)));
  const tensorType = concat([whole(1, typeCodes[info.type]), block(2, concat(dims))]);
  return concat([text(1, info.name), block(2, block(1, tensorType))]);
}

function tensorProto(name: string, tensor: Tensor): Uint8Array {
  const raw = new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
  return concat([
    ...tensor.dims.map(dim => whole(1, dim)),
    whole(2, typeCodes[tensor.type]),
    text(8, name),
    block(9, raw),
  ]);
}

/** Serialises a small model. */
export function writeTinyModel(model: TinyModel): Uint8Array {
  const nodes = model.nodes.map((node, index) =>
    concat([
      ...node.inputs.map(name => text(1, name)),
      ...node.outputs.map(name => text(2, name)),
      text(3, `${node.op}-${index}`),
      text(4, node.op),
      ...Object.entries(node.attributes ?? {}).map(([name, value]) => block(5, attribute(name, value))),
    ]),
  );
  const graph = concat([
    ...nodes.map(node => block(1, node)),
    text(2, 'tiny'),
    ...Object.entries(model.constants ?? {}).map(([name, tensor]) => block(5, tensorProto(name, tensor))),
    ...model.inputs.map(info => block(11, valueInfo(info))),
    ...model.outputs.map(info => block(12, valueInfo(info))),
  ]);
  return concat([whole(1, 8), block(7, graph), block(8, whole(2, model.opset ?? 17))]);
}

/** One message's fields; nothing is copied. @throws RangeError when the bytes end in mid-field */
function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    let scale = 1;
    for (;;) {
      if (at >= bytes.length) throw new RangeError('the model ends in the middle of a number');
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
      if (scale > 2 ** 63) throw new RangeError('a number in the model is too long');
    }
  };
  while (at < bytes.length) {
    const tag = readVarint();
    const number = Math.floor(tag / 8);
    const wire = tag % 8;
    if (wire === 0) {
      yield { number, value: readVarint() };
      continue;
    }
    const length = wire === 2 ? readVarint() : wire === 5 ? 4 : wire === 1 ? 8 : -1;
    if (length < 0 || at + length > bytes.length) throw new RangeError('the model is cut off or is not ONNX');
    yield { number, bytes: bytes.subarray(at, at + length) };
    at += length;
  }
}

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function inner(bytes: Uint8Array, number: number): Uint8Array | undefined {
  for (const field of fieldsOf(bytes)) if (field.number === number && 'bytes' in field) return field.bytes;
  return undefined;
}

function readValueInfo(bytes: Uint8Array): TensorInfo {
  let name = '';
  let type: TensorType = 'float32';
  const dims: (number | string)[] = [];
  for (const field of fieldsOf(bytes)) {
    if (!('bytes' in field)) continue;
    if (field.number === 1) name = decode(field.bytes);
    if (field.number !== 2) continue;
    const tensorType = inner(field.bytes, 1);
    if (!tensorType) throw new RangeError(`"${name}" is not a tensor`);
    for (const part of fieldsOf(tensorType)) {
      if (part.number === 1 && 'value' in part) {
        const known = typeNames.get(part.value);
        if (!known) throw new RangeError(`"${name}" has the element type ${part.value}, which is not used here`);
        type = known;
      }
      if (part.number === 2 && 'bytes' in part) {
        for (const dim of fieldsOf(part.bytes)) {
          if (dim.number !== 1 || !('bytes' in dim)) continue;
          let size: number | string = '?';
          for (const choice of fieldsOf(dim.bytes)) {
            if (choice.number === 1 && 'value' in choice) size = choice.value;
            if (choice.number === 2 && 'bytes' in choice) size = decode(choice.bytes);
          }
          dims.push(size);
        }
      }
    }
  }
  return { name, type, dims };
}

export type Signature = { readonly inputs: readonly TensorInfo[]; readonly outputs: readonly TensorInfo[] };

/**
 * What a serialised model takes and gives; inputs that have an initialiser (old exporters list weights) do not count.
 * A dimension without a name or size is "?".
 * @throws RangeError when the bytes are not an ONNX model
 */
export function readSignature(model: Uint8Array): Signature {
  const graph = inner(model, 7);
  if (!graph) throw new RangeError('the file holds no ONNX graph');
  const inputs: TensorInfo[] = [];
  const outputs: TensorInfo[] = [];
  const constants = new Set<string>();
  for (const field of fieldsOf(graph)) {
    if (!('bytes' in field)) continue;
    if (field.number === 11) inputs.push(readValueInfo(field.bytes));
    if (field.number === 12) outputs.push(readValueInfo(field.bytes));
    if (field.number === 5) {
      const name = inner(field.bytes, 8);
      if (name) constants.add(decode(name));
    }
  }
  return { inputs: inputs.filter(info => !constants.has(info.name)), outputs };
}

/** The most pixels (last two of four dimensions) that any fixed input of the model has; 0 when none is fixed. */
export function largestPicture(signature: Signature): { width: number; height: number } {
  let largest = { width: 0, height: 0 };
  for (const { dims } of signature.inputs) {
    const [height, width] = dims.slice(-2);
    if (dims.length !== 4 || typeof height !== 'number' || typeof width !== 'number') continue;
    if (width * height > largest.width * largest.height) largest = { width, height };
  }
  return largest;
}
