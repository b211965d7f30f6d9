import type { TensorType } from '../frame/tensor';
import { attributeKinds, typeNumbers } from './onnx-format';
import { toHalf } from './half';
import { rowOf } from './ops';
import { isConstant, makeValue, mismatch, topological } from './value';
import type { Value } from './value';
import { PbfWriter } from './wire';
import { writeNode } from './write-node';
import type { WrittenAttribute } from './write-node';

export type ModelParts = {
  /** What the caller feeds, in order; found from the outputs when absent. */
  readonly inputs?: readonly Value[];
  readonly outputs: Readonly<Record<string, Value>>;
  /** 13 to 17; 17 when absent. */
  readonly opset?: number;
  /** Written into the file for readers of it: origin, licence, input convention. */
  readonly metadata?: Readonly<Record<string, string>>;
};

type NodeRecord = {
  op: string;
  inputs: string[];
  output: string;
  attributes: Readonly<Record<string, WrittenAttribute>>;
};
type TensorRecord = { name: string; dims: readonly number[]; type: TensorType; bytes: Uint8Array };

/**
 * Serialises a graph as ONNX. Equal parts are written once (also equal weights), `lower` forms of the op table are
 * applied, and constants with `float16` storage become half-precision weights with a Cast.
 * @throws AppError SHAPE_MISMATCH when an output needs an input that is not listed
 */
export function toModel(parts: ModelParts): Uint8Array {
  const names = Object.keys(parts.outputs);
  const lowered = lower(names.map(name => parts.outputs[name]));
  const found = topological(lowered).filter(value => value.op === 'Input');
  const inputs = parts.inputs ?? found;
  const writer = new GraphWriter(inputs, new Map(names.map((name, at) => [name, lowered[at]])));
  const missing = found.find(value => !inputs.some(each => each.name === value.name));
  if (missing)
    throw mismatch('toModel', `one of the inputs ${inputs.map(each => each.name).join(', ')}`, String(missing.name));
  writer.addAll(lowered);
  names.forEach((name, at) => writer.finishOutput(name, lowered[at]));
  return serialise(
    writer,
    inputs,
    names.map((name, at) => ({ name, value: lowered[at] })),
    parts,
  );
}

/** Replaces every value whose op has a better form by that form. */
function lower(outputs: readonly Value[]): Value[] {
  const replaced = new Map<Value, Value>();
  for (const value of topological(outputs)) {
    const inputs = value.inputs.map(input => replaced.get(input) as Value);
    const same = inputs.every((input, at) => input === value.inputs[at]);
    const rebuilt = same ? value : makeValue({ ...value, inputs });
    const better = rowOf(value.op)?.lower?.(rebuilt) ?? rebuilt;
    replaced.set(value, better);
  }
  return outputs.map(output => replaced.get(output) as Value);
}

class GraphWriter {
  readonly nodes: NodeRecord[] = [];
  readonly tensors: TensorRecord[] = [];
  private readonly nameOf = new Map<Value, string>();
  private readonly taken = new Set<string>();
  private readonly nodeByKey = new Map<string, string>();
  private readonly tensorByHash = new Map<string, TensorRecord[]>();
  private readonly castOf = new Map<string, string>();
  private counter = 0;

  /** The name under which a computed value leaves the graph; it can be the node's own unless two names share it. */
  private readonly outputNameOf = new Map<Value, string>();

  constructor(inputs: readonly Value[], outputs: ReadonlyMap<string, Value>) {
    for (const [name, value] of outputs) {
      this.taken.add(name);
      if (!this.outputNameOf.has(value)) this.outputNameOf.set(value, name);
    }
    for (const input of inputs) {
      const name = input.name ?? '';
      if (name === '' || this.taken.has(name))
        throw mismatch('toModel', 'inputs and outputs with names of their own', name);
      this.taken.add(name);
    }
  }

  addAll(outputs: readonly Value[]): void {
    for (const value of topological(outputs)) this.add(value);
  }

  finishOutput(name: string, value: Value): void {
    if (this.nameOf.get(value) === name && value.op !== 'Input') return;
    this.nodes.push({ op: 'Identity', inputs: [this.nameOf.get(value) as string], output: name, attributes: {} });
  }

  private add(value: Value): string {
    const known = this.nameOf.get(value);
    if (known !== undefined) return known;
    const name =
      value.op === 'Input' ? (value.name as string) : isConstant(value) ? this.addConstant(value) : this.addNode(value);
    this.nameOf.set(value, name);
    return name;
  }

  private addNode(value: Value): string {
    const { op, inputs, attributes } = writeNode(value);
    const inputNames = inputs.map(input => (input === undefined ? '' : this.add(input)));
    while (inputNames[inputNames.length - 1] === '') inputNames.pop();
    const key = JSON.stringify([op, inputNames, attributes]);
    const known = this.nodeByKey.get(key);
    if (known !== undefined) return known;
    const output = this.outputNameOf.get(value) ?? this.freeName(value.name, op);
    this.nodes.push({ op, inputs: inputNames, output, attributes });
    this.nodeByKey.set(key, output);
    return output;
  }

  private addConstant(value: Value): string {
    const half = value.attrs.storage === 'float16';
    const data = half ? toHalf(value.data as Float32Array) : (value.data as NonNullable<Value['data']>);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const name = this.addTensor({
      name: value.name ?? '',
      dims: value.dims,
      type: half ? 'float16' : value.type,
      bytes,
    });
    if (!half) return name;
    const known = this.castOf.get(name);
    if (known !== undefined) return known;
    const output = this.freeName(undefined, 'weights');
    this.nodes.push({
      op: 'Cast',
      inputs: [name],
      output,
      attributes: { to: { kind: 'int', value: typeNumbers.float32 } },
    });
    this.castOf.set(name, output);
    return output;
  }

  private addTensor(tensor: TensorRecord): string {
    const hash = `${tensor.type}/${tensor.dims.join('x')}/${hashOf(tensor.bytes)}`;
    const alike = this.tensorByHash.get(hash) ?? [];
    const known = alike.find(other => equalBytes(other.bytes, tensor.bytes));
    if (known !== undefined) return known.name;
    const record = { ...tensor, name: this.freeName(tensor.name, 'constant') };
    this.tensors.push(record);
    this.tensorByHash.set(hash, [...alike, record]);
    return record.name;
  }

  private freeName(wanted: string | undefined, op: string): string {
    let name = wanted === undefined || wanted === '' ? `${op}_${this.counter++}` : wanted;
    while (this.taken.has(name)) name = `${wanted === undefined || wanted === '' ? op : wanted}_${this.counter++}`;
    this.taken.add(name);
    return name;
  }
}

/** FNV-1a over every 4 bytes: only to find candidates, which are compared in full. */
function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < bytes.length; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193);
  return hash >>> 0;
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

function serialise(
  graph: GraphWriter,
  inputs: readonly Value[],
  outputs: readonly { name: string; value: Value }[],
  parts: ModelParts,
): Uint8Array {
  const weightBytes = graph.tensors.reduce((sum, tensor) => sum + tensor.bytes.length, 0);
  const pbf = new PbfWriter(new Uint8Array(weightBytes + 256 * (graph.nodes.length + graph.tensors.length) + 4096));
  pbf.writeVarintField(1, 8);
  pbf.writeStringField(2, 'reverie');
  pbf.writeMessage(
    7,
    (_, writer) => {
      for (const node of graph.nodes) writer.writeMessage(1, writeNodeMessage, node);
      writer.writeStringField(2, 'graph');
      for (const tensor of graph.tensors) writer.writeMessage(5, writeTensorMessage, tensor);
      for (const input of inputs) writer.writeMessage(11, writePort, { name: input.name as string, value: input });
      for (const output of outputs) writer.writeMessage(12, writePort, output);
    },
    undefined,
  );
  pbf.writeMessage(8, (version: number, writer) => writer.writeVarintField(2, version), parts.opset ?? 17);
  for (const [key, value] of Object.entries(parts.metadata ?? {})) {
    pbf.writeMessage(
      14,
      (pair: readonly string[], writer) => {
        writer.writeStringField(1, pair[0]);
        writer.writeStringField(2, pair[1]);
      },
      [key, value],
    );
  }
  return pbf.finish();
}

function writeNodeMessage(node: NodeRecord, pbf: PbfWriter): void {
  for (const input of node.inputs) pbf.writeStringField(1, input);
  pbf.writeStringField(2, node.output);
  pbf.writeStringField(3, node.output);
  pbf.writeStringField(4, node.op);
  for (const [name, attribute] of Object.entries(node.attributes))
    pbf.writeMessage(5, writeAttribute, { name, attribute });
}

function writeAttribute({ name, attribute }: { name: string; attribute: WrittenAttribute }, pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  switch (attribute.kind) {
    case 'float':
      pbf.writeFloatField(2, attribute.value);
      break;
    case 'int':
      pbf.writeVarintField(3, attribute.value);
      break;
    case 'string':
      pbf.writeBytesField(4, new TextEncoder().encode(attribute.value));
      break;
    case 'ints':
      for (const value of attribute.value) pbf.writeVarintField(8, value);
      break;
  }
  pbf.writeVarintField(20, attributeKinds[attribute.kind]);
}

function writeTensorMessage(tensor: TensorRecord, pbf: PbfWriter): void {
  for (const dim of tensor.dims) pbf.writeVarintField(1, dim);
  pbf.writeVarintField(2, typeNumbers[tensor.type]);
  pbf.writeStringField(8, tensor.name);
  pbf.writeBytesField(9, tensor.bytes);
}

function writePort({ name, value }: { name: string; value: Value }, pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  pbf.writeMessage(
    2,
    (type: Value, writer) =>
      writer.writeMessage(
        1,
        (tensor: Value, inner) => {
          inner.writeVarintField(1, typeNumbers[tensor.type]);
          inner.writeMessage(2, writeDims, tensor.dims);
        },
        type,
      ),
    value,
  );
}

function writeDims(dims: readonly number[], pbf: PbfWriter): void {
  for (const dim of dims) pbf.writeMessage(1, (size: number, writer) => writer.writeVarintField(1, size), dim);
}
