import { concat, constant, conv, input, lrn, matmul, maxPool, meanAll, mul, relu } from '../graph/build';
import { named } from '../graph/value';
import type { Value } from '../graph/value';
import { createRandom } from '../pipeline/random';
import { buildSteps, finish } from './bench-graphs';
import type { BenchGraph, BenchNet, Taps } from './bench-graphs';

/** Repeatable numbers without a pattern: filters that resemble each other would cancel, and hide or magnify errors. */
function spread(count: number, scale: number): Float32Array {
  const random = createRandom(count, 'bench', 0);
  return Float32Array.from({ length: count }, () => (random() - 0.5) * scale);
}

/** A net of convolutions and ReLU whose made-up weights are the same however often it is built. */
function createLayers() {
  const weights = new Map<string, Value>();
  const weightOf = (name: string, dims: readonly number[], scale: number): Value => {
    const known =
      weights.get(name) ??
      constant(
        spread(
          dims.reduce((a, b) => a * b, 1),
          scale,
        ),
        dims,
      );
    weights.set(name, known);
    return known;
  };
  return (name: string, x: Value, out: number, kernel: number, strides = 1): Value => {
    const inner = x.dims[1];
    const w = weightOf(`${name}.weight`, [out, inner, kernel, kernel], Math.sqrt(24 / (inner * kernel * kernel)));
    const b = weightOf(`${name}.bias`, [out], 0.1);
    return named(relu(conv(x, w, b, { pads: (kernel - 1) / 2, strides })), name);
  };
}

const vggBlocks = [[64, 64], [128, 128], [256, 256, 256, 256], [512, 512, 512, 512], [512]];

/** VGG-19 up to relu5_1 with made-up weights: as fast as the real one, and there without a download. */
export function makeVggNet(): BenchNet {
  const layer = createLayers();
  const taps = (image: Value): Taps => {
    const style: Value[] = [];
    let content = image;
    let x = image;
    vggBlocks.forEach((block, index) => {
      if (index > 0) x = maxPool(x, 2);
      block.forEach((out, at) => {
        x = layer(`relu${index + 1}_${at + 1}`, x, out, 3);
        if (at === 0) style.push(x);
        if (index === 3 && at === 1) content = x;
      });
    });
    return { style, content, dream: style[style.length - 1] };
  };
  return {
    name: 'vgg19 (random weights)',
    tasks: ['style'],
    build: (task, size, options) => buildSteps(task === 'dream' ? 'dream' : 'style', taps, size, options),
  };
}

/** Channels of an inception block: 1x1, 3x3 with its reduction, 5x5 with its reduction, after pooling. */
const inceptionBlocks = {
  '3a': [64, 96, 128, 16, 32, 32],
  '3b': [128, 128, 192, 32, 96, 64],
  '4a': [192, 96, 208, 16, 48, 64],
  '4b': [160, 112, 224, 24, 64, 64],
  '4c': [128, 128, 256, 24, 64, 64],
} as const;

/** GoogLeNet up to inception 4c with made-up weights (Szegedy et al., arXiv:1409.4842, table 1). */
export function makeGoogLeNet(): BenchNet {
  const layer = createLayers();
  const halve = (x: Value) => maxPool(x, 3, { strides: 2, ceil: true });
  const taps = (image: Value): Taps => {
    const found: Value[] = [];
    const inception = (x: Value, name: keyof typeof inceptionBlocks): Value => {
      const [one, reduce3, three, reduce5, five, pooled] = inceptionBlocks[name];
      const parts = [
        layer(`${name}/1x1`, x, one, 1),
        layer(`${name}/3x3`, layer(`${name}/3x3_reduce`, x, reduce3, 1), three, 3),
        layer(`${name}/5x5`, layer(`${name}/5x5_reduce`, x, reduce5, 1), five, 5),
        layer(`${name}/pool_proj`, maxPool(x, 3, { strides: 1, pads: 1 }), pooled, 1),
      ];
      const joined = concat(parts, 1);
      found.push(joined);
      return joined;
    };
    let x = lrn(halve(layer('conv1', image, 64, 7, 2)), { size: 5 });
    x = halve(lrn(layer('conv2/3x3', layer('conv2/3x3_reduce', x, 64, 1), 192, 3), { size: 5 }));
    x = halve(inception(inception(x, '3a'), '3b'));
    x = inception(inception(inception(x, '4a'), '4b'), '4c');
    return { style: found, content: found[1], dream: x };
  };
  return {
    name: 'googlenet 4c (random weights)',
    tasks: ['dream'],
    build: (task, size, options) => buildSteps(task === 'style' ? 'style' : 'dream', taps, size, options),
  };
}

/** The yardstick: `count` products of square matrices in one run, from weights alone so that nothing is copied in. */
export function peakGraph(side: number, count: number, half: boolean): BenchGraph {
  const weights = constant(spread(side * side, Math.sqrt(12 / side)), [side, side]);
  const factor = input('factor', []);
  let product = mul(weights, factor);
  for (let at = 0; at < count; at++) product = matmul(product, weights);
  return finish({ mean: meanAll(product) }, [factor], { half, steps: 1 });
}
