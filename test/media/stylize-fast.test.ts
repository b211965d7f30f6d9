import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { embeddedFeatureNet, styleParams } from '#protocol/effects/style';
import type { StyleParams } from '#protocol/effects/style';
import type { Frame } from '../../bridge-server/src/frame/frame';
import { lumaOf } from '../../bridge-server/src/frame/plane';
import { floatTensor, floatsOf, type Tensor } from '../../bridge-server/src/frame/tensor';
import { input } from '../../bridge-server/src/graph/build';
import { toModel } from '../../bridge-server/src/graph/model';
import type { Value } from '../../bridge-server/src/graph/value';
import { joinNets } from '../../bridge-server/src/models/join-nets';
import { foreignStyle, readForeignStyleNet } from '../../bridge-server/src/nets/foreign-style';
import { gaussianDistance, isPaletteLayer, paletteLayer, traceOf } from '../../bridge-server/src/nets/style-statistics';
import type { StyleStatistics } from '../../bridge-server/src/nets/style-statistics';
import { createInProcessRuntime } from '../../bridge-server/src/runtime/ort';
import type { Runtime } from '../../bridge-server/src/runtime/runtime';
import { checkFrame } from '../../bridge-server/src/stages/check-frames';
import { stylize } from '../../bridge-server/src/stages/stylize';
import { colourStatistics, matchColours } from '../../bridge-server/src/stages/stylize/colour';
import { createFeatureSource } from '../../bridge-server/src/stages/stylize/easel';
import { toEasel } from '../../bridge-server/src/stages/stylize/painted-frame';
import { createStyleSource, measureStyle } from '../../bridge-server/src/stages/stylize/targets';
import { makePicture, otherTexture, texture } from '../stages/moving-picture';
import { closeShared, makeContext } from '../stages/tiny-feature-net';
import type { TestContext } from '../stages/tiny-feature-net';
import { meanDifference, worstDifference } from '../compare';
import { runStage } from '../stages/run-stage';

const root = join(__dirname, '../../bridge-server');
const foreignNet = join(__dirname, '../../../shared/models/style/fns_mosaic_nc8.onnx');
const [width, height] = [160, 112];
const painting = 'b'.repeat(64);

/** Blue and orange stripes that bend: a style that the net has never seen. */
function makePainting(): Frame {
  const frame = makePicture(256, 192, 0, (x, y) => [x, y], otherTexture);
  for (let p = 0; p < 256 * 192; p++) {
    const stripe = Math.sin((p % 256) / 3 + 8 * frame.rgb[p]) > 0;
    const colour = stripe ? [0.95, 0.55, 0.15] : [0.1, 0.2, 0.6];
    colour.forEach((value, c) => (frame.rgb[c * 256 * 192 + p] = value));
  }
  return frame;
}

const read = (path: string) => new Uint8Array(readFileSync(path));
const painters = Object.fromEntries(
  ['starry-night', 'the-scream'].map(name => [name, read(join(root, `painters/${name}.painter`))]),
);
const context = (options: Parameters<typeof makeContext>[0] = {}) =>
  makeContext({
    bytes: name => read(join(root, 'nets', `${name}.onnx`)),
    painters,
    pictures: { [painting]: makePainting() },
    ...options,
  });
const makeParams = (params: object = {}): StyleParams =>
  styleParams.parse({ method: 'fast', strokePx: 256, flow: 'classical', ...params });
const byPainter = (painter: string) => ({ styles: [{ image: { painter }, weight: 1 }] });
const byPicture = { styles: [{ image: { sha256: painting }, weight: 1 }] };

const run = (frames: readonly Frame[], params: StyleParams, test: TestContext) =>
  runStage(stylize, frames, params, test.ctx);

/** A camera that moves over a picture by a pixel and a half a frame. */
const makeFootage = (count: number): Frame[] =>
  Array.from({ length: count }, (_, i) => ({
    ...makePicture(width, height, i, (x, y) => [x + 1.5 * i, y], texture),
    ...(i === 0 ? { shotStart: true } : {}),
  }));

/** Sum over layers of the distance of two styles, as a part of the second's variance. */
const styleDistance = (seen: StyleStatistics, style: StyleStatistics) =>
  Object.keys(style)
    .filter(layer => !isPaletteLayer(layer))
    .reduce((sum, layer) => sum + gaussianDistance(seen[layer], style[layer]) / traceOf(style[layer]), 0);

async function distances(test: TestContext, params: StyleParams, photo: Frame, painted: Frame) {
  const features = createFeatureSource(test.ctx.nets, embeddedFeatureNet);
  const style = await createStyleSource(test.ctx, features, params.styles).at(params.strokePx);
  const recoloured = {
    ...photo,
    rgb: toEasel(photo.rgb, matchColours(colourStatistics(photo.rgb), style[paletteLayer(1)])),
  };
  const [before, after] = [
    await measureStyle(test.ctx.nets, features, recoloured, width),
    await measureStyle(test.ctx.nets, features, painted, width),
  ];
  return { before: styleDistance(before, style), after: styleDistance(after, style) };
}

const fits = new Map<string, Float32Array>();

/** The surroundings of a stage on a machine that keeps what was fitted; says how many steps of fitting were done. */
function withFits(test: TestContext): { test: TestContext; fitted: () => number } {
  let steps = 0;
  const ctx = {
    ...test.ctx,
    fits: {
      read: async (hash: string) => fits.get(hash),
      write: async (...entry: [string, Float32Array]) => void fits.set(...entry),
    },
    progress: ({ phase, done }: { phase?: 'fit'; done: number }) => void (phase && done > 0 && steps++),
  };
  return { test: { ...test, ctx }, fitted: () => steps };
}

afterAll(closeShared);

describe('the embedded fast net', () => {
  it('paints by a painter: nearer to the style than the photograph in its colours, without a frame around the picture', async () => {
    const test = await context();
    const params = makeParams(byPainter('starry-night'));
    const [photo] = makeFootage(1);
    const [painted] = await run([photo], params, test);
    const { before, after } = await distances(test, params, photo, painted);
    expect(after).toBeLessThan(0.75 * before);
    expect(checkFrame({ frame: painted, content: photo })).toEqual([]);
    const luma = lumaOf(painted.rgb);
    const roughness = (x0: number, y0: number, x1: number, y1: number) => {
      let sum = 0;
      for (let y = y0; y < y1; y++)
        for (let x = x0; x < x1; x++) sum += Math.abs(luma[y * width + x] - luma[y * width + x + 1]);
      return sum / ((x1 - x0) * (y1 - y0));
    };
    const whole = roughness(0, 0, width - 1, height);
    for (const edge of [
      roughness(0, 0, width - 1, 4),
      roughness(0, height - 4, width - 1, height),
      roughness(0, 0, 4, height),
      roughness(width - 5, 0, width - 1, height),
    ]) {
      expect(edge).toBeGreaterThan(0.4 * whole);
      expect(edge).toBeLessThan(2.5 * whole);
    }
    expect(test.notices).toEqual([]);
  });

  it('tells painters apart, and lies between two that share a picture', async () => {
    const [photo] = makeFootage(1);
    const [[night], [scream]] = [
      await run([photo], makeParams(byPainter('starry-night')), await context()),
      await run([photo], makeParams(byPainter('the-scream')), await context()),
    ];
    const both = { styles: ['starry-night', 'the-scream'].map(painter => ({ image: { painter }, weight: 1 })) };
    const [mixed] = await run([photo], makeParams(both), await context());
    const apart = meanDifference(night.rgb, scream.rgb);
    expect(apart).toBeGreaterThan(0.05);
    expect(meanDifference(mixed.rgb, night.rgb)).toBeLessThan(apart);
    expect(meanDifference(mixed.rgb, scream.rgb)).toBeLessThan(apart);
  });

  it('takes a picture that it has not seen, and fits itself to it where it has time', async () => {
    const [photo] = makeFootage(1);
    const [quick, usual] = [makeParams({ ...byPicture, detail: 'draft' }), makeParams(byPicture)];
    const test = withFits(await context()).test;
    const [[guessed], [fitted]] = [await run([photo], quick, test), await run([photo], usual, test)];
    const [guess, fit] = [await distances(test, quick, photo, guessed), await distances(test, usual, photo, fitted)];
    expect(fit.after).toBeLessThan(0.9 * guess.after);
    expect(fit.after).toBeLessThan(0.75 * fit.before);
  });

  it('fits once: another job finds it, whatever its frame and seed', async () => {
    const footage = makeFootage(2);
    const first = withFits(await context());
    await run(footage.slice(0, 1), makeParams(byPicture), first.test);
    const { test, fitted } = withFits(await context());
    const other = { ...test, ctx: { ...test.ctx, random: () => () => 0.5 } };
    const [found] = await run([{ ...footage[1], shotStart: true }], makeParams(byPicture), other);
    expect(fitted()).toBe(0);
    const [again] = await run([{ ...footage[1], shotStart: true }], makeParams(byPicture), await context());
    expect(worstDifference(found.rgb, again.rgb)).toBe(0);
  });

  it('leaves more of the photograph at less strength', async () => {
    const [photo] = makeFootage(1);
    const test = await context();
    const lost: number[] = [];
    for (const strength of [5, 30, 60, 95]) {
      const [painted] = await run(
        [photo],
        makeParams({ ...byPainter('starry-night'), strength, colour: 'match' }),
        test,
      );
      lost.push(meanDifference(lumaOf(painted.rgb), lumaOf(photo.rgb)));
    }
    expect(lost[0]).toBeLessThan(lost[1]);
    expect(lost[1]).toBeLessThan(lost[3]);
  });

  it('goes on to the same bits where it was stopped, also with a fitted style', async () => {
    const footage = makeFootage(3);
    const begun = withFits(await context()).test;
    const whole = await run(footage, makeParams(byPicture), begun);
    const rest = await run(footage.slice(1), makeParams(byPicture), await context({ resumed: begun.states[0] }));
    rest.forEach((frame, i) => expect(worstDifference(frame.rgb, whole[1 + i].rgb)).toBe(0));
  });
});

const withForeignNet = existsSync(foreignNet) ? describe : describe.skip;
withForeignNet('a net of pytorch/examples, of 0 to 255 (skipped without ../shared)', () => {
  it('paints at any size', async () => {
    const test = await context({
      bytes: () => read(foreignNet),
      convention: { order: 'rgb', scale: 255, mean: [0, 0, 0] },
    });
    const footage = makeFootage(2);
    const out = await run(footage, makeParams({ net: 'mosaic' }), test);
    out.forEach((frame, i) => {
      expect(meanDifference(frame.rgb, footage[i].rgb)).toBeGreaterThan(0.08);
      expect(checkFrame({ frame, content: footage[i] })).toEqual([]);
    });
  });
});

const styleNets = join(__dirname, '../../../shared/models/style');
const withAnyStyleNets = existsSync(join(styleNets, 'microast.onnx')) ? describe : describe.skip;
withAnyStyleNets('nets for any style that are not ours (skipped without ../shared)', () => {
  const plain = { order: 'rgb', scale: 1, mean: [0, 0, 0] } as const;
  const size = { width: 96, height: 64 };
  const numbers = (count: number, seed: number) =>
    Float32Array.from({ length: count }, (_, i) => 0.5 + 0.5 * Math.sin(seed * i + Math.sin(i / 31)));
  const picture = floatTensor(numbers(3 * 96 * 64, 0.37), [1, 3, 64, 96]);
  const image = floatTensor(numbers(3 * 64 * 64, 0.11), [1, 3, 64, 64]);
  let runtime: Runtime;
  beforeAll(async () => (runtime = await createInProcessRuntime({ provider: 'cpu', threads: 1 })));
  afterAll(() => runtime.close());
  const compute = async (model: Uint8Array, feeds: Record<string, Tensor>, output: string) => {
    const net = await runtime.load(model, { label: output });
    return floatsOf((await net.run(feeds))[output] as Tensor);
  };
  /** What a net gives in one piece, and taken apart. */
  async function bothWays(name: string, bytes: Uint8Array, feeds: Record<string, Tensor>, output: string) {
    const foreign = readForeignStyleNet(name, bytes, plain);
    const { painted, code } = foreignStyle(foreign, input('image', image.dims), size, 1);
    const style = await compute(toModel({ outputs: { code: code as Value } }), { picture }, 'code');
    const told = { image, style: floatTensor(style, [style.length]) };
    return [
      await compute(bytes, feeds, output),
      await compute(toModel({ outputs: { painted } }), told, 'painted'),
    ] as const;
  }

  it('MicroAST paints the same when its style is looked at once', async () => {
    const feeds = { content: image, style: picture, alpha: floatTensor(Float32Array.of(1), [1]) };
    const [whole, apart] = await bothWays('microast', read(join(styleNets, 'microast.onnx')), feeds, 'output');
    expect(worstDifference(apart, whole)).toBeLessThan(1e-4);
  });

  it('the pair of Magenta becomes one net that paints as the two do', async () => {
    const [reader, painter] = ['magenta_style_predict_f16w.onnx', 'magenta_style_transform.onnx'].map(name =>
      read(join(styleNets, name)),
    );
    const vector = await compute(reader, { style_image: picture }, 'style_vector');
    const expected = await compute(
      painter,
      { content_image: image, style_vector: floatTensor(vector, [1, 100, 1, 1]) },
      'stylized',
    );
    const feeds = { content_image: image, 'style/style_image': picture };
    const [whole, apart] = await bothWays('magenta', joinNets(painter, reader, 'magenta'), feeds, 'stylized');
    expect(worstDifference(whole, expected)).toBeLessThan(1e-5);
    expect(worstDifference(apart, expected)).toBeLessThan(1e-4);
  });

  it('paint frames of any size', async () => {
    const test = await context({ bytes: () => read(join(styleNets, 'microast.onnx')), convention: plain });
    const footage = makeFootage(2);
    const out = await run(footage, makeParams({ net: 'microast', ...byPicture }), test);
    out.forEach((frame, i) => {
      expect(meanDifference(frame.rgb, footage[i].rgb)).toBeGreaterThan(0.05);
      expect(checkFrame({ frame, content: footage[i] })).toEqual([]);
    });
  });
});
