import { composeFlow, resizeFlow, warpBackward } from '../../bridge-server/src/stages/warp';
import { AppError } from '#protocol/errors';

const size = { width: 23, height: 17 };
const area = size.width * size.height;

function makeNoise(values: number, seed = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length: values }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  });
}

function makeSmooth(): Float32Array {
  return Float32Array.from({ length: 3 * area }, (_, i) => {
    const [x, y] = [i % size.width, Math.floor((i % area) / size.width)];
    return 0.5 + 0.2 * Math.sin(x / 3) + 0.2 * Math.cos(y / 4);
  });
}

function constantFlow(u: number, v: number): Float32Array {
  return new Float32Array(2 * area).fill(u, 0, area).fill(v, area);
}

describe('warpBackward', () => {
  test.each(['linear', 'cubic'] as const)(
    'zero flow returns the image bit for bit and is inside everywhere (%s)',
    filter => {
      const image = makeNoise(3 * area);
      const warped = warpBackward(image, constantFlow(0, 0), size, { filter });
      expect(Buffer.from(warped.image.buffer).equals(Buffer.from(image.buffer))).toBe(true);
      expect(warped.inside.every(v => v === 1)).toBe(true);
    },
  );

  test.each(['clamp', 'reflect'] as const)(
    'a whole-pixel flow equals shifting the array, and marks exactly the uncovered border (%s)',
    border => {
      const image = makeNoise(3 * area);
      const { image: warped, inside } = warpBackward(image, constantFlow(5, 3), size, { border });
      for (let y = 0; y < size.height; y++) {
        for (let x = 0; x < size.width; x++) {
          const within = x + 5 <= size.width - 1 && y + 3 <= size.height - 1;
          expect(inside[y * size.width + x]).toBe(within ? 1 : 0);
          const fold = (v: number, max: number) => (v <= max ? v : border === 'clamp' ? max : 2 * max - v);
          const from = fold(y + 3, size.height - 1) * size.width + fold(x + 5, size.width - 1);
          for (let c = 0; c < 3; c++) expect(warped[c * area + y * size.width + x]).toBe(image[c * area + from]);
        }
      }
    },
  );

  test('a flow and its inverse give a smooth picture back away from the border, cubic closer than linear', () => {
    const image = makeSmooth();
    const worst = (filter: 'linear' | 'cubic') => {
      const there = warpBackward(image, constantFlow(1.5, -0.5), size, { filter }).image;
      const back = warpBackward(there, constantFlow(-1.5, 0.5), size, { filter }).image;
      let most = 0;
      for (let y = 3; y < size.height - 3; y++) {
        for (let x = 4; x < size.width - 4; x++)
          most = Math.max(most, Math.abs(back[y * size.width + x] - image[y * size.width + x]));
      }
      return most;
    };
    expect(worst('linear')).toBeLessThan(0.02);
    expect(worst('cubic')).toBeLessThan(worst('linear') / 5);
  });

  test('a wave of four pixels keeps its height when it is moved by half a pixel, where cubic is asked for', () => {
    const wave = Float32Array.from({ length: area }, (_, p) => Math.sin((Math.PI / 2) * (p % size.width)));
    const height = (filter: 'linear' | 'cubic') => {
      const { image } = warpBackward(wave, constantFlow(0.5, 0), size, { filter, border: 'reflect' });
      // Between two samples of such a wave lies its root of a half.
      return Math.abs(image[8 * size.width + 12]) / Math.SQRT1_2;
    };
    expect(height('linear')).toBeLessThan(0.75);
    expect(height('cubic')).toBeGreaterThan(0.95);
    expect(height('cubic')).toBeLessThan(1);
  });

  test('never invents a value: a warp of a picture stays between its darkest and brightest pixel', () => {
    const image = makeNoise(area, 3).map(v => 0.4 + 0.1 * v);
    const flow = makeNoise(2 * area, 4).map(v => (v - 0.5) * 80);
    const { image: warped } = warpBackward(image, flow, size);
    expect(Math.min(...warped)).toBeGreaterThanOrEqual(Math.min(...image));
    expect(Math.max(...warped)).toBeLessThanOrEqual(Math.max(...image));
  });

  test('a flow that is not a number leaves the pixel in place and outside', () => {
    const image = makeNoise(3 * area);
    const flow = constantFlow(0, 0);
    flow[7] = NaN;
    flow[area + 9] = Infinity;
    flow[11] = 2e9;
    const { image: warped, inside } = warpBackward(image, flow, size);
    for (const p of [7, 9, 11]) {
      expect(inside[p]).toBe(0);
      expect(warped[p]).toBe(image[p]);
    }
  });

  test('refuses a flow of another size, with the shapes in the error', () => {
    expect(() => warpBackward(makeNoise(3 * area), new Float32Array(10), size)).toThrow(AppError);
    expect(() => warpBackward(makeNoise(3 * area + 1), constantFlow(0, 0), size)).toThrow('SHAPE_MISMATCH');
  });
});

describe('composeFlow', () => {
  test('adds constant motions', () => {
    const { flow, inside } = composeFlow(constantFlow(2, 1), constantFlow(-0.5, 3), size);
    expect(flow[0]).toBeCloseTo(1.5);
    expect(flow[area]).toBeCloseTo(4);
    expect(inside[area - 1]).toBe(0);
    expect(inside[0]).toBe(1);
  });

  test('takes the second step where the first one ends', () => {
    const second = constantFlow(0, 0);
    second[5 * size.width + 9] = 4;
    const { flow } = composeFlow(constantFlow(2, 1), second, size);
    expect(flow[4 * size.width + 7]).toBe(6);
    expect(flow[5 * size.width + 9]).toBe(2);
  });
});

test('resizeFlow keeps the motion relative to the picture', () => {
  const wide = resizeFlow(constantFlow(3, -2), size, { width: 46, height: 34 });
  expect(wide.length).toBe(2 * 46 * 34);
  expect(wide[100]).toBeCloseTo(6);
  expect(wide[46 * 34 + 100]).toBeCloseTo(-4);
});
