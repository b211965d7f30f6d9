import { add, constant, conv, div, mul, reduceMean, reduceSum, reshape, sqrt, square, sub } from '../build';
import { pow } from '../build/pointwise';
import { number } from '../shapes';
import type { Value } from '../value';
import type { GradientRule } from './rule';

/** (gh - mean(gh) - h mean(gh h)) / sd over each plane, with h the normalised picture and gh = g scale. */
export const instanceNormGradient: GradientRule = (g, y, needs) => {
  const [x, scale] = y.inputs;
  const planes = { axes: [2, 3] };
  const centred = sub(x, reduceMean(x, planes));
  const deviation = sqrt(add(reduceMean(square(centred), planes), number(y.attrs, 'epsilon')));
  const normal = div(centred, deviation);
  const perChannel = { axes: [0, 2, 3], keepDims: false };
  const towardX = (): Value => {
    const scaled = mul(g, reshape(scale, [1, scale.dims[0], 1, 1]));
    const pull = mul(normal, reduceMean(mul(scaled, normal), planes));
    return div(sub(sub(scaled, reduceMean(scaled, planes)), pull), deviation);
  };
  return [
    needs(0) ? towardX() : undefined,
    needs(1) ? reduceSum(mul(g, normal), perChannel) : undefined,
    needs(2) ? reduceSum(g, perChannel) : undefined,
  ];
};

const bands = new Map<string, Value>();

/** Sums over `size` neighbouring channels as a 1x1 convolution: four times as fast as onnxruntime's LRN, and on the device everywhere. */
function bandSum(x: Value, size: number, transposed = false): Value {
  const channels = x.dims[1];
  const key = `${channels}/${size}/${transposed}`;
  const band = bands.get(key) ?? bandMatrix(channels, size, transposed);
  bands.set(key, band);
  return conv(x, band);
}

/** An even `size` reaches one channel further up than down, so its transpose is another matrix. */
function bandMatrix(channels: number, size: number, transposed: boolean): Value {
  const data = new Float32Array(channels * channels);
  const before = Math.floor((size - 1) / 2);
  for (let c = 0; c < channels; c++) {
    for (let at = Math.max(0, c - before); at < Math.min(channels, c - before + size); at++) {
      data[transposed ? at * channels + c : c * channels + at] = 1;
    }
  }
  return constant(data, [channels, channels, 1, 1]);
}

/** d = bias + alpha / size sum(x^2), and d^beta, without Pow where beta is the usual 0.75. */
function denominator(y: Value): { d: Value; power: Value } {
  const size = number(y.attrs, 'size');
  const beta = number(y.attrs, 'beta');
  const sums = bandSum(square(y.inputs[0]), size);
  const d = add(mul(sums, number(y.attrs, 'alpha') / size), number(y.attrs, 'bias'));
  if (beta === 0.5) return { d, power: sqrt(d) };
  if (beta !== 0.75) return { d, power: pow(d, beta) };
  const root = sqrt(d);
  return { d, power: mul(root, sqrt(root)) };
}

export const lowerLrn = (y: Value): Value => div(y.inputs[0], denominator(y).power);

/** g d^-beta - 2 alpha beta / size x B(g x d^(-beta - 1)); the writer shares d with the forward pass. */
export const lrnGradient: GradientRule = (g, y) => {
  const [x] = y.inputs;
  const size = number(y.attrs, 'size');
  const { d, power } = denominator(y);
  const direct = div(g, power);
  const neighbours = bandSum(div(mul(direct, x), d), size, true);
  return [sub(direct, mul(x, mul(neighbours, (2 * number(y.attrs, 'alpha') * number(y.attrs, 'beta')) / size)))];
};
