import { add, concat, constant, input, mul, slice } from '../graph/build';
import { describeModel, fromModel, type ReadModel } from '../graph/model';
import { applyNet } from '../graph/substitute';
import { topological, type Value } from '../graph/value';
import type { DreamNet } from './dream-step';
import type { InputConvention } from './input-convention';

export type { InputConvention };

export type DreamLayer = { readonly name: string; readonly channels: number };

export type DreamNetFile = {
  /** The layers that an atlas shows, in the order of computation. */
  readonly layers: readonly DreamLayer[];
  /** Everything that can be dreamt. */
  readonly maps: readonly DreamLayer[];
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

const activations: ReadonlySet<string> = new Set([
  'Relu',
  'Clip',
  'LeakyRelu',
  'PRelu',
  'Elu',
  'Sigmoid',
  'Tanh',
  'HardSwish',
]);
const passing: ReadonlySet<string> = new Set(['BatchNormalization', 'Add', 'Mul']);

/** What a convolution across all channels says once its activation has had its say. */
function isConvolutionLayer(value: Value): boolean {
  if (!activations.has(value.op)) return false;
  let before = value.inputs[0];
  while (passing.has(before.op)) before = before.inputs[0];
  return before.op === 'Conv' && (before.attrs.group ?? 1) === 1;
}

/**
 * Every map that is computed from the picture can be dreamt. Shown are those that mean something: the layers that a
 * prepared net names as outputs, and every convolution after its activation.
 */
function layersOf(
  bytes: Uint8Array,
  name: string,
  port: string,
  convention: InputConvention,
): Pick<DreamNetFile, 'layers' | 'maps'> {
  const { values, outputs } = fromModel(bytes, {
    name,
    anySize: true,
    partial: true,
    inputDims: { [port]: [1, convention.order === 'grey' ? 1 : 3, probeSide, probeSide] },
  });
  const picture = values.get(port) as Value;
  const named = new Set(Object.values(outputs));
  const maps = [...values].filter(
    ([, value]) =>
      value !== picture &&
      value.dims.length === 4 &&
      value.dims[0] === 1 &&
      value.dims[2] > 1 &&
      value.dims[3] > 1 &&
      topological([value]).includes(picture),
  );
  const shown = maps.filter(([, value]) => named.has(value) || isConvolutionLayer(value));
  const toLayer = ([layer, value]: (typeof maps)[number]): DreamLayer => ({ name: layer, channels: value.dims[1] });
  return { layers: (shown.length > 0 ? shown : maps).map(toLayer), maps: maps.map(toLayer) };
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
    ...layersOf(bytes, name, port, convention),
    pick,
    taps: ({ width, height }, names) => Object.fromEntries(pick(input('image', [1, 3, height, width]), names)),
  };
}
