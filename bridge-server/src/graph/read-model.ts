import { AppError } from '#protocol/errors';
import type { TensorType } from '../frame/tensor';
import { input } from './build';
import { fold, makeFoldBudget } from './fold';
import type { FoldBudget } from './fold';
import { parseModel, UnsupportedError } from './onnx-format';
import type { OnnxModel, OnnxNode, OnnxPort } from './onnx-format';
import { arrangeReaders, tensorConstant } from './read/arrange';
import { makeReadNode } from './read/context';
import type { NodeReader } from './read/context';
import { convolveReaders } from './read/convolve';
import { pointwiseReaders } from './read/pointwise';
import { dimsText, named } from './value';
import type { Value } from './value';
import { WireError } from './wire';

export type ReadOptions = {
  /** Sizes of inputs that the file leaves open. The first of an input, when open and not given, is 1. */
  readonly inputDims?: Readonly<Record<string, readonly number[]>>;
  /**
   * The values that are wanted, by the file's names; the outputs when absent. Only what they need is read, so a net can
   * be cut before layers that take one size only (the classifier of VGG) or a larger one.
   */
  readonly layers?: readonly string[];
  /**
   * Takes `inputDims` also where the file fixes other sizes. Convolutions work at any; a classifier behind them does
   * not, so this goes with `layers` or `partial`.
   */
  readonly anySize?: boolean;
  /** Leaves out what cannot be computed at this size or is not supported, and what needs it, instead of refusing the file. */
  readonly partial?: boolean;
  /** The net's name in messages. */
  readonly name?: string;
};

export type ReadModel = {
  readonly inputs: Value[];
  /** The file's outputs, or the wanted layers. */
  readonly outputs: Record<string, Value>;
  /** Every value that was read, by the file's name, so that a net can be cut anywhere. */
  readonly values: Map<string, Value>;
  readonly metadata: Readonly<Record<string, string>>;
};

export type ModelPort = {
  readonly name: string;
  readonly type: TensorType;
  readonly dims: readonly (number | string)[];
};
export type ModelDescription = {
  readonly producer: string;
  readonly opset: number;
  readonly inputs: readonly ModelPort[];
  readonly outputs: readonly ModelPort[];
  /** Names of all computed values, in the file's order. */
  readonly layers: readonly string[];
  /** How often each operator occurs. */
  readonly ops: Readonly<Record<string, number>>;
  readonly parameters: number;
  readonly metadata: Readonly<Record<string, string>>;
};

const readers: ReadonlyMap<string, NodeReader> = new Map(
  Object.entries({ ...pointwiseReaders, ...arrangeReaders, ...convolveReaders }),
);

/** Newer operator sets changed ops in ways that this reader does not know. */
const opsets = { oldest: 7, newest: 21 };

/** What a file holds, without fixing its sizes. @throws AppError NET_DAMAGED, NET_UNSUPPORTED */
export function describeModel(bytes: Uint8Array, name = 'model'): ModelDescription {
  const model = parse(bytes, name);
  const ops: Record<string, number> = {};
  for (const node of model.nodes) ops[node.op] = (ops[node.op] ?? 0) + 1;
  const port = ({ name: portName, type, dims }: OnnxPort): ModelPort => ({
    name: portName,
    type: type ?? 'float32',
    dims: dims ?? [],
  });
  return {
    producer: model.producer,
    opset: model.opset,
    inputs: trueInputs(model).map(port),
    outputs: model.outputs.map(port),
    layers: model.nodes.flatMap(node => node.outputs),
    ops,
    parameters: model.initializers.reduce((sum, tensor) => sum + tensor.data.length, 0),
    metadata: model.metadata,
  };
}

/**
 * Reads an ONNX file into values with every size fixed. Shape arithmetic and other work on constants is done here.
 * @throws AppError NET_DAMAGED or NET_UNSUPPORTED naming the node, NET_INPUT_WRONG when `inputDims` does not fit,
 *   NET_LAYER_UNKNOWN
 */
export function fromModel(bytes: Uint8Array, options: ReadOptions = {}): ReadModel {
  const label = options.name ?? 'model';
  const model = parse(bytes, label);
  const values = new Map<string, Value>();
  for (const tensor of model.initializers) values.set(tensor.name, tensorConstant(tensor));
  const ports = trueInputs(model);
  const inputs = ports.map(port => boundInput(port, options, label));
  for (const value of inputs) values.set(value.name as string, value);
  const budget = makeFoldBudget();
  const file: ReadFile = { label, opset: model.opset, values, budget, openSizes: openSizes(ports, inputs) };
  const wanted = options.layers === undefined ? undefined : neededNodes(model, options.layers, values, label);
  const missing = new Set<string>();
  for (const node of model.nodes) {
    if (wanted !== undefined && !wanted.has(node)) continue;
    if (options.partial && !isReadable(node, file, missing)) continue;
    readOne(node, file).forEach((result, at) => {
      const name = node.outputs[at];
      if (name === undefined || name === '') return;
      if (values.has(name)) throw damaged(label, whereOf(node), `${name} is computed twice`);
      const known = guard(file, node, () => fold(result, budget));
      values.set(name, known.name === undefined ? named(known, name) : known);
    });
  }
  const outputs: Record<string, Value> = {};
  for (const name of options.layers ?? model.outputs.map(port => port.name)) {
    const value = values.get(name);
    if (value === undefined && missing.has(name)) continue;
    if (value === undefined) throw damaged(label, name, 'nothing computes this output');
    outputs[name] = value;
  }
  return { inputs, outputs, values, metadata: model.metadata };
}

/** Whether a node can be computed at these sizes; if not, its outputs are `missing` and so is all that needs them. */
function isReadable(node: OnnxNode, file: ReadFile, missing: Set<string>): boolean {
  try {
    if (!node.inputs.some(name => missing.has(name))) {
      readOne(node, file);
      return true;
    }
  } catch (error) {
    const isForeign =
      error instanceof AppError && (error.code === 'NET_UNSUPPORTED' || error.code === 'NET_INPUT_WRONG');
    if (!isForeign) throw error;
  }
  for (const output of node.outputs) missing.add(output);
  return false;
}

/** The nodes without which one of `layers` cannot be computed. */
function neededNodes(
  model: OnnxModel,
  layers: readonly string[],
  values: ReadonlyMap<string, Value>,
  label: string,
): Set<OnnxNode> {
  const makers = new Map(model.nodes.flatMap(node => node.outputs.map(output => [output, node] as const)));
  const needed = new Set<OnnxNode>();
  const open = [...layers];
  for (const layer of layers) {
    if (makers.has(layer) || values.has(layer)) continue;
    const known = model.nodes.flatMap(node => node.outputs);
    throw new AppError('NET_LAYER_UNKNOWN', { name: label, layer, known: known.slice(0, 40).join(', ') });
  }
  while (open.length > 0) {
    const maker = makers.get(open.pop() as string);
    if (maker === undefined || needed.has(maker)) continue;
    needed.add(maker);
    for (const each of maker.inputs) open.push(each);
  }
  return needed;
}

/** What is known while nodes are read. */
type ReadFile = {
  readonly label: string;
  readonly opset: number;
  readonly values: ReadonlyMap<string, Value>;
  readonly budget: FoldBudget;
  /** The inputs whose sizes the caller chose, as text; '' when the file fixes them all. */
  readonly openSizes: string;
};

function openSizes(ports: readonly OnnxPort[], inputs: readonly Value[]): string {
  const open = inputs.filter((value, at) => !value.dims.every((dim, axis) => dim === ports[at].dims?.[axis]));
  return open.map(value => `${value.name} ${dimsText(value.dims)}`).join(', ');
}

function parse(bytes: Uint8Array, label: string): OnnxModel {
  const model = guardParse(label, () => parseModel(bytes));
  if (model.opset < opsets.oldest || model.opset > opsets.newest) {
    throw new AppError('NET_UNSUPPORTED', { name: label, what: `version ${model.opset} of the ONNX operators` });
  }
  return model;
}

function guardParse<T>(label: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof UnsupportedError)
      throw new AppError('NET_UNSUPPORTED', { name: label, what: error.message }, { cause: error });
    // Beside WireError: sizes that no array can have, numbers that are none. The bytes are not what they claim to be.
    throw damaged(label, 'the file', error instanceof WireError ? error.message : String(error), error);
  }
}

function damaged(name: string, where: string, problem: string, cause?: unknown): AppError {
  return new AppError('NET_DAMAGED', { name, where, problem }, { cause });
}

const whereOf = (node: OnnxNode): string =>
  `${node.op} ${node.name === '' ? (node.outputs[0] ?? '') : node.name}`.trim();

/** Old files list their weights as inputs too. */
function trueInputs(model: OnnxModel): OnnxPort[] {
  const weights = new Set(model.initializers.map(tensor => tensor.name));
  return model.inputs.filter(port => !weights.has(port.name));
}

function boundInput(port: OnnxPort, options: ReadOptions, label: string): Value {
  const dims = bindDims(port, options, label);
  try {
    return input(port.name, dims, port.type ?? 'float32');
  } catch (error) {
    throw damaged(label, `the input ${port.name}`, (error as Error).message, error);
  }
}

function bindDims(port: OnnxPort, options: ReadOptions, label: string): number[] {
  const given = options.inputDims?.[port.name];
  const wrong = (expected: string) =>
    new AppError('NET_INPUT_WRONG', {
      name: label,
      actual: given ? dimsText(given) : 'no size',
      expected: `${port.name} as ${expected}`,
    });
  const dims = port.dims ?? given;
  if (dims === undefined) throw wrong('a size of its own');
  const text = `[${dims.map(dim => (dim === '' ? '?' : dim)).join(', ')}]`;
  if (given && given.length !== dims.length) throw wrong(text);
  return dims.map((dim, axis) => {
    const size = given?.[axis] ?? (typeof dim === 'number' ? dim : axis === 0 ? 1 : undefined);
    const isSize = size !== undefined && Number.isSafeInteger(size) && size >= 0;
    if (!isSize || (typeof dim === 'number' && size !== dim && !options.anySize)) throw wrong(text);
    return size;
  });
}

function readOne(node: OnnxNode, file: ReadFile): readonly Value[] {
  const reader = node.domain === '' || node.domain === 'ai.onnx' ? readers.get(node.op) : undefined;
  if (reader === undefined) {
    const domain = node.domain === '' ? '' : ` of ${node.domain}`;
    throw new AppError('NET_UNSUPPORTED', {
      name: file.label,
      what: `the operator ${node.op}${domain} (${whereOf(node)})`,
    });
  }
  const inputs = node.inputs.map(name => {
    const value = file.values.get(name);
    if (name !== '' && value === undefined)
      throw damaged(file.label, whereOf(node), `nothing computes its input ${name}`);
    return value;
  });
  return guard(file, node, () => {
    const result = reader(makeReadNode(node, inputs, file.opset, file.budget));
    return 'op' in result ? [result] : result;
  });
}

/** A node that cannot be: its sizes do not fit, or its attributes are not what the operator takes. */
function guard<T>({ label, openSizes: sizes }: ReadFile, node: OnnxNode, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof UnsupportedError) {
      throw new AppError(
        'NET_UNSUPPORTED',
        { name: label, what: `${error.message} (${whereOf(node)})` },
        { cause: error },
      );
    }
    if (error instanceof AppError && error.code !== 'SHAPE_MISMATCH') throw error;
    if (error instanceof AppError && sizes !== '') {
      const { what, expected, actual } = error.details;
      throw new AppError(
        'NET_INPUT_WRONG',
        {
          name: label,
          actual: sizes,
          expected: `a size at which ${whereOf(node)} works (${what}: ${expected}, not ${actual})`,
        },
        { cause: error },
      );
    }
    // Nothing but the file decides what happens here: whatever else goes wrong is its doing.
    throw damaged(label, whereOf(node), error instanceof AppError ? error.message : String(error), error);
  }
}
