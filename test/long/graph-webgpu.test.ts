import { constant, mul, sumAll } from '../../bridge-server/src/graph/build';
import { gradient } from '../../bridge-server/src/graph/gradient';
import { toModel } from '../../bridge-server/src/graph/model';
import { compareOnWebgpu, hasWebgpu } from '../graph/compare-webgpu';
import { makeCase, opCases } from '../graph/op-cases';
import { randomNumbers } from '../graph/run-model';

/** Arithmetic on whole numbers, and ops that no gradient uses; everything else must not leave the device. */
const hostOps = new Set(['Round']);

(hasWebgpu ? test : test.skip)(
  'every op and its gradient agree with the cpu to 1e-3 on webgpu (skipped where there is no adapter)',
  () => {
    const models = opCases.map(each => {
      const { inputs, output, feeds } = makeCase(each);
      const count = output.dims.reduce((a, b) => a * b, 1);
      const loss = sumAll(mul(output, constant(Float32Array.from(randomNumbers(count, 99)), output.dims)));
      const gradients = Object.fromEntries(gradient(loss, inputs).map((value, at) => [`d${at}`, value]));
      return { name: each.name, model: toModel({ inputs, outputs: { y: output, ...gradients } }), feeds };
    });
    const results = compareOnWebgpu(models);
    const problems = results.flatMap(({ name, differences, onCpu, failed }) => [
      ...(failed === undefined ? [] : [`${name}: ${failed}`]),
      ...Object.entries(differences).flatMap(([output, difference]) =>
        difference < 1e-3 ? [] : [`${name}, ${output}: off by ${difference}`],
      ),
      ...onCpu.filter(op => !hostOps.has(op)).map(op => `${name}: ${op} left the device`),
    ]);
    expect(problems).toEqual([]);
  },
  1_000_000,
);
