import { add, concat, div, input, mul, reduceMean, reshape, slice, sqrt, square, sub } from '../graph/build';
import { rewrite } from '../graph/rewrite';
import { number, numbers } from '../graph/shapes';
import { sizeOf } from '../frame/tensor';
import { topological } from '../graph/value';
import type { Value } from '../graph/value';

export type HeldNorms = {
  /** The same picture, its norms fed by the inputs `statistics` [count] and `share` []. */
  readonly image: Value;
  /** [count]: as this frame leaves them, for the next. */
  readonly statistics: Value;
  readonly count: number;
};

const planes = { axes: [2, 3] };

/** What is computed of all places of a map at once: of a norm that is written out, or of an excitation. */
function isOfPlanes({ op, inputs, attrs }: Value): boolean {
  if (op === 'GlobalAveragePool') return true;
  if (op !== 'ReduceMean' && op !== 'ReduceSum') return false;
  const axes = numbers(attrs, 'axes');
  return inputs[0].dims.length === 4 && axes.length === 2 && axes[0] === 2 && axes[1] === 3;
}

/** How many numbers a value adds to the statistics. */
function countOf(value: Value): number {
  if (value.op === 'InstanceNormalization') return 2 * value.dims[1];
  return isOfPlanes(value) ? sizeOf(value.dims) : 0;
}

/**
 * Instance norms divide every frame by its own statistics: whatever enters the picture makes all of it pump, and a tile
 * comes out otherwise than its neighbour. Here they go by statistics that are carried from frame to frame, of which
 * `share` is taken from the frame at hand: 1 on the first of a shot, then little. Means and sums over whole maps, of
 * which many files build their norms, are held alike.
 * @returns undefined when the net has none of these
 */
export function holdNorms(image: Value): HeldNorms | undefined {
  const count = topological([image]).reduce((sum, value) => sum + countOf(value), 0);
  if (count === 0) return undefined;
  const carried = input('statistics', [count]);
  const share = input('share', []);
  const statistics: Value[] = [];
  let from = 0;
  const hold = (own: Value): Value => {
    const length = sizeOf(own.dims);
    const before = reshape(slice(carried, 0, from, from + length), own.dims);
    from += length;
    const held = add(before, mul(sub(own, before), share));
    statistics.push(reshape(held, [length]));
    return held;
  };
  const [held] = rewrite([image], rebuilt => {
    if (isOfPlanes(rebuilt)) return hold(rebuilt);
    if (rebuilt.op !== 'InstanceNormalization') return rebuilt;
    const [x, scale, bias] = rebuilt.inputs;
    const perChannel = [1, x.dims[1], 1, 1];
    const own = reduceMean(x, planes);
    const mean = hold(own);
    // Deviations, not variances: what is bright and small would count with its square.
    const deviation = hold(sqrt(add(reduceMean(square(sub(x, own)), planes), number(rebuilt.attrs, 'epsilon'))));
    const factor = div(reshape(scale, perChannel), deviation);
    return add(mul(x, factor), sub(reshape(bias, perChannel), mul(mean, factor)));
  });
  return { image: held, statistics: concat(statistics, 0), count };
}
