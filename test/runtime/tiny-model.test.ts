import { floatTensor } from '../../bridge-server/src/frame/tensor';
import { largestPicture, readSignature, writeTinyModel } from '../../bridge-server/src/runtime/tiny-model';
import { tinyNet } from '../conformance/runtime';

test('what is written is read again', () => {
  expect(readSignature(tinyNet)).toEqual({
    inputs: [{ name: 'x', type: 'float32', dims: [1, 2, 'h', 'w'] }],
    outputs: [
      { name: 'y', type: 'float32', dims: [1, 1, 'h', 'w'] },
      { name: 's', type: 'float32', dims: [1, 2, 'h', 'w'] },
    ],
  });
});

test('a weight that is also listed as an input does not count as one', () => {
  const model = writeTinyModel({
    inputs: [
      { name: 'x', type: 'float32', dims: [4] },
      { name: 'w', type: 'float32', dims: [4] },
    ],
    outputs: [{ name: 'y', type: 'float32', dims: [4] }],
    nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'] }],
    constants: { w: floatTensor(new Float32Array(4), [4]) },
  });
  expect(readSignature(model).inputs.map(input => input.name)).toEqual(['x']);
});

test('a model cut off anywhere is refused or gives no more than it held, and never hangs', () => {
  let refused = 0;
  for (let length = 0; length < tinyNet.length; length++) {
    try {
      readSignature(tinyNet.subarray(0, length));
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(RangeError);
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(0.9 * tinyNet.length);
});

test('damaged bytes end in a RangeError or a signature', () => {
  let random = 1;
  const next = () => (random = (random * 48271) % 2147483647);
  for (let round = 0; round < 500; round++) {
    const damaged = tinyNet.slice();
    for (let hit = 0; hit < 3; hit++) damaged[next() % damaged.length] = next() % 256;
    try {
      readSignature(damaged);
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(RangeError);
    }
  }
});

test('the largest fixed picture decides', () => {
  const input = (name: string, dims: (number | string)[]) => ({ name, type: 'float32' as const, dims });
  expect(
    largestPicture({
      inputs: [
        input('a', [1, 3, 20, 30]),
        input('b', [1, 3, 40, 30]),
        input('c', [1, 'n', 'h', 'w']),
        input('d', [9000, 9000]),
      ],
      outputs: [],
    }),
  ).toEqual({ width: 30, height: 40 });
});
