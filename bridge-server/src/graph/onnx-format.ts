import type { TensorData, TensorType } from '../frame/tensor';
import { sizeOf } from '../frame/tensor';
import { fieldsOf, packedFloats, packedInts, text, WireError } from './wire';
import type { Field } from './wire';

/** The parts of ONNX's `onnx.proto` (IR version 3 and later) that inference nets use, as plain data. */
export type OnnxTensor = {
  readonly name: string;
  readonly dims: readonly number[];
  readonly type: TensorType | 'float64';
  readonly data: TensorData | Float64Array;
};
export type OnnxAttribute = {
  readonly name: string;
  readonly kind: number;
  readonly f: number;
  readonly i: number;
  readonly s: string;
  readonly floats: readonly number[];
  readonly ints: readonly number[];
  readonly tensor?: OnnxTensor;
};
export type OnnxNode = {
  readonly name: string;
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
};
export type OnnxPort = {
  readonly name: string;
  readonly type: TensorType | undefined;
  readonly dims: readonly (number | string)[] | undefined;
};
export type OnnxModel = {
  readonly producer: string;
  readonly opset: number;
  /** Operator sets beside ONNX's own. */
  readonly domains: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly OnnxPort[];
};

/** ONNX's numbers of the element types. */
export const typeNumbers: Readonly<Record<TensorType, number>> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
};
export const attributeKinds = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7 } as const;
const bytesPerElement: Readonly<Record<TensorType | 'float64', number>> = {
  float32: 4,
  uint8: 1,
  int32: 4,
  int64: 8,
  bool: 1,
  float16: 2,
  float64: 8,
};

export function typeOfNumber(number: number): TensorType | 'float64' | undefined {
  if (number === 11) return 'float64';
  return (Object.keys(typeNumbers) as TensorType[]).find(type => typeNumbers[type] === number);
}

/** A file that is well-formed but holds what cannot be run here. */
export class UnsupportedError extends Error {}

const mostNodes = 100_000;
const highestRank = 12;

/** @throws WireError where the bytes are damaged, UnsupportedError where they say what is not supported */
export function parseModel(bytes: Uint8Array): OnnxModel {
  let producer = '';
  let graph: Uint8Array | undefined;
  let opset: number | undefined;
  const domains: string[] = [];
  const metadata: Record<string, string> = {};
  for (const field of fieldsOf(bytes)) {
    if (field.id === 2) producer = text(field);
    if (field.id === 7) graph = field.bytes;
    if (field.id === 8) {
      const parts = fieldsOf(field.bytes);
      const domain = parts
        .filter(part => part.id === 1)
        .map(text)
        .join('');
      const version = parts.find(part => part.id === 2)?.number ?? 0;
      if (domain === '' || domain === 'ai.onnx') opset = version;
      else domains.push(domain);
    }
    if (field.id === 14) {
      const [key, value] = [1, 2].map(id => fieldsOf(field.bytes).find(part => part.id === id));
      if (key) metadata[text(key)] = value ? text(value) : '';
    }
  }
  if (graph === undefined) throw new WireError('no graph');
  if (opset === undefined) throw new WireError('no version of the operator set');
  return { producer, opset, domains, metadata, ...parseGraph(graph) };
}

function parseGraph(bytes: Uint8Array): Pick<OnnxModel, 'nodes' | 'initializers' | 'inputs' | 'outputs'> {
  const nodes: OnnxNode[] = [];
  const initializers: OnnxTensor[] = [];
  const inputs: OnnxPort[] = [];
  const outputs: OnnxPort[] = [];
  for (const field of fieldsOf(bytes)) {
    if (field.id === 1) nodes.push(parseNode(field.bytes));
    if (field.id === 5) initializers.push(parseTensor(field.bytes));
    if (field.id === 11) inputs.push(parsePort(field.bytes));
    if (field.id === 12) outputs.push(parsePort(field.bytes));
    if (field.id === 15) throw new UnsupportedError('sparse weights');
    if (nodes.length > mostNodes) throw new UnsupportedError(`more than ${mostNodes} nodes`);
  }
  return { nodes, initializers, inputs, outputs };
}

function parseNode(bytes: Uint8Array): OnnxNode {
  const fields = fieldsOf(bytes);
  const strings = (id: number) => fields.filter(field => field.id === id).map(text);
  const attributes = new Map<string, OnnxAttribute>();
  for (const field of fields) {
    if (field.id !== 5) continue;
    const attribute = parseAttribute(field.bytes);
    attributes.set(attribute.name, attribute);
  }
  return {
    inputs: strings(1),
    outputs: strings(2),
    name: strings(3)[0] ?? '',
    op: strings(4)[0] ?? '',
    domain: strings(7)[0] ?? '',
    attributes,
  };
}

function parseAttribute(bytes: Uint8Array): OnnxAttribute {
  const found = {
    name: '',
    kind: 0,
    f: 0,
    i: 0,
    s: '',
    floats: [] as number[],
    ints: [] as number[],
    tensor: undefined as OnnxTensor | undefined,
  };
  for (const field of fieldsOf(bytes)) {
    if (field.id === 1) found.name = text(field);
    if (field.id === 2) found.f = field.number;
    if (field.id === 3) found.i = field.number;
    if (field.id === 4) found.s = text(field);
    if (field.id === 5) found.tensor = parseTensor(field.bytes);
    if (field.id === 7) for (const value of packedFloats(field, 4)) found.floats.push(value);
    if (field.id === 8) for (const value of packedInts(field)) found.ints.push(value);
    if (field.id === 20) found.kind = field.number;
    if (field.id === 6 || field.id === 11) throw new UnsupportedError('control flow (a graph inside a node)');
  }
  return found;
}

/** @throws WireError, UnsupportedError */
export function parseTensor(bytes: Uint8Array): OnnxTensor {
  const fields = fieldsOf(bytes);
  const dims = fields.filter(field => field.id === 1).flatMap(packedInts);
  const name = fields.filter(field => field.id === 8).map(text)[0] ?? '';
  const type = typeOfNumber(fields.find(field => field.id === 2)?.number ?? 0);
  if (type === undefined)
    throw new UnsupportedError(
      `weights of type ${fields.find(field => field.id === 2)?.number ?? 0}${name === '' ? '' : ` (${name})`}`,
    );
  if (fields.some(field => field.id === 14 && field.number === 1))
    throw new UnsupportedError('weights in a file of their own');
  checkDims(dims, name);
  const count = sizeOf(dims);
  const raw = fields.find(field => field.id === 9);
  const data = raw === undefined ? listedData(type, fields) : rawData(type, raw.bytes);
  if (data.length !== count)
    throw new WireError(`the tensor ${name} has ${data.length} numbers for [${dims.join(', ')}]`);
  return { name, dims, type, data };
}

function checkDims(dims: readonly number[], name: string): void {
  if (dims.length > highestRank || dims.some(dim => !Number.isSafeInteger(dim) || dim < 0)) {
    throw new WireError(`the tensor ${name} cannot have the size [${dims.slice(0, highestRank).join(', ')}]`);
  }
}

function rawData(type: TensorType | 'float64', bytes: Uint8Array): TensorData | Float64Array {
  if (bytes.length % bytesPerElement[type] !== 0) throw new WireError('a number is cut off');
  // A copy: weights inside a file need not lie on multiples of their size, and must outlive it.
  const copy = new Uint8Array(bytes).buffer;
  switch (type) {
    case 'float32':
      return new Float32Array(copy);
    case 'float16':
      return new Uint16Array(copy);
    case 'int32':
      return new Int32Array(copy);
    case 'int64':
      return new BigInt64Array(copy);
    case 'float64':
      return new Float64Array(copy);
    case 'uint8':
    case 'bool':
      return new Uint8Array(copy);
  }
}

function listedData(type: TensorType | 'float64', fields: readonly Field[]): TensorData | Float64Array {
  const ints = (id: number) => fields.filter(field => field.id === id).flatMap(packedInts);
  const floats = (id: number, size: 4 | 8) =>
    fields.filter(field => field.id === id).flatMap(field => packedFloats(field, size));
  switch (type) {
    case 'float32':
      return Float32Array.from(floats(4, 4));
    case 'float64':
      return Float64Array.from(floats(10, 8));
    case 'int64':
      return BigInt64Array.from(ints(7), BigInt);
    case 'int32':
      return Int32Array.from(ints(5));
    case 'float16':
      return Uint16Array.from(ints(5));
    case 'uint8':
    case 'bool':
      return Uint8Array.from(ints(5));
  }
}

function parsePort(bytes: Uint8Array): OnnxPort {
  const fields = fieldsOf(bytes);
  const name = fields.filter(field => field.id === 1).map(text)[0] ?? '';
  const type = fields.find(field => field.id === 2);
  const tensor = type && fieldsOf(type.bytes).find(field => field.id === 1);
  if (tensor === undefined) return { name, type: undefined, dims: undefined };
  const parts = fieldsOf(tensor.bytes);
  const element = typeOfNumber(parts.find(field => field.id === 1)?.number ?? 0);
  const shape = parts.find(field => field.id === 2);
  const dims =
    shape &&
    fieldsOf(shape.bytes)
      .filter(field => field.id === 1)
      .map(dimOf);
  if (dims && dims.length > highestRank) throw new WireError(`${name} has ${dims.length} dimensions`);
  return { name, type: element === 'float64' ? undefined : element, dims };
}

/** A fixed size, or the name of one that the caller chooses ('' when it has none). */
function dimOf(field: Field): number | string {
  const fields = fieldsOf(field.bytes);
  const fixed = fields.find(part => part.id === 1);
  const name = fields.find(part => part.id === 2);
  if (fixed === undefined || fixed.number < 0) return name ? text(name) : '';
  return fixed.number;
}
