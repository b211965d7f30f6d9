import * as g from '../../bridge-server/src/graph/build';
import { evaluate } from '../../bridge-server/src/graph/evaluate';
import type { Value } from '../../bridge-server/src/graph/value';
import { receptiveField } from '../../bridge-server/src/nets/receptive-field';

const side = 48;
const picture = g.input('picture', [1, 1, side, side]);
/** All weights positive, so that nothing that is seen cancels. */
const ones = (...dims: number[]) => g.constant(new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(0.1), dims);
const conv = (x: Value, kernel: number, options: object = {}, out = 1) =>
  g.conv(x, ones(out, x.dims[1], kernel, kernel), undefined, { pads: (kernel - 1) / 2, ...options });

/** Pixels to the furthest that changes an output pixel, counted on the picture: by changing every pixel of one row. */
function seenBy(output: Value): number {
  const scale = output.dims[2] / side;
  const plain = new Float64Array(side * side).fill(0.5);
  const [before] = evaluate([output], { picture: plain });
  let furthest = 0;
  for (let x = 0; x < side; x++) {
    const changed = plain.slice();
    changed[(side / 2) * side + x] += 1;
    const [after] = evaluate([output], { picture: changed });
    for (let place = 0; place < output.dims[3]; place++) {
      const row = Math.floor((side / 2) * scale);
      const at = row * output.dims[3] + place;
      if (after.data[at] !== before.data[at]) furthest = Math.max(furthest, Math.abs(x - Math.floor(place / scale)));
    }
  }
  return furthest;
}

test.each<[string, Value, number]>([
  ['one convolution', conv(picture, 3), 1],
  ['two, of which one is dilated', conv(conv(picture, 5), 3, { dilations: 3, pads: 3 }), 5],
  ['a residual block', g.add(picture, conv(g.relu(conv(picture, 3)), 3)), 2],
  ['a convolution of halves', conv(conv(picture, 3, { strides: 2 }), 3), 3],
  ['pixels shuffled', g.depthToSpace(conv(picture, 3, {}, 4), 2), 1],
  ['a picture enlarged first', conv(g.resizeNearest(picture, 2 * side, 2 * side), 3), 1],
  [
    'down and up again',
    g.convTranspose(conv(g.maxPool(picture, 2), 3), ones(1, 1, 4, 4), undefined, { strides: 2, pads: 1 }),
    4,
  ],
])('%s sees as far as the pixels that change it', (_, output, seen) => {
  expect(seenBy(output)).toBe(seen);
  const field = receptiveField(output, picture)!;
  expect(field).toBeGreaterThanOrEqual(seen);
  expect(field).toBeLessThanOrEqual(seen + 2);
});

test('the mean of the whole map is not counted', () => {
  const gain = g.sigmoid(g.globalAveragePool(conv(picture, 3)));
  expect(receptiveField(g.mul(conv(picture, 3), gain), picture)).toBe(1);
});

test('what does not see by place has no field', () => {
  const rows = g.reshape(picture, [side, side]);
  expect(receptiveField(g.matmul(rows, rows), picture)).toBeUndefined();
});
