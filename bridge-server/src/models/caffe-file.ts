import { AppError } from '#protocol/errors';
import { fieldsOf, packedFloats, packedInts, text, WireError, type Field } from '../graph/wire';
import { sizeOf } from '../frame/tensor';
import { damagedNet } from './imported-net';

export type CaffeBlob = { readonly dims: readonly number[]; readonly data: Float32Array };

export type CaffeLayer = {
  readonly name: string;
  readonly type: string;
  readonly bottoms: readonly string[];
  readonly tops: readonly string[];
  /** Read one by one with `readCaffeBlob`: a net that is cut has no need for what is behind the cut. */
  readonly blobs: readonly Uint8Array[];
  /** The settings of its type, by field number; undefined when the file leaves them all out. */
  readonly param: CaffeParam | undefined;
  /** How training pictures were fed, where a data layer says so. */
  readonly transform: CaffeParam | undefined;
};

export type CaffeInput = { readonly name: string; readonly dims: readonly number[] };

export type CaffeNet = { readonly inputs: readonly CaffeInput[]; readonly layers: readonly CaffeLayer[] };

/** One message of settings. Numbers that are missing take Caffe's defaults. */
export class CaffeParam {
  constructor(private readonly fields: readonly Field[]) {}

  number(id: number, fallback: number): number {
    const found = this.fields.filter(field => field.id === id);
    return found.length === 0 ? fallback : found[found.length - 1]!.number;
  }

  /** A repeated whole number. */
  ints(id: number): number[] {
    return this.fields.filter(field => field.id === id).flatMap(packedInts);
  }

  floats(id: number): number[] {
    return this.fields
      .filter(field => field.id === id)
      .flatMap(field => (Number.isNaN(field.number) ? packedFloats(field, 4) : [field.number]));
  }

  message(id: number): CaffeParam | undefined {
    const found = this.fields.find(field => field.id === id);
    return found && new CaffeParam(fieldsOf(found.bytes));
  }
}

// Numbers of the layer types in V1LayerParameter; the names are those that LayerParameter uses.
const oldTypes: Readonly<Record<number, string>> = {
  1: 'Accuracy',
  3: 'Concat',
  4: 'Convolution',
  5: 'Data',
  6: 'Dropout',
  8: 'Flatten',
  12: 'ImageData',
  14: 'InnerProduct',
  15: 'LRN',
  17: 'Pooling',
  18: 'ReLU',
  19: 'Sigmoid',
  20: 'Softmax',
  21: 'SoftmaxWithLoss',
  22: 'Split',
  23: 'TanH',
  24: 'WindowData',
  25: 'Eltwise',
  26: 'Power',
  29: 'MemoryData',
  32: 'DummyData',
  33: 'Slice',
  35: 'AbsVal',
  36: 'Silence',
  39: 'Deconvolution',
};

/** Field numbers of the same things in both kinds of layer (caffe.proto). */
const numbering = {
  old: {
    name: 4,
    bottom: 2,
    top: 3,
    blobs: 6,
    transform: 36,
    params: {
      Concat: 9,
      Convolution: 10,
      Deconvolution: 10,
      Data: 11,
      Dropout: 12,
      Eltwise: 24,
      InnerProduct: 17,
      LRN: 18,
      Pooling: 19,
      Power: 21,
      ReLU: 30,
      Slice: 31,
    },
  },
  current: {
    name: 1,
    bottom: 3,
    top: 4,
    blobs: 7,
    transform: 100,
    params: {
      BatchNorm: 139,
      Bias: 141,
      Concat: 104,
      Convolution: 106,
      Deconvolution: 106,
      Data: 107,
      Dropout: 108,
      ELU: 140,
      Eltwise: 110,
      InnerProduct: 117,
      Input: 143,
      LRN: 118,
      Pooling: 121,
      Power: 122,
      PReLU: 131,
      ReLU: 123,
      Scale: 142,
      Slice: 126,
      Softmax: 125,
    },
  },
} as const;

const limits = { layers: 10_000, rank: 8 };

/**
 * Reads a `.caffemodel`: layers with their settings and weights, in either of the two forms that Caffe has written.
 * @throws AppError NET_UNKNOWN_FORMAT, NET_DAMAGED naming the layer
 * Source: BVLC/caffe, src/caffe/proto/caffe.proto.
 */
export function parseCaffeModel(bytes: Uint8Array, net: string): CaffeNet {
  let where = 'the net';
  try {
    const fields = fieldsOf(bytes);
    const messages = fields.filter(field => field.id === 100 || field.id === 2);
    if (messages.length === 0)
      throw new AppError('NET_UNKNOWN_FORMAT', { path: net, problem: 'a caffemodel holds layers, and there are none' });
    if (messages.length > limits.layers) throw new WireError(`${messages.length} layers`);
    const layers = messages.map((field, index) => {
      where = `layer ${index + 1}`;
      return readLayer(fieldsOf(field.bytes), field.id === 100, name => (where = name));
    });
    where = 'the inputs';
    return { inputs: readInputs(fields), layers };
  } catch (error) {
    if (error instanceof WireError) throw damagedNet(net, where, error.message);
    throw error;
  }
}

function readInputs(fields: readonly Field[]): CaffeInput[] {
  const names = fields.filter(field => field.id === 3).map(text);
  const shapes = fields.filter(field => field.id === 8).map(field => readShape(field.bytes));
  const dims = fields.filter(field => field.id === 4).flatMap(packedInts);
  return names.map((name, index) => ({ name, dims: shapes[index] ?? dims.slice(4 * index, 4 * index + 4) }));
}

function readLayer(fields: readonly Field[], isCurrent: boolean, found: (name: string) => void): CaffeLayer {
  const ids = isCurrent ? numbering.current : numbering.old;
  const strings = (id: number): string[] =>
    fields.filter(field => field.id === id && Number.isNaN(field.number)).map(text);
  const name = strings(ids.name)[0] ?? '';
  if (name !== '') found(name);
  const type = isCurrent ? (strings(2)[0] ?? '') : oldType(fields);
  const paramId = (ids.params as Readonly<Record<string, number>>)[type];
  const message = (id: number | undefined): CaffeParam | undefined => {
    const field = id === undefined ? undefined : fields.find(each => each.id === id);
    return field && new CaffeParam(fieldsOf(field.bytes));
  };
  return {
    name,
    type,
    bottoms: strings(ids.bottom),
    tops: strings(ids.top),
    blobs: fields.filter(field => field.id === ids.blobs).map(field => field.bytes),
    param: message(paramId),
    transform: message(ids.transform),
  };
}

function oldType(fields: readonly Field[]): string {
  const number = fields.find(field => field.id === 5)?.number;
  if (number === undefined) throw new WireError('a layer without a type');
  return oldTypes[number] ?? `number ${number}`;
}

function readShape(bytes: Uint8Array): number[] {
  return fieldsOf(bytes)
    .filter(field => field.id === 1)
    .flatMap(packedInts);
}

/** @throws WireError when the bytes are damaged */
export function readCaffeBlob(bytes: Uint8Array): CaffeBlob {
  const fields = fieldsOf(bytes);
  const shape = fields.find(field => field.id === 7);
  // Before blobs had shapes they had four numbers.
  const dims = shape
    ? readShape(shape.bytes)
    : [1, 2, 3, 4].map(id => fields.find(field => field.id === id)?.number ?? 1);
  if (dims.length > limits.rank || dims.some(dim => !Number.isSafeInteger(dim) || dim < 0))
    throw new WireError(`weights of the size [${dims.slice(0, limits.rank).join(', ')}]`);
  const packed = fields.filter(field => field.id === 5);
  const single =
    packed.length === 1 && Number.isNaN(packed[0]!.number)
      ? copyFloats(packed[0]!.bytes)
      : Float32Array.from(packed.flatMap(field => packedFloats(field, 4)));
  const doubles = fields.filter(field => field.id === 8);
  const data = single.length > 0 ? single : Float32Array.from(doubles.flatMap(field => packedFloats(field, 8)));
  if (data.length !== sizeOf(dims)) throw new WireError(`${data.length} weights for [${dims.join(', ')}]`);
  return { dims, data };
}

function copyFloats(bytes: Uint8Array): Float32Array {
  if (bytes.length % 4 !== 0) throw new WireError('a weight is cut off');
  return new Float32Array(Uint8Array.prototype.slice.call(bytes).buffer);
}
