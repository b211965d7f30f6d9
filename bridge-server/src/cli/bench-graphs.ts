import { AppError } from '#protocol/errors';
import {
  addAll,
  constant,
  div,
  gram,
  input,
  matmul,
  maxPool,
  meanAll,
  mul,
  conv,
  relu,
  reshape,
  square,
  sub,
} from '../graph/build';
import { costOf } from '../graph/cost';
import type { Cost } from '../graph/cost';
import { gradient } from '../graph/gradient';
import { toHalfPrecision } from '../graph/half-precision';
import { describeModel, fromModel, toModel } from '../graph/model';
import { adamStep } from '../graph/optimise';
import { simplify } from '../graph/simplify';
import { named } from '../graph/value';
import type { Value } from '../graph/value';
import { readFeatureNet } from '../nets/feature-net';

/** What is timed: an optimiser step on style losses, a dream step, or a net as it is. */
export type BenchTask = 'style' | 'dream' | 'forward';

export type BenchGraph = {
  readonly model: Uint8Array;
  readonly cost: Cost;
  readonly inputs: readonly { readonly name: string; readonly dims: readonly number[] }[];
  /** Outputs that are the next run's inputs: they stay on the device. */
  readonly carried: Readonly<Record<string, string>>;
};

export type BenchSize = { readonly width: number; readonly height: number };

/** A net that can be timed at any size. */
export type BenchNet = {
  readonly name: string;
  readonly tasks: readonly BenchTask[];
  /** @throws AppError when the net cannot take this size */
  build(task: BenchTask, size: BenchSize, half: boolean): BenchGraph;
};

function finish(
  outputs: Readonly<Record<string, Value>>,
  inputs: readonly Value[],
  half: boolean,
  carried: Readonly<Record<string, string>>,
): BenchGraph {
  const names = Object.keys(outputs);
  const simple = simplify(names.map(name => outputs[name]));
  const values = half ? toHalfPrecision(simple) : simple;
  return {
    model: toModel({ inputs, outputs: Object.fromEntries(names.map((name, at) => [name, values[at]])) }),
    cost: costOf(simple),
    inputs: inputs.map(value => ({ name: value.name as string, dims: value.dims })),
    carried,
  };
}

/** Gradients of these losses are far below what half precision can hold. */
const seed = 2 ** 14;

function slopeOf(loss: Value, image: Value): Value {
  return div(gradient(loss, [image], constant([seed], []))[0], seed);
}

type Taps = { readonly style: readonly Value[]; readonly content: Value; readonly dream: Value };

/** Gatys' step: a Gram loss per style layer, a content loss, Adam in the graph; its targets are zeros, which cost the same. */
function styleGraph(taps: (image: Value) => Taps, { width, height }: BenchSize, half: boolean): BenchGraph {
  const [image, m, v] = ['image', 'm', 'v'].map(name => input(name, [1, 3, height, width]));
  const step = input('step', []);
  const { style, content } = taps(image);
  const target = (value: Value) => constant(new Float32Array(value.dims.reduce((a, b) => a * b, 1)), value.dims);
  const losses = style.map(layer => {
    const statistics = gram(layer);
    return meanAll(square(sub(statistics, target(statistics))));
  });
  const loss = addAll([...losses, meanAll(square(content))].map(each => reshape(each, [])));
  const next = adamStep(image, slopeOf(loss, image), { m, v }, step, { rate: 0.02, beta2: 0.99 });
  return finish({ next: next.x, 'm.next': next.m, 'v.next': next.v, loss }, [image, m, v, step], half, {
    next: 'image',
    'm.next': 'm',
    'v.next': 'v',
  });
}

/** One step up the gradient of a layer's mean square. */
function dreamGraph(taps: (image: Value) => Taps, { width, height }: BenchSize, half: boolean): BenchGraph {
  const image = input('image', [1, 3, height, width]);
  const slope = slopeOf(meanAll(square(taps(image).dream)), image);
  const next = sub(image, mul(slope, -1));
  return finish({ next }, [image], half, { next: 'image' });
}

/** A net from its file; style and dream steps where its layers are known. */
export function makeBenchNet(name: string, bytes: Uint8Array): BenchNet {
  const features = featureTaps(name, bytes);
  return {
    name,
    tasks: features === undefined ? ['forward'] : ['style', 'dream'],
    build(task, size, half) {
      if (features !== undefined && task === 'style') return styleGraph(features, size, half);
      if (features !== undefined && task === 'dream') return dreamGraph(features, size, half);
      return forwardGraph(name, bytes, size, half);
    },
  };
}

function featureTaps(name: string, bytes: Uint8Array): ((image: Value) => Taps) | undefined {
  try {
    const { recipe, features } = readFeatureNet(name, bytes);
    return image => {
      const layers = features(image);
      const at = (layer: string) => layers.get(layer) as Value;
      const style = recipe.style.map(at);
      return { style, content: at(recipe.content), dream: style[style.length - 1] };
    };
  } catch (error) {
    // Not a net that judges pictures: it is timed as it is.
    if (error instanceof AppError && error.code === 'NET_LAYER_UNKNOWN') return undefined;
    throw error;
  }
}

function forwardGraph(name: string, bytes: Uint8Array, { width, height }: BenchSize, half: boolean): BenchGraph {
  const inputDims = Object.fromEntries(
    describeModel(bytes, name).inputs.map(port => [
      port.name,
      port.dims.map((dim, axis) =>
        typeof dim === 'number'
          ? dim
          : axis === 0
            ? 1
            : axis === port.dims.length - 2
              ? height
              : axis === port.dims.length - 1
                ? width
                : 3,
      ),
    ]),
  );
  const net = fromModel(bytes, { name, inputDims });
  return finish(net.outputs, net.inputs, half, {});
}

const vggBlocks = [[64, 64], [128, 128], [256, 256, 256, 256], [512, 512, 512, 512], [512]];

/** VGG-19 up to relu5_1 with made-up weights: as fast as the real one, and there without a download. */
export function makeVggNet(): BenchNet {
  const weights = new Map<string, Value>();
  const weightOf = (name: string, dims: readonly number[], scale: number): Value => {
    const known = weights.get(name);
    if (known) return known;
    const count = dims.reduce((a, b) => a * b, 1);
    // Spread evenly and without a pattern; the values do not matter, zeros and denormals would.
    const made = constant(
      Float32Array.from({ length: count }, (_, at) => (((at * 0.6180339887) % 1) - 0.5) * scale),
      dims,
    );
    weights.set(name, made);
    return made;
  };
  const taps = (image: Value): Taps => {
    const style: Value[] = [];
    let content = image;
    let x = image;
    vggBlocks.forEach((block, index) => {
      if (index > 0) x = maxPool(x, 2);
      block.forEach((out, at) => {
        const inner = x.dims[1];
        const name = `${index + 1}_${at + 1}`;
        x = named(
          relu(
            conv(
              x,
              weightOf(`w${name}`, [out, inner, 3, 3], Math.sqrt(24 / (inner * 9))),
              weightOf(`b${name}`, [out], 0.1),
              { pads: 1 },
            ),
          ),
          `relu${name}`,
        );
        if (at === 0) style.push(x);
        if (index === 3 && at === 1) content = x;
      });
    });
    return { style, content, dream: style[style.length - 1] };
  };
  return {
    name: 'vgg19 (random weights)',
    tasks: ['style'],
    build: (task, size, half) => (task === 'dream' ? dreamGraph(taps, size, half) : styleGraph(taps, size, half)),
  };
}

/** The yardstick: `count` products of square matrices in one run, from weights alone so that nothing is copied in. */
export function peakGraph(side: number, count: number, half: boolean): BenchGraph {
  const data = Float32Array.from(
    { length: side * side },
    (_, at) => (((at * 0.6180339887) % 1) - 0.5) * Math.sqrt(12 / side),
  );
  const weights = constant(data, [side, side]);
  const factor = input('factor', []);
  let product = mul(weights, factor);
  for (let at = 0; at < count; at++) product = matmul(product, weights);
  const outputs = { mean: meanAll(product) };
  return finish(outputs, [factor], half, {});
}
