import { add, concat, div, exp, mul, reshape, sqrt, square, sub } from './build';
import type { Operand } from './build';
import { gradient } from './gradient';
import type { Value } from './value';

export type AdamOptions = {
  /** Step size: a number, or an input so that it can change from run to run. */
  readonly rate: Operand;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
};

/** What Adam carries from step to step beside the variable itself: both moments, of its size. */
export type AdamMoments = { readonly m: Value; readonly v: Value };

/**
 * One step of Adam with bias correction, as values of the graph.
 * @param step how many steps are done after this one (1 on the first), one number
 * Source: Kingma and Ba, Adam, arXiv:1412.6980, algorithm 1.
 */
export function adamStep(
  x: Value,
  g: Value,
  moments: AdamMoments,
  step: Value,
  options: AdamOptions,
): AdamMoments & { readonly x: Value } {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  const m = add(mul(moments.m, beta1), mul(g, 1 - beta1));
  const v = add(mul(moments.v, beta2), mul(square(g), 1 - beta2));
  const correction = (beta: number) => sub(1, exp(mul(step, Math.log(beta))));
  const rate = div(options.rate, correction(beta1));
  const scale = add(sqrt(div(v, correction(beta2))), epsilon);
  return { x: sub(x, div(mul(m, rate), scale)), m, v };
}

export type UnrolledAdam = {
  readonly variables: readonly Value[];
  readonly moments: readonly AdamMoments[];
  /** Steps done, after these. */
  readonly step: Value;
  /** The loss before each step, [steps]. */
  readonly losses: Value;
};

/**
 * Several steps in one graph, for devices where a call costs copies: everything may be an input and an output.
 * Weights and other constants of `loss` are written once however many steps there are.
 * @param loss one number from the variables; called once a step
 */
export function unrollAdam(
  variables: readonly Value[],
  moments: readonly AdamMoments[],
  step: Value,
  loss: (variables: readonly Value[], index: number) => Value,
  options: AdamOptions & { readonly steps: number },
): UnrolledAdam {
  let state = { variables: [...variables], moments: [...moments], step };
  const losses: Value[] = [];
  for (let index = 0; index < options.steps; index++) {
    const total = loss(state.variables, index);
    losses.push(reshape(total, [1]));
    const gradients = gradient(total, state.variables);
    const next = add(state.step, 1);
    const moved = state.variables.map((x, at) => adamStep(x, gradients[at], state.moments[at], next, options));
    state = { variables: moved.map(each => each.x), moments: moved.map(({ m, v }) => ({ m, v })), step: next };
  }
  return { ...state, losses: concat(losses, 0) };
}
