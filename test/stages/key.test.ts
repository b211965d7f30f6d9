import type { Frame } from '../../bridge-server/src/frame/frame';
import { keyParams } from '#protocol/effects/key';
import { composite } from '../../bridge-server/src/stages/composite';
import { createKeyer, key, type KeyStageParams } from '../../bridge-server/src/stages/key';
import { fillUnknown } from '../../bridge-server/src/stages/key/fill';
import { findScreen } from '../../bridge-server/src/stages/key/screen';
import { runStage, streamOf } from './run-stage';

const [width, height] = [96, 64];
const area = width * height;

/** Share of the subject: a disc with an edge `soft` pixels wide. */
const discShare = (soft: number) =>
  Float32Array.from({ length: area }, (_, i) => {
    const distance = Math.hypot((i % width) - 48, Math.floor(i / width) - 34);
    return Math.min(1, Math.max(0, (20 - distance) / soft + 0.5));
  });

/** A warm patterned subject mixed over an unevenly lit screen. */
function scene(
  screen: readonly [number, number, number],
  soft = 3,
  index = 0,
): { frame: Frame; share: Float32Array; subject: Float32Array } {
  const share = discShare(soft);
  const subject = new Float32Array(3 * area);
  const rgb = new Float32Array(3 * area);
  for (let i = 0; i < area; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const light = 0.75 + 0.25 * (x / width);
    const skin = [0.75 + 0.1 * Math.sin(x / 3), 0.5 + 0.1 * Math.sin(y / 4), 0.38];
    for (let c = 0; c < 3; c++) {
      subject[c * area + i] = skin[c];
      rgb[c * area + i] = share[i] * skin[c] + (1 - share[i]) * screen[c] * light;
    }
  }
  return { frame: { index, width, height, rgb }, share, subject };
}

const screens: [string, [number, number, number]][] = [
  ['green', [0.1, 0.75, 0.2]],
  ['blue', [0.1, 0.25, 0.85]],
  ['yellow-green', [0.7, 0.78, 0.06]],
];

const context = (frames: readonly Frame[]) => ({
  signal: new AbortController().signal,
  async *clip(_: string, from: number) {
    yield* frames.slice(from);
  },
});
const params = (change: Partial<KeyStageParams> = {}): KeyStageParams => ({
  ...keyParams.parse({}),
  clip: 'a'.repeat(64),
  screenFrame: 0,
  ...change,
});

test.each(screens)('a %s screen is found, and matte is 0 on it and 1 inside the subject', async (_, colour) => {
  const { frame, share } = scene(colour);
  const keyer = await createKeyer(params(), context([frame]));
  const { matte } = await keyer(frame);
  for (let i = 0; i < area; i++) {
    if (share[i] === 0) expect(matte[i]).toBe(0);
    // Where the subject's pattern ends at its edge its colour is a guess.
    if (share[i] === 1) expect(matte[i]).toBeGreaterThan(0.85);
  }
});

test.each(screens)('over another colour a %s screen leaves no fringe', async (_, colour) => {
  const { frame, share, subject } = scene(colour);
  const { matte, subject: cleaned } = await (await createKeyer(params(), context([frame])))(frame);
  let worst = 0;
  for (let i = 0; i < area; i++) {
    if (share[i] === 0 || share[i] === 1) continue;
    // A cast of the screen: how far its own channel stands out from another, as far as it shows, beyond the true subject.
    const screenChannel = colour[1] >= colour[2] ? 1 : 2;
    const other = screenChannel === 1 ? 2 : 0;
    const tint = (planes: Float32Array) => (planes[screenChannel * area + i] - planes[other * area + i]) * matte[i];
    worst = Math.max(worst, Math.max(0, tint(cleaned)) - Math.max(0, tint(subject)));
  }
  // A visible fringe is a tenth of the range and more.
  expect(worst).toBeLessThan(0.1);
});

test('a frame without a screen says so instead of guessing', async () => {
  const grey: Frame = { index: 0, width, height, rgb: new Float32Array(3 * area).fill(0.5) };
  expect(findScreen(grey)).toBeUndefined();
  await expect(createKeyer(params(), context([grey]))).rejects.toMatchObject({ code: 'PARAMETER_WRONG' });
});

test('shapes win over colour', async () => {
  const { frame } = scene([0.1, 0.75, 0.2]);
  const corner: [number, number][] = [
    [0, 0],
    [0.2, 0],
    [0.2, 0.2],
    [0, 0.2],
  ];
  const middle: [number, number][] = [
    [0.4, 0.4],
    [0.6, 0.4],
    [0.6, 0.6],
    [0.4, 0.6],
  ];
  const { matte, subject } = await (
    await createKeyer(params({ holdout: [corner], garbage: [middle] }), context([frame]))
  )(frame);
  expect(matte[2 * width + 2]).toBe(1);
  // Held out, even the screen's own green stays.
  expect(subject[area + 2 * width + 2]).toBe(frame.rgb[area + 2 * width + 2]);
  expect(matte[34 * width + 48]).toBe(0);
});

test('eroding shrinks and growing widens by as many pixels as asked', async () => {
  const { frame } = scene([0.1, 0.75, 0.2], 0.01);
  const sum = async (erodePx: number) =>
    (await (await createKeyer(params({ erodePx }), context([frame])))(frame)).matte.reduce((a, b) => a + b, 0);
  const radius = async (erodePx: number) => Math.sqrt((await sum(erodePx)) / Math.PI);
  const plain = await radius(0);
  expect(plain - (await radius(3))).toBeCloseTo(3, 0);
  expect((await radius(-3)) - plain).toBeCloseTo(3, 0);
});

test('what is painted behind the subject continues it and holds nothing of the screen', async () => {
  const { frame } = scene([0.1, 0.75, 0.2]);
  const stage = key(streamOf([frame]), params(), context([frame]) as never);
  for await (const keyed of stage) {
    expect(keyed.alpha).toBeDefined();
    for (let i = 0; i < area; i++) expect(keyed.rgb[area + i] - keyed.rgb[i]).toBeLessThan(0.1);
  }
});

test('the painted subject comes back over the untouched footage in step with it', async () => {
  const frames = [0, 1, 2].map(index => scene([0.1, 0.75, 0.2], 3, index).frame);
  frames[2] = { ...frames[2], rgb: frames[2].rgb.map(value => value * 0.9) };
  const painted = frames.map(frame => ({ ...frame, rgb: new Float32Array(3 * area).fill(1) }));
  const out = await runStage(composite, painted, params({ over: 'source' }), context(frames) as never);
  expect(out).toHaveLength(3);
  out.forEach((frame, index) => {
    expect(frame.rgb[0]).toBeCloseTo(frames[index].rgb[0], 6);
    expect(frame.rgb[34 * width + 48]).toBe(1);
  });
});

test('unknown areas are filled smoothly and known ones kept to the bit', () => {
  const rgb = new Float32Array(3 * area).fill(0.2);
  const weight = new Float32Array(area);
  for (let i = 0; i < area; i++) {
    const x = i % width;
    weight[i] = x < 10 || x >= width - 10 ? 1 : 0;
    if (x >= width - 10) for (let c = 0; c < 3; c++) rgb[c * area + i] = 0.8;
  }
  const filled = fillUnknown(rgb, weight, width, height);
  for (let i = 0; i < area; i++) if (weight[i] === 1) expect(filled[i]).toBe(rgb[i]);
  const row = Array.from({ length: width }, (_, x) => filled[30 * width + x]);
  expect(Math.min(...row)).toBeGreaterThanOrEqual(0.2 - 1e-6);
  expect(Math.max(...row)).toBeLessThanOrEqual(0.8 + 1e-6);
  // Linear interpolation of the pyramid leaves steps, but none near the height of the edge it bridges.
  expect(Math.max(...row.slice(1).map((value, x) => Math.abs(value - row[x])))).toBeLessThan(0.15);
});

/** Strands of hair a pixel wide that cover half of it, and a solid body below them. */
function hair(
  screen: readonly [number, number, number],
  strand: readonly [number, number, number],
): { frame: Frame; share: Float32Array } {
  const share = Float32Array.from({ length: area }, (_, i) =>
    i >= 32 * width ? 1 : i >= 12 * width && (i % width) % 6 === 3 ? 0.5 : 0,
  );
  const rgb = new Float32Array(3 * area);
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < area; i++)
      rgb[c * area + i] = share[i] * strand[c] + (1 - share[i]) * screen[c] * (0.8 + (0.2 * (i % width)) / width);
  return { frame: { index: 0, width, height, rgb }, share };
}

test.each([
  ['dark', 'green', [0.12, 0.09, 0.07], [0.12, 0.68, 0.2]],
  ['fair', 'green', [0.75, 0.62, 0.4], [0.12, 0.68, 0.2]],
  ['dark', 'blue', [0.12, 0.09, 0.07], [0.1, 0.25, 0.8]],
  ['fair', 'blue', [0.75, 0.62, 0.4], [0.1, 0.25, 0.8]],
] as const)('%s hair before a %s screen keeps its share and its own colour', async (_, __, strand, screen) => {
  const { frame, share } = hair(screen, strand);
  const { matte, subject } = await (await createKeyer(params(), context([frame])))(frame);
  let [sum, strands, worst] = [0, 0, 0];
  for (let i = 0; i < area; i++) {
    if (share[i] === 0) expect(matte[i]).toBeLessThan(0.02);
    if (share[i] !== 0.5) continue;
    strands++;
    sum += matte[i];
    for (let c = 0; c < 3; c++) worst = Math.max(worst, Math.abs(subject[c * area + i] - strand[c]));
  }
  expect(sum / strands).toBeGreaterThan(0.4);
  expect(sum / strands).toBeLessThan(0.65);
  // A tenth of the range is seen as a fringe.
  expect(worst).toBeLessThan(0.1);
});

test('a screen that comes into view later is found', async () => {
  const black: Frame = { index: 0, width, height, rgb: new Float32Array(3 * area) };
  const { frame, share } = scene([0.1, 0.75, 0.2]);
  const { matte } = await (await createKeyer(params(), context([black, black, frame])))(frame);
  expect(share.every((value, i) => value > 0 || matte[i] === 0)).toBe(true);
});

test('a clip lies behind the subject in step with it, and begins again where it is shorter', async () => {
  const frames = Array.from({ length: 5 }, (_, index) => ({ ...scene([0.1, 0.75, 0.2]).frame, index }));
  const behind = [0.2, 0.5].map((level, index): Frame => ({
    index,
    width: 10,
    height: 10,
    rgb: new Float32Array(300).fill(level),
  }));
  const plate = 'b'.repeat(64);
  const ctx = {
    ...context(frames),
    async *clip(sha256: string, from: number) {
      yield* (sha256 === plate ? behind : frames).slice(from);
    },
  };
  const out = await runStage(
    composite,
    frames.slice(1),
    params({ over: 'clip', plateClip: plate, screenFrame: 1 }),
    ctx as never,
  );
  const levels = out.map(({ rgb }) => rgb[0]);
  expect(levels.map(level => level.toFixed(2))).toEqual(['0.20', '0.50', '0.20', '0.50']);
});

test('a plate that was not given is refused', async () => {
  const { frame } = scene([0.1, 0.75, 0.2]);
  const run = composite(streamOf([frame]), params({ over: 'clip' }), context([frame]) as never);
  await expect(run[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'PARAMETER_WRONG' });
});
