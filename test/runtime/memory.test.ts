import { totalmem } from 'node:os';
import {
  availableBytes,
  gradientGraphBytes,
  graphBytes,
  pixelsThatFit,
  planWorkingSize,
  tileBudgetBytes,
  usableBytes,
} from '../../bridge-server/src/runtime/memory';

test('what is available is less than what there is', () => {
  expect(availableBytes()).toBeGreaterThan(0);
  expect(availableBytes()).toBeLessThan(totalmem());
  expect(usableBytes()).toBeLessThanOrEqual(totalmem());
});

test('the estimate agrees with what was measured for VGG-19 within a third', () => {
  // Engine reference, section 2, memory pattern off: 913 MB at 368x640, 2540 MB at 736x1280; 50 MB of weights to conv5_1.
  expect(gradientGraphBytes(368 * 640, 50e6) / 913e6).toBeGreaterThan(0.66);
  expect(gradientGraphBytes(368 * 640, 50e6) / 913e6).toBeLessThan(1.33);
  expect(gradientGraphBytes(736 * 1280, 50e6) / 2540e6).toBeGreaterThan(0.66);
  expect(gradientGraphBytes(736 * 1280, 50e6) / 2540e6).toBeLessThan(1.33);
});

test('what fits by one count fits by the other', () => {
  for (const gigabytes of [0.4, 1, 1.6, 2, 8, 64]) {
    const pixels = pixelsThatFit(gigabytes * 1e9, 50e6);
    expect(gradientGraphBytes(pixels, 50e6)).toBeLessThanOrEqual(gigabytes * 1e9 * 1.0001);
    expect(gradientGraphBytes(pixels * 1.4 + 10, 50e6)).toBeGreaterThan(gigabytes * 1e9 * 0.99);
  }
});

test('a size that fits is kept, one that does not becomes smaller in its own shape', () => {
  expect(planWorkingSize({ width: 640, height: 360 }, 4e9, 1e6)).toEqual({ width: 640, height: 360, reduced: false });
  const small = planWorkingSize({ width: 1920, height: 1080 }, 2e9, 1e6);
  expect(small.reduced).toBe(true);
  expect(small.width / small.height).toBeCloseTo(16 / 9, 1);
  expect(gradientGraphBytes(small.width * small.height, 1e6)).toBeLessThan(2e9);
});

test('no measured net takes more than its bound, nor less than a fifth of it', () => {
  // Live activations and measured peak in MB; weights of 2 to 5 MB.
  for (const [weights, activations, measured] of [
    [2.2, 54, 120],
    [2.2, 120, 259],
    [5.1, 82, 173],
    [5.1, 183, 392],
    [1.9, 19, 93],
    [1.9, 74, 275],
  ]) {
    const bound = graphBytes({ weightBytes: weights * 1e6, peakActivationBytes: activations * 1e6 });
    expect(measured * 1e6).toBeLessThan(bound);
    expect(measured * 1e6).toBeGreaterThan(bound / 5);
  }
});

test('tiles are smaller on a small machine, and no larger than they gain from on a large one', () => {
  expect(tileBudgetBytes(4 * 2 ** 30)).toBe(2 ** 29);
  expect(tileBudgetBytes(64 * 2 ** 30)).toBe(900e6);
});
