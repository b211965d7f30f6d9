import * as g from '../../bridge-server/src/graph/build';
import { evaluate } from '../../bridge-server/src/graph/evaluate';
import { simplify } from '../../bridge-server/src/graph/simplify';
import { applyNet, substitute } from '../../bridge-server/src/graph/substitute';
import { named, topological } from '../../bridge-server/src/graph/value';
import type { Value } from '../../bridge-server/src/graph/value';
import { randomNumbers, relativeDifference } from './run-model';

const x = g.input('x', [1, 3, 6, 7]);
const feeds = { x: randomNumbers(126, 5) };
const weights = (seed: number, ...dims: number[]): Value =>
  g.constant(
    Float32Array.from(
      randomNumbers(
        dims.reduce((a, b) => a * b, 1),
        seed,
      ),
    ),
    dims,
  );
const opsOf = (outputs: readonly Value[]): string[] =>
  topological(outputs).flatMap(value => (value.inputs.length > 0 ? [value.op] : []));

function expectSame(before: Value, after: Value): void {
  expect(after.dims).toEqual(before.dims);
  expect(relativeDifference(evaluate([after], feeds)[0].data, evaluate([before], feeds)[0].data)).toBeLessThan(1e-6);
}

describe('simplify', () => {
  test('batch normalisation disappears into the convolution before it', () => {
    const normalised = g.batchNorm(
      g.conv(x, weights(1, 4, 3, 3, 3), weights(2, 4)),
      weights(3, 4),
      weights(4, 4),
      weights(5, 4),
      g.constant([1, 2, 3, 4], [4]),
    );
    const [after] = simplify([g.relu(normalised)]);
    expect(opsOf([after])).toEqual(['Conv', 'Relu']);
    expectSame(g.relu(normalised), after);
  });

  test('a convolution that others read too keeps its numbers', () => {
    const conv = g.conv(x, weights(1, 4, 3, 3, 3));
    const outputs = [g.mul(conv, weights(3, 4, 1, 1)), g.relu(conv)];
    const after = simplify(outputs);
    expect(opsOf(after).sort()).toEqual(['Conv', 'Mul', 'Relu']);
    outputs.forEach((before, at) => expectSame(before, after[at]));
  });

  test('zero padding moves into the convolution, a reflected border does not', () => {
    const zero = g.conv(g.padPlanes(x, 1, 0, 2, 1), weights(1, 4, 3, 3, 3), undefined, { pads: 1 });
    const reflected = g.conv(g.padPlanes(x, 1, 1, 1, 1, 'reflect'), weights(1, 4, 3, 3, 3));
    const after = simplify([zero, reflected]);
    expect(opsOf(after).sort()).toEqual(['Conv', 'Conv', 'Pad']);
    [zero, reflected].forEach((before, at) => expectSame(before, after[at]));
  });

  test('constants are computed, neutral parts removed, equal parts joined', () => {
    const shifted = g.add(g.mul(x, g.div(g.scalar(4), 4)), g.zeros([3, 1, 1]));
    const twice = g.add(g.exp(shifted), g.exp(x));
    const turned = g.transpose(g.transpose(g.reshape(g.reshape(twice, [3, 42]), [1, 3, 42]), [2, 0, 1]), [1, 2, 0]);
    const [after] = simplify([g.identity(turned)]);
    expect(opsOf([after])).toEqual(['Exp', 'Add', 'Reshape']);
    expectSame(turned, after);
  });

  test('names stay reachable', () => {
    const [after] = simplify([named(g.add(named(g.relu(x), 'inner'), 0), 'outer')]);
    expect(topological([after]).map(value => value.name)).toEqual(['x', 'inner']);
  });
});

describe('substitute', () => {
  const inner = g.input('image', [1, 3, 6, 7]);
  const layer = named(g.conv(inner, weights(1, 4, 3, 3, 3), undefined, { pads: 1 }), 'layer');
  const net = { inputs: [inner], outputs: { out: g.sigmoid(layer) }, values: new Map([['layer', layer]]) };

  test('a net applied to a picture gives its layers by name', () => {
    const taps = applyNet(net, { image: g.mul(x, 2) }, ['layer', 'out']);
    const by = evaluate([taps.get('layer') as Value, taps.get('out') as Value], feeds);
    const direct = evaluate([layer, g.sigmoid(layer)], { image: feeds.x.map(each => each * 2) });
    by.forEach((tensor, at) => expect(relativeDifference(tensor.data, direct[at].data)).toBeLessThan(1e-12));
  });

  test('with a repeated border a flat picture stays flat', () => {
    const flat = { x: new Float64Array(126).fill(0.5) };
    const spread = (options: { padding?: 'replicate' }) => {
      const planes = evaluate(
        [applyNet(net, { image: x }, ['layer'], options).get('layer') as Value],
        flat,
      )[0].data.subarray(0, 42);
      return Math.max(...planes) - Math.min(...planes);
    };
    expect(spread({ padding: 'replicate' })).toBeLessThan(1e-12);
    expect(spread({})).toBeGreaterThan(0.01);
  });

  test('an unknown layer and a wrong size are refused', () => {
    expect(() => applyNet(net, { image: x }, ['nowhere'])).toThrow(
      expect.objectContaining({ code: 'NET_LAYER_UNKNOWN' }),
    );
    expect(() => applyNet(net, { picture: x }, ['layer'])).toThrow(
      expect.objectContaining({ code: 'NET_INPUT_WRONG' }),
    );
    expect(() => substitute([layer], new Map([[inner, g.input('y', [1, 3, 5, 7])]]))).toThrow(
      expect.objectContaining({ code: 'SHAPE_MISMATCH' }),
    );
  });
});
