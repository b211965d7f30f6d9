import { PbfWriter } from 'pbf';
import { sizeOf } from '../frame/tensor';

/** A dimension is a number, or a word ("height") for one that the caller chooses at run time. */
export type Dim = number | string;

export type DraftValue = { readonly name: string; readonly dims: readonly Dim[] };

export type Attribute = number | string | readonly number[];

export type DraftNode = {
  readonly op: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
};

/** float16 is kept as its bit patterns. */
export type WeightData = Float32Array | Uint16Array | BigInt64Array;

export type DraftWeight = { readonly name: string; readonly dims: readonly number[]; readonly data: WeightData };

// Attributes of ONNX that hold a float even where their value is whole.
const floatAttributes = new Set(['alpha', 'beta', 'gamma', 'epsilon', 'bias', 'cubic_coeff_a']);
const irVersion = 8;
export const draftOpset = 17;

/**
 * A net that an importer is writing down as ONNX, node by node. Height and width may stay open. Weights in half
 * precision are stored so and cast to single, so that the arithmetic is the same everywhere and the file half as large.
 */
export class NetDraft {
  readonly inputs: DraftValue[] = [];
  readonly outputs: DraftValue[] = [];
  readonly nodes: DraftNode[] = [];
  readonly weights = new Map<string, DraftWeight>();
  readonly metadata: Record<string, string> = {};
  private readonly renamed = new Map<string, string>();
  private counter = 0;

  constructor(readonly name: string) {}

  input(name: string, dims: readonly Dim[]): string {
    this.inputs.push({ name, dims });
    return name;
  }

  output(name: string, dims: readonly Dim[]): void {
    this.outputs.push({ name, dims });
  }

  /** @throws RangeError when the data does not fill the dimensions */
  weight(name: string, dims: readonly number[], data: WeightData): string {
    if (sizeOf(dims) !== data.length) throw new RangeError(`${data.length} values do not fill [${dims.join(', ')}]`);
    if (!(data instanceof Uint16Array)) {
      this.weights.set(name, { name, dims, data });
      return name;
    }
    const stored = `${name}.half`;
    this.weights.set(stored, { name: stored, dims, data });
    return this.node('Cast', [stored], { to: onnxTypes.float32 }, name);
  }

  ints(values: readonly number[]): string {
    const name = `ints.${values.join('.')}`;
    if (!this.weights.has(name)) this.weight(name, [values.length], BigInt64Array.from(values, BigInt));
    return name;
  }

  /** A number as a weight of one value that broadcasts over everything. */
  scalar(value: number): string {
    const name = `scalar.${value}`;
    if (!this.weights.has(name)) this.weight(name, [], Float32Array.of(value));
    return name;
  }

  /** Adds a node with one output and returns that output's name. */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    output = this.fresh(op),
  ): string {
    this.nodes.push({ op, name: output, inputs, outputs: [output], attributes });
    return output;
  }

  /** Gives a computed value another name, everywhere. */
  rename(from: string, to: string): void {
    if (from === to) return;
    this.renamed.set(from, to);
    const swap = (names: readonly string[]): string[] => names.map(name => (name === from ? to : name));
    this.nodes.forEach((node, index) => {
      if (!node.inputs.includes(from) && !node.outputs.includes(from)) return;
      const outputs = swap(node.outputs);
      this.nodes[index] = {
        ...node,
        name: node.outputs.includes(from) ? to : node.name,
        inputs: swap(node.inputs),
        outputs,
      };
    });
  }

  /** What a value is called by now. */
  currentName(name: string): string {
    return this.renamed.get(name) ?? name;
  }

  /** Removes nodes and weights that no output needs. */
  prune(): void {
    const needed = new Set(this.outputs.map(output => output.name));
    for (let index = this.nodes.length - 1; index >= 0; index -= 1) {
      const node = this.nodes[index]!;
      if (node.outputs.some(name => needed.has(name))) node.inputs.forEach(name => needed.add(name));
      else this.nodes.splice(index, 1);
    }
    for (const name of [...this.weights.keys()]) if (!needed.has(name)) this.weights.delete(name);
  }

  fresh(word: string): string {
    this.counter += 1;
    return `${word}.${this.counter}`;
  }

  toBytes(): Uint8Array {
    const pbf = new PbfWriter();
    writeModel(this, pbf);
    return pbf.finish();
  }
}

export const onnxTypes = { float32: 1, int64: 7, float16: 10 } as const;

// Field numbers are those of onnx.proto (IR version 8).
function writeModel(draft: NetDraft, pbf: PbfWriter): void {
  pbf.writeVarintField(1, irVersion);
  pbf.writeStringField(2, 'reverie');
  pbf.writeMessage(7, writeGraph, draft);
  pbf.writeMessage(8, (_: null, p) => p.writeVarintField(2, draftOpset), null);
  for (const [key, value] of Object.entries(draft.metadata)) {
    pbf.writeMessage(14, (_: null, p) => (p.writeStringField(1, key), p.writeStringField(2, value)), null);
  }
}

function writeGraph(draft: NetDraft, pbf: PbfWriter): void {
  for (const node of draft.nodes) pbf.writeMessage(1, writeNode, node);
  pbf.writeStringField(2, draft.name);
  for (const weight of draft.weights.values()) pbf.writeMessage(5, writeWeight, weight);
  for (const value of draft.inputs) pbf.writeMessage(11, writeValue, value);
  for (const value of draft.outputs) pbf.writeMessage(12, writeValue, value);
}

function writeNode(node: DraftNode, pbf: PbfWriter): void {
  for (const name of node.inputs) pbf.writeStringField(1, name);
  for (const name of node.outputs) pbf.writeStringField(2, name);
  pbf.writeStringField(3, node.name);
  pbf.writeStringField(4, node.op);
  for (const entry of Object.entries(node.attributes)) pbf.writeMessage(5, writeAttribute, entry);
}

function writeAttribute([name, value]: [string, Attribute], pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  if (typeof value === 'string') {
    pbf.writeBytesField(4, new TextEncoder().encode(value));
    pbf.writeVarintField(20, 3);
  } else if (typeof value !== 'number') {
    for (const each of value) pbf.writeVarintField(8, each);
    pbf.writeVarintField(20, 7);
  } else if (floatAttributes.has(name)) {
    pbf.writeFloatField(2, value);
    pbf.writeVarintField(20, 1);
  } else {
    pbf.writeVarintField(3, value);
    pbf.writeVarintField(20, 2);
  }
}

function writeWeight(weight: DraftWeight, pbf: PbfWriter): void {
  for (const dim of weight.dims) pbf.writeVarintField(1, dim);
  const { data } = weight;
  pbf.writeVarintField(
    2,
    data instanceof Float32Array
      ? onnxTypes.float32
      : data instanceof Uint16Array
        ? onnxTypes.float16
        : onnxTypes.int64,
  );
  pbf.writeStringField(8, weight.name);
  pbf.writeBytesField(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function writeValue(value: DraftValue, pbf: PbfWriter): void {
  pbf.writeStringField(1, value.name);
  const writeDim = (dim: Dim, p: PbfWriter): void =>
    typeof dim === 'number' ? p.writeVarintField(1, dim) : p.writeStringField(2, dim);
  const writeShape = (_: null, p: PbfWriter): void => {
    for (const dim of value.dims) p.writeMessage(1, writeDim, dim);
  };
  const writeTensorType = (_: null, p: PbfWriter): void => {
    p.writeVarintField(1, onnxTypes.float32);
    p.writeMessage(2, writeShape, null);
  };
  pbf.writeMessage(2, (_: null, p) => p.writeMessage(1, writeTensorType, null), null);
}
