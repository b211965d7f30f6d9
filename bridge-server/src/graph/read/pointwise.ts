import * as g from '../build';
import { constantNumbers } from '../build/node';
import { isConstant } from '../value';
import type { Value } from '../value';
import { elementType, refuse } from './context';
import type { NodeReader } from './context';

const unary =
  (build: (x: Value) => Value): NodeReader =>
  node =>
    build(node.input(0));

const binary =
  (build: (a: Value, b: Value) => Value): NodeReader =>
  node =>
    build(node.input(0), node.input(1));

const chain =
  (build: (a: Value, b: Value) => Value): NodeReader =>
  node =>
    node.inputs.slice(1).reduce(build, node.input(0));

const clip: NodeReader = node => {
  const limit = (at: number, name: string, otherwise: number) =>
    node.opset < 11 ? node.float(name, otherwise) : (node.numbers(at)?.[0] ?? otherwise);
  return g.clip(node.input(0), limit(1, 'min', -Infinity), limit(2, 'max', Infinity));
};

/** Before opset 13 everything from `axis` on was one row. */
const softmax =
  (finish: (x: Value) => Value): NodeReader =>
  node => {
    const x = node.input(0);
    const rank = x.dims.length;
    if (node.opset >= 13) return finish(g.softmax(x, node.int('axis', -1)));
    const axis = node.int('axis', 1);
    const at = axis < 0 ? axis + rank : axis;
    const rows = x.dims.slice(0, at).reduce((product, dim) => product * dim, 1);
    return finish(g.reshape(g.softmax(g.reshape(x, [rows, -1]), 1), x.dims));
  };

/** The exponent may have a type of its own. */
const pow: NodeReader = node => {
  const [x, exponent] = [node.input(0), node.input(1)];
  return g.pow(
    x,
    isConstant(exponent) && exponent.data.length === 1 ? constantNumbers(exponent)[0] : g.cast(exponent, x.type),
  );
};

const sign = (x: Value): Value => g.sub(g.mask(g.greater(x, 0), x), g.mask(g.less(x, 0), x));

export const pointwiseReaders: Readonly<Record<string, NodeReader>> = {
  Identity: unary(x => x),
  // At inference both hand their input on.
  Dropout: unary(x => x),
  Relu: unary(g.relu),
  Clip: clip,
  LeakyRelu: node => g.leakyRelu(node.input(0), node.float('alpha', 0.01)),
  Elu: node => g.elu(node.input(0), node.float('alpha', 1)),
  PRelu: binary(g.prelu),
  Sigmoid: unary(g.sigmoid),
  HardSigmoid: node => g.hardSigmoid(node.input(0), node.float('alpha', 0.2), node.float('beta', 0.5)),
  HardSwish: unary(x => g.mul(x, g.hardSigmoid(x, 1 / 6, 0.5))),
  Softplus: unary(g.softplus),
  Softmax: softmax(x => x),
  LogSoftmax: softmax(g.log),
  Gelu: node => {
    refuse(node.string('approximate', 'none') !== 'none', 'Gelu approximated by tanh');
    return g.gelu(node.input(0));
  },
  Tanh: unary(g.tanh),
  Exp: unary(g.exp),
  Log: unary(g.log),
  Sqrt: unary(g.sqrt),
  Reciprocal: unary(g.reciprocal),
  Abs: unary(g.abs),
  Neg: unary(g.neg),
  Erf: unary(g.erf),
  Sin: unary(g.sin),
  Cos: unary(g.cos),
  Floor: unary(g.floor),
  Ceil: unary(g.ceil),
  Round: unary(g.round),
  Sign: unary(sign),
  Not: unary(g.not),
  Add: binary(g.add),
  Sub: binary(g.sub),
  Mul: binary(g.mul),
  Div: binary(g.div),
  Pow: pow,
  Max: chain(g.max),
  Min: chain(g.min),
  Sum: chain(g.add),
  Mean: node =>
    g.mul(
      node.inputs.slice(1).reduce((sum, x) => g.add(sum, x), node.input(0)),
      1 / node.inputs.length,
    ),
  Greater: binary(g.greater),
  Less: binary(g.less),
  Equal: binary(g.equal),
  GreaterOrEqual: binary((a, b) => g.not(g.less(a, b))),
  LessOrEqual: binary((a, b) => g.not(g.greater(a, b))),
  And: binary(g.and),
  Or: binary(g.or),
  Where: node => g.where(node.input(0), node.input(1), node.input(2)),
  Cast: node => g.cast(node.input(0), elementType(node.int('to'))),
  CumSum: node => {
    const x = node.input(0);
    const sums = g.cumSum(x, node.numbers(1)?.[0] ?? 0, node.int('reverse', 0) === 1);
    return node.int('exclusive', 0) === 1 ? g.sub(sums, x) : sums;
  },
};
