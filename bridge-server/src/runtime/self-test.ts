import { readFileSync, readdirSync, rmSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as Ort from 'onnxruntime-node';
import { fromHalf, toHalf } from '../graph/half';
import { floatTensor, type Tensor } from '../frame/tensor';
import { executionProviders, OrtSessions } from './ort-sessions';
import type { ProviderName, TensorInfo } from './runtime';
import { writeTinyModel, type TinyNode } from './tiny-model';

export type SelfTestResult = {
  readonly ok: boolean;
  /** Why not; one sentence. */
  readonly reason?: string;
  /** Half precision gives right numbers and pays (never on a CPU, where it is computed in single precision anyway). */
  readonly half: boolean;
  /** Milliseconds for a 3x3 convolution of 64 to 64 channels at 96x160, best of several. */
  readonly stepMs?: number;
};

/** What a profile calls the providers. */
const profileNames: Record<ProviderName, string> = {
  cpu: 'CPUExecutionProvider',
  cuda: 'CUDAExecutionProvider',
  tensorrt: 'TensorrtExecutionProvider',
  dml: 'DmlExecutionProvider',
  coreml: 'CoreMLExecutionProvider',
  webgpu: 'WebGpuExecutionProvider',
};

/** Of the largest value; leaves room for TF32 convolutions (10 bits of mantissa), not for a wrong result. */
const tolerance = 4e-3;

/** Numbers between -1 and 1 that no symmetry can hide an exchange of. */
function numbers(count: number, salt: number): Float32Array {
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++)
    out[i] = Math.sin(i * 12.9898 + salt * 78.233) * 0.5 + Math.cos(i * 0.731 + salt) * 0.5;
  return out;
}

type Case = {
  readonly name: string;
  readonly node: TinyNode;
  readonly input: Tensor;
  readonly constants?: Readonly<Record<string, Tensor>>;
  readonly expected: { readonly dims: readonly number[]; readonly data: Float32Array };
};

/** x [ci, h, w] * w [co, ci, 3, 3], padding 1. */
function convReference(
  x: Float32Array,
  w: Float32Array,
  ci: number,
  co: number,
  height: number,
  width: number,
  stride: number,
) {
  const [oh, ow] = [Math.floor((height - 1) / stride) + 1, Math.floor((width - 1) / stride) + 1];
  const out = new Float32Array(co * oh * ow);
  for (let o = 0; o < co; o++)
    for (let y = 0; y < oh; y++)
      for (let u = 0; u < ow; u++) {
        let sum = 0;
        for (let c = 0; c < ci; c++)
          for (let ky = 0; ky < 3; ky++)
            for (let kx = 0; kx < 3; kx++) {
              const [iy, ix] = [y * stride + ky - 1, u * stride + kx - 1];
              if (iy < 0 || ix < 0 || iy >= height || ix >= width) continue;
              sum += x[(c * height + iy) * width + ix] * w[((o * ci + c) * 3 + ky) * 3 + kx];
            }
        out[(o * oh + y) * ow + u] = sum;
      }
  return { dims: [1, co, oh, ow], data: out };
}

function convCase(ci: number, co: number, stride: number): Case {
  const [height, width] = [10, 12];
  const [x, w] = [numbers(ci * height * width, 1), numbers(co * ci * 9, 2)];
  return {
    name: `3x3 convolution of ${ci} to ${co} channels, stride ${stride}`,
    node: {
      op: 'Conv',
      inputs: ['x', 'w'],
      outputs: ['y'],
      attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [stride, stride] },
    },
    input: floatTensor(x, [1, ci, height, width]),
    constants: { w: floatTensor(w, [co, ci, 3, 3]) },
    expected: convReference(x, w, ci, co, height, width, stride),
  };
}

/** A mix of colours: few channels, a bias, no neighbours. */
function mixCase(): Case {
  const [channels, height, width] = [3, 8, 9];
  const area = height * width;
  const [x, w, b] = [numbers(channels * area, 9), numbers(channels * channels, 10), numbers(channels, 11)];
  const out = new Float32Array(channels * area);
  for (let o = 0; o < channels; o++)
    for (let i = 0; i < area; i++) {
      let sum = b[o];
      for (let c = 0; c < channels; c++) sum += w[o * channels + c] * x[c * area + i];
      out[o * area + i] = sum;
    }
  return {
    name: 'mix of colours',
    node: { op: 'Conv', inputs: ['x', 'w', 'b'], outputs: ['y'], attributes: { kernel_shape: [1, 1] } },
    input: floatTensor(x, [1, channels, height, width]),
    constants: { w: floatTensor(w, [channels, channels, 1, 1]), b: floatTensor(b, [channels]) },
    expected: { dims: [1, channels, height, width], data: out },
  };
}

/** The gradient of a strided convolution: y[2i + k - 1] += x[i] w[k]. */
function transposeCase(): Case {
  const [ci, co, height, width] = [5, 3, 6, 7];
  const [x, w] = [numbers(ci * height * width, 3), numbers(ci * co * 9, 4)];
  const [oh, ow] = [2 * height, 2 * width];
  const out = new Float32Array(co * oh * ow);
  for (let c = 0; c < ci; c++)
    for (let y = 0; y < height; y++)
      for (let u = 0; u < width; u++)
        for (let o = 0; o < co; o++)
          for (let ky = 0; ky < 3; ky++)
            for (let kx = 0; kx < 3; kx++) {
              const [oy, ox] = [2 * y + ky - 1, 2 * u + kx - 1];
              if (oy < 0 || ox < 0 || oy >= oh || ox >= ow) continue;
              out[(o * oh + oy) * ow + ox] += x[(c * height + y) * width + u] * w[((c * co + o) * 3 + ky) * 3 + kx];
            }
  return {
    name: 'transposed convolution',
    node: {
      op: 'ConvTranspose',
      inputs: ['x', 'w'],
      outputs: ['y'],
      attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2], output_padding: [1, 1] },
    },
    input: floatTensor(x, [1, ci, height, width]),
    constants: { w: floatTensor(w, [ci, co, 3, 3]) },
    expected: { dims: [1, co, oh, ow], data: out },
  };
}

/** Gram matrix as the style loss takes it: F F^T. */
function gramCase(): Case {
  const [c, n] = [24, 200];
  const x = numbers(c * n, 5);
  const out = new Float32Array(c * c);
  for (let i = 0; i < c; i++)
    for (let j = 0; j < c; j++) for (let k = 0; k < n; k++) out[i * c + j] += x[i * n + k] * x[j * n + k];
  return {
    name: 'Gram matrix',
    node: { op: 'Gemm', inputs: ['x', 'x'], outputs: ['y'], attributes: { transB: 1 } },
    input: floatTensor(x, [c, n]),
    expected: { dims: [c, c], data: out },
  };
}

/** Bilinear, half-pixel centres, twice as large. */
function resizeCase(): Case {
  const [c, height, width] = [3, 5, 6];
  const x = numbers(c * height * width, 6);
  const out = new Float32Array(c * height * width * 4);
  const at = (plane: number, y: number, u: number) =>
    x[(plane * height + Math.min(height - 1, Math.max(0, y))) * width + Math.min(width - 1, Math.max(0, u))];
  for (let p = 0; p < c; p++)
    for (let y = 0; y < 2 * height; y++)
      for (let u = 0; u < 2 * width; u++) {
        const [sy, su] = [(y + 0.5) / 2 - 0.5, (u + 0.5) / 2 - 0.5];
        const [y0, u0] = [Math.floor(sy), Math.floor(su)];
        const [fy, fu] = [sy - y0, su - u0];
        out[(p * 2 * height + y) * 2 * width + u] =
          (1 - fy) * ((1 - fu) * at(p, y0, u0) + fu * at(p, y0, u0 + 1)) +
          fy * ((1 - fu) * at(p, y0 + 1, u0) + fu * at(p, y0 + 1, u0 + 1));
      }
  return {
    name: 'bilinear enlargement',
    node: {
      op: 'Resize',
      inputs: ['x', '', 'scales'],
      outputs: ['y'],
      attributes: { mode: 'linear', coordinate_transformation_mode: 'half_pixel' },
    },
    input: floatTensor(x, [1, c, height, width]),
    constants: { scales: floatTensor(new Float32Array([1, 1, 2, 2]), [4]) },
    expected: { dims: [1, c, 2 * height, 2 * width], data: out },
  };
}

/** Six input channels (two frames stacked) and nine are where WebGPU's usual layout computes silently wrongly. */
const cases: readonly (() => Case)[] = [
  () => convCase(4, 8, 1),
  () => convCase(6, 4, 1),
  () => convCase(9, 8, 2),
  () => convCase(15, 4, 1),
  mixCase,
  transposeCase,
  gramCase,
  resizeCase,
];

const info = (name: string, tensor: { readonly dims: readonly number[] }): TensorInfo => ({
  name,
  type: 'float32',
  dims: tensor.dims,
});

function worstShare(actual: Float32Array, expected: Float32Array): number {
  let [most, error] = [1e-12, 0];
  for (let i = 0; i < expected.length; i++) {
    most = Math.max(most, Math.abs(expected[i]));
    error = Math.max(error, Number.isFinite(actual[i]) ? Math.abs(actual[i] - expected[i]) : Infinity);
  }
  return error / most;
}

/** onnxruntime's words without the place in its source: ".../webgpu_context.cc:100 ... was false. No supported adapters" keeps the end. */
function messageOf(thrown: unknown): string {
  const inner = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  const text = inner instanceof Error ? inner.message : String(inner);
  return text.replace(/^\/onnxruntime_src\/.* was false\.\s*/s, '').trim();
}

/**
 * Runs small graphs with known results on one provider, in this very process, which a bad driver may take down with it:
 * call it in a child (`probe-provider.ts`).
 */
export async function selfTest(ort: typeof Ort, provider: ProviderName): Promise<SelfTestResult> {
  const refuse = (reason: string): SelfTestResult => ({ ok: false, reason, half: false });
  // A name that the build does not know is dropped silently and the CPU computes.
  if (!ort.listSupportedBackends().some(backend => backend.name === provider))
    return refuse(`This build of onnxruntime has no ${provider}.`);
  try {
    const ran = await whereConvolutionRan(ort, provider);
    if (ran !== profileNames[provider]) return refuse(`The work was done by ${ran} instead.`);
    const sessions = new OrtSessions(ort, { provider });
    for (const [index, make] of cases.entries()) {
      const { name, node, input, constants, expected } = make();
      const model = writeTinyModel({
        inputs: [info('x', input)],
        outputs: [info('y', expected)],
        nodes: [node],
        constants,
      });
      await sessions.load(index, model, { label: name });
      const { y } = await sessions.run(index, { x: input }, undefined, []);
      const share = worstShare((y as Tensor).data as Float32Array, expected.data);
      if (!(share < tolerance))
        return refuse(`It computes wrongly: ${name} is off by ${(100 * share).toPrecision(2)} %.`);
    }
    const stepMs = await timeStep(sessions);
    const half = provider !== 'cpu' && (await halfWorks(sessions));
    await sessions.close();
    return { ok: true, half, stepMs };
  } catch (thrown) {
    return refuse(messageOf(thrown));
  }
}

/** The provider that a profile names for a convolution. */
async function whereConvolutionRan(ort: typeof Ort, provider: ProviderName): Promise<string> {
  const { node, input, constants, expected } = convCase(4, 8, 1);
  const model = writeTinyModel({
    inputs: [info('x', input)],
    outputs: [info('y', expected)],
    nodes: [node],
    constants,
  });
  const folder = mkdtempSync(join(tmpdir(), 'reverie-probe-'));
  try {
    const session = await ort.InferenceSession.create(model, {
      executionProviders: executionProviders(provider),
      enableProfiling: true,
      profileFilePrefix: join(folder, 'profile'),
    });
    await session.run({ x: new ort.Tensor('float32', input.data as Float32Array, input.dims) });
    session.endProfiling();
    await session.release();
    const text = readdirSync(folder).map(name => readFileSync(join(folder, name), 'utf8'))[0] ?? '[]';
    const events = JSON.parse(text) as { cat?: string; args?: { op_name?: string; provider?: string } }[];
    const conv = events.find(
      event => event.cat === 'Node' && /Conv/.test(event.args?.op_name ?? '') && event.args?.provider,
    );
    return conv?.args?.provider ?? 'an unknown provider';
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function timeStep(sessions: OrtSessions): Promise<number> {
  const [c, height, width] = [64, 96, 160];
  const dims = [1, c, height, width];
  const model = writeTinyModel({
    inputs: [info('x', { dims })],
    outputs: [info('y', { dims: [1, 1, 1, 1] })],
    nodes: [
      { op: 'Conv', inputs: ['x', 'w'], outputs: ['c'], attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] } },
      // Only one number comes back: the transfer is not what is compared.
      { op: 'ReduceMean', inputs: ['c'], outputs: ['y'], attributes: { keepdims: 1 } },
    ],
    constants: { w: floatTensor(numbers(c * c * 9, 7), [c, c, 3, 3]) },
  });
  await sessions.load(1000, model, { label: 'speed' });
  const x = floatTensor(numbers(c * height * width, 8), dims);
  let best = Infinity;
  const begun = performance.now();
  // The first run compiles; a device so slow that this takes long needs no exact figure.
  for (let i = 0; i < 6 && (i < 2 || performance.now() - begun < 4000); i++) {
    const started = performance.now();
    await sessions.run(1000, { x }, undefined, []);
    if (i > 0) best = Math.min(best, performance.now() - started);
  }
  await sessions.dispose(1000);
  return best;
}

async function halfWorks(sessions: OrtSessions): Promise<boolean> {
  const { node, input, constants, expected } = convCase(4, 8, 1);
  const half = (tensor: Tensor): Tensor => ({
    type: 'float16',
    dims: tensor.dims,
    data: toHalf(tensor.data as Float32Array),
  });
  const as16 = (name: string, dims: readonly number[]): TensorInfo => ({ name, type: 'float16', dims });
  const model = writeTinyModel({
    inputs: [as16('x', input.dims)],
    outputs: [as16('y', expected.dims)],
    nodes: [node],
    constants: { w: half(constants!.w) },
  });
  try {
    await sessions.load(1001, model, { label: 'half' });
    const { y } = await sessions.run(1001, { x: half(input) }, undefined, []);
    const values = fromHalf((y as Tensor).data as Uint16Array);
    return worstShare(values, expected.data) < 1e-2;
  } catch {
    // "requires f16 but the device does not support it": what the question was.
    return false;
  }
}
