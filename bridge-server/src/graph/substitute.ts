import { AppError } from '#protocol/errors';
import { conv, padPlanes } from './build';
import { keepName, rewrite } from './rewrite';
import { number, numbers } from './shapes';
import { dimsText, mismatch, sameDims } from './value';
import type { Value } from './value';

export type SubstituteOptions = {
  /** `replicate` repeats the border instead of the zeros of padded convolutions: style nets draw a frame otherwise. */
  readonly padding?: 'as stored' | 'replicate';
};

/**
 * The same graph with some of its values replaced, usually inputs: plugs a picture into a net, a net into a loss.
 * @throws AppError SHAPE_MISMATCH when a replacement has another size or type
 */
export function substitute(
  outputs: readonly Value[],
  replacements: ReadonlyMap<Value, Value>,
  options: SubstituteOptions = {},
): Value[] {
  for (const [from, to] of replacements) {
    const fits = sameDims(from.dims, to.dims) && from.type === to.type;
    if (!fits)
      throw mismatch(from.name ?? from.op, `${from.type} ${dimsText(from.dims)}`, `${to.type} ${dimsText(to.dims)}`);
  }
  return rewrite(outputs, (rebuilt, original) => {
    const replacement = replacements.get(original);
    if (replacement !== undefined) return replacement;
    return options.padding === 'replicate' && rebuilt.op === 'Conv' ? withReplicatedBorder(rebuilt) : rebuilt;
  });
}

function withReplicatedBorder(value: Value): Value {
  const [top, left, bottom, right] = numbers(value.attrs, 'pads');
  if (top + left + bottom + right === 0) return value;
  const [x, w, b] = value.inputs;
  const bordered = padPlanes(x, top, left, bottom, right, 'edge');
  const strides = numbers(value.attrs, 'strides') as [number, number];
  const dilations = numbers(value.attrs, 'dilations') as [number, number];
  return keepName(conv(bordered, w, b, { strides, dilations, group: number(value.attrs, 'group') }), value);
}

/** What `fromModel` returns, or the part of it that is needed here. */
export type NetGraph = {
  readonly inputs: readonly Value[];
  readonly outputs: Readonly<Record<string, Value>>;
  readonly values: ReadonlyMap<string, Value>;
};

/**
 * A net applied to other values: its layers by name, computed from `feeds`. What lies behind the last of them is left out.
 * @param feeds a value for each of the net's inputs, by name
 * @throws AppError NET_LAYER_UNKNOWN, NET_INPUT_WRONG, SHAPE_MISMATCH
 */
export function applyNet(
  net: NetGraph,
  feeds: Readonly<Record<string, Value>>,
  layers: readonly string[],
  options: SubstituteOptions & { readonly name?: string } = {},
): Map<string, Value> {
  const taps = layers.map(layer => tapOf(net, layer, options.name ?? 'model'));
  const replacements = new Map<Value, Value>();
  for (const input of net.inputs) {
    const fed = feeds[input.name as string];
    if (fed !== undefined) replacements.set(input, fed);
  }
  const unknown = Object.keys(feeds).find(name => !net.inputs.some(input => input.name === name));
  if (unknown !== undefined) {
    const expected = net.inputs.map(input => input.name).join(', ');
    throw new AppError('NET_INPUT_WRONG', { name: options.name ?? 'model', actual: unknown, expected });
  }
  const applied = substitute(taps, replacements, options);
  return new Map(layers.map((layer, at) => [layer, applied[at]]));
}

function tapOf(net: NetGraph, layer: string, name: string): Value {
  const value = net.values.get(layer) ?? (Object.hasOwn(net.outputs, layer) ? net.outputs[layer] : undefined);
  if (value !== undefined) return value;
  const known = [...new Set([...Object.keys(net.outputs), ...net.values.keys()])];
  throw new AppError('NET_LAYER_UNKNOWN', { name, layer, known: known.slice(0, 40).join(', ') });
}
