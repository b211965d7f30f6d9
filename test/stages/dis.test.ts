import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { createFrame } from '../../bridge-server/src/frame/frame';
import { createClassicalFlow } from '../../bridge-server/src/stages/flow/classical';
import { disHere, disNormal } from '../../bridge-server/src/stages/flow/dis';
import { endPointError } from '../../bridge-server/src/stages/flow/flo-file';
import { constantFlow, makePicture, texture } from './moving-picture';

test('the committed WebAssembly belongs to its sources', () => {
  const script = join(__dirname, '../../scripts/build-wasm.mjs');
  expect(() => execFileSync(process.execPath, [script, '--check'], { stdio: 'pipe' })).not.toThrow();
});

describe.each(['here', 'thread'] as const)('classical flow, %s', where => {
  const provider = createClassicalFlow({ where });
  afterAll(() => provider.close());

  test('a texture moved by 3.4 px: mean error below 0.1 px both ways', async () => {
    const [width, height] = [160, 120];
    const a = makePicture(width, height, 0, (x, y) => [x, y]);
    const b = makePicture(width, height, 1, (x, y) => [x - 3.4, y]);
    const { forward, backward } = await provider.flow(a, b);
    expect(endPointError(forward, constantFlow(width, height, 3.4, 0))).toBeLessThan(0.1);
    expect(endPointError(backward, constantFlow(width, height, -3.4, 0))).toBeLessThan(0.1);
  });
});

describe('classical flow', () => {
  const provider = createClassicalFlow({ where: 'here' });

  test.each([
    [16, 16],
    [17, 33],
    [61, 47],
    [200, 40],
    [39, 210],
  ])('works at %ix%i', async (width, height) => {
    const a = makePicture(width, height, 0, (x, y) => [x, y]);
    const b = makePicture(width, height, 1, (x, y) => [x - 1, y + 0.5]);
    const { forward, backward } = await provider.flow(a, b);
    expect(endPointError(forward, constantFlow(width, height, 1, -0.5))).toBeLessThan(0.25);
    expect(endPointError(backward, constantFlow(width, height, -1, 0.5))).toBeLessThan(0.25);
  });

  test('two equal frames have no motion', async () => {
    const a = makePicture(64, 48, 0, (x, y) => [x, y]);
    const { forward } = await provider.flow(a, a);
    expect(Math.max(...forward.map(Math.abs))).toBeLessThan(1e-3);
  });

  test('a flat frame has no motion and nothing that is not a number', async () => {
    const flat = createFrame(64, 48);
    const { forward, backward } = await provider.flow(flat, flat);
    expect(forward.every(v => v === 0)).toBe(true);
    expect(backward.every(v => v === 0)).toBe(true);
  });

  test('a fast camera is followed over a picture that is all fine detail', async () => {
    const [width, height] = [160, 96];
    let state = 1;
    const grain = Float32Array.from({ length: 256 * 256 }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    });
    // Each square of 4x4 has a brightness of its own: on the smaller levels of a pyramid nothing of it is left.
    const squares = (x: number, y: number) => grain[256 * Math.floor((y + 512) / 4) + Math.floor((x + 512) / 4)];
    const a = makePicture(width, height, 0, (x, y) => [x, y], squares);
    const b = makePicture(width, height, 1, (x, y) => [x - 5, y + 11], squares);
    const { forward, backward } = await provider.flow(a, b);
    expect(endPointError(forward, constantFlow(width, height, 5, -11))).toBeLessThan(1);
    expect(endPointError(backward, constantFlow(width, height, -5, 11))).toBeLessThan(1);
  });

  test('zooming and turning are followed', async () => {
    const [width, height] = [192, 144];
    const [cos, sin] = [1.03 * Math.cos(0.02), 1.03 * Math.sin(0.02)];
    const turn = (x: number, y: number) =>
      [96 + cos * (x - 96) - sin * (y - 72), 72 + sin * (x - 96) + cos * (y - 72)] as const;
    const a = makePicture(width, height, 0, (x, y) => [x, y]);
    const b = makePicture(width, height, 1, turn);
    const truth = new Float32Array(2 * width * height);
    for (let p = 0; p < width * height; p++) {
      const [x, y] = [p % width, Math.floor(p / width)];
      const [tx, ty] = turn(x, y);
      truth[p] = tx - x;
      truth[width * height + p] = ty - y;
    }
    const { backward } = await provider.flow(a, b);
    expect(endPointError(backward, truth)).toBeLessThan(0.15);
  });

  test('the same pictures give the same flow after others were searched', () => {
    const a = new Float32Array(64 * 48).map((_, p) => 255 * texture(p % 64, Math.floor(p / 64)));
    const b = new Float32Array(64 * 48).map((_, p) => 255 * texture((p % 64) + 1, Math.floor(p / 64)));
    const first = disHere(a, b, 64, 48, disNormal);
    disHere(b.subarray(0, 40 * 40), a.subarray(0, 40 * 40), 40, 40, disNormal);
    const again = disHere(a, b, 64, 48, disNormal);
    expect(Buffer.from(again.forward.buffer).equals(Buffer.from(first.forward.buffer))).toBe(true);
    expect(Buffer.from(again.backward.buffer).equals(Buffer.from(first.backward.buffer))).toBe(true);
  });

  test('noise, periods and flat stripes at any width give numbers, in whatever memory earlier sizes left', () => {
    let state = 1;
    const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
    const kinds = [
      () => 255 * random(),
      (i: number) => Math.round(100 + 50 * Math.sin(i / 20)),
      (i: number) => (i % 7 < 4 ? 16 : 255 * random()),
    ];
    for (const [width, height] of [
      [62, 61],
      [427, 30],
      [16, 90],
      [22, 61],
      [100, 47],
      [46, 120],
    ]) {
      for (const kind of kinds) {
        const [a, b] = [0, 1].map(() => Float32Array.from({ length: width * height }, (_, i) => kind(i)));
        const { forward, backward } = disHere(a, b, width, height, disNormal);
        expect(forward.every(Number.isFinite) && backward.every(Number.isFinite)).toBe(true);
      }
    }
  });
});
