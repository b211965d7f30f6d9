import { constant, gridSample, input, mul, sumAll } from '../../bridge-server/src/graph/build';
import { evaluate } from '../../bridge-server/src/graph/evaluate';
import { gradient } from '../../bridge-server/src/graph/gradient';
import { toModel } from '../../bridge-server/src/graph/model';
import type { Value } from '../../bridge-server/src/graph/value';
import { makeCase, opCases } from './op-cases';
import { randomNumbers, relativeDifference, runModel } from './run-model';

const numbersOf = (feeds: ReturnType<typeof makeCase>['feeds']) =>
  Object.fromEntries(Object.entries(feeds).map(([name, fed]) => [name, fed.data]));

/** A weighted sum of all elements, so that every one matters differently. */
function lossOf(output: Value): Value {
  const count = output.dims.reduce((a, b) => a * b, 1);
  return sumAll(mul(output, constant(Float32Array.from(randomNumbers(count, 99)), output.dims)));
}

describe('the reference evaluator and onnxruntime agree on', () => {
  test.each(opCases)('$name', async each => {
    const { inputs, output, feeds } = makeCase(each);
    const [expected] = evaluate([output], numbersOf(feeds));
    const { y } = await runModel(toModel({ inputs, outputs: { y: output } }), feeds);
    expect(relativeDifference(y, expected.data)).toBeLessThan(1e-5);
  });
});

describe('the gradient equals central differences for', () => {
  test.each(opCases)('$name', async each => {
    const { inputs, output, feeds } = makeCase(each);
    const loss = lossOf(output);
    const gradients = gradient(loss, inputs);
    const data = numbersOf(feeds);
    const exact = evaluate(gradients, data);
    const h = 1e-5;
    inputs.forEach((input, at) => {
      const name = input.name as string;
      const numeric = data[name].map((_, element) => {
        const moved = (by: number) =>
          evaluate([loss], { ...data, [name]: data[name].map((x, i) => (i === element ? x + by : x)) })[0].data[0];
        return (moved(h) - moved(-h)) / (2 * h);
      });
      expect(gradients[at].dims).toEqual(input.dims);
      if (each.flat) expect(exact[at].data.every(x => x === 0)).toBe(true);
      else expect(relativeDifference(exact[at].data, numeric)).toBeLessThan(1e-6);
    });
    // The written model computes the same gradient in float32.
    const outputs = Object.fromEntries(gradients.map((value, at) => [`d${at}`, value]));
    const results = await runModel(toModel({ inputs, outputs }), feeds);
    gradients.forEach((_, at) => expect(relativeDifference(results[`d${at}`], exact[at].data)).toBeLessThan(1e-4));
  });
});

test('an op without a rule is named', () => {
  const image = input('image', [1, 3, 6, 7]);
  const nearest = gridSample(image, input('grid', [1, 4, 5, 2]), { mode: 'nearest' });
  expect(() => gradient(sumAll(nearest), [image])).toThrow(
    expect.objectContaining({ code: 'GRADIENT_MISSING', details: { op: 'GridSample to the nearest pixel' } }),
  );
});
