import {
  add,
  concat,
  gather,
  matmul,
  pad,
  reduceSum,
  reshape,
  selectionMatrix,
  slice,
  spaceToDepth,
  sumTo,
  transpose,
  transposeMatrix,
  constantNumbers,
} from '../build';
import { sizeOf } from '../../frame/tensor';
import { number, numbers } from '../shapes';
import { isConstant } from '../value';
import type { Value } from '../value';
import { AppError } from '#protocol/errors';
import type { GradientRule } from './rule';

export const reshapeGradient: GradientRule = (g, y) => [reshape(g, y.inputs[0].dims)];

export const transposeGradient: GradientRule = (g, y) => {
  const perm = numbers(y.attrs, 'perm');
  return [
    transpose(
      g,
      perm.map((_, axis) => perm.indexOf(axis)),
    ),
  ];
};

export const concatGradient: GradientRule = (g, y, needs) => {
  const axis = number(y.attrs, 'axis');
  let start = 0;
  return y.inputs.map((input, at) => {
    start += input.dims[axis];
    return needs(at) ? slice(g, axis, start - input.dims[axis], start) : undefined;
  });
};

/** Zeros around (and, with a step, between) what was taken. */
export const sliceGradient: GradientRule = (g, y) => {
  const [x] = y.inputs;
  const starts = numbers(y.attrs, 'starts');
  const steps = numbers(y.attrs, 'steps');
  let spread = g;
  steps.forEach((step, axis) => {
    if (step < 0 && g.dims[axis] > 1) spread = flip(spread, axis);
    if (Math.abs(step) > 1) spread = spreadAxis(spread, axis, Math.abs(step));
  });
  const before = x.dims.map((_, axis) =>
    steps[axis] < 0 ? starts[axis] + steps[axis] * (g.dims[axis] - 1) : starts[axis],
  );
  const after = x.dims.map((dim, axis) => dim - before[axis] - spread.dims[axis]);
  return [pad(spread, [...before, ...after])];
};

/** The elements of one axis in reverse order. */
export function flip(x: Value, axis: number): Value {
  const size = x.dims[axis];
  return gather(
    x,
    Array.from({ length: size }, (_, at) => size - 1 - at),
    axis,
  );
}

/** `step - 1` zeros between neighbours of one axis, none after the last. */
function spreadAxis(x: Value, axis: number, step: number): Value {
  const size = x.dims[axis];
  const apart = reshape(x, [...x.dims.slice(0, axis + 1), 1, ...x.dims.slice(axis + 1)]);
  const after = apart.dims.map((_, at) => (at === axis + 1 ? step - 1 : 0));
  const padded = pad(apart, [...apart.dims.map(() => 0), ...after]);
  const joined = reshape(padded, [...x.dims.slice(0, axis), size * step, ...x.dims.slice(axis + 1)]);
  return slice(joined, axis, 0, (size - 1) * step + 1);
}

export const padGradient: GradientRule = (g, y) => {
  const [x] = y.inputs;
  const pads = numbers(y.attrs, 'pads');
  const rank = x.dims.length;
  if (y.attrs.mode === 'constant')
    return [
      pad(
        g,
        pads.map(each => -each),
      ),
    ];
  let folded = g;
  x.dims.forEach((size, axis) => {
    folded = foldAxis(folded, axis, pads[axis], size, pads[axis + rank], y.attrs.mode === 'edge');
  });
  return [folded];
};

/**
 * Adds what fell on the copies beside one axis to where they were copied from. Only the border strips are computed,
 * which for feature maps is far less work than the 0/1 matrices.
 */
function foldAxis(g: Value, axis: number, before: number, size: number, after: number, edge: boolean): Value {
  if (before === 0 && after === 0) return g;
  const part = (start: number, end: number) => slice(g, axis, start, end);
  if (edge) {
    if (size === 1) return reduceSum(g, { axes: [axis] });
    const first = before === 0 ? part(0, 1) : reduceSum(part(0, before + 1), { axes: [axis] });
    const last =
      after === 0
        ? part(size - 1 + before, size + before)
        : reduceSum(part(before + size - 1, before + size + after), { axes: [axis] });
    const middle = size > 2 ? [part(before + 1, before + size - 1)] : [];
    return concat([first, ...middle, last], axis);
  }
  // Reflected rows lie at 1 .. before and size - 1 - after .. size - 2; the two ranges may overlap.
  const inner = part(before, before + size);
  const zeroPads = (lead: number, trail: number) => {
    const pads = new Array<number>(2 * g.dims.length).fill(0);
    pads[axis] = lead;
    pads[axis + g.dims.length] = trail;
    return pads;
  };
  const low = before === 0 ? undefined : flip(part(0, before), axis);
  const high = after === 0 ? undefined : flip(part(before + size, before + size + after), axis);
  const lowEnd = before + 1;
  const highStart = size - 1 - after;
  if ((low === undefined || high === undefined || lowEnd <= highStart) && size > 1) {
    const rows = (start: number, end: number) => slice(inner, axis, start, end);
    const parts: Value[] = [];
    if (low) parts.push(rows(0, 1), add(rows(1, lowEnd), low));
    const from = low ? lowEnd : 0;
    const to = high ? highStart : size;
    if (to > from) parts.push(rows(from, to));
    if (high) parts.push(add(rows(highStart, size - 1), high), rows(size - 1, size));
    return concat(parts, axis);
  }
  let sum = inner;
  if (low) sum = add(sum, pad(low, zeroPads(1, size - 1 - before)));
  if (high) sum = add(sum, pad(high, zeroPads(highStart, 1)));
  return sum;
}

export const depthToSpaceGradient: GradientRule = (g, y) => [
  spaceToDepth(g, number(y.attrs, 'blocksize'), y.attrs.mode as 'DCR' | 'CRD'),
];

export const expandGradient: GradientRule = (g, y) => [sumTo(g, y.inputs[0].dims)];

/** Repeated rows add up: one product with the 0/1 matrix of the selection. */
export const gatherGradient: GradientRule = (g, y, needs) => {
  if (!needs(0)) return [];
  const [x, indices] = y.inputs;
  if (!isConstant(indices)) throw new AppError('GRADIENT_MISSING', { op: 'Gather with computed indices' });
  const axis = number(y.attrs, 'axis');
  const size = x.dims[axis];
  const rows = constantNumbers(indices).map(index => (index < 0 ? index + size : index));
  const outer = sizeOf(x.dims.slice(0, axis));
  const inner = sizeOf(x.dims.slice(axis + 1));
  const selected = selectionMatrix(rows.length, size, row => rows[row]);
  return [reshape(matmul(transposeMatrix(selected), reshape(g, [outer, rows.length, inner])), x.dims)];
};
