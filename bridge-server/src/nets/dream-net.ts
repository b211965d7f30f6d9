import { add, concat, constant, input, mul, slice } from '../graph/build';
import { describeModel, fromModel, type ReadModel } from '../graph/model';
import { applyNet } from '../graph/substitute';
import { topological, type Value } from '../graph/value';
import type { DreamNet } from './dream-step';

/** What a picture must be turned into before a net sees it: `pixel * scale - mean`, pixel being 0..1. */
export type InputConvention = {
  readonly order: 'rgb' | 'bgr' | 'grey';
  readonly scale: number;
  readonly mean: readonly number[];
};

export type DreamLayer = { readonly name: string; readonly channels: number };

export type DreamNetFile = {
  /** Layers that can be dreamt, in the order of computation. */
  readonly layers: readonly DreamLayer[];
  readonly pick: DreamNet;
  /** Named layers as outputs of a graph with input `image` [1, 3, H, W]. */
  taps(
    size: { readonly width: number; readonly height: number },
    names: readonly string[],
  ): Readonly<Record<string, Value>>;
};

/** From RGB 0..1 to what a net wants to see. @param image [1, 3, H, W] */
export function toConvention(image: Value, { order, scale, mean }: InputConvention): Value {
  const channels = [0, 1, 2].map(channel => slice(image, 1, channel, channel + 1));
  if (order === 'grey') {
    const grey = add(
      add(mul(channels[0], 0.299 * scale), mul(channels[1], 0.587 * scale)),
      mul(channels[2], 0.114 * scale),
    );
    return add(grey, -(mean[0] ?? 0));
  }
  const ordered = order === 'bgr' ? concat([...channels].reverse(), 1) : image;
  return add(
    mul(ordered, scale),
    constant(
      mean.map(value => -value),
      [1, 3, 1, 1],
    ),
  );
}

/** Large enough for every classifier's last layer to be more than one position. */
const probeSide = 256;

/**
 * A net that was prepared names its layers as outputs; of any other every map that is computed from the picture by a
 * convolution, a pool, a sum or an activation can be dreamt.
 */
function layersOf(bytes: Uint8Array, name: string, port: string, convention: InputConvention): DreamLayer[] {
  const { values, outputs } = fromModel(bytes, {
    name,
    anySize: true,
    partial: true,
    inputDims: { [port]: [1, convention.order === 'grey' ? 1 : 3, probeSide, probeSide] },
  });
  const isMap = (value: Value) =>
    value.dims.length === 4 && value.dims[0] === 1 && value.dims[2] > 1 && value.dims[3] > 1;
  const named = Object.entries(outputs).filter(([, value]) => isMap(value));
  const before = values.get(port);
  const computed = [...values].filter(
    ([, value]) => value !== before && isMap(value) && topological([value]).includes(before as Value),
  );
  return (named.length > 1 ? named : computed).map(([layer, value]) => ({ name: layer, channels: value.dims[1] }));
}

/**
 * A net from its file, to dream with. Padding inside the net stays as it was trained: with zeros.
 * @throws AppError NET_DAMAGED, NET_UNSUPPORTED
 */
export function readDreamNet(name: string, bytes: Uint8Array, convention: InputConvention): DreamNetFile {
  const about = describeModel(bytes, name);
  const port = about.inputs[0].name;
  // Read once a size and choice of layers, however many steps of a graph use it: the weights are many megabytes.
  const known = new Map<string, ReadModel>();
  const pick: DreamNet = (image, names) => {
    const key = JSON.stringify([image.dims, names]);
    const inputDims = { [port]: [1, convention.order === 'grey' ? 1 : 3, ...image.dims.slice(2)] };
    const net = known.get(key) ?? fromModel(bytes, { name, layers: names, anySize: true, inputDims });
    known.set(key, net);
    return applyNet(net, { [port]: toConvention(image, convention) }, names, { name });
  };
  return {
    layers: layersOf(bytes, name, port, convention),
    pick,
    taps: ({ width, height }, names) => Object.fromEntries(pick(input('image', [1, 3, height, width]), names)),
  };
}
