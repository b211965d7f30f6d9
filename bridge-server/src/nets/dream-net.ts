import { add, concat, constant, input, mul, node, slice } from '../graph/build';
import { describeModel, fromModel } from '../graph/model';
import type { OpName } from '../graph/shapes';
import { isConstant, topological, type Value } from '../graph/value';
import type { DreamNet } from './dream-step';

/** What a picture must be turned into before a net sees it: `pixel * scale - mean`, pixel being 0..1. */
export type InputConvention = { readonly order: 'rgb' | 'bgr' | 'grey'; readonly scale: number; readonly mean: readonly number[] };

export type DreamLayer = { readonly name: string; readonly channels: number };

export type DreamNetFile = {
  /** Layers that can be dreamt, in the order of computation. */
  readonly layers: readonly DreamLayer[];
  readonly pick: DreamNet;
  /** Named layers as outputs of a graph with input `image` [1, 3, H, W]. */
  taps(size: { readonly width: number; readonly height: number }, names: readonly string[]): Readonly<Record<string, Value>>;
};

function toConvention(image: Value, { order, scale, mean }: InputConvention): Value {
  const channels = [0, 1, 2].map(channel => slice(image, 1, channel, channel + 1));
  if (order === 'grey') {
    const grey = add(add(mul(channels[0], 0.299 * scale), mul(channels[1], 0.587 * scale)), mul(channels[2], 0.114 * scale));
    return add(grey, -(mean[0] ?? 0));
  }
  const ordered = order === 'bgr' ? concat([...channels].reverse(), 1) : image;
  return add(mul(ordered, scale), constant(mean.map(value => -value), [1, 3, 1, 1]));
}

/** The values that `layers` need, computed from `after` instead of the net's own input. */
function onInput(layers: readonly Value[], before: Value, after: Value): Value[] {
  const moved = new Map<Value, Value>([[before, after]]);
  for (const value of topological(layers)) {
    if (moved.has(value)) continue;
    if (isConstant(value)) moved.set(value, value);
    else moved.set(value, node(value.op as OpName, value.inputs.map(each => moved.get(each) as Value), value.attrs));
  }
  return layers.map(layer => moved.get(layer) as Value);
}

/** Large enough for every classifier's last layer to be more than one position. */
const probeSide = 256;

/**
 * A net that was prepared names its layers as outputs; of any other every map that is computed from the picture by a
 * convolution, a pool, a sum or an activation can be dreamt.
 */
function layersOf(bytes: Uint8Array, name: string, port: string, convention: InputConvention): DreamLayer[] {
  const { values, outputs } = fromModel(bytes, { name, inputDims: { [port]: [1, convention.order === 'grey' ? 1 : 3, probeSide, probeSide] } });
  const isMap = (value: Value) => value.dims.length === 4 && value.dims[0] === 1 && value.dims[2] > 1 && value.dims[3] > 1;
  const named = Object.entries(outputs).filter(([, value]) => isMap(value));
  const before = values.get(port);
  const computed = [...values].filter(([, value]) => value !== before && isMap(value) && topological([value]).includes(before as Value));
  return (named.length > 1 ? named : computed).map(([layer, value]) => ({ name: layer, channels: value.dims[1] }));
}

/**
 * A net from its file, to dream with. Padding inside the net stays as it was trained: with zeros.
 * @throws AppError NET_DAMAGED, NET_UNSUPPORTED
 */
export function readDreamNet(name: string, bytes: Uint8Array, convention: InputConvention): DreamNetFile {
  const about = describeModel(bytes, name);
  const port = about.inputs[0].name;
  const pick: DreamNet = (image, names) => {
    const { values } = fromModel(bytes, { name, inputDims: { [port]: [1, convention.order === 'grey' ? 1 : 3, ...image.dims.slice(2)] } });
    const before = values.get(port) as Value;
    const found = onInput(names.map(layer => values.get(layer) as Value), before, toConvention(image, convention));
    return new Map(names.map((layer, i) => [layer, found[i]]));
  };
  return {
    layers: layersOf(bytes, name, port, convention),
    pick,
    taps: ({ width, height }, names) => Object.fromEntries(pick(input('image', [1, 3, height, width]), names)),
  };
}
