import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as ort from 'onnxruntime-node';
import * as g from '../../bridge-server/src/graph/build';
import { gradient } from '../../bridge-server/src/graph/gradient';
import { toModel } from '../../bridge-server/src/graph/model';
import { adamStep } from '../../bridge-server/src/graph/optimise';
import { simplify } from '../../bridge-server/src/graph/simplify';
import type { Value } from '../../bridge-server/src/graph/value';
import { makeVgg19 } from '../graph/vgg19';
import { randomNumbers } from '../graph/run-model';

const python = ['/usr/bin/python3', 'python3'].find(
  program => spawnSync(program, ['-c', 'import torch, numpy']).status === 0,
);
const styleLayers = ['relu1_1', 'relu2_1', 'relu3_1', 'relu4_1', 'relu5_1'];
const contentLayer = 'relu4_2';
const rate = 0.02;
const threads = 2;

type Floats = { data: Float32Array; dims: readonly number[] };
type Answer = { losses: number[]; ms: number[] };
type Iteration = { step(count: number): Promise<Answer>; close(): Promise<void> };

/** Blobs of colour with some grain: neither noise nor flat. */
function picture(width: number, height: number, seed: number): Floats {
  const grain = randomNumbers(3 * width * height, seed);
  const data = Float32Array.from(grain, (noise, at) => {
    const [x, y, c] = [at % width, Math.floor(at / width) % height, Math.floor(at / (width * height))];
    return 0.5 + 0.35 * Math.sin((x * (seed + c)) / 17) * Math.cos((y * (seed + 2 * c)) / 13) + 0.1 * noise;
  });
  return { data, dims: [1, 3, height, width] };
}

async function ourIteration(content: Floats, style: Floats): Promise<Iteration> {
  const image = g.input('image', content.dims);
  const layers = makeVgg19(image);
  const tap = (name: string): Value => layers.get(name) as Value;
  const targets = {
    ...Object.fromEntries(styleLayers.map(name => [name, g.gram(tap(name))])),
    content: tap(contentLayer),
  };
  const describing = await ort.InferenceSession.create(toModel({ outputs: targets }), { intraOpNumThreads: threads });
  const describe = async ({ data, dims }: Floats) =>
    describing.run({ image: new ort.Tensor('float32', data, [...dims]) });
  const [ofStyle, ofContent] = [await describe(style), await describe(content)];
  await describing.release();
  const known = (tensor: ort.Tensor) => g.constant(Float32Array.from(tensor.data as Float32Array), [...tensor.dims]);
  const mse = (a: Value, b: Value) => g.reshape(g.meanAll(g.square(g.sub(a, b))), []);
  const loss = g.addAll([
    mse(tap(contentLayer), known(ofContent.content)),
    ...styleLayers.map(name => mse(g.gram(tap(name)), known(ofStyle[name]))),
  ]);
  const [m, v] = ['m', 'v'].map(name => g.input(name, content.dims));
  const next = adamStep(image, gradient(loss, [image])[0], { m, v }, g.input('step', []), { rate });
  const names = ['image', 'm', 'v', 'loss'];
  const outputs = simplify([next.x, next.m, next.v, loss]);
  const session = await ort.InferenceSession.create(
    toModel({ outputs: Object.fromEntries(names.map((name, at) => [`${name}.next`, outputs[at]])) }),
    { intraOpNumThreads: threads, enableMemPattern: false },
  );
  const empty = () => new ort.Tensor('float32', new Float32Array(content.data.length), [...content.dims]);
  let state = { image: new ort.Tensor('float32', content.data.slice(), [...content.dims]), m: empty(), v: empty() };
  let done = 0;
  return {
    async step(count) {
      const answer: Answer = { losses: [], ms: [] };
      for (let at = 0; at < count; at++) {
        const started = performance.now();
        const result = await session.run({ ...state, step: new ort.Tensor('float32', Float32Array.of(++done), []) });
        answer.ms.push(performance.now() - started);
        answer.losses.push(Number(result['loss.next'].data[0]));
        const tensor = (name: string) => result[`${name}.next`] as ort.TypedTensor<'float32'>;
        state = { image: tensor('image'), m: tensor('m'), v: tensor('v') };
      }
      return answer;
    },
    close: () => session.release(),
  };
}

/** The same net, pictures and optimiser in PyTorch, in a process of its own. */
function torchIteration(content: Floats, style: Floats): Iteration {
  const folder = mkdtempSync(join(tmpdir(), 'reverie-torch-'));
  const tensors: Record<string, readonly number[]> = {};
  const write = (name: string, { data, dims }: Floats) => {
    tensors[name] = dims;
    writeFileSync(join(folder, `${name}.f32`), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  };
  write('content', content);
  write('style', style);
  const blocks: string[][] = [];
  for (const [name, relu] of makeVgg19(g.input('image', content.dims))) {
    const [, weight, bias] = relu.inputs[0].inputs;
    write(`${name}.weight`, { data: Float32Array.from(weight.data as Float32Array), dims: weight.dims });
    write(`${name}.bias`, { data: Float32Array.from(bias.data as Float32Array), dims: bias.dims });
    const block = Number(name[4]) - 1;
    (blocks[block] ??= []).push(name);
  }
  writeFileSync(
    join(folder, 'plan.json'),
    JSON.stringify({ tensors, blocks, style: styleLayers, content: contentLayer, rate }),
  );
  const child = spawn(python as string, [join(__dirname, 'torch-iteration.py'), folder, String(threads)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async step(count) {
      child.stdin.write(`${count}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error('PyTorch ended without an answer');
      return JSON.parse(value) as Answer;
    },
    close: () =>
      new Promise(resolve => {
        child.once('close', () => {
          rmSync(folder, { recursive: true, force: true });
          resolve();
        });
        child.stdin.end();
      }),
  };
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

(python ? describe : describe.skip)('beside PyTorch (skipped where it is not installed)', () => {
  test("Gatys' iteration on VGG-19: the loss over 100 steps of Adam agrees within 1 %", async () => {
    const [content, style] = [picture(96, 64, 3), picture(96, 64, 8)];
    const [ours, theirs] = [await ourIteration(content, style), torchIteration(content, style)];
    try {
      const [a, b] = [await ours.step(100), await theirs.step(100)];
      const worst = Math.max(...a.losses.map((loss, at) => Math.abs(loss / b.losses[at] - 1)));
      console.info(`loss ${b.losses[0]} -> ${b.losses[99]}; largest difference ${(worst * 100).toFixed(4)} %`);
      expect(b.losses[99]).toBeLessThan(b.losses[0] / 5);
      expect(worst).toBeLessThan(0.01);
    } finally {
      await ours.close();
      await theirs.close();
    }
  }, 600_000);

  test('one iteration is timed side by side, turn by turn', async () => {
    const [content, style] = [picture(320, 192, 3), picture(320, 192, 8)];
    const [ours, theirs] = [await ourIteration(content, style), torchIteration(content, style)];
    try {
      await ours.step(2);
      await theirs.step(2);
      const [a, b]: number[][] = [[], []];
      for (let turn = 0; turn < 8; turn++) {
        a.push(...(await ours.step(2)).ms);
        b.push(...(await theirs.step(2)).ms);
      }
      // A figure, not a verdict: a wall clock decides nothing in a test.
      console.info(
        `VGG-19, 320x192, ${threads} threads: ours ${median(a).toFixed(0)} ms, PyTorch ${median(b).toFixed(0)} ms, ratio ${(median(a) / median(b)).toFixed(2)}`,
      );
      expect(a).toHaveLength(b.length);
    } finally {
      await ours.close();
      await theirs.close();
    }
  }, 600_000);
});
