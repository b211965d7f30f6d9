import type { TensorType } from '../../frame/tensor';
import { constantNumbers } from '../build/node';
import type { FoldBudget } from '../fold';
import { UnsupportedError, typeOfNumber } from '../onnx-format';
import type { OnnxAttribute, OnnxNode } from '../onnx-format';
import { isConstant } from '../value';
import type { Value } from '../value';

/** One node of a file, with its inputs already read. */
export type ReadNode = {
  readonly op: string;
  readonly opset: number;
  readonly outputCount: number;
  /** @throws UnsupportedError when the node has no such input */
  input(at: number): Value;
  optional(at: number): Value | undefined;
  readonly inputs: readonly Value[];
  int(name: string, otherwise?: number): number;
  float(name: string, otherwise?: number): number;
  string(name: string, otherwise?: string): string;
  ints(name: string): readonly number[] | undefined;
  /** The numbers of an input that must be known while the graph is read. @throws UnsupportedError */
  numbers(at: number): number[] | undefined;
  attribute(name: string): OnnxAttribute | undefined;
  /** Memory that the node takes now. @throws UnsupportedError when the whole file has taken too much */
  spend(bytes: number): void;
};

/** Turns a node into values of the op table, one per output. */
export type NodeReader = (node: ReadNode) => Value | readonly Value[];

export function makeReadNode(
  node: OnnxNode,
  inputs: readonly (Value | undefined)[],
  opset: number,
  budget: FoldBudget,
): ReadNode {
  const attribute = (name: string) => node.attributes.get(name);
  const required = <T>(value: T | undefined, what: string): T => {
    if (value === undefined) throw new UnsupportedError(`${node.op} without ${what}`);
    return value;
  };
  return {
    op: node.op,
    opset,
    outputCount: node.outputs.length,
    inputs: inputs.filter(input => input !== undefined),
    input: at => required(inputs[at], `its input ${at + 1}`),
    optional: at => inputs[at],
    int: (name, otherwise) => required(attribute(name)?.i ?? otherwise, name),
    float: (name, otherwise) => required(attribute(name)?.f ?? otherwise, name),
    string: (name, otherwise) => required(attribute(name)?.s ?? otherwise, name),
    ints: name => attribute(name)?.ints,
    numbers: at => {
      const value = inputs[at];
      if (value === undefined) return undefined;
      if (!isConstant(value))
        throw new UnsupportedError(`${node.op} with a computed ${at === 0 ? 'input' : `input ${at + 1}`}`);
      return constantNumbers(value);
    },
    attribute,
    spend(bytes) {
      budget.bytes -= bytes;
      refuse(budget.bytes < 0, `${node.op}s of so many numbers`);
    },
  };
}

export function elementType(number: number): TensorType {
  const type = typeOfNumber(number);
  if (type === undefined) throw new UnsupportedError(`numbers of type ${number}`);
  // Double precision is read as single: nets need no more, and no provider computes it faster.
  return type === 'float64' ? 'float32' : type;
}

/** Attributes that an op may have but that this reader ignores must be at their harmless value. */
export function refuse(condition: boolean, what: string): void {
  if (condition) throw new UnsupportedError(what);
}
