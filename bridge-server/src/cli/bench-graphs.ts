import { AppError } from '#protocol/errors';
import { abs, add, addAll, constant, div, gram, input, meanAll, mul, reshape, square, sub } from '../graph/build';
import { costOf } from '../graph/cost';
import type { Cost } from '../graph/cost';
import { scaledGradient } from '../graph/half-model';
import { toHalfPrecision } from '../graph/half-precision';
import { describeModel, fromModel, toModel } from '../graph/model';
import { adamStep } from '../graph/optimise';
import { simplify } from '../graph/simplify';
import { topological } from '../graph/value';
import type { Value } from '../graph/value';
import { readFeatureNet } from '../nets/feature-net';

/** What is timed: an optimiser step on style losses, a dream step, or a net as it is. */
export type BenchTask = 'style' | 'dream' | 'forward';

export type BenchOptions = {
  /** Convolutions and what lies between them in half precision. */
  readonly half: boolean;
  /** Optimiser steps in one run: several where a run costs copies to a device and back. */
  readonly steps: number;
};

export type BenchGraph = {
  readonly model: Uint8Array;
  /** Of one run. */
  readonly cost: Cost;
  /** Steps in one run; 1 for a net that only looks. */
  readonly steps: number;
  readonly inputs: readonly { readonly name: string; readonly dims: readonly number[] }[];
  /** Outputs that are the next run's inputs: they stay on the device. */
  readonly carried: Readonly<Record<string, string>>;
  /** Outputs whose numbers tell whether a provider computes rightly. */
  readonly compared: readonly string[];
};

export type BenchSize = { readonly width: number; readonly height: number };

/** A net that can be timed at any size. */
export type BenchNet = {
  readonly name: string;
  readonly tasks: readonly BenchTask[];
  /** @throws AppError when the net cannot take this size */
  build(task: BenchTask, size: BenchSize, options: BenchOptions): BenchGraph;
};

/** A graph ready to be timed; `steps` says how many are in it. */
export function finish(
  outputs: Readonly<Record<string, Value>>,
  inputs: readonly Value[],
  { half, steps }: BenchOptions,
  carried: Readonly<Record<string, string>> = {},
  compared: readonly string[] = Object.keys(outputs),
): BenchGraph {
  const names = Object.keys(outputs);
  const simple = simplify(names.map(name => outputs[name]));
  const values = half ? toHalfPrecision(simple) : simple;
  return {
    model: toModel({ inputs, outputs: Object.fromEntries(names.map((name, at) => [name, values[at]])) }),
    cost: costOf(simple),
    steps,
    inputs: inputs.map(value => ({ name: value.name as string, dims: value.dims })),
    carried,
    compared,
  };
}

/** What the losses look at. */
export type Taps = { readonly style: readonly Value[]; readonly content: Value; readonly dream: Value };

/** Optimiser steps on style losses, or steps of a dream. */
export function buildSteps(
  task: 'style' | 'dream',
  taps: (image: Value) => Taps,
  size: BenchSize,
  options: BenchOptions,
): BenchGraph {
  return task === 'style' ? styleGraph(taps, size, options) : dreamGraph(taps, size, options);
}

/** Gatys' step: a Gram loss per style layer, a content loss, Adam in the graph; its targets are zeros, which cost the same. */
function styleGraph(taps: (image: Value) => Taps, { width, height }: BenchSize, options: BenchOptions): BenchGraph {
  const [image, m, v] = ['image', 'm', 'v'].map(name => input(name, [1, 3, height, width]));
  const step = input('step', []);
  const target = (value: Value) => constant(new Float32Array(value.dims.reduce((a, b) => a * b, 1)), value.dims);
  let state = { x: image, m, v };
  let count: Value = step;
  let loss: Value = step;
  for (let at = 0; at < options.steps; at++) {
    const { style, content } = taps(state.x);
    const losses = style.map(layer => {
      const statistics = gram(layer);
      return meanAll(square(sub(statistics, target(statistics))));
    });
    loss = addAll([...losses, meanAll(square(content))].map(each => reshape(each, [])));
    count = add(count, 1);
    state = adamStep(state.x, scaledGradient(loss, [state.x])[0], state, count, { rate: 0.02, beta2: 0.99 });
  }
  const outputs = { next: state.x, 'm.next': state.m, 'v.next': state.v, loss };
  const carried = { next: 'image', 'm.next': 'm', 'v.next': 'v' };
  // Not the picture: Adam's first steps are as long for a gradient of nothing as for a large one.
  return finish(outputs, [image, m, v, step], options, carried, ['m.next', 'loss']);
}

/** Steps up the gradient of a layer's mean square, each as long as the gradient is large on average. */
function dreamGraph(taps: (image: Value) => Taps, { width, height }: BenchSize, options: BenchOptions): BenchGraph {
  const image = input('image', [1, 3, height, width]);
  let [next, slope]: Value[] = [image, image];
  for (let at = 0; at < options.steps; at++) {
    slope = scaledGradient(meanAll(square(taps(next).dream)), [next])[0];
    next = add(next, mul(div(slope, add(meanAll(abs(slope)), 1e-12)), dreamStride));
  }
  return finish({ next, slope }, [image], options, { next: 'image' }, ['slope']);
}

const dreamStride = 1.5 / 255;

/** A net from its file; style and dream steps where its layers are known. */
export function makeBenchNet(name: string, bytes: Uint8Array): BenchNet {
  const features = featureTaps(name, bytes);
  return {
    name,
    tasks: features === undefined ? ['forward'] : ['style', 'dream'],
    build: (task, size, options) =>
      features === undefined || task === 'forward'
        ? forwardGraph(name, bytes, size, options)
        : buildSteps(task, features, size, options),
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

/** A net as it is, at another size than its file's where it allows that. Only its pictures count, if it has any. */
function forwardGraph(
  name: string,
  bytes: Uint8Array,
  { width, height }: BenchSize,
  { half }: BenchOptions,
): BenchGraph {
  const inputDims = Object.fromEntries(
    describeModel(bytes, name).inputs.map(port => {
      const isPicture = port.dims.length === 4 && (port.dims[1] === 3 || typeof port.dims[1] !== 'number');
      return [port.name, isPicture ? [1, 3, height, width] : port.dims.map(dim => (typeof dim === 'number' ? dim : 1))];
    }),
  );
  const net = fromModel(bytes, { name, inputDims, anySize: true });
  const pictures = Object.entries(net.outputs).filter(([, value]) => value.dims.length === 4);
  const outputs = pictures.length > 0 ? Object.fromEntries(pictures) : net.outputs;
  const inputs = topological(Object.values(outputs)).filter(value => value.op === 'Input');
  return finish(outputs, inputs, { half, steps: 1 });
}
