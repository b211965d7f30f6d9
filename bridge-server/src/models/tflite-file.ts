import { AppError } from '#protocol/errors';
import { FlatDamage, FlatTable } from './flat-table';
import { damagedNet } from './imported-net';

export type TfliteQuantization = {
  readonly scales: readonly number[];
  readonly zeroPoints: readonly number[];
  readonly axis: number;
};

export type TfliteTensor = {
  readonly index: number;
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: number;
  /** Empty for what is computed. */
  readonly bytes: Uint8Array;
  readonly quantization?: TfliteQuantization;
};

export type TfliteOperator = {
  /** Number in TFLite's list of built-in operators. */
  readonly code: number;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly options: FlatTable | undefined;
};

export type TfliteFile = {
  readonly tensors: readonly TfliteTensor[];
  readonly operators: readonly TfliteOperator[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
};

const identifier = 'TFL3';
const limits = { tensors: 20_000, rank: 8, side: 1 << 24 };

/**
 * Reads a TFLite model (FlatBuffers, schema version 3): its one subgraph and the tensors' bytes.
 * @throws AppError NET_UNKNOWN_FORMAT, NET_DAMAGED, NET_UNSUPPORTED
 * Source: tensorflow/lite/schema/schema.fbs; the numbers below are field positions in it.
 */
export function parseTflite(bytes: Uint8Array, net: string): TfliteFile {
  if (bytes.length < 8 || new TextDecoder('latin1').decode(bytes.subarray(4, 8)) !== identifier) {
    throw new AppError('NET_UNKNOWN_FORMAT', { path: net, problem: `a TFLite file is marked ${identifier}` });
  }
  let where = 'the model';
  try {
    const model = FlatTable.root(bytes);
    where = 'the list of operators';
    // builtin_code since schema 3a; older files have only the byte before it.
    const codes = model.tables(1).map(code => Math.max(code.byte(0), code.int(3)));
    where = 'the buffers';
    const buffers = model.tables(4).map(buffer => buffer.bytes(0));
    where = 'the graph';
    const subgraphs = model.tables(2);
    if (subgraphs.length !== 1)
      throw new AppError('NET_UNSUPPORTED', { name: net, what: `${subgraphs.length} graphs in one file` });
    const graph = subgraphs[0]!;
    const tensorTables = graph.tables(0);
    if (tensorTables.length > limits.tensors) throw new FlatDamage(`${tensorTables.length} tensors`);
    const tensors = tensorTables.map((table, index) => {
      where = `tensor ${index}`;
      const name = table.string(3) || where;
      where = name;
      return readTensor(table, index, name, buffers);
    });
    const refer = (index: number): number => {
      if (index < -1 || index >= tensors.length) throw new FlatDamage(`there is no tensor ${index}`);
      return index;
    };
    const operators = graph.tables(3).map((table, index) => {
      where = `operator ${index}`;
      const code = codes[table.uint(0)];
      if (code === undefined) throw new FlatDamage(`there is no operator code ${table.uint(0)}`);
      const outputs = table.ints(2).map(refer);
      where = tensors[outputs[0] ?? -1]?.name ?? where;
      return { code, inputs: table.ints(1).map(refer), outputs, options: table.table(4) };
    });
    where = 'the inputs and outputs';
    return { tensors, operators, inputs: graph.ints(1).map(refer), outputs: graph.ints(2).map(refer) };
  } catch (error) {
    if (error instanceof FlatDamage) throw damagedNet(net, where, error.message);
    throw error;
  }
}

function readTensor(table: FlatTable, index: number, name: string, buffers: readonly Uint8Array[]): TfliteTensor {
  const shape = table.ints(0);
  if (shape.length > limits.rank || shape.some(side => side < 0 || side > limits.side))
    throw new FlatDamage(`a shape of [${shape.join(', ')}]`);
  const buffer = buffers[table.uint(2)];
  if (!buffer) throw new FlatDamage(`there is no buffer ${table.uint(2)}`);
  const quantization = table.table(4);
  const scales = quantization?.floats(2) ?? [];
  if (!quantization || scales.length === 0) return { index, name, shape, type: table.byte(1), bytes: buffer };
  const zeroPoints = quantization.longs(3);
  const axis = quantization.int(6);
  if (!scales.every(scale => Number.isFinite(scale) && scale > 0))
    throw new FlatDamage('a quantisation step that is not a positive number');
  if (scales.length > 1 && (axis < 0 || axis >= shape.length || shape[axis] !== scales.length))
    throw new FlatDamage(`${scales.length} quantisation steps for [${shape.join(', ')}]`);
  return { index, name, shape, type: table.byte(1), bytes: buffer, quantization: { scales, zeroPoints, axis } };
}
