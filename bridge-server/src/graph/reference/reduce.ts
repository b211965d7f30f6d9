import { numbers } from '../shapes';
import { broadcastStrides, stridesOf, walk } from './tensor64';
import type { Evaluator } from './tensor64';

export function reduceWith(
  start: number,
  join: (sum: number, x: number) => number,
  finish = (sum: number, _count: number) => sum,
): Evaluator {
  return ([x], y) => {
    const axes = numbers(y.attrs, 'axes');
    const kept = x.dims.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
    const own = stridesOf(kept);
    const out = new Float64Array(kept.reduce((product, dim) => product * dim, 1)).fill(start);
    walk(
      x.dims,
      kept.map((dim, axis) => (dim === 1 ? 0 : own[axis])),
      0,
      (at, offset) => {
        out[offset] = join(out[offset], x.data[at]);
      },
    );
    const count = x.data.length / out.length;
    return out.map(sum => finish(sum, count));
  };
}

export const evaluateMatMul: Evaluator = ([a, b], y) => {
  const [rows, columns] = y.dims.slice(-2);
  const inner = a.dims[a.dims.length - 1];
  const lead = y.dims.slice(0, -2);
  const count = lead.reduce((product, dim) => product * dim, 1);
  const starts = (dims: readonly number[], size: number): number[] => {
    const all: number[] = [];
    walk(lead, broadcastStrides(dims.slice(0, -2), lead), 0, (_, offset) => all.push(offset * size));
    return all;
  };
  const [startsA, startsB] = [starts(a.dims, rows * inner), starts(b.dims, inner * columns)];
  const out = new Float64Array(count * rows * columns);
  for (let block = 0; block < count; block++) {
    for (let row = 0; row < rows; row++) {
      const to = (block * rows + row) * columns;
      for (let k = 0; k < inner; k++) {
        const factor = a.data[startsA[block] + row * inner + k];
        const from = startsB[block] + k * columns;
        for (let column = 0; column < columns; column++) out[to + column] += factor * b.data[from + column];
      }
    }
  }
  return out;
};
