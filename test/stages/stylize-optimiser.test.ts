import { createLbfgs } from '../../bridge-server/src/stages/stylize/lbfgs';
import { createStopRule, hyperAt, rateAt } from '../../bridge-server/src/stages/stylize/schedule';

describe('L-BFGS', () => {
  /** sum of w_i (x_i - i)^2, badly scaled; `scale` multiplies the whole loss. */
  const minimise = (scale: number, steps: number) => {
    const n = 20;
    const weights = Array.from({ length: n }, (_, i) => 10 ** ((3 * i) / (n - 1)));
    const lbfgs = createLbfgs();
    const losses: number[] = [];
    let x: Float32Array = new Float32Array(n);
    for (let step = 0; step < steps; step++) {
      losses.push(scale * weights.reduce((sum, w, i) => sum + w * (x[i] - i) ** 2, 0));
      x = lbfgs.next(
        x,
        Float32Array.from(x, (value, i) => 2 * scale * weights[i] * (value - i)),
      );
    }
    return losses;
  };

  it('minimises a badly scaled bowl', () => {
    const losses = minimise(1, 200);
    expect(Math.min(...losses.slice(150))).toBeLessThan(1e-6 * losses[0]);
  });

  it.each([1e10, 1e-10])('does not stop by itself at a loss of the scale %p', scale => {
    const losses = minimise(scale, 200);
    expect(losses).toHaveLength(200);
    expect(Math.min(...losses.slice(150))).toBeLessThan(1e-4 * losses[0]);
  });
});

describe('the stop rule', () => {
  const stepsUntilStop = (losses: readonly number[], minimum: number) => {
    const rule = createStopRule({ minimum });
    const at = losses.findIndex(loss => rule.add(loss));
    return at === -1 ? Infinity : at + 1;
  };

  it('lets a loss of 1e10, which float32 cannot tell from the one before, run its minimum', () => {
    const losses = Array.from({ length: 100 }, (_, i) => Math.fround(1e10 - i));
    expect(stepsUntilStop(losses, 60)).toBe(60);
  });

  it('never stops while the loss falls by more than its tolerance', () => {
    expect(
      stepsUntilStop(
        Array.from({ length: 200 }, (_, i) => 1e10 * 0.99 ** i),
        20,
      ),
    ).toBe(Infinity);
  });

  it('stops the same way at every scale', () => {
    const losses = Array.from({ length: 300 }, (_, i) => 1 + 0.9 ** i);
    const steps = stepsUntilStop(losses, 20);
    expect(steps).toBeLessThan(200);
    expect(
      stepsUntilStop(
        losses.map(loss => 1e10 * loss),
        20,
      ),
    ).toBe(steps);
  });
});

describe("Adam's schedule", () => {
  const schedule = { steps: 100, rate: 0.05, carriedSteps: 0 };

  it('warms up, stays, and falls to a tenth', () => {
    expect(rateAt(schedule, 0)).toBeCloseTo(0.01, 10);
    expect(rateAt(schedule, 30)).toBe(0.05);
    expect(rateAt(schedule, 99)).toBeLessThan(0.006);
    expect(rateAt(schedule, 99)).toBeGreaterThan(0.0049);
  });

  it('averages the second half only', () => {
    expect(hyperAt(schedule, 49)[2]).toBe(0);
    expect(hyperAt(schedule, 50)[2]).toBe(0.9);
  });

  it('never steps much further than the rate, also when the second moments of a finished frame are carried over', () => {
    // A gradient of 1 after many of 0.01: the worst case for a carried second moment.
    const carried = { ...schedule, carriedSteps: 500 };
    let [m, v] = [0, 0.0001];
    for (let step = 0; step < 100; step++) {
      m = 0.9 * m + 0.1;
      v = 0.99 * v + 0.01;
      const [rate, correction] = hyperAt(carried, step);
      // (1 - 0.9^t) / sqrt(1 - 0.99^t) is at most 2.2; with m corrected from the start it would be 10.
      expect((rate * m) / Math.sqrt(v * correction)).toBeLessThan(2.2 * carried.rate);
    }
  });
});
