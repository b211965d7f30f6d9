import { PbfWriter } from 'pbf';

export type ForeignAttribute =
  number | string | readonly number[] | { readonly float: number } | { readonly tensor: ForeignTensor };
export type ForeignTensor = {
  readonly name: string;
  readonly dims: readonly number[];
  readonly floats?: readonly number[];
  readonly int64s?: readonly number[];
};
export type ForeignNode = {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, ForeignAttribute>>;
};
export type ForeignModel = {
  readonly opset: number;
  readonly nodes: readonly ForeignNode[];
  readonly tensors?: readonly ForeignTensor[];
  /** Sizes; a text is a size that the caller chooses. */
  readonly inputs: Readonly<Record<string, readonly (number | string)[]>>;
  readonly outputs: readonly string[];
};

/** An ONNX file as other programs write them: older operator sets, listed numbers, open sizes. */
export function makeForeignModel(model: ForeignModel): Uint8Array {
  const pbf = new PbfWriter();
  pbf.writeVarintField(1, 7);
  pbf.writeStringField(2, 'someone else');
  pbf.writeMessage(7, writeGraph, model);
  pbf.writeMessage(8, (opset: number, writer) => writer.writeVarintField(2, opset), model.opset);
  return pbf.finish().slice();
}

function writeGraph(model: ForeignModel, pbf: PbfWriter): void {
  for (const node of model.nodes) pbf.writeMessage(1, writeNode, node);
  pbf.writeStringField(2, 'foreign');
  for (const tensor of model.tensors ?? []) pbf.writeMessage(5, writeTensor, tensor);
  for (const [name, dims] of Object.entries(model.inputs)) pbf.writeMessage(11, writePort, { name, dims });
  for (const name of model.outputs) pbf.writeMessage(12, writePort, { name });
}

function writeNode(node: ForeignNode, pbf: PbfWriter): void {
  for (const input of node.inputs) pbf.writeStringField(1, input);
  for (const output of node.outputs) pbf.writeStringField(2, output);
  pbf.writeStringField(4, node.op);
  for (const [name, value] of Object.entries(node.attributes ?? {}))
    pbf.writeMessage(5, writeAttribute, { name, value });
}

function writeAttribute({ name, value }: { name: string; value: ForeignAttribute }, pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  if (typeof value === 'number') {
    pbf.writeVarintField(3, value);
    pbf.writeVarintField(20, 2);
  } else if (typeof value === 'string') {
    pbf.writeStringField(4, value);
    pbf.writeVarintField(20, 3);
  } else if ('float' in value) {
    pbf.writeFloatField(2, value.float);
    pbf.writeVarintField(20, 1);
  } else if ('tensor' in value) {
    pbf.writeMessage(5, writeTensor, value.tensor);
    pbf.writeVarintField(20, 4);
  } else {
    pbf.writePackedVarint(8, [...value]);
    pbf.writeVarintField(20, 7);
  }
}

function writeTensor(tensor: ForeignTensor, pbf: PbfWriter): void {
  pbf.writePackedVarint(1, [...tensor.dims]);
  pbf.writeVarintField(2, tensor.floats ? 1 : 7);
  if (tensor.floats) pbf.writePackedFloat(4, [...tensor.floats]);
  if (tensor.int64s) pbf.writePackedVarint(7, [...tensor.int64s]);
  pbf.writeStringField(8, tensor.name);
}

function writePort({ name, dims }: { name: string; dims?: readonly (number | string)[] }, pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  pbf.writeMessage(
    2,
    (_: undefined, type) =>
      type.writeMessage(
        1,
        (__: undefined, tensor) => {
          tensor.writeVarintField(1, 1);
          if (dims) tensor.writeMessage(2, writeDims, dims);
        },
        undefined,
      ),
    undefined,
  );
}

function writeDims(dims: readonly (number | string)[], pbf: PbfWriter): void {
  for (const dim of dims) {
    pbf.writeMessage(
      1,
      (size: number | string, writer) =>
        typeof size === 'number' ? writer.writeVarintField(1, size) : writer.writeStringField(2, size),
      dim,
    );
  }
}
