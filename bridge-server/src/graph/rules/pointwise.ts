import {
  add,
  and,
  cos,
  cumSum,
  div,
  equal,
  exp,
  greater,
  less,
  log,
  mask,
  mul,
  neg,
  not,
  pow,
  reduceSum,
  sin,
  sqrt,
  square,
  sub,
  sumTo,
  where,
} from '../build';
import { constantNumbers } from '../build/node';
import { number } from '../shapes';
import { isConstant, isFloat } from '../value';
import type { Value } from '../value';
import type { GradientRule } from './rule';

const through =
  (rule: (g: Value, x: Value, y: Value) => Value): GradientRule =>
  (g, y) => [rule(g, y.inputs[0], y)];

export const identityGradient = through(g => g);
/** Mul with the mask: half the time of Where, and on the device everywhere (Sign is not). */
export const reluGradient = through((g, _, y) => mul(g, mask(greater(y, 0), g)));
export const leakyReluGradient: GradientRule = (g, y) => [
  where(less(y.inputs[0], 0), mul(g, number(y.attrs, 'alpha')), g),
];
export const eluGradient: GradientRule = (g, y) => [
  where(less(y.inputs[0], 0), mul(g, add(y, number(y.attrs, 'alpha'))), g),
];
export const sigmoidGradient = through((g, _, y) => mul(g, mul(y, sub(1, y))));
export const tanhGradient = through((g, _, y) => mul(g, sub(1, square(y))));
export const expGradient = through((g, _, y) => mul(g, y));
export const logGradient = through((g, x) => div(g, x));
export const sqrtGradient = through((g, _, y) => div(mul(g, 0.5), y));
export const reciprocalGradient = through((g, _, y) => neg(mul(g, square(y))));
export const negGradient = through(g => neg(g));
export const sinGradient = through((g, x) => mul(g, cos(x)));
export const cosGradient = through((g, x) => neg(mul(g, sin(x))));
export const erfGradient = through((g, x) => mul(g, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI))));
/** 0 at 0, as for relu: mask of x > 0 minus mask of x < 0. */
export const absGradient = through((g, x) => mul(g, sub(mask(greater(x, 0), g), mask(less(x, 0), g))));
export const castGradient: GradientRule = (g, y) => [
  isFloat(y.inputs[0].type) && isFloat(y.type) ? castLike(g, y.inputs[0]) : undefined,
];
/** Steps are flat: nothing flows. */
export const flatGradient: GradientRule = () => [];

const castLike = (g: Value, x: Value): Value => mask(g, x);

export const clipGradient: GradientRule = (g, y) => {
  const min = number(y.attrs, 'min');
  const max = number(y.attrs, 'max');
  const above = min === -Infinity ? undefined : greater(y, min);
  const below = max === Infinity ? undefined : less(y, max);
  const inside = above && below ? and(above, below) : (above ?? below);
  return [inside === undefined ? g : mul(g, mask(inside, g))];
};

export const preluGradient: GradientRule = (g, y, needs) => {
  const [x, slope] = y.inputs;
  const negative = less(x, 0);
  return [
    needs(0) ? sumTo(where(negative, mul(g, slope), g), x.dims) : undefined,
    needs(1) ? sumTo(mul(g, mul(x, mask(negative, g))), slope.dims) : undefined,
  ];
};

export const addGradient: GradientRule = (g, y, needs) =>
  y.inputs.map((x, at) => (needs(at) ? sumTo(g, x.dims) : undefined));

export const subGradient: GradientRule = (g, y, needs) => [
  needs(0) ? sumTo(g, y.inputs[0].dims) : undefined,
  needs(1) ? neg(sumTo(g, y.inputs[1].dims)) : undefined,
];

export const mulGradient: GradientRule = (g, y, needs) => {
  const [a, b] = y.inputs;
  // x * x is one input twice; the walk adds both halves.
  return [needs(0) ? sumTo(mul(g, b), a.dims) : undefined, needs(1) ? sumTo(mul(g, a), b.dims) : undefined];
};

export const divGradient: GradientRule = (g, y, needs) => {
  const [a, b] = y.inputs;
  return [
    needs(0) ? sumTo(div(g, b), a.dims) : undefined,
    needs(1) ? neg(sumTo(div(mul(g, y), b), b.dims)) : undefined,
  ];
};

export const powGradient: GradientRule = (g, y, needs) => {
  const [base, exponent] = y.inputs;
  return [
    needs(0) ? sumTo(mul(g, powerSlope(base, exponent)), base.dims) : undefined,
    // Defined where the base is positive.
    needs(1) ? sumTo(mul(g, mul(y, log(base))), exponent.dims) : undefined,
  ];
};

/** p x^(p-1), in cheap ops for the powers that occur. */
function powerSlope(base: Value, exponent: Value): Value {
  if (isConstant(exponent) && exponent.data.length === 1) {
    const [p] = constantNumbers(exponent);
    if (p === 1) return mask(equal(base, base), base);
    if (p === 2) return mul(base, 2);
    if (p === 0.5) return div(0.5, sqrt(base));
    return mul(pow(base, p - 1), p);
  }
  return mul(exponent, pow(base, sub(exponent, 1)));
}

/** At a tie the first operand takes it all. */
export const maxGradient: GradientRule = (g, y, needs) => pick(g, y, needs, less(y.inputs[0], y.inputs[1]));
export const minGradient: GradientRule = (g, y, needs) => pick(g, y, needs, greater(y.inputs[0], y.inputs[1]));

function pick(g: Value, y: Value, needs: (input: number) => boolean, second: Value): (Value | undefined)[] {
  const [a, b] = y.inputs;
  return [
    needs(0) ? sumTo(mul(g, mask(not(second), g)), a.dims) : undefined,
    needs(1) ? sumTo(mul(g, mask(second, g)), b.dims) : undefined,
  ];
}

export const whereGradient: GradientRule = (g, y, needs) => {
  const [condition, a, b] = y.inputs;
  return [
    undefined,
    needs(1) ? sumTo(mul(g, mask(condition, g)), a.dims) : undefined,
    needs(2) ? sumTo(mul(g, mask(not(condition), g)), b.dims) : undefined,
  ];
};

export const softmaxGradient: GradientRule = (g, y) => {
  const weighted = reduceSum(mul(g, y), { axes: [number(y.attrs, 'axis')] });
  return [mul(y, sub(g, weighted))];
};

export const cumSumGradient: GradientRule = (g, y) => [
  cumSum(g, number(y.attrs, 'axis'), number(y.attrs, 'reverse') === 0),
];
