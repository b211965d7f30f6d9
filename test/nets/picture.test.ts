import type { Tensor } from '../../bridge-server/src/frame/tensor';
import {
  createBasis,
  cropWindow,
  planCanvas,
  reflect101,
  shiftCount,
  strokeFilter,
  windowOf,
} from '../../bridge-server/src/nets/picture';
import type { PictureBasis, Shift } from '../../bridge-server/src/nets/picture';

const floats = (tensor: Tensor) => tensor.data as Float32Array;

/** rows * unknowns * columns, for one channel. */
function apply(
  basis: PictureBasis,
  shift: Shift,
  z: Float32Array,
  windowWidth: number,
  windowHeight: number,
): Float32Array {
  const { rows, columns } = basis.matrices(shift);
  const [left, right, gain] = [floats(rows), floats(columns), floats(basis.gain)];
  const half = new Float64Array(windowHeight * basis.columns);
  for (let y = 0; y < windowHeight; y++)
    for (let k = 0; k < basis.rows; k++)
      for (let l = 0; l < basis.columns; l++)
        half[y * basis.columns + l] +=
          left[y * basis.rows + k] * z[k * basis.columns + l] * gain[k * basis.columns + l];
  const out = new Float32Array(windowWidth * windowHeight);
  for (let y = 0; y < windowHeight; y++)
    for (let l = 0; l < basis.columns; l++)
      for (let x = 0; x < windowWidth; x++)
        out[y * windowWidth + x] += half[y * basis.columns + l] * right[l * windowWidth + x];
  return out;
}

describe('the canvas', () => {
  it('shows the net a multiple of 16, with a border on every side at every shift', () => {
    for (const [width, height] of [
      [320, 180],
      [17, 16],
      [641, 359],
    ]) {
      const canvas = planCanvas(width, height);
      expect(canvas.windowWidth % 16).toBe(0);
      expect(canvas.windowHeight % 16).toBe(0);
      for (const shift of [0, shiftCount - 1]) {
        expect(canvas.left - shift).toBeGreaterThanOrEqual(4);
        expect(canvas.windowWidth - (canvas.left - shift) - width).toBeGreaterThanOrEqual(4);
        expect(canvas.windowHeight - (canvas.top - shift) - height).toBeGreaterThanOrEqual(4);
      }
    }
  });

  it('reflects without repeating the edge', () => {
    expect([-3, -2, -1, 0, 1, 4, 5, 6, 9].map(position => reflect101(position, 5))).toEqual([
      3, 2, 1, 0, 1, 4, 3, 2, 1,
    ]);
    expect(reflect101(7, 1)).toBe(0);
  });

  it('gives the picture back out of the window, bit for bit, at any shift', () => {
    const canvas = planCanvas(21, 19);
    const picture = Float32Array.from({ length: 2 * 21 * 19 }, (_, i) => Math.sin(i));
    for (const shift of [
      { x: 0, y: 0 },
      { x: 3, y: 1 },
    ]) {
      const window = windowOf(picture, 2, canvas, shift);
      expect(window.dims).toEqual([1, 2, canvas.windowHeight, canvas.windowWidth]);
      expect(cropWindow(floats(window), 2, canvas, shift)).toEqual(picture);
    }
  });

  it('continues the picture beyond its edge by reflection', () => {
    const canvas = planCanvas(20, 20);
    const ramp = Float32Array.from({ length: 400 }, (_, i) => i % 20);
    const row = floats(windowOf(ramp, 1, canvas, { x: 0, y: 0 })).subarray(0, canvas.windowWidth);
    expect(row[canvas.left - 1]).toBe(1);
    expect(row[canvas.left]).toBe(0);
    expect(row[canvas.left + 20]).toBe(18);
  });
});

test('a style keeps the strokes that can be painted, and loses finer lines, in all directions alike', () => {
  const { kernel, reachPx } = strokeFilter();
  const side = 2 * reachPx + 1;
  const first = floats(kernel).slice(0, side * side);
  /** What is left of a wave of that many cycles per pixel. */
  const passed = (cyclesPerPx: number, degrees: number) => {
    const [u, v] = [Math.cos, Math.sin].map(part => cyclesPerPx * part((degrees * Math.PI) / 180));
    return first.reduce((sum, value, i) => {
      const [x, y] = [(i % side) - reachPx, Math.floor(i / side) - reachPx];
      return sum + value * Math.cos(2 * Math.PI * (u * x + v * y));
    }, 0);
  };
  for (const degrees of [0, 30, 45, 90]) {
    expect(passed(0, degrees)).toBeCloseTo(1, 5);
    expect(passed(0.2, degrees)).toBeGreaterThan(0.97);
    expect(Math.abs(passed(0.45, degrees))).toBeLessThan(0.1);
    expect(Math.abs(passed(0.5, degrees))).toBeLessThan(0.02);
  }
  expect([1, 2].map(plane => floats(kernel).slice(plane * side * side, (plane + 1) * side * side))).toEqual([
    first,
    first,
  ]);
});

describe('the unknowns', () => {
  const canvas = planCanvas(20, 18);
  const { windowWidth, windowHeight, canvasWidth, canvasHeight } = canvas;

  it('as pixels are the pixels', () => {
    const basis = createBasis('pixels', canvas);
    const z = Float32Array.from({ length: canvasWidth * canvasHeight }, (_, i) => i);
    const out = apply(basis, { x: 2, y: 1 }, z, windowWidth, windowHeight);
    expect(out[0]).toBe(canvasWidth + 2);
    expect(out[windowWidth + 3]).toBe(2 * canvasWidth + 5);
  });

  it('as frequencies show the same picture at every shift', () => {
    const basis = createBasis('fourier', canvas);
    const z = Float32Array.from({ length: canvasWidth * canvasHeight }, (_, i) => Math.sin(i * 1.3));
    const still = apply(basis, { x: 0, y: 0 }, z, windowWidth, windowHeight);
    const moved = apply(basis, { x: 3, y: 2 }, z, windowWidth, windowHeight);
    for (let y = 0; y < windowHeight - 2; y++)
      for (let x = 0; x < windowWidth - 3; x++)
        expect(moved[y * windowWidth + x]).toBeCloseTo(still[(y + 2) * windowWidth + x + 3], 5);
  });

  it('move large forms as readily as forms half their size, and fine hatching far less', () => {
    const gain = floats(createBasis('fourier', canvas).gain);
    // The damping of hatching reaches this low with a few millionths of its strength.
    expect(gain[4] / gain[8]).toBeCloseTo(2, 4);
    expect(gain[4 * canvasWidth] / gain[8 * canvasWidth]).toBeCloseTo(2, 4);
    expect(Math.max(...gain)).toBe(gain[0]);
    const at = (cyclesPerPx: number) => gain[Math.round(cyclesPerPx * 2 * canvasWidth)];
    expect(at(0.1) / at(0.2)).toBeGreaterThan(2.3);
    expect(at(0.2) / at(0.4)).toBeGreaterThan(15);
  });

  it('hold back fine colour before fine light and shade', () => {
    const gain = floats(createBasis('fourier', canvas).gain);
    const ratio = (cyclesPerPx: number, axis: number) => {
      const at = Math.round(cyclesPerPx * 2 * canvasWidth);
      return gain[axis * canvasWidth * canvasHeight + at] / gain[at];
    };
    for (const axis of [1, 2]) {
      expect(ratio(0.05, axis)).toBeGreaterThan(0.99);
      expect(ratio(0.3, axis)).toBeLessThan(0.5);
    }
  });

  it('are orthonormal frequencies: a picture of one carries its energy', () => {
    const basis = createBasis('fourier', canvas);
    const z = new Float32Array(canvasWidth * canvasHeight);
    z[5 * canvasWidth + 7] = 1 / floats(basis.gain)[5 * canvasWidth + 7];
    // The whole canvas, from the windows at its four corners.
    const shifts = [0, shiftCount - 1];
    const seen = new Map<number, number>();
    for (const y of shifts)
      for (const x of shifts)
        apply(basis, { x, y }, z, windowWidth, windowHeight).forEach((value, i) =>
          seen.set((y + Math.floor(i / windowWidth)) * canvasWidth + x + (i % windowWidth), value),
        );
    expect(seen.size).toBe(canvasWidth * canvasHeight);
    expect([...seen.values()].reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 4);
  });
});
