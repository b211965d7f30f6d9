import * as g from '../../bridge-server/src/graph/build';
import { toModel } from '../../bridge-server/src/graph/model';
import { unrollAdam } from '../../bridge-server/src/graph/optimise';
import type { Value } from '../../bridge-server/src/graph/value';
import { compareOnWebgpu, hasWebgpu } from '../graph/compare-webgpu';
import { randomNumbers } from '../graph/run-model';

const weights = (seed: number, ...dims: number[]): Value =>
  g.constant(
    Float32Array.from(
      randomNumbers(
        dims.reduce((a, b) => a * b, 1),
        seed,
      ),
      x => x * 0.4,
    ),
    dims,
  );

/** Gram losses on a net of every kind of layer that feature nets have. */
function styleLoss(image: Value): Value {
  const first = g.relu(g.conv(image, weights(1, 8, 3, 7, 7), weights(2, 8), { strides: 2, pads: 3 }));
  const pooled = g.lrn(g.maxPool(first, 3, { strides: 2, ceil: true }), { size: 5, alpha: 0.1 });
  const branches = g.concat(
    [
      g.relu(g.conv(pooled, weights(3, 6, 8, 1, 1))),
      g.relu6(g.conv(g.relu(g.conv(pooled, weights(4, 6, 8, 1, 1))), weights(5, 8, 6, 3, 3), undefined, { pads: 1 })),
      g.leakyRelu(g.conv(g.maxPool(pooled, 3, { strides: 1, pads: 1 }), weights(6, 4, 8, 1, 1))),
    ],
    1,
  );
  const normal = g.instanceNorm(
    g.conv(g.padPlanes(branches, 1, 1, 1, 1, 'edge'), weights(7, 18, 1, 3, 3), undefined, { group: 18 }),
    weights(8, 18),
    weights(9, 18),
  );
  const up = g.sigmoid(
    g.convTranspose(g.averagePool(normal, 2), weights(10, 18, 4, 4, 4), undefined, { strides: 2, pads: 1 }),
  );
  const variation = g.meanAll(g.square(g.sub(g.slice(image, 3, 1), g.slice(image, 3, 0, -1))));
  return g.addAll([...[first, branches, up].map(layer => g.meanAll(g.square(g.gram(layer)))), g.mul(variation, 0.1)]);
}

(hasWebgpu ? test : test.skip)(
  'three optimiser steps agree with the cpu to 1e-3 on webgpu (skipped where there is no adapter)',
  () => {
    const dims = [1, 3, 40, 52];
    const [image, m, v] = ['image', 'm', 'v'].map(name => g.input(name, dims));
    const step = g.input('step', []);
    const after = unrollAdam([image], [{ m, v }], step, ([x]) => styleLoss(x), { steps: 3, rate: 0.02, beta2: 0.99 });
    const model = toModel({
      inputs: [image, m, v, step],
      outputs: { next: after.variables[0], moment: after.moments[0].m, losses: after.losses },
    });
    const zero = { dims, data: new Float32Array(3 * 40 * 52) };
    const picture = { dims, data: randomNumbers(3 * 40 * 52, 4).map(x => (x + 1) / 2) };
    const [result] = compareOnWebgpu([
      { name: 'style', model, feeds: { image: picture, m: zero, v: zero, step: { dims: [], data: [0] } } },
    ]);
    expect(result.failed).toBeUndefined();
    expect(result.onCpu).toEqual([]);
    expect(Object.keys(result.differences).sort()).toEqual(['losses', 'moment', 'next']);
    for (const difference of Object.values(result.differences)) expect(difference).toBeLessThan(1e-3);
  },
  600_000,
);
