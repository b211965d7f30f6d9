import { cast, constant, conv, reshape } from './build';
import { constantNumbers } from './build/node';
import { fold, makeFoldBudget } from './fold';
import { keepName, rewrite, withInputs } from './rewrite';
import { number, numbers } from './shapes';
import { isConstant, isFloat, sameDims, topological } from './value';
import type { Value } from './value';

/**
 * The same results from fewer values: work on constants is done, what changes nothing is removed, equal values become
 * one, factors and offsets per channel move into the convolution before them (batch normalisation), and zero padding
 * into the convolution after it. What no output needs is not reached any more.
 */
export function simplify(outputs: readonly Value[]): Value[] {
  let current = [...outputs];
  // Each round can open the way for another (a folded bias, then a folded factor); a few rounds reach the end.
  for (let round = 0; round < 8; round++) {
    const next = simplifyOnce(current);
    if (next.every((value, at) => value === current[at])) return next;
    current = next;
  }
  return current;
}

function simplifyOnce(outputs: readonly Value[]): Value[] {
  const users = new Map<Value, number>();
  for (const output of outputs) users.set(output, (users.get(output) ?? 0) + 1);
  for (const value of topological(outputs))
    for (const each of value.inputs) users.set(each, (users.get(each) ?? 0) + 1);
  /** How often the value is used that a rebuilt one stands for. */
  const usersOf = new Map<Value, number>();
  const budget = makeFoldBudget();
  const unify = makeUnifier();
  return rewrite(outputs, (rebuilt, original) => {
    const better = improve(rebuilt, value => usersOf.get(value) ?? Infinity);
    const result = unify(fold(better === rebuilt ? rebuilt : keepName(better, original), budget));
    usersOf.set(result, (usersOf.get(result) ?? 0) + (users.get(original) ?? 0));
    return result;
  });
}

/** One object for equal values. Constants are told apart by identity: the writer compares their numbers. */
function makeUnifier(): (value: Value) => Value {
  const ids = new Map<Value, number>();
  const known = new Map<string, Value>();
  const idOf = (value: Value): number => {
    const id = ids.get(value) ?? ids.size;
    ids.set(value, id);
    return id;
  };
  return value => {
    if (value.inputs.length === 0) return value;
    const key = `${value.op}(${value.inputs.map(idOf).join(',')})${JSON.stringify(value.attrs)}`;
    const same = known.get(key);
    if (same !== undefined) return same;
    known.set(key, value);
    return value;
  };
}

function improve(value: Value, usersOf: (value: Value) => number): Value {
  const [x] = value.inputs;
  switch (value.op) {
    case 'Identity':
      return x;
    case 'Cast':
      // A wider type on the way loses nothing.
      if (x.type === value.type) return x;
      return x.op === 'Cast' && isFloat(x.type) && x.type === 'float32' && isFloat(value.type)
        ? cast(x.inputs[0], value.type)
        : value;
    case 'Reshape':
      if (sameDims(x.dims, value.dims)) return x;
      return x.op === 'Reshape' ? reshape(x.inputs[0], value.dims) : value;
    case 'Transpose':
      return x.op === 'Transpose' ? joinTransposes(value) : value;
    case 'Expand':
    case 'Concat':
      return value.inputs.length === 1 && sameDims(x.dims, value.dims) ? x : value;
    case 'Mul':
      return withoutNeutral(value, 1) ?? intoConv(value, usersOf) ?? value;
    case 'Add':
      return withoutNeutral(value, 0) ?? intoConv(value, usersOf) ?? value;
    case 'Sub':
      return isConstant(value.inputs[1]) && isAll(value.inputs[1], 0) && sameDims(x.dims, value.dims) ? x : value;
    case 'Div':
      return isConstant(value.inputs[1]) && isAll(value.inputs[1], 1) && sameDims(x.dims, value.dims) ? x : value;
    case 'Conv':
      return padIntoConv(value, usersOf) ?? value;
    default:
      return value;
  }
}

function joinTransposes(value: Value): Value {
  const [inner] = value.inputs;
  const first = numbers(inner.attrs, 'perm');
  const perm = numbers(value.attrs, 'perm').map(axis => first[axis]);
  if (perm.every((axis, at) => axis === at)) return inner.inputs[0];
  return withInputs({ ...value, attrs: { perm } }, inner.inputs);
}

const isAll = (constant: Value, wanted: number): boolean => constantNumbers(constant).every(each => each === wanted);

function withoutNeutral(value: Value, neutral: number): Value | undefined {
  for (const [at, other] of [
    [0, 1],
    [1, 0],
  ]) {
    const constant = value.inputs[other];
    if (isConstant(constant) && isAll(constant, neutral) && sameDims(value.inputs[at].dims, value.dims))
      return value.inputs[at];
  }
  return undefined;
}

/** conv * factor or conv + offset per channel, where nobody else needs the convolution as it was. */
function intoConv(value: Value, usersOf: (value: Value) => number): Value | undefined {
  const at = value.inputs.findIndex(each => each.op === 'Conv' && usersOf(each) === 1);
  if (at < 0) return undefined;
  const [x, w, b] = value.inputs[at].inputs;
  const numbersPerChannel = perChannel(value.inputs[1 - at], value.dims);
  if (numbersPerChannel === undefined || !isConstant(w) || (b !== undefined && !isConstant(b)) || w.type !== 'float32')
    return undefined;
  const bias = b === undefined ? new Array<number>(w.dims[0]).fill(0) : constantNumbers(b);
  if (value.op === 'Add')
    return withInputs(value.inputs[at], [
      x,
      w,
      constant(
        bias.map((each, c) => each + numbersPerChannel[c]),
        [w.dims[0]],
      ),
    ]);
  const perFilter = w.data.length / w.dims[0];
  const weights = constantNumbers(w).map((each, k) => each * numbersPerChannel[Math.floor(k / perFilter)]);
  const scaled = bias.map((each, c) => each * numbersPerChannel[c]);
  return withInputs(value.inputs[at], [
    x,
    constant(weights, w.dims),
    ...(b === undefined ? [] : [constant(scaled, [w.dims[0]])]),
  ]);
}

/** One number per channel of `dims`, when the constant is that (or one number for all). */
function perChannel(value: Value, dims: readonly number[]): number[] | undefined {
  if (!isConstant(value) || value.dims.length > dims.length) return undefined;
  const lead = dims.length - value.dims.length;
  if (!value.dims.every((dim, axis) => dim === 1 || (axis + lead === 1 && dim === dims[1]))) return undefined;
  const all = constantNumbers(value);
  return all.length === 1 ? new Array<number>(dims[1]).fill(all[0]) : all;
}

function padIntoConv(value: Value, usersOf: (value: Value) => number): Value | undefined {
  const [x, w, b] = value.inputs;
  if (x.op !== 'Pad' || usersOf(x) !== 1 || x.attrs.mode !== 'constant' || number(x.attrs, 'value') !== 0)
    return undefined;
  const pads = numbers(x.attrs, 'pads');
  if (pads[0] + pads[1] + pads[4] + pads[5] !== 0) return undefined;
  const own = numbers(value.attrs, 'pads');
  const [strides, dilations] = [numbers(value.attrs, 'strides'), numbers(value.attrs, 'dilations')] as [
    number,
    number,
  ][];
  return conv(x.inputs[0], w, b, {
    strides,
    dilations,
    group: number(value.attrs, 'group'),
    pads: [own[0] + pads[2], own[1] + pads[3], own[2] + pads[6], own[3] + pads[7]],
  });
}
