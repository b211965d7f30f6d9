import { PbfWriter } from 'pbf';

/** A layer to be written; numbers of its settings by field number, repeated where a list is given. */
export type WrittenLayer = {
  readonly name: string;
  readonly type: string;
  readonly bottoms?: readonly string[];
  readonly tops?: readonly string[];
  readonly blobs?: readonly { readonly dims: readonly number[]; readonly data: Float32Array }[];
  readonly param?: Readonly<Record<number, number | readonly number[]>>;
  /** Settings that are floats, by field number. */
  readonly floats?: Readonly<Record<number, number>>;
  readonly inputDims?: readonly number[];
  readonly transform?: { readonly crop?: number; readonly mean?: readonly number[] };
};

const currentParams: Readonly<Record<string, number>> = {
  BatchNorm: 139,
  Bias: 141,
  Concat: 104,
  Convolution: 106,
  Deconvolution: 106,
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
};
const oldParams: Readonly<Record<string, number>> = {
  Concat: 9,
  Convolution: 10,
  Deconvolution: 10,
  Dropout: 12,
  Eltwise: 24,
  InnerProduct: 17,
  LRN: 18,
  Pooling: 19,
  Power: 21,
  ReLU: 30,
  Slice: 31,
};
const oldNumbers: Readonly<Record<string, number>> = {
  Accuracy: 1,
  Concat: 3,
  Convolution: 4,
  Data: 5,
  Dropout: 6,
  InnerProduct: 14,
  LRN: 15,
  Pooling: 17,
  ReLU: 18,
  Softmax: 20,
  SoftmaxWithLoss: 21,
  Split: 22,
  Eltwise: 25,
  Power: 26,
  Slice: 33,
  Deconvolution: 39,
};

/** Writes a `.caffemodel` as Caffe does, in the form of today (`layer`) or of 2014 (`layers`). */
export function writeCaffeModel(
  layers: readonly WrittenLayer[],
  form: 'current' | 'old' = 'current',
  inputs: readonly { name: string; dims: readonly number[] }[] = [],
): Uint8Array {
  const pbf = new PbfWriter();
  pbf.writeStringField(1, 'written');
  for (const { name } of inputs) pbf.writeStringField(3, name);
  for (const { dims } of inputs) for (const dim of dims) pbf.writeVarintField(4, dim);
  for (const layer of layers)
    pbf.writeMessage(form === 'current' ? 100 : 2, form === 'current' ? writeCurrent : writeOld, layer);
  return pbf.finish();
}

function writeCurrent(layer: WrittenLayer, pbf: PbfWriter): void {
  pbf.writeStringField(1, layer.name);
  pbf.writeStringField(2, layer.type);
  for (const bottom of layer.bottoms ?? []) pbf.writeStringField(3, bottom);
  for (const top of layer.tops ?? []) pbf.writeStringField(4, top);
  for (const blob of layer.blobs ?? []) pbf.writeMessage(7, writeBlob, blob);
  writeParam(layer, currentParams[layer.type], pbf);
  if (layer.transform) pbf.writeMessage(100, writeTransform, layer.transform);
}

function writeOld(layer: WrittenLayer, pbf: PbfWriter): void {
  for (const bottom of layer.bottoms ?? []) pbf.writeStringField(2, bottom);
  for (const top of layer.tops ?? []) pbf.writeStringField(3, top);
  pbf.writeStringField(4, layer.name);
  pbf.writeVarintField(5, oldNumbers[layer.type] ?? 999);
  for (const blob of layer.blobs ?? []) pbf.writeMessage(6, writeOldBlob, blob);
  writeParam(layer, oldParams[layer.type], pbf);
  if (layer.transform) pbf.writeMessage(36, writeTransform, layer.transform);
}

function writeParam(layer: WrittenLayer, id: number | undefined, pbf: PbfWriter): void {
  if (id === undefined || !(layer.param || layer.floats || layer.inputDims)) return;
  pbf.writeMessage(
    id,
    (_: null, p) => {
      for (const [field, value] of Object.entries(layer.param ?? {}))
        for (const number of [value].flat()) p.writeVarintField(Number(field), Number(number));
      for (const [field, value] of Object.entries(layer.floats ?? {})) p.writeFloatField(Number(field), value);
      if (layer.inputDims) p.writeMessage(1, (_none: null, q) => q.writePackedVarint(1, [...layer.inputDims!]), null);
    },
    null,
  );
}

function writeTransform(transform: NonNullable<WrittenLayer['transform']>, pbf: PbfWriter): void {
  if (transform.crop) pbf.writeVarintField(3, transform.crop);
  for (const mean of transform.mean ?? []) pbf.writeFloatField(5, mean);
}

function writeBlob(blob: { dims: readonly number[]; data: Float32Array }, pbf: PbfWriter): void {
  pbf.writeBytesField(5, new Uint8Array(blob.data.buffer, blob.data.byteOffset, blob.data.byteLength));
  pbf.writeMessage(7, (_: null, p) => p.writePackedVarint(1, [...blob.dims]), null);
}

/** Before blobs had shapes: num, channels, height, width. */
function writeOldBlob(blob: { dims: readonly number[]; data: Float32Array }, pbf: PbfWriter): void {
  const dims = [...Array<number>(4 - blob.dims.length).fill(1), ...blob.dims];
  dims.forEach((dim, index) => pbf.writeVarintField(index + 1, dim));
  pbf.writeBytesField(5, new Uint8Array(blob.data.buffer, blob.data.byteOffset, blob.data.byteLength));
}

/** Weights that are no two alike. */
export function wavyBlob(dims: readonly number[]): { readonly dims: readonly number[]; readonly data: Float32Array } {
  const length = dims.reduce((product, dim) => product * dim, 1);
  return { dims, data: Float32Array.from({ length }, (_, i) => Math.sin(i) / 4) };
}

/** A small classifier with every kind of layer that carries settings. */
export const smallClassifier: readonly WrittenLayer[] = [
  { name: 'data', type: 'Input', tops: ['data'], inputDims: [1, 3, 16, 16] },
  {
    name: 'conv1',
    type: 'Convolution',
    bottoms: ['data'],
    tops: ['conv1'],
    param: { 1: 4, 4: 3, 6: 2 },
    blobs: [wavyBlob([4, 3, 3, 3]), wavyBlob([4])],
  },
  { name: 'relu1', type: 'ReLU', bottoms: ['conv1'], tops: ['conv1'] },
  { name: 'norm1', type: 'LRN', bottoms: ['conv1'], tops: ['norm1'], param: { 1: 5 }, floats: { 2: 1e-4, 3: 0.75 } },
  { name: 'pool1', type: 'Pooling', bottoms: ['norm1'], tops: ['pool1'], param: { 1: 0, 2: 3, 3: 2 } },
  {
    name: 'conv2',
    type: 'Convolution',
    bottoms: ['pool1'],
    tops: ['conv2'],
    param: { 1: 6, 4: 1 },
    blobs: [wavyBlob([6, 4, 1, 1]), wavyBlob([6])],
  },
  {
    name: 'fc',
    type: 'InnerProduct',
    bottoms: ['conv2'],
    tops: ['fc'],
    param: { 1: 3 },
    blobs: [wavyBlob([3, 54]), wavyBlob([3])],
  },
  { name: 'prob', type: 'Softmax', bottoms: ['fc'], tops: ['prob'] },
];
