import * as g from '../../bridge-server/src/graph/build';
import { costOf } from '../../bridge-server/src/graph/cost';
import { evaluate } from '../../bridge-server/src/graph/evaluate';
import { gradient } from '../../bridge-server/src/graph/gradient';
import { toHalfPrecision } from '../../bridge-server/src/graph/half-precision';
import { toModel } from '../../bridge-server/src/graph/model';
import { unrollAdam } from '../../bridge-server/src/graph/optimise';
import type { Value } from '../../bridge-server/src/graph/value';
import { topological } from '../../bridge-server/src/graph/value';
import { randomNumbers, relativeDifference, runModel } from './run-model';

const weights = (seed: number, ...dims: number[]): Value =>
  g.constant(
    Float32Array.from(
      randomNumbers(
        dims.reduce((a, b) => a * b, 1),
        seed,
      ),
      x => x * 0.5,
    ),
    dims,
  );

describe('Adam in the graph', () => {
  test('steps equal the published algorithm, one at a time and unrolled', async () => {
    const target = g.constant([1, -2, 3], [3]);
    const loss = ([x]: readonly Value[]) => g.sumAll(g.square(g.sub(x, target)));
    const step = g.input('step', []);
    const [x, m, v] = ['x', 'm', 'v'].map(name => g.input(name, [3]));
    const build = (steps: number) => {
      const after = unrollAdam([x], [{ m, v }], step, loss, {
        steps,
        rate: 0.1,
        beta1: 0.9,
        beta2: 0.99,
        epsilon: 1e-8,
      });
      return toModel({
        inputs: [x, m, v, step],
        outputs: {
          x1: after.variables[0],
          m1: after.moments[0].m,
          v1: after.moments[0].v,
          step1: after.step,
          losses: after.losses,
        },
      });
    };
    const start = {
      x: { dims: [3], data: [0, 0, 0] },
      m: { dims: [3], data: [0, 0, 0] },
      v: { dims: [3], data: [0, 0, 0] },
      step: { dims: [], data: [0] },
    };
    let state: Record<string, { dims: readonly number[]; data: ArrayLike<number> }> = start;
    for (let at = 0; at < 3; at++) {
      const { x1, m1, v1, step1 } = await runModel(build(1), state);
      state = {
        x: { dims: [3], data: x1 },
        m: { dims: [3], data: m1 },
        v: { dims: [3], data: v1 },
        step: { dims: [], data: step1 },
      };
    }
    const unrolled = await runModel(build(3), start);
    const expected = [0, 0, 0];
    const [first, second] = [
      [0, 0, 0],
      [0, 0, 0],
    ];
    for (let t = 1; t <= 3; t++) {
      [1, -2, 3].forEach((goal, i) => {
        const slope = 2 * (expected[i] - goal);
        first[i] = 0.9 * first[i] + 0.1 * slope;
        second[i] = 0.99 * second[i] + 0.01 * slope * slope;
        expected[i] -= (0.1 * (first[i] / (1 - 0.9 ** t))) / (Math.sqrt(second[i] / (1 - 0.99 ** t)) + 1e-8);
      });
    }
    expect(relativeDifference(unrolled.x1, expected)).toBeLessThan(1e-5);
    expect(relativeDifference(state.x.data, expected)).toBeLessThan(1e-5);
    expect(Array.from(unrolled.step1)).toEqual([3]);
    expect(Array.from(unrolled.losses.slice(0, 1))).toEqual([14]);
  });

  test('a small net learns to blur: its loss falls to a hundredth', async () => {
    const dims = [2, 3, 10, 10];
    const picture = g.input('picture', dims);
    const blurred = g.averagePool(picture, 3, { strides: 1, pads: 1, countPad: true });
    const shapes: readonly (readonly number[])[] = [[8, 3, 3, 3], [8], [8], [3, 8, 3, 3], [3]];
    const variables = shapes.map((shape, at) => g.input(`w${at}`, shape));
    const moments = shapes.map((shape, at) => ({ m: g.input(`m${at}`, shape), v: g.input(`v${at}`, shape) }));
    const step = g.input('step', []);
    const net = ([w0, b0, slope, w1, b1]: readonly Value[]) =>
      g.conv(g.prelu(g.conv(picture, w0, b0, { pads: 1 }), g.reshape(slope, [8, 1, 1])), w1, b1, { pads: 1 });
    const after = unrollAdam(variables, moments, step, each => g.meanAll(g.square(g.sub(net(each), blurred))), {
      steps: 10,
      rate: 0.03,
    });
    const outputs: Record<string, Value> = { losses: after.losses, 'step.next': after.step };
    after.variables.forEach((value, at) =>
      Object.assign(outputs, {
        [`w${at}.next`]: value,
        [`m${at}.next`]: after.moments[at].m,
        [`v${at}.next`]: after.moments[at].v,
      }),
    );
    const model = toModel({ inputs: [picture, ...variables, ...moments.flatMap(({ m, v }) => [m, v]), step], outputs });
    const feeds: Record<string, { dims: readonly number[]; data: ArrayLike<number> }> = {
      step: { dims: [], data: [0] },
    };
    shapes.forEach((shape, at) => {
      const count = shape.reduce((a, b) => a * b, 1);
      feeds[`w${at}`] = { dims: shape, data: randomNumbers(count, at + 1).map(x => x * 0.3) };
      for (const moment of ['m', 'v']) feeds[`${moment}${at}`] = { dims: shape, data: new Float64Array(count) };
    });
    const losses: number[] = [];
    for (let run = 0; run < 12; run++) {
      feeds.picture = { dims, data: randomNumbers(2 * 3 * 100, run % 3) };
      const results = await runModel(model, feeds);
      losses.push(...results.losses);
      for (const name of Object.keys(feeds))
        if (`${name}.next` in results) feeds[name] = { dims: feeds[name].dims, data: results[`${name}.next`] };
    }
    expect(losses[losses.length - 1]).toBeLessThan(losses[0] / 100);
  });
});

describe('half precision for GPUs', () => {
  const image = g.input('image', [1, 3, 24, 32]);
  const first = g.relu(g.conv(image, weights(1, 16, 3, 3, 3), weights(2, 16), { pads: 1 }));
  const second = g.relu6(g.conv(g.maxPool(first, 2), weights(3, 24, 16, 3, 3), undefined, { pads: 1 }));
  const loss = g.add(g.meanAll(g.square(g.gram(first))), g.meanAll(g.square(g.gram(second))));
  // Scaled up on its way through the net, where it would vanish in half precision, and down again after it.
  const scale = 2 ** 14;
  const slope = g.div(gradient(loss, [image], g.scalar(scale))[0], scale);
  const typesOf = (values: readonly Value[], op: string) => [
    ...new Set(topological(values).flatMap(value => (value.op === op ? [value.type] : []))),
  ];

  test('convolutions are half, Gram matrices single, results close', async () => {
    const converted = toHalfPrecision([loss, slope]);
    expect(typesOf(converted, 'Conv')).toEqual(['float16']);
    expect(typesOf(converted, 'MatMul')).toEqual(['float32']);
    expect(converted.map(value => value.type)).toEqual(['float32', 'float32']);
    const picture = { dims: image.dims, data: randomNumbers(3 * 24 * 32, 9) };
    const exact = evaluate([loss, slope], { image: picture.data });
    const { a, b } = await runModel(toModel({ inputs: [image], outputs: { a: converted[0], b: converted[1] } }), {
      image: picture,
    });
    expect(relativeDifference(a, exact[0].data)).toBeLessThan(5e-3);
    // A pixel whose maximum changes with the rounding moves its gradient to a neighbour, so only the whole is compared.
    const power = (values: ArrayLike<number>) => Array.from(values).reduce((sum, x) => sum + x * x, 0);
    expect(Math.sqrt(power(Array.from(b, (x, at) => x - exact[1].data[at])) / power(exact[1].data))).toBeLessThan(3e-2);
  });

  test('the weights of the model halve', () => {
    const size = (value: Value) => toModel({ inputs: [image], outputs: { value } }).length;
    const whole = g.meanAll(g.conv(g.conv(image, weights(1, 64, 3, 3, 3)), weights(2, 64, 64, 3, 3)));
    expect(size(toHalfPrecision([whole])[0])).toBeLessThan(size(whole) * 0.52);
  });
});

test('the cost of a graph is counted by hand', () => {
  const image = g.input('image', [1, 3, 8, 8]);
  const cost = costOf([g.relu(g.conv(image, weights(1, 4, 3, 3, 3), undefined, { pads: 1 }))]);
  expect(cost).toMatchObject({
    productFlops: 2 * 4 * 64 * 27,
    flops: 2 * 4 * 64 * 27 + 256,
    weightBytes: 4 * 108,
    nodes: 2,
  });
  // The convolution's result and the ReLU's live together; the picture is gone by then.
  expect(cost.peakActivationBytes).toBe(4 * (256 + 256));
});
