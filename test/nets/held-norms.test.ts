import * as g from '../../bridge-server/src/graph/build';
import { evaluate } from '../../bridge-server/src/graph/evaluate';
import type { Value } from '../../bridge-server/src/graph/value';
import { holdNorms } from '../../bridge-server/src/nets/held-norms';
import { randomNumbers } from '../graph/run-model';

const dims = [1, 3, 6, 8];
const image = g.input('image', dims);
const weights = g.constant(Float32Array.from(randomNumbers(4 * 3 * 9, 3)), [4, 3, 3, 3]);
const norm = (x: Value, seed: number, channels: number) =>
  g.instanceNorm(
    x,
    g.constant(Float32Array.from(randomNumbers(channels, seed)), [channels]),
    g.constant(Float32Array.from(randomNumbers(channels, seed + 1)), [channels]),
  );
/** Two norms of 3 and 4 channels with something between them. */
const net = norm(g.conv(g.relu(norm(image, 11, 3)), weights, undefined, { pads: 1 }), 21, 4);
const held = holdNorms(net)!;

const picture = (seed: number, scale = 1) => randomNumbers(144, seed).map(value => scale * value + 0.3);
const run = (pixels: ArrayLike<number>, statistics: ArrayLike<number>, share: number) => {
  const [painted, after] = evaluate([held.image, held.statistics], { image: pixels, statistics, share: [share] }).map(
    each => each.data,
  );
  return { painted, after };
};
const worst = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])));
const nothing = new Float64Array(14);

describe('held norms', () => {
  it('are the net itself on the first frame of a shot', () => {
    expect(held.channels).toBe(7);
    const [plain] = evaluate([net], { image: picture(1) }).map(each => each.data);
    expect(worst(run(picture(1), nothing, 1).painted, plain)).toBeLessThan(1e-9);
  });

  it('go by the frames before: what follows on one another frame leaves no trace where nothing is taken', () => {
    const first = run(picture(1), nothing, 1);
    const second = run(picture(2, 3), first.after, 0);
    expect(worst(second.after, first.after)).toBe(0);
    const [alone] = evaluate([net], { image: picture(2, 3) }).map(each => each.data);
    expect(worst(second.painted, alone)).toBeGreaterThan(0.1);
    // The same picture as before is painted as before.
    expect(worst(run(picture(1), first.after, 0).painted, first.painted)).toBeLessThan(1e-9);
  });

  it('take the share that they are told', () => {
    const first = run(picture(1), nothing, 1);
    const own = run(picture(2, 3), nothing, 1);
    const mixed = run(picture(2, 3), first.after, 0.25);
    // Those of the first norm: later ones see what the norms before have made.
    for (const at of [0, 1, 2, 7, 8, 9])
      expect(mixed.after[at]).toBeCloseTo(first.after[at] + 0.25 * (own.after[at] - first.after[at]), 9);
  });

  it('are not there in a net without norms', () => {
    expect(holdNorms(g.relu(image))).toBeUndefined();
  });
});
