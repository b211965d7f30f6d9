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
    expect(held.count).toBe(14);
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
    for (const at of [0, 1, 2, 3, 4, 5])
      expect(mixed.after[at]).toBeCloseTo(first.after[at] + 0.25 * (own.after[at] - first.after[at]), 9);
  });

  it('may be written out as means over the whole picture', () => {
    const planes = { axes: [2, 3] };
    const centred = g.sub(image, g.reduceMean(image, planes));
    const deviation = g.sqrt(g.add(g.globalAveragePool(g.square(centred)), 1e-5));
    const writtenOut = holdNorms(g.relu(g.div(centred, deviation)))!;
    expect(writtenOut.count).toBe(6);
    const paint = (pixels: ArrayLike<number>, statistics: ArrayLike<number>, share: number) =>
      evaluate([writtenOut.image, writtenOut.statistics], { image: pixels, statistics, share: [share] });
    const [first, after] = paint(picture(1), new Float64Array(6), 1).map(each => each.data);
    const ones = g.constant([1, 1, 1], [3]);
    const asOne = g.relu(g.instanceNorm(image, ones, g.constant([0, 0, 0], [3]), 1e-5));
    expect(worst(first, evaluate([asOne], { image: picture(1) })[0].data)).toBeLessThan(1e-9);
    // By the statistics of the frame before, brighter pixels are brighter: nothing makes up for them.
    const brighter = picture(1).map(value => value + 1);
    const [second] = paint(brighter, after, 0).map(each => each.data);
    const [own] = paint(brighter, after, 1).map(each => each.data);
    expect(worst(own, first)).toBeLessThan(1e-9);
    expect(worst(second, first)).toBeGreaterThan(0.5);
  });

  it('are not there in a net without norms', () => {
    expect(holdNorms(g.relu(image))).toBeUndefined();
  });
});
