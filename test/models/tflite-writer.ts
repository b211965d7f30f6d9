import { Builder } from 'flatbuffers';

export type WrittenTensor = {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type?: number;
  readonly data?: ArrayBufferView;
  readonly scales?: readonly number[];
  readonly zeroPoints?: readonly number[];
  readonly axis?: number;
};

/** Options of an operator: fields of its options table by position, as bytes, ints or floats. */
export type WrittenOperator = {
  readonly code: number;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly bytes?: Readonly<Record<number, number>>;
  readonly ints?: Readonly<Record<number, number>>;
  readonly floats?: Readonly<Record<number, number>>;
};

export type WrittenModel = {
  readonly tensors: readonly WrittenTensor[];
  readonly operators: readonly WrittenOperator[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
};

/** Writes a TFLite file (schema version 3) with one graph. */
export function writeTflite(model: WrittenModel): Uint8Array {
  const b = new Builder(1024);
  const ints = (values: readonly number[]): number => {
    b.startVector(4, values.length, 4);
    for (const value of [...values].reverse()) b.addInt32(value);
    return b.endVector();
  };
  const offsets = (values: readonly number[]): number => {
    b.startVector(4, values.length, 4);
    for (const value of [...values].reverse()) b.addOffset(value);
    return b.endVector();
  };
  const table = (fields: number, fill: () => void): number => {
    b.startObject(fields);
    fill();
    return b.endObject();
  };
  const codes = [...new Set(model.operators.map(operator => operator.code))];
  const buffers = [
    table(1, () => undefined),
    ...model.tensors.map(({ data }) => {
      const vector = data ? b.createByteVector(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)) : 0;
      return table(1, () => vector && b.addFieldOffset(0, vector, 0));
    }),
  ];
  const tensors = model.tensors.map((tensor, index) => {
    const name = b.createString(tensor.name);
    const shape = ints(tensor.shape);
    let quantization = 0;
    if (tensor.scales) {
      b.startVector(4, tensor.scales.length, 4);
      for (const scale of [...tensor.scales].reverse()) b.addFloat32(scale);
      const scales = b.endVector();
      b.startVector(8, tensor.scales.length, 8);
      for (let at = tensor.scales.length - 1; at >= 0; at -= 1) b.addInt64(BigInt(tensor.zeroPoints?.[at] ?? 0));
      const zeroPoints = b.endVector();
      quantization = table(7, () => {
        b.addFieldOffset(2, scales, 0);
        b.addFieldOffset(3, zeroPoints, 0);
        b.addFieldInt32(6, tensor.axis ?? 0, 0);
      });
    }
    return table(8, () => {
      b.addFieldOffset(0, shape, 0);
      b.addFieldInt8(1, tensor.type ?? 0, 0);
      b.addFieldInt32(2, index + 1, 0);
      b.addFieldOffset(3, name, 0);
      if (quantization) b.addFieldOffset(4, quantization, 0);
    });
  });
  const operators = model.operators.map(operator => {
    const inputs = ints(operator.inputs);
    const outputs = ints(operator.outputs);
    const options = table(10, () => {
      for (const [field, value] of Object.entries(operator.bytes ?? {})) b.addFieldInt8(Number(field), value, -1);
      for (const [field, value] of Object.entries(operator.ints ?? {})) b.addFieldInt32(Number(field), value, -1);
      for (const [field, value] of Object.entries(operator.floats ?? {})) b.addFieldFloat32(Number(field), value, -1);
    });
    return table(5, () => {
      b.addFieldInt32(0, codes.indexOf(operator.code), -1);
      b.addFieldOffset(1, inputs, 0);
      b.addFieldOffset(2, outputs, 0);
      b.addFieldInt8(3, 1, 0);
      b.addFieldOffset(4, options, 0);
    });
  });
  const [tensorList, operatorList] = [offsets(tensors), offsets(operators)];
  const [inputs, outputs] = [ints(model.inputs), ints(model.outputs)];
  const graph = table(5, () => {
    b.addFieldOffset(0, tensorList, 0);
    b.addFieldOffset(1, inputs, 0);
    b.addFieldOffset(2, outputs, 0);
    b.addFieldOffset(3, operatorList, 0);
  });
  const codeTables = codes.map(code =>
    table(4, () => (b.addFieldInt8(0, Math.min(code, 127), 0), b.addFieldInt32(3, code, 0))),
  );
  const [codeList, graphList, bufferList] = [offsets(codeTables), offsets([graph]), offsets(buffers)];
  const root = table(8, () => {
    b.addFieldInt32(0, 3, 0);
    b.addFieldOffset(1, codeList, 0);
    b.addFieldOffset(2, graphList, 0);
    b.addFieldOffset(4, bufferList, 0);
  });
  b.finish(root, 'TFL3');
  return b.asUint8Array().slice();
}
