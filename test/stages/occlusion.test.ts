import { consistency, longTermReliability } from '../../bridge-server/src/stages/occlusion';

const size = { width: 48, height: 40 };
const area = size.width * size.height;

function constantFlow(u: number, v: number): Float32Array {
  return new Float32Array(2 * area).fill(u, 0, area).fill(v, area);
}

function at(map: Float32Array, x: number, y: number): number {
  return map[y * size.width + x];
}

describe('consistency', () => {
  test('under no motion every pixel is reliable, the last row and column too', () => {
    const maps = consistency(constantFlow(0, 0), constantFlow(0, 0), size);
    expect(maps.reliability.every(v => v === 1)).toBe(true);
    expect(maps.unreliableShare).toBe(0);
  });

  test('a picture moved by (5,3) is unreliable on exactly the border that was uncovered', () => {
    const maps = consistency(constantFlow(-5, -3), constantFlow(5, 3), size);
    for (let y = 0; y < size.height; y++) {
      for (let x = 0; x < size.width; x++) {
        const uncovered = x < 5 || y < 3;
        expect(at(maps.outside, x, y)).toBe(uncovered ? 1 : 0);
        expect(at(maps.occluded, x, y)).toBe(0);
        expect(at(maps.motionEdge, x, y)).toBe(0);
        if (uncovered) expect(at(maps.reliability, x, y)).toBe(0);
        else expect(at(maps.reliability, x, y)).toBeGreaterThan(0);
      }
    }
    expect(at(maps.reliability, 8, 6)).toBe(1);
  });

  test('a square that moves by 6 px uncovers a strip: that strip is occluded, give or take a pixel', () => {
    const [left, top, side, move] = [12, 12, 14, 6];
    // Back to the earlier frame: the square, now at left + move, came from `move` pixels further left.
    const back = constantFlow(0, 0);
    const forth = constantFlow(0, 0);
    for (let y = top; y < top + side; y++) {
      for (let x = left; x < left + side; x++) {
        forth[y * size.width + x] = move;
        back[y * size.width + x + move] = -move;
      }
    }
    const { occluded } = consistency(back, forth, size);
    for (let y = 0; y < size.height; y++) {
      for (let x = 0; x < size.width; x++) {
        const inRows = y >= top && y < top + side;
        const strip = inRows && x >= left && x < left + move;
        const near = y >= top - 1 && y <= top + side && x >= left - 1 && x <= left + move;
        if (strip) expect(at(occluded, x, y)).toBe(1);
        else if (!near) expect(at(occluded, x, y)).toBe(0);
      }
    }
  });

  test('marks edges of motion, which can be left out of the reliability', () => {
    const flow = constantFlow(0, 0);
    const opposite = constantFlow(0, 0);
    for (let y = 0; y < size.height; y++) {
      for (let x = 24; x < size.width; x++) {
        flow[y * size.width + x] = 0.5;
        opposite[y * size.width + x] = -0.5;
      }
    }
    const strict = consistency(flow, opposite, size);
    const loose = consistency(flow, opposite, size, { edgesCount: false });
    const forward = consistency(flow, opposite, size, { differences: 'forward' });
    expect(at(strict.motionEdge, 23, 9)).toBe(1);
    expect(at(strict.motionEdge, 24, 9)).toBe(1);
    expect(at(strict.reliability, 24, 9)).toBe(0);
    expect(at(forward.motionEdge, 23, 9)).toBe(1);
    expect(at(forward.motionEdge, 24, 9)).toBe(0);
    expect(at(loose.motionEdge, 24, 9)).toBe(1);
    expect(at(loose.reliability, 24, 9)).toBe(1);
  });

  test('reliability is exactly 0 on every marked pixel, one alone included, and falls off around it', () => {
    const flow = constantFlow(0, 0);
    flow[20 * size.width + 20] = NaN;
    const { reliability, outside } = consistency(flow, constantFlow(0, 0), size, { edgesCount: false });
    expect(at(outside, 20, 20)).toBe(1);
    expect(at(reliability, 20, 20)).toBe(0);
    expect(at(reliability, 21, 20)).toBeGreaterThan(0);
    expect(at(reliability, 21, 20)).toBeLessThan(1);
    expect(at(reliability, 24, 20)).toBe(1);
  });

  test('along a straight edge the first valid pixel keeps half its weight', () => {
    const { reliability } = consistency(constantFlow(-4, 0), constantFlow(4, 0), size);
    expect(at(reliability, 3, 20)).toBe(0);
    expect(at(reliability, 4, 20)).toBeCloseTo(0.5, 2);
    expect(at(reliability, 5, 20)).toBeCloseTo(0.956, 2);
    expect(at(reliability, 6, 20)).toBe(1);
  });

  test('flows that do not belong together are recognised', () => {
    expect(consistency(constantFlow(3, 0), constantFlow(3, 0), size).unreliableShare).toBe(1);
  });
});

describe('longTermReliability', () => {
  test('a pixel follows the closest frame in which it is visible', () => {
    const shares = longTermReliability([
      Float32Array.of(1, 0.25, 0),
      Float32Array.of(1, 1, 0.5),
      Float32Array.of(1, 1, 1),
    ]);
    expect(Array.from(shares[0])).toEqual([1, 0.25, 0]);
    expect(Array.from(shares[1])).toEqual([0, 0.75, 0.5]);
    expect(Array.from(shares[2])).toEqual([0, 0, 0.5]);
  });

  test('or is shared among all of them', () => {
    const shares = longTermReliability([Float32Array.of(1, 0.25), Float32Array.of(1, 0.25)], 'normalize');
    expect(shares.map(map => Array.from(map))).toEqual([
      [0.5, 0.25],
      [0.5, 0.25],
    ]);
  });
});
