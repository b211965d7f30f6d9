import { adamBetas } from '../../nets/style-step';

/** Adam's step size over one picture: a short warm-up, then flat, then a cosine to a tenth over the second half (feature-nets.md 2.7). */
export type Schedule = {
  readonly steps: number;
  readonly rate: number;
  /** Steps whose second moment is carried over from an earlier picture. */
  readonly carriedSteps: number;
};

const warmupSteps = 5;
const lastShare = 0.1;
/** The result is the running average of the iterates of the second half: Adam's jitter would flicker from frame to frame. */
const averageDecay = 0.9;

export function rateAt({ steps, rate }: Schedule, step: number): number {
  const warm = Math.min(1, (step + 1) / warmupSteps);
  const half = steps / 2;
  const cosine = step < half ? 1 : lastShare + (1 - lastShare) * 0.5 * (1 + Math.cos((Math.PI * (step - half)) / half));
  return rate * warm * cosine;
}

/** The three numbers of one step of the graph's `hyper` input. */
export function hyperAt(schedule: Schedule, step: number): [number, number, number] {
  // Without its correction the first moment grows from 0 by itself; with it, the first gradients of a new frame would
  // be divided by the small second moments of a finished one, and steps ten times too long would speckle the picture.
  const firstMoment = schedule.carriedSteps > 0 ? 1 : 1 - adamBetas[0] ** (step + 1);
  const secondMoment = 1 - adamBetas[1] ** (step + 1 + schedule.carriedSteps);
  return [rateAt(schedule, step) / firstMoment, 1 / secondMoment, step < schedule.steps / 2 ? 0 : averageDecay];
}

/**
 * Whether to stop before the last step. Only relative changes count, between means over two windows: absolute
 * tolerances are what made L-BFGS give up after two steps on losses of 1e10 (methods reference 2.6).
 */
export type StopRule = { add(loss: number): boolean };

export function createStopRule(options: {
  readonly minimum: number;
  readonly window?: number;
  readonly tolerance?: number;
}): StopRule {
  const { minimum, window = 10, tolerance = 0.002 } = options;
  const seen: number[] = [];
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    add(loss) {
      seen.push(loss);
      if (seen.length < Math.max(minimum, 2 * window)) return false;
      const before = mean(seen.slice(-2 * window, -window));
      return before - mean(seen.slice(-window)) < tolerance * Math.abs(before);
    },
  };
}
