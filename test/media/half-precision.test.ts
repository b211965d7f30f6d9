import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkEngine } from '../../bridge-server/src/cli/bench-check';
import { makeBenchNet } from '../../bridge-server/src/cli/bench-graphs';
import { toHalfModel } from '../../bridge-server/src/graph/half-model';
import { toModel } from '../../bridge-server/src/graph/model';
import { paletteLayer } from '../../bridge-server/src/nets/style-statistics';
import { contentFeatures, inputsOf, styleStep } from '../../bridge-server/src/nets/style-step';
import { painterStatistics, readPainter } from '../../bridge-server/src/nets/painter';
import { readFeatureNet } from '../../bridge-server/src/nets/feature-net';
import { floatsOf, sizeOf } from '../../bridge-server/src/frame/tensor';
import type { Tensor } from '../../bridge-server/src/frame/tensor';
import { anchorTargets, styleTargets } from '../../bridge-server/src/stages/stylize/targets';
import { createInProcessRuntime } from '../../bridge-server/src/runtime/ort';
import { randomNumbers, relativeDifference, runModel } from '../graph/run-model';
import type { Fed } from '../graph/run-model';

const embedded = (name: string) => readFileSync(join(__dirname, '../../bridge-server/nets', `${name}.onnx`));
const bytes = embedded('openimages');
const painter = readFileSync(join(__dirname, '../../bridge-server/painters/starry-night.painter'));

test('the embedded nets in half precision stay near single precision', async () => {
  const rows = await checkEngine({
    providers: ['cpu'],
    nets: ['openimages', 'upconv7-scale2x'].map(name => makeBenchNet(name, embedded(name))),
    size: { width: 96, height: 64 },
    half: true,
    open: async provider => ({ runtime: await createInProcessRuntime({ provider, threads: 1 }), half: true }),
  });
  expect(rows.filter(row => row.half)).toHaveLength(3);
  expect(rows.filter(row => row.verdict !== 'right')).toEqual([]);
});

/** Slopes, edges and some grain. */
function hills(width: number, height: number): Float32Array {
  const grain = randomNumbers(3 * width * height, 5);
  return Float32Array.from(grain, (noise, at) => {
    const [x, y, c] = [at % width, Math.floor(at / width) % height, Math.floor(at / (width * height))];
    const ridge = y > height / 2 + 8 * Math.sin(x / 9) ? 0.25 : 0.7;
    return ridge + 0.15 * Math.sin(x / (5 + c)) * Math.cos(y / 7) + 0.05 * noise;
  });
}

const floats = (tensors: Readonly<Record<string, Tensor>>): Record<string, Fed> =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, { dims: tensor.dims, data: floatsOf(tensor) }]),
  );

test('a style step in half precision moves the picture the same way', async () => {
  const [width, height] = [96, 64];
  const net = readFeatureNet('openimages', bytes);
  const shape = { windowWidth: width, windowHeight: height, rows: height, columns: width };
  const outputs = styleStep(net, { ...shape, loss: 'w2', update: 'gradient', steps: 1, masked: false });
  const inputs = inputsOf(outputs);
  const model = toModel({ inputs, outputs });
  const style = painterStatistics(readPainter(painter, 'the painter'), 320);
  const photograph = { dims: [1, 3, height, width], data: hills(width, height) };
  const kept = await runModel(toModel({ outputs: contentFeatures(net, width, height) }), { image: photograph });
  const identity = (rows: number) =>
    Float32Array.from({ length: rows * rows }, (_, at) => (at % (rows + 1) === 0 ? 1 : 0));
  const known: Record<string, Fed> = {
    base: photograph,
    temporal: photograph,
    content: { dims: [1, 32, height / 8, width / 8], data: kept.content },
    hues: { dims: [1, 3, height / 16, width / 16], data: kept.hues },
    rows: { dims: [height, height], data: identity(height) },
    columns: { dims: [width, width], data: identity(width) },
    palette: { dims: [3, 3], data: identity(3) },
    gain: { dims: [3, height, width], data: new Float32Array(3 * height * width).fill(1) },
    weights: { dims: [8], data: [1, 0.015, 0.3, 0.02, 0, 0, 1, 0.12] },
    ...floats(styleTargets('w2', style)),
    ...floats(anchorTargets(style[paletteLayer(16)])),
  };
  const feeds = Object.fromEntries(
    inputs.map(({ name, dims }) => [
      name as string,
      known[name as string] ?? { dims, data: new Float32Array(sizeOf(dims)) },
    ]),
  );
  const single = await runModel(model, feeds);
  const half = await runModel(toHalfModel(model, 'style-step') as Uint8Array, feeds);
  expect(single.gradient.some(x => x !== 0)).toBe(true);
  let [dot, a, b] = [0, 0, 0];
  single.gradient.forEach((x, at) => {
    dot += x * half.gradient[at];
    a += x * x;
    b += half.gradient[at] ** 2;
  });
  expect(dot / Math.sqrt(a * b)).toBeGreaterThan(0.98);
  // The length of the gradient too: nothing has vanished on the way.
  expect(Math.abs(Math.sqrt(b / a) - 1)).toBeLessThan(0.05);
  expect(relativeDifference(half.losses, single.losses)).toBeLessThan(0.02);
});

test('a net whose sizes are open stays in single precision', () => {
  expect(toHalfModel(embedded('upconv7-scale2x'), 'upconv7')).toBeUndefined();
});
