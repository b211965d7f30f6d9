import type { OpName, ShapeRule } from './shapes';
import { shapeRules } from './shapes';
import type { Value } from './value';
import { lowerConv, lowerOr, lowerPow, lowerSlice } from './rules/lower';
import type { GradientRule } from './rules/rule';
import * as arrange from './rules/arrange';
import * as convolve from './rules/convolve';
import * as normalise from './rules/normalise';
import * as pointwise from './rules/pointwise';
import * as pool from './rules/pool';
import * as reduce from './rules/reduce';
import * as resample from './rules/resample';
import {
  binary,
  erf,
  evaluateCast,
  evaluateCumSum,
  evaluateDiv,
  evaluateSoftmax,
  evaluateWhere,
  roundHalfEven,
  unary,
  unaryWith,
} from './reference/pointwise';
import {
  evaluateConcat,
  evaluateCopy,
  evaluateDepthToSpace,
  evaluateExpand,
  evaluateGather,
  evaluatePad,
  evaluateSlice,
  evaluateTranspose,
} from './reference/arrange';
import {
  evaluateAveragePool,
  evaluateConv,
  evaluateConvTranspose,
  evaluateGlobalAveragePool,
  evaluateInstanceNorm,
  evaluateLrn,
  evaluateMaxPool,
} from './reference/convolve';
import { evaluateMatMul, reduceWith } from './reference/reduce';
import { evaluateGridSample, evaluateResize } from './reference/resample';
import type { Evaluator } from './reference/tensor64';

/** Everything that is known about one op. A new op is a row here, a shape rule and a constructor. */
export type OpRow = {
  readonly shape: ShapeRule;
  /** Absent where nothing can flow back (comparisons, whole numbers). */
  readonly gradient?: GradientRule;
  /** What the op means, in float64. */
  readonly evaluate: Evaluator;
  /** The same value in ops that are faster, or right on every provider; applied when a model is written. */
  readonly lower?: (y: Value) => Value;
};

const row = (op: OpName, evaluate: Evaluator, gradient?: GradientRule, lower?: (y: Value) => Value): OpRow => ({
  shape: shapeRules[op],
  evaluate,
  ...(gradient ? { gradient } : {}),
  ...(lower ? { lower } : {}),
});
const truth = (f: (a: number, b: number) => boolean): Evaluator => binary((a, b) => (f(a, b) ? 1 : 0));

export const ops: Readonly<Record<OpName, OpRow>> = {
  Identity: row('Identity', evaluateCopy, pointwise.identityGradient),
  Relu: row(
    'Relu',
    unary(x => Math.max(x, 0)),
    pointwise.reluGradient,
  ),
  Clip: row(
    'Clip',
    unaryWith(attr => x => Math.min(Math.max(x, attr('min')), attr('max'))),
    pointwise.clipGradient,
  ),
  LeakyRelu: row(
    'LeakyRelu',
    unaryWith(attr => x => (x < 0 ? attr('alpha') * x : x)),
    pointwise.leakyReluGradient,
  ),
  Elu: row(
    'Elu',
    unaryWith(attr => x => (x < 0 ? attr('alpha') * Math.expm1(x) : x)),
    pointwise.eluGradient,
  ),
  Sigmoid: row(
    'Sigmoid',
    unary(x => 1 / (1 + Math.exp(-x))),
    pointwise.sigmoidGradient,
  ),
  Tanh: row('Tanh', unary(Math.tanh), pointwise.tanhGradient),
  Exp: row('Exp', unary(Math.exp), pointwise.expGradient),
  Log: row('Log', unary(Math.log), pointwise.logGradient),
  Sqrt: row('Sqrt', unary(Math.sqrt), pointwise.sqrtGradient),
  Reciprocal: row(
    'Reciprocal',
    unary(x => 1 / x),
    pointwise.reciprocalGradient,
  ),
  Abs: row('Abs', unary(Math.abs), pointwise.absGradient),
  Neg: row(
    'Neg',
    unary(x => -x),
    pointwise.negGradient,
  ),
  Erf: row('Erf', unary(erf), pointwise.erfGradient),
  Sin: row('Sin', unary(Math.sin), pointwise.sinGradient),
  Cos: row('Cos', unary(Math.cos), pointwise.cosGradient),
  Floor: row('Floor', unary(Math.floor), pointwise.flatGradient),
  Ceil: row('Ceil', unary(Math.ceil), pointwise.flatGradient),
  Round: row('Round', unary(roundHalfEven), pointwise.flatGradient),
  Softmax: row('Softmax', evaluateSoftmax, pointwise.softmaxGradient),
  CumSum: row('CumSum', evaluateCumSum, pointwise.cumSumGradient),
  Not: row(
    'Not',
    unary(x => (x === 0 ? 1 : 0)),
  ),
  PRelu: row(
    'PRelu',
    binary((x, slope) => (x < 0 ? slope * x : x)),
    pointwise.preluGradient,
  ),
  Add: row(
    'Add',
    binary((a, b) => a + b),
    pointwise.addGradient,
  ),
  Sub: row(
    'Sub',
    binary((a, b) => a - b),
    pointwise.subGradient,
  ),
  Mul: row(
    'Mul',
    binary((a, b) => a * b),
    pointwise.mulGradient,
  ),
  Div: row('Div', evaluateDiv, pointwise.divGradient),
  Pow: row('Pow', binary(Math.pow), pointwise.powGradient, lowerPow),
  Max: row('Max', binary(Math.max), pointwise.maxGradient),
  Min: row('Min', binary(Math.min), pointwise.minGradient),
  Greater: row(
    'Greater',
    truth((a, b) => a > b),
  ),
  Less: row(
    'Less',
    truth((a, b) => a < b),
  ),
  Equal: row(
    'Equal',
    truth((a, b) => a === b),
  ),
  And: row(
    'And',
    truth((a, b) => a !== 0 && b !== 0),
  ),
  Or: row(
    'Or',
    truth((a, b) => a !== 0 || b !== 0),
    undefined,
    lowerOr,
  ),
  Where: row('Where', evaluateWhere, pointwise.whereGradient),
  Cast: row('Cast', evaluateCast, pointwise.castGradient),
  MatMul: row('MatMul', evaluateMatMul, reduce.matMulGradient),
  Conv: row('Conv', evaluateConv, convolve.convGradient, lowerConv),
  ConvTranspose: row('ConvTranspose', evaluateConvTranspose, convolve.convTransposeGradient),
  AveragePool: row('AveragePool', evaluateAveragePool, pool.averagePoolGradient),
  MaxPool: row('MaxPool', evaluateMaxPool, pool.maxPoolGradient),
  GlobalAveragePool: row('GlobalAveragePool', evaluateGlobalAveragePool, pool.globalAveragePoolGradient),
  LRN: row('LRN', evaluateLrn, normalise.lrnGradient, normalise.lowerLrn),
  InstanceNormalization: row('InstanceNormalization', evaluateInstanceNorm, normalise.instanceNormGradient),
  ReduceMean: row(
    'ReduceMean',
    reduceWith(
      0,
      (sum, x) => sum + x,
      (sum, count) => sum / count,
    ),
    reduce.reduceMeanGradient,
  ),
  ReduceSum: row(
    'ReduceSum',
    reduceWith(0, (sum, x) => sum + x),
    reduce.reduceSumGradient,
  ),
  ReduceMax: row('ReduceMax', reduceWith(-Infinity, Math.max), reduce.reduceExtremeGradient),
  ReduceMin: row('ReduceMin', reduceWith(Infinity, Math.min), reduce.reduceExtremeGradient),
  ReduceProd: row(
    'ReduceProd',
    reduceWith(1, (sum, x) => sum * x),
    reduce.reduceProdGradient,
  ),
  Reshape: row('Reshape', evaluateCopy, arrange.reshapeGradient),
  Transpose: row('Transpose', evaluateTranspose, arrange.transposeGradient),
  Concat: row('Concat', evaluateConcat, arrange.concatGradient),
  Slice: row('Slice', evaluateSlice, arrange.sliceGradient, lowerSlice),
  Pad: row('Pad', evaluatePad, arrange.padGradient),
  Resize: row('Resize', evaluateResize, resample.resizeGradient),
  DepthToSpace: row('DepthToSpace', evaluateDepthToSpace, arrange.depthToSpaceGradient),
  Gather: row('Gather', evaluateGather, arrange.gatherGradient),
  GridSample: row('GridSample', evaluateGridSample, resample.gridSampleGradient),
  Expand: row('Expand', evaluateExpand, arrange.expandGradient),
};

export function rowOf(op: string): OpRow | undefined {
  return Object.hasOwn(ops, op) ? ops[op as OpName] : undefined;
}
