import { join } from 'node:path';
import type { Frame } from '../../bridge-server/src/frame/frame';
import { toHalfModel } from '../../bridge-server/src/graph/half-model';
import { NetDraft } from '../../bridge-server/src/models/net-draft';
import { createNetStore } from '../../bridge-server/src/models/store';
import type { NetSource } from '../../bridge-server/src/pipeline/stage';
import { createInProcessRuntime } from '../../bridge-server/src/runtime/ort';
import type { Runtime } from '../../bridge-server/src/runtime/runtime';
import { turn } from '../../bridge-server/src/stages/tiles';
import { upscaleFrame, type UpscaleStageParams } from '../../bridge-server/src/stages/upscale';
import { createNetCache } from '../../bridge-server/src/worker/net-source';
import { worstDifference } from '../compare';

const embedded = createNetStore({
  embeddedDir: join(__dirname, '../../bridge-server/nets'),
  homeDir: join(__dirname, 'no-such-home'),
});
let runtime: Runtime;
let nets: NetSource;
const made: Record<string, () => Uint8Array> = { compact: () => compactNet(1), difference: () => compactNet(0) };

beforeAll(async () => {
  runtime = await createInProcessRuntime({ provider: 'cpu', threads: 2 });
  const bytes = async (name: string) => made[name]?.() ?? embedded.bytes(name);
  nets = createNetCache({ runtime, bytes, convention: async name => (await embedded.info(name)).convention }).open(
    new AbortController().signal,
  ).nets;
});
afterAll(() => runtime.close());

/** Waves of many lengths and a step, so that means differ from place to place. */
function makeFrame(width: number, height: number, seed = 1): Frame {
  const area = width * height;
  const rgb = Float32Array.from({ length: 3 * area }, (_, i) => {
    const [x, y, c] = [i % width, Math.floor((i % area) / width), Math.floor(i / area)];
    const wave = Math.sin((x * (c + seed)) / 5) * Math.cos(y / (3 + c)) + Math.sin((x * y) / 97);
    return Math.min(1, Math.max(0, 0.45 + 0.2 * wave + (x > width / 2 ? 0.2 : -0.1)));
  });
  return { index: 0, width, height, rgb };
}

type Wish = Partial<UpscaleStageParams> & { readonly times?: number };

function enlarged(frame: Frame, { times = 2, ...wish }: Wish, source = nets): Promise<Frame> {
  const params = { tta: false, tilePx: 0, width: frame.width * times, height: frame.height * times, ...wish };
  return upscaleFrame(frame, params, { nets: source, signal: new AbortController().signal, progress: () => undefined });
}

const numbers = (count: number, seed: number, size: number) =>
  Float32Array.from({ length: count }, (_, i) => size * Math.sin((i + 1) * 12.9898 * seed + i * i));

function conv(draft: NetDraft, x: string, from: number, to: number, seed: number, pad: number, side = 3): string {
  const weight = draft.weight(
    `w${seed}`,
    [to, from, side, side],
    numbers(to * from * side * side, seed, 0.5 / Math.sqrt(from * side * side)),
  );
  return draft.node('Conv', [x, weight], { kernel_shape: [side, side], pads: [pad, pad, pad, pad] }, `conv${seed}`);
}

/**
 * Shaped like Real-ESRGAN's compact net: convolutions that pad with zeros, pixels shuffled, `plain` times the picture
 * enlarged by repeating pixels; in the middle an excitation by the mean of the whole map.
 */
function compactNet(plain: number): Uint8Array {
  const draft = new NetDraft('compact');
  const picture = draft.input('input', [1, 3, 'height', 'width']);
  const first = draft.node('Relu', [conv(draft, picture, 3, 8, 1, 1)], {}, 'first');
  const mean = draft.node('GlobalAveragePool', [first], {}, 'mean');
  const gain = draft.node('Sigmoid', [conv(draft, mean, 8, 8, 2, 0, 1)], {}, 'gain');
  const scaled = draft.node('Mul', [first, gain], {}, 'scaled');
  const detail = draft.node(
    'DepthToSpace',
    [conv(draft, scaled, 8, 12, 3, 1)],
    { blocksize: 2, mode: 'CRD' },
    'detail',
  );
  const scales = draft.weight('scales', [4], Float32Array.from([1, 1, 2, 2]));
  const large = draft.node(
    'Resize',
    [picture, '', scales],
    { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
    'large',
  );
  const share = draft.weight('share', [1], Float32Array.from([plain]));
  const base = draft.node('Mul', [large, share], {}, 'base');
  const faint = draft.weight('faint', [1], Float32Array.from([0.15]));
  draft.node('Add', [base, draft.node('Mul', [detail, faint], {}, 'touch')], {}, 'output');
  draft.output('output', [1, 3, 'large.height', 'large.width']);
  return draft.toBytes();
}

describe.each(['cunet-scale2x', 'upconv7-scale2x', 'compact'])('%s', name => {
  test.each([
    [45, 35],
    [33, 60],
  ])('tiles of any size give %ix%i as the whole picture does', async (width, height) => {
    const frame = makeFrame(width, height);
    const whole = await enlarged(frame, { enlarge: name, tilePx: 4096 });
    for (const tilePx of [24, 40]) {
      const tiled = await enlarged(frame, { enlarge: name, tilePx });
      expect(worstDifference(tiled.rgb, whole.rgb)).toBeLessThan(1e-4);
    }
  });

  test.each([
    [1, 1],
    [1, 20],
    [21, 2],
    [7, 5],
  ])('a picture of %ix%i pixels comes out twice as large', async (width, height) => {
    const result = await enlarged(makeFrame(width, height), { enlarge: name });
    expect([result.width, result.height, result.rgb.length]).toEqual([2 * width, 2 * height, 12 * width * height]);
    expect(result.rgb.every(value => value >= 0 && value <= 1)).toBe(true);
  });
});

test('cunet without enlarging does not depend on tiles either', async () => {
  const frame = makeFrame(62, 35);
  const whole = await enlarged(frame, { clean: 'cunet-noise1', times: 1, tilePx: 4096 });
  expect(
    worstDifference((await enlarged(frame, { clean: 'cunet-noise1', times: 1, tilePx: 32 })).rgb, whole.rgb),
  ).toBeLessThan(1e-4);
});

test('a net that enlarges can clean: what it gives is made as large as the picture was', async () => {
  const frame = makeFrame(31, 22);
  const result = await enlarged(frame, { clean: 'upconv7-scale2x', times: 1 });
  expect([result.width, result.height]).toEqual([31, 22]);
  let sum = 0;
  for (let i = 0; i < result.rgb.length; i++) sum += Math.abs(result.rgb[i] - frame.rgb[i]);
  expect(sum / result.rgb.length).toBeLessThan(0.02);
});

test('four times is twice twice', async () => {
  const frame = makeFrame(16, 12);
  const twice = await enlarged(await enlarged(frame, { enlarge: 'upconv7-scale2x' }), { enlarge: 'upconv7-scale2x' });
  const four = await enlarged(frame, { enlarge: 'upconv7-scale2x', times: 4 });
  expect([four.width, four.height]).toEqual([64, 48]);
  expect(worstDifference(four.rgb, twice.rgb)).toBe(0);
});

test.each([1, 2, 3, 4])('averaged over all ways, a turned picture (%i) gives the turned result', async way => {
  const frame = makeFrame(20, 28);
  const transposed = way === 4;
  const [width, height] = transposed ? [28, 20] : [20, 28];
  const turned: Frame = { index: 0, width, height, rgb: turn(frame.rgb, 3, 20, 28, way) };
  const straight = await enlarged(frame, { enlarge: 'cunet-scale2x', tta: true });
  const result = await enlarged(turned, { enlarge: 'cunet-scale2x', tta: true });
  expect(worstDifference(result.rgb, turn(straight.rgb, 3, 40, 56, way))).toBeLessThan(1e-5);
});

test('alpha is enlarged with the picture, and what lies behind it does not bleed into the edge', async () => {
  const frame = makeFrame(24, 24);
  const alpha = Float32Array.from({ length: 576 }, (_, i) => (i % 24 < 12 ? 1 : 0));
  const rgb = frame.rgb.map((value, i) => (i % 24 < 12 ? value : i < 576 ? 1 : 0));
  const result = await enlarged({ ...frame, rgb, alpha }, { enlarge: 'upconv7-scale2x' });
  const hidden = await enlarged(
    { ...frame, rgb: rgb.map((value, i) => (i % 24 < 12 ? value : 1 - value)), alpha },
    { enlarge: 'upconv7-scale2x' },
  );
  expect(result.alpha?.length).toBe(48 * 48);
  expect(result.alpha?.[24 * 48 + 4]).toBeCloseTo(1, 1);
  expect(result.alpha?.[24 * 48 + 44]).toBeCloseTo(0, 1);
  // Other colours behind transparent pixels change nothing that is seen.
  for (let i = 0; i < 48 * 48; i++)
    if (i % 48 < 24)
      for (let c = 0; c < 3; c++) expect(hidden.rgb[c * 2304 + i]).toBeCloseTo(result.rgb[c * 2304 + i], 5);
});

test.each(['cunet-scale2x', 'cunet-noise1', 'upconv7-scale2x', 'compact'])(
  '%s in half precision draws the same to a level of 255, whole and in tiles',
  async name => {
    const halved = createNetCache({
      runtime,
      half: true,
      bytes: async each => made[each]?.() ?? embedded.bytes(each),
      convention: async each => (await embedded.info(each)).convention,
    }).open(new AbortController().signal).nets;
    const compiled: Uint8Array[] = [];
    const spying = {
      ...halved,
      compiled: (...[key, build, options]: Parameters<NetSource['compiled']>) =>
        halved.compiled(
          key,
          async () => {
            const bytes = await build();
            if (options?.mayHalve) compiled.push(bytes);
            return bytes;
          },
          options,
        ),
    };
    const frame = makeFrame(62, 35);
    const wish = name === 'cunet-noise1' ? { clean: name, times: 1 } : { enlarge: name };
    for (const tilePx of [4096, 32]) {
      const single = await enlarged(frame, { ...wish, tilePx });
      const half = await enlarged(frame, { ...wish, tilePx }, spying);
      expect(worstDifference(half.rgb, single.rgb)).toBeLessThan(1 / 255);
      expect(worstDifference(half.rgb, single.rgb)).toBeGreaterThan(0);
    }
    expect(compiled.length).toBeGreaterThan(0);
    for (const bytes of compiled) expect(toHalfModel(bytes, name)).toBeDefined();
  },
);

test('a net that gives only what must be added has its picture added', async () => {
  const frame = makeFrame(30, 20);
  const [whole, difference] = [
    await enlarged(frame, { enlarge: 'compact' }),
    await enlarged(frame, { enlarge: 'difference' }),
  ];
  expect(worstDifference(whole.rgb, difference.rgb)).toBeLessThan(1e-5);
});
