import * as g from '../../bridge-server/src/graph/build';
import { named } from '../../bridge-server/src/graph/value';
import type { Value } from '../../bridge-server/src/graph/value';
import { randomNumbers } from './run-model';

const plan = [[64, 64], [128, 128], [256, 256, 256, 256], [512, 512, 512, 512], [512]] as const;

/** VGG-19 up to relu5_1 with random weights of the right spread: its shape is what counts here. Layers by name. */
export function makeVgg19(image: Value): Map<string, Value> {
  const layers = new Map<string, Value>();
  let x = image;
  plan.forEach((convolutions, block) => {
    if (block > 0) x = g.maxPool(x, 2);
    convolutions.forEach((out, at) => {
      const inner = x.dims[1];
      const spread = Math.sqrt(6 / (inner * 9));
      const w = g.constant(
        Float32Array.from(randomNumbers(out * inner * 9, block * 10 + at + 1), each => each * spread),
        [out, inner, 3, 3],
      );
      const b = g.constant(
        Float32Array.from(randomNumbers(out, block + 50), each => each * 0.1),
        [out],
      );
      const name = `relu${block + 1}_${at + 1}`;
      x = named(g.relu(g.conv(x, w, b, { pads: 1 })), name);
      layers.set(name, x);
    });
  });
  return layers;
}
