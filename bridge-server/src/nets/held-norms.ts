import { add, concat, div, input, mul, reduceMean, reshape, slice, sqrt, square, sub } from '../graph/build';
import { rewrite } from '../graph/rewrite';
import { number } from '../graph/shapes';
import { topological } from '../graph/value';
import type { Value } from '../graph/value';

export type HeldNorms = {
  /** The same picture, its instance norms fed by the inputs `statistics` [2, channels] and `share` []. */
  readonly image: Value;
  /** [2, channels]: means and deviations as this frame leaves them, for the next. */
  readonly statistics: Value;
  readonly channels: number;
};

const planes = { axes: [2, 3] };

/**
 * Instance norms divide every frame by its own statistics: whatever enters the picture makes all of it pump, and a tile
 * comes out otherwise than its neighbour. Here they go by statistics that are carried from frame to frame, of which
 * `share` is taken from the frame at hand: 1 on the first of a shot, then little.
 * @returns undefined when the net has no such norms
 */
export function holdNorms(image: Value): HeldNorms | undefined {
  const norms = topological([image]).filter(value => value.op === 'InstanceNormalization');
  if (norms.length === 0) return undefined;
  const channels = norms.reduce((sum, norm) => sum + norm.dims[1], 0);
  const carried = input('statistics', [2, channels]);
  const share = input('share', []);
  const means: Value[] = [];
  const deviations: Value[] = [];
  let from = 0;
  const [held] = rewrite([image], rebuilt => {
    if (rebuilt.op !== 'InstanceNormalization') return rebuilt;
    const [x, scale, bias] = rebuilt.inputs;
    const count = x.dims[1];
    const perChannel = [1, count, 1, 1];
    const before = (row: number) => reshape(slice(slice(carried, 0, row, row + 1), 1, from, from + count), perChannel);
    const own = reduceMean(x, planes);
    const blend = (now: Value, then: Value) => add(then, mul(sub(now, then), share));
    const mean = blend(own, before(0));
    // Deviations, not variances: what is bright and small would count with its square.
    const ownDeviation = sqrt(add(reduceMean(square(sub(x, own)), planes), number(rebuilt.attrs, 'epsilon')));
    const deviation = blend(ownDeviation, before(1));
    from += count;
    means.push(reshape(mean, [1, count]));
    deviations.push(reshape(deviation, [1, count]));
    const factor = div(reshape(scale, perChannel), deviation);
    return add(mul(x, factor), sub(reshape(bias, perChannel), mul(mean, factor)));
  });
  return { image: held, statistics: concat([concat(means, 1), concat(deviations, 1)], 0), channels };
}
