import { dreamParams, dreamTilePx, type DreamParams } from '#protocol/effects/dream';
import { createFrame, type Frame } from '../../bridge-server/src/frame/frame';
import { floatTensor, floatsOf, type Tensor } from '../../bridge-server/src/frame/tensor';
import { toModel } from '../../bridge-server/src/graph/model';
import type { StageState } from '../../bridge-server/src/pipeline/stage';
import { dream } from '../../bridge-server/src/stages/dream';
import { openDreamer, openDreamNet, type DreamOptions } from '../../bridge-server/src/stages/dream/dreamer';
import { octavePictures, octaveSizes } from '../../bridge-server/src/stages/dream/octaves';
import { shiftedTiles } from '../../bridge-server/src/stages/dream/tiled';
import { viewFeeds } from '../../bridge-server/src/stages/dream/views';
import { makePicture, otherTexture } from './moving-picture';
import { closeShared, makeContext, type TestContext } from './tiny-feature-net';
import { meanDifference, psnr } from '../compare';
import { runStage } from './run-stage';

const [width, height] = [96, 64];
const size = { width, height };

const makeParams = (params: Partial<DreamParams> = {}): DreamParams =>
  dreamParams.parse({
    net: 'tiny',
    objectives: [{ layer: 'relu3_1' }],
    iterations: 4,
    octaves: 2,
    jitter: 4,
    ...params,
  });

/** What the dream adds to a still picture. */
async function dreamt(test: TestContext, frame: Frame, params: DreamParams, options: Partial<DreamOptions> = {}) {
  const dreamer = await openDreamer(params, test.ctx);
  const detail = await dreamer.dream(frame.rgb, frame, {
    octaves: octaveSizes(frame, params.octaves, params.octaveScale),
    iterations: params.iterations,
    stepSize: params.stepSize,
    random: test.ctx.random(0),
    ...options,
  });
  return frame.rgb.map((value, i) => value + detail[i]);
}

/** Mean square of a layer's channels `first` to `last`. */
async function excitement(test: TestContext, rgb: Float32Array, layer: string, first = 0, last = Infinity) {
  const file = await openDreamNet('tiny', test.ctx);
  const net = await test.ctx.nets.compiled(`taps:${layer}`, async () => toModel({ outputs: file.taps(size, [layer]) }));
  const map = (await net.run({ image: floatTensor(rgb, [1, 3, height, width]) }))[layer] as Tensor;
  const perChannel = map.dims[2] * map.dims[3];
  const chosen = floatsOf(map).subarray(first * perChannel, Math.min(map.dims[1], last + 1) * perChannel);
  return chosen.reduce((sum, value) => sum + value * value, 0) / chosen.length;
}

const run = (frames: readonly Frame[], params: DreamParams, test: TestContext) =>
  runStage(dream, frames, params, test.ctx);

/** A camera that moves by one pixel a frame; `cutAt` shows another picture from there on. */
function makeFootage(count: number, cutAt = Infinity): Frame[] {
  return Array.from({ length: count }, (_, i) => ({
    ...makePicture(width, height, i, (x, y) => [x + i, y], i >= cutAt ? otherTexture : undefined),
    ...(i === 0 || i === cutAt ? { shotStart: true } : {}),
  }));
}

afterAll(closeShared);

describe('a dream in a picture', () => {
  const picture = makePicture(width, height, 0);

  it.each([
    ['pixels', false],
    ['pixels', true],
    ['fourier', false],
    ['fourier', true],
  ] as const)('raises its layer, moving %s (robust views: %s)', async (kind, robust) => {
    const test = await makeContext({});
    const rgb = await dreamt(test, picture, makeParams({ picture: kind, robust, iterations: 8 }));
    const [before, after] = [await excitement(test, picture.rgb, 'relu3_1'), await excitement(test, rgb, 'relu3_1')];
    expect(after).toBeGreaterThan(1.05 * before);
    expect(rgb.every(value => value >= -1e-6 && value <= 1 + 1e-6)).toBe(true);
  });

  it('raises the channels that are asked for more than a dream of all does', async () => {
    const test = await makeContext({});
    const one = await dreamt(
      test,
      picture,
      makeParams({ objectives: [{ layer: 'relu3_1', channels: [2, 2], weight: 1 }] }),
    );
    const all = await dreamt(test, picture, makeParams());
    expect(await excitement(test, one, 'relu3_1', 2, 2)).toBeGreaterThan(await excitement(test, all, 'relu3_1', 2, 2));
  });

  it('lowers a layer of negative weight', async () => {
    const test = await makeContext({});
    const rgb = await dreamt(test, picture, makeParams({ objectives: [{ layer: 'relu3_1', weight: -1 }] }));
    expect(await excitement(test, rgb, 'relu3_1')).toBeLessThan(await excitement(test, picture.rgb, 'relu3_1'));
  });

  it('is the same for the same seed, and another one for other shifts', async () => {
    const test = await makeContext({});
    const once = await dreamt(test, picture, makeParams());
    expect(await dreamt(test, picture, makeParams())).toEqual(once);
    expect(await dreamt(test, picture, makeParams(), { random: test.ctx.random(7) })).not.toEqual(once);
  });

  it('changes a pixel by the step on average, at each step', async () => {
    const test = await makeContext({});
    const grey = { ...createFrame(width, height), rgb: picture.rgb.map(value => 0.25 + 0.5 * value) };
    const params = makeParams({ octaves: 1, iterations: 1, smoothing: 'none', stepSize: 2 });
    expect(255 * meanDifference(await dreamt(test, grey, params), grey.rgb)).toBeCloseTo(2, 3);
  });

  it('leaves what may not change as it is', async () => {
    const test = await makeContext({});
    const free = Float32Array.from({ length: width * height }, (_, i) => (i % width < width / 2 ? 0 : 1));
    const rgb = await dreamt(test, picture, makeParams({ octaves: 1 }), { free });
    const moved = (from: number, to: number) =>
      rgb.filter((value, i) => i % width >= from && i % width < to && Math.abs(value - picture.rgb[i]) > 1e-6).length;
    expect(moved(0, width / 2)).toBe(0);
    expect(moved(width / 2, width)).toBeGreaterThan(0);
  });

  it('keeps the light of the picture unless it may change it', async () => {
    const test = await makeContext({});
    const mean = (rgb: Float32Array) => rgb.reduce((sum, value) => sum + value, 0) / rgb.length;
    const grey = { ...picture, rgb: picture.rgb.map(value => 0.3 + 0.4 * value) };
    for (const kind of ['pixels', 'fourier'] as const)
      expect(Math.abs(mean(await dreamt(test, grey, makeParams({ picture: kind }))) - mean(grey.rgb))).toBeLessThan(
        0.01,
      );
  });

  it('is laid over where its mask is white, half where it is grey, and not where it is black', async () => {
    const mask = createFrame(90, 60);
    mask.rgb.forEach((_, i) => (mask.rgb[i] = Math.floor((i % 90) / 30) / 2));
    const sha256 = 'c'.repeat(64);
    const test = await makeContext({ pictures: { [sha256]: mask } });
    const frame = { ...picture, shotStart: true };
    const [masked] = await run([frame], makeParams({ mask: { sha256 } }), test);
    const [whole] = await run([frame], makeParams(), test);
    const middle = [
      [4, 28],
      [36, 60],
      [68, 92],
    ].map(([from, to]) => {
      const strip = (rgb: Float32Array) => rgb.filter((_, i) => i % width >= from && i % width < to);
      return meanDifference(strip(masked.rgb), strip(frame.rgb)) / meanDifference(strip(whole.rgb), strip(frame.rgb));
    });
    expect(middle[0]).toBe(0);
    expect(middle[1]).toBeCloseTo(0.5, 1);
    expect(middle[2]).toBe(1);
  });

  it('shows itself while it comes, as strong as it will be', async () => {
    const test = await makeContext({});
    const previews: Frame[] = [];
    const ctx = {
      ...test.ctx,
      progress: ({ preview }: { preview?: Frame }) => void (preview && previews.push(preview)),
    };
    const frame = { ...picture, shotStart: true };
    const params = makeParams({ iterations: 10, strength: 50 });
    const [out] = await run([frame], params, { ...test, ctx });
    const [early, late] = previews.map(preview => preview.rgb);
    expect(meanDifference(late, out.rgb)).toBeLessThan(0.001);
    expect(meanDifference(early, frame.rgb)).toBeGreaterThan(0);
    expect(meanDifference(early, frame.rgb)).toBeLessThan(meanDifference(late, frame.rgb));
  });

  it('follows a guide picture', async () => {
    const guide = makePicture(80, 64, 0, (x, y) => [3 * x, y], otherTexture);
    const test = await makeContext({ pictures: { ['b'.repeat(64)]: guide } });
    const guided = await dreamt(test, picture, makeParams({ guide: { sha256: 'b'.repeat(64) } }));
    expect(meanDifference(guided, picture.rgb)).toBeGreaterThan(0.5 / 255);
    expect(meanDifference(guided, await dreamt(test, picture, makeParams()))).toBeGreaterThan(0.5 / 255);
  });

  it('names the layers that there are when one is not among them', async () => {
    const { ctx } = await makeContext({});
    await expect(
      openDreamer(makeParams({ objectives: [{ layer: 'inception_4c', weight: 1 }] }), ctx),
    ).rejects.toMatchObject({
      code: 'NET_LAYER_UNKNOWN',
      details: { known: expect.stringContaining('relu3_1') as string },
    });
  });
});

describe('tiles', () => {
  it('cover a picture at every phase with tiles of one size, and lie elsewhere each time', () => {
    const places = new Set<string>();
    for (let phase = 0; phase < 1; phase += 0.13) {
      const tiles = shiftedTiles({ width: 100, height: 41 }, 32, () => phase);
      const covered = new Uint8Array(4100);
      for (const tile of tiles) {
        expect([tile.width, tile.height]).toEqual([32, 32]);
        expect(tile.x >= 0 && tile.y >= 0 && tile.x + 32 <= 100 && tile.y + 32 <= 41).toBe(true);
        for (let y = 0; y < 32; y++) covered.fill(1, (tile.y + y) * 100 + tile.x, (tile.y + y) * 100 + tile.x + 32);
      }
      expect(covered.every(Boolean)).toBe(true);
      places.add(tiles.map(({ x }) => x).join());
    }
    expect(places.size).toBeGreaterThan(5);
  });

  it('are taken where they are asked for or the picture is larger than full HD', () => {
    expect(dreamTilePx({ tilePx: 0 }, { width: 1920, height: 1080 })).toBe(0);
    expect(dreamTilePx({ tilePx: 0 }, { width: 3840, height: 2160 })).toBe(768);
    expect(dreamTilePx({ tilePx: 256 }, { width: 640, height: 360 })).toBe(256);
    expect(dreamTilePx({ tilePx: 256 }, { width: 200, height: 160 })).toBe(0);
  });

  it('leave no seam: neighbours differ no more at any column than without tiles', async () => {
    const test = await makeContext({});
    const picture = makePicture(width, height, 0);
    // Its field of view is 38 px: most of a tile sees what it would see in the whole picture.
    const params = { octaves: 1, iterations: 10, jitter: 0 };
    const [whole, tiled] = [
      await dreamt(test, picture, makeParams(params)),
      await dreamt(test, picture, makeParams({ ...params, tilePx: 48 })),
    ];
    const steepest = (rgb: Float32Array) => {
      const steps = new Float64Array(width - 1);
      rgb.forEach(
        (value, i) =>
          i % width > 0 &&
          (steps[(i % width) - 1] += Math.abs(value - rgb[i - 1] - (picture.rgb[i] - picture.rgb[i - 1]))),
      );
      return Math.max(...steps) / [...steps].sort((a, b) => a - b)[Math.floor(steps.length / 2)];
    };
    expect(steepest(tiled)).toBeLessThan(1.25 * steepest(whole));
    expect(meanDifference(tiled, picture.rgb) / meanDifference(whole, picture.rgb)).toBeCloseTo(1, 0);
    expect(psnr(tiled, whole)).toBeGreaterThan(psnr(picture.rgb, whole) + 1);
  });

  it('serve frequencies as well', async () => {
    const test = await makeContext({});
    const picture = makePicture(width, height, 0);
    const rgb = await dreamt(test, picture, makeParams({ picture: 'fourier', tilePx: 48, iterations: 8 }));
    expect(await excitement(test, rgb, 'relu3_1')).toBeGreaterThan(
      1.05 * (await excitement(test, picture.rgb, 'relu3_1')),
    );
  });
});

describe('views and octaves', () => {
  it('undo their shift, and nearly undo their turn', () => {
    let state = 1;
    const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
    const shifts = viewFeeds({ width: 9, height: 7 }, 3, { jitter: 5, robust: false }, random);
    for (const [there, back] of [
      [shifts.rows, shifts.rowsBack],
      [shifts.columns, shifts.columnsBack],
    ]) {
      const length = there.dims[1];
      for (let step = 0; step < 3; step++)
        for (let p = 0; p < length; p++)
          expect(Number(there.data[step * length + Number(back.data[step * length + p])])).toBe(p);
    }
    const { grid, gridBack } = viewFeeds({ width: 41, height: 31 }, 1, { jitter: 3, robust: true }, random);
    const at = (map: Tensor, x: number, y: number) => {
      const data = floatsOf(map);
      const i = 2 * (Math.round(y) * 41 + Math.round(x));
      return [20 + 20 * data[i], 15 + 15 * data[i + 1]];
    };
    for (const [x, y] of [
      [20, 15],
      [14, 10],
      [26, 20],
    ]) {
      const [bx, by] = at(grid, ...(at(gridBack, x, y) as [number, number]));
      expect(Math.hypot(bx - x, by - y)).toBeLessThan(1);
    }
  });

  it.each([
    [320, 180],
    [1280, 720],
    [3840, 2160],
  ])(
    'begin, unless fewer are asked for, where %dx%d is small enough for a net to see whole figures',
    (width, height) => {
      const { octaves, octaveScale } = dreamParams.parse({});
      const [smallest] = octaveSizes({ width, height }, octaves, octaveScale);
      expect(smallest.height).toBeGreaterThanOrEqual(48);
      expect(smallest.height).toBeLessThan(110);
    },
  );

  it('go from small to large, each octave made from the next larger one', () => {
    const sizes = octaveSizes({ width: 200, height: 100 }, 9, 1.4);
    expect(sizes).toEqual([
      { width: 102, height: 51 },
      { width: 143, height: 71 },
      { width: 200, height: 100 },
    ]);
    const checker = Float32Array.from({ length: 20_000 }, (_, i) => ((i % 200) + Math.floor(i / 200)) % 2);
    const [small, , large] = octavePictures(checker, 1, { width: 200, height: 100 }, sizes);
    expect(large).toEqual(checker);
    expect(small.length).toBe(102 * 51);
  });
});

describe('a dream on video', () => {
  it('is as strong as its curve says', async () => {
    const footage = makeFootage(3);
    const strengthCurve = [
      { frame: 0, value: 0 },
      { frame: 2, value: 100 },
    ];
    const out = await run(footage, makeParams({ strengthCurve }), await makeContext({}));
    expect(out[0].rgb).toEqual(footage[0].rgb);
    const [half, full] = [1, 2].map(i => meanDifference(out[i].rgb, footage[i].rgb));
    expect(half).toBeGreaterThan(0.3 * full);
    expect(half).toBeLessThan(0.8 * full);
  });

  it('is carried along: steadier than frames that are dreamt one by one', async () => {
    const footage = makeFootage(4);
    const test = await makeContext({});
    const params = makeParams();
    const carried = await run(footage, params, test);
    const alone = await Promise.all(
      footage.map(async frame => ({
        ...frame,
        rgb: await dreamt(test, frame, params, { random: test.ctx.random(frame.index) }),
      })),
    );
    // What was dreamt at a point of the scene, one frame later, where the camera has moved by one pixel.
    const unrest = (frames: readonly Frame[]) => {
      let sum = 0;
      for (let f = 2; f < frames.length; f++)
        for (let i = 0; i < frames[f].rgb.length; i++) {
          if (i % width < 8 || i % width > width - 9) continue;
          const now = frames[f].rgb[i - 1] - footage[f].rgb[i - 1];
          sum += Math.abs(now - (frames[f - 1].rgb[i] - footage[f - 1].rgb[i]));
        }
      return sum;
    };
    expect(unrest(carried)).toBeLessThan(0.75 * unrest(alone));
  });

  it('is left as it is where nothing moves', async () => {
    const [frame] = makeFootage(1);
    const still = [0, 1, 2].map(index => ({ ...frame, index, shotStart: index === 0 }));
    const out = await run(still, makeParams(), await makeContext({}));
    expect(out[2].rgb).toEqual(out[0].rgb);
  });

  it.each([
    ['black', 0],
    ['white', 1],
  ])('comes out of %s with its picture: as faint as that, and the same from the first frame on', async (_, end) => {
    const [frame] = makeFootage(1);
    const shares = [0.06, 0.12, 0.24];
    const fade = shares.map((share, index) => ({
      ...frame,
      index,
      rgb: frame.rgb.map(value => end + share * (value - end)),
      shotStart: index === 0,
    }));
    const out = await run(fade, makeParams(), await makeContext({}));
    const [first, , last] = out.map(({ rgb }, f) => rgb.map((value, i) => (value - fade[f].rgb[i]) / shares[f]));
    const size = meanDifference(last, new Float32Array(last.length));
    expect(size).toBeGreaterThan(5 / 255);
    expect(meanDifference(first, last)).toBeLessThan(0.1 * size);
  });

  it('keeps its strength on the way, and grows on what comes into view', async () => {
    const footage = makeFootage(8);
    const out = await run(footage, makeParams(), await makeContext({}));
    const strength = (f: number, left: number, right: number) => {
      const added = out[f].rgb.map((value, i) => value - footage[f].rgb[i]);
      const part = added.filter((_, i) => i % width >= left && i % width < right);
      return Math.sqrt(part.reduce((sum, value) => sum + value * value, 0) / part.length);
    };
    // The camera moves to the right: what is in the middle at last was there at first, the right edge is new.
    expect(strength(7, 20, 60) / strength(0, 27, 67)).toBeGreaterThan(0.85);
    expect(strength(7, 20, 60) / strength(0, 27, 67)).toBeLessThan(1.15);
    expect(strength(7, 89, 96)).toBeGreaterThan(0.5 * strength(0, 89, 96));
  });

  it('leaves what the picture has turned into something else', async () => {
    const [frame] = makeFootage(1);
    const other = { ...makePicture(width, height, 1, undefined, otherTexture) };
    const params = makeParams();
    const test = await makeContext({});
    const out = await run([{ ...frame, shotStart: true }, other], params, test);
    const alone = await run([{ ...other, shotStart: true }], params, test);
    const before = await run([{ ...frame, shotStart: true }], params, test);
    const added = (to: Frame, from: Frame) => to.rgb.map((value, i) => value - from.rgb[i]);
    const near = meanDifference(added(out[1], other), added(alone[0], other));
    expect(near).toBeLessThan(meanDifference(added(out[1], other), added(before[0], frame)));
  });

  it('carries nothing across a cut', async () => {
    const params = makeParams();
    const footage = makeFootage(3, 2);
    const test = await makeContext({});
    const out = await run(footage, params, test);
    const alone = await run([footage[2]], params, test);
    expect(out[2].rgb).toEqual(alone[0].rgb);
  });

  it('goes on after a stop exactly as it would have', async () => {
    const footage = makeFootage(4);
    const first = await makeContext({});
    const whole = await run(footage, makeParams(), first);
    const state = first.states[1] as StageState;
    expect(state.nextIndex).toBe(2);
    const rest = await run(footage.slice(2), makeParams(), await makeContext({ resumed: state }));
    expect(rest.map(frame => frame.rgb)).toEqual(whole.slice(2).map(frame => frame.rgb));
  });
});
