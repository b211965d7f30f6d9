import { styleParams } from '#protocol/effects/style';
import type { StyleParams } from '#protocol/effects/style';
import type { Frame } from '../../bridge-server/src/frame/frame';
import * as g from '../../bridge-server/src/graph/build';
import { toModel } from '../../bridge-server/src/graph/model';
import type { Value } from '../../bridge-server/src/graph/value';
import { stylize } from '../../bridge-server/src/stages/stylize';
import { lumaOf } from '../../bridge-server/src/frame/plane';
import { makePicture, texture } from './moving-picture';
import { closeShared, makeContext } from './tiny-feature-net';
import type { TestContext } from './tiny-feature-net';
import { meanDifference, worstDifference } from '../compare';
import { runStage } from './run-stage';

const [width, height] = [72, 60];
const area = width * height;

/** A fast-neural-style net in small: pictures of 0..255 in and out, an instance norm between two convolutions. */
function makeFastNet(): Uint8Array {
  const image = g.input('image', [1, 3, 32, 32]);
  const first = g.constant(
    Float32Array.from({ length: 4 * 3 * 9 }, (_, i) => Math.sin(3 * i) / 5),
    [4, 3, 3, 3],
  );
  const last = g.constant(
    Float32Array.from({ length: 3 * 4 }, (_, i) => 30 * Math.cos(5 * i)),
    [3, 4, 1, 1],
  );
  const ones = g.constant([1, 1, 1, 1], [4]);
  const normed = g.instanceNorm(
    g.conv(g.padPlanes(image, 1, 1, 1, 1, 'reflect'), first),
    ones,
    g.constant([0.1, 0.2, -0.1, 0], [4]),
  );
  return toModel({
    inputs: [image],
    outputs: { output: g.conv(g.relu(normed), last, g.constant([120, 110, 90], [3])) },
  });
}

type Layout = { readonly names?: readonly [string, string]; readonly channelsLast?: true };

/**
 * A net for any style in small (Huang and Belongie, ICCV 2017): features of the content get the means and deviations of
 * the style picture's, as far as `alpha` says.
 */
function makeAnyStyleNet({ names = ['content', 'style'], channelsLast }: Layout = {}): Uint8Array {
  const planes = { axes: [2, 3] };
  const pictures = names.map(name => g.input(name, channelsLast ? [1, 32, 32, 3] : [1, 3, 32, 32]));
  const alpha = g.input('alpha', [1]);
  // Every colour and its negative; and back.
  const sign = (row: number, column: number) => (row % 3 === column ? (row < 3 ? 1 : -1) : 0);
  const weights = g.constant(
    Float32Array.from({ length: 18 }, (_, i) => sign(Math.floor(i / 3), i % 3)),
    [6, 3, 1, 1],
  );
  const back = g.constant(
    Float32Array.from({ length: 18 }, (_, i) => sign(i % 6, Math.floor(i / 6)) / 2),
    [3, 6, 1, 1],
  );
  const [content, style] = pictures.map(x => g.conv(channelsLast ? g.transpose(x, [0, 3, 1, 2]) : x, weights));
  const meanOf = (x: Value) => g.reduceMean(x, planes);
  const deviationOf = (x: Value) => g.sqrt(g.add(meanOf(g.square(g.sub(x, meanOf(x)))), 1e-4));
  const told = g.add(
    g.mul(g.div(g.sub(content, meanOf(content)), deviationOf(content)), deviationOf(style)),
    meanOf(style),
  );
  const mixed = g.add(content, g.mul(g.sub(told, content), alpha));
  const output = g.conv(mixed, back);
  return toModel({
    inputs: [...pictures, alpha],
    outputs: { output: channelsLast ? g.transpose(output, [0, 2, 3, 1]) : output },
  });
}

/** Paints by numbers that another net makes of a style picture. */
function makeNetByNumbers(): Uint8Array {
  const [content, numbers] = [g.input('content', [1, 3, 32, 32]), g.input('style_vector', [1, 3, 1, 1])];
  return toModel({ inputs: [content, numbers], outputs: { output: g.add(content, numbers) } });
}

/** New frames between two, as RIFE makes them: no style net. */
function makeBetweenNet(): Uint8Array {
  const [a, b] = ['img0', 'img1'].map(name => g.input(name, [1, 3, 32, 32]));
  return toModel({ inputs: [a, b], outputs: { output: g.mul(g.add(a, b), 0.5) } });
}

const nets: Readonly<Record<string, () => Uint8Array>> = {
  'tiny-fast': makeFastNet,
  'any-style': makeAnyStyleNet,
  'any-style-unnamed': () => makeAnyStyleNet({ names: ['input.1', 'input.5'] }),
  'any-style-last': () => makeAnyStyleNet({ channelsLast: true }),
  'by-numbers': makeNetByNumbers,
  between: makeBetweenNet,
};
const plain = { order: 'rgb', scale: 1, mean: [0, 0, 0] } as const;
const context = (options: Parameters<typeof makeContext>[0] = {}) =>
  makeContext({ bytes: name => nets[name](), convention: { order: 'rgb', scale: 255, mean: [0, 0, 0] }, ...options });

const makeParams = (params: Partial<StyleParams> = {}): StyleParams =>
  styleParams.parse({ method: 'fast', net: 'tiny-fast', flow: 'classical', ...params });

/** A camera that moves over a picture by a pixel a frame. */
function makeFootage(count: number): Frame[] {
  return Array.from({ length: count }, (_, i) => ({
    ...makePicture(width, height, i, (x, y) => [x + i, y], texture),
    ...(i === 0 ? { shotStart: true } : {}),
  }));
}

/** A still picture into which something bright comes, in its right third. */
function makeVisitor(count: number): Frame[] {
  return Array.from({ length: count }, (_, i) => {
    const frame = makePicture(width, height, i, (x, y) => [x, y], texture);
    if (i > 0)
      for (let p = 0; p < area; p++)
        if (p % width >= (2 * width) / 3) for (let c = 0; c < 3; c++) frame.rgb[c * area + p] = 1;
    return i === 0 ? { ...frame, shotStart: true } : frame;
  });
}

const run = (frames: readonly Frame[], params: StyleParams, test: TestContext) =>
  runStage(stylize, frames, params, test.ctx);

afterAll(closeShared);

describe('an imported net', () => {
  it('paints every frame in its size, whatever size the file names', async () => {
    const footage = makeFootage(2);
    const out = await run(footage, makeParams(), await context());
    expect(out.map(frame => [frame.index, frame.width, frame.height, frame.rgb.length])).toEqual(
      [0, 1].map(index => [index, width, height, 3 * area]),
    );
    for (const [i, frame] of out.entries()) {
      expect(frame.rgb.every(value => value >= 0 && value <= 1)).toBe(true);
      expect(meanDifference(frame.rgb, footage[i].rgb)).toBeGreaterThan(0.05);
    }
  });

  it('shows the photograph through at little strength', async () => {
    const [footage] = makeFootage(1);
    const [[none], [some], [all]] = await Promise.all(
      [0, 20, 60].map(async strength => run([footage], makeParams({ strength }), await context())),
    );
    expect(worstDifference(none.rgb, footage.rgb)).toBeLessThan(1e-6);
    expect(meanDifference(some.rgb, footage.rgb)).toBeLessThan(0.5 * meanDifference(all.rgb, footage.rgb));
  });

  it('keeps the hues of the footage when asked', async () => {
    const [footage] = makeFootage(1);
    const [kept] = await run([footage], makeParams({ colour: 'keep' }), await context());
    const [free] = await run([footage], makeParams(), await context());
    const chroma = ({ rgb }: Frame) => {
      const luma = lumaOf(rgb);
      return rgb.map((value, i) => value - luma[i % area]);
    };
    expect(meanDifference(chroma(kept), chroma(footage))).toBeLessThan(
      0.3 * meanDifference(chroma(free), chroma(footage)),
    );
    expect(meanDifference(lumaOf(kept.rgb), lumaOf(footage.rgb))).toBeGreaterThan(0.02);
  });
});

describe('an imported net that takes any style', () => {
  /** A painting in two colours, in stripes. */
  const makePainting = (light: readonly number[], dark: readonly number[]): Frame => {
    const frame = makePicture(64, 48, 0, (x, y) => [x, y], texture);
    const count = 64 * 48;
    for (let p = 0; p < count; p++)
      for (let c = 0; c < 3; c++) frame.rgb[c * count + p] = (p % 8 < 4 ? light : dark)[c];
    return frame;
  };
  const pictures = {
    ['a'.repeat(64)]: makePainting([0.9, 0.7, 0.4], [0.5, 0.2, 0.1]),
    ['b'.repeat(64)]: makePainting([0.3, 0.6, 0.9], [0.1, 0.2, 0.5]),
  };
  const [warm, cold] = Object.keys(pictures).map(sha256 => ({ image: { sha256 }, weight: 1 }));
  const paint = async (params: Partial<StyleParams>, count = 1) =>
    run(
      makeFootage(count),
      makeParams({ net: 'any-style', ...params }),
      await context({ pictures, convention: plain }),
    );
  const meanOf = ({ rgb }: Frame) =>
    [0, 1, 2].map(c => rgb.subarray(c * area, (c + 1) * area).reduce((sum, value) => sum + value, 0) / area);

  it('paints like the picture that it is shown', async () => {
    const [[likeWarm], [likeCold]] = [await paint({ styles: [warm] }), await paint({ styles: [cold] })];
    const [warmRed, , warmBlue] = meanOf(likeWarm);
    const [coldRed, , coldBlue] = meanOf(likeCold);
    expect(warmRed).toBeGreaterThan(warmBlue + 0.2);
    expect(coldBlue).toBeGreaterThan(coldRed + 0.2);
  });

  it('paints between several pictures, as they weigh', async () => {
    const reds = [];
    for (const weight of [0, 1, 3]) reds.push(meanOf((await paint({ styles: [warm, { ...cold, weight }] }))[0])[0]);
    const [[likeCold]] = [await paint({ styles: [cold] })];
    expect(reds[0]).toBeGreaterThan(reds[1] + 0.05);
    expect(reds[1]).toBeGreaterThan(reds[2] + 0.05);
    expect(reds[2]).toBeGreaterThan(meanOf(likeCold)[0] + 0.02);
  });

  it('needs a picture that counts', async () => {
    await expect(paint({ styles: [{ ...warm, weight: 0 }] })).rejects.toMatchObject({ code: 'PARAMETER_WRONG' });
  });

  it('is told the strength where it knows one', async () => {
    const [[none], [half], [full], [most]] = [
      await paint({ styles: [warm], strength: 0 }),
      await paint({ styles: [warm], strength: 30 }),
      await paint({ styles: [warm], strength: 60 }),
      await paint({ styles: [warm], strength: 100 }),
    ];
    const changed = meanDifference(full.rgb, none.rgb);
    expect(worstDifference(most.rgb, full.rgb)).toBe(0);
    expect(meanDifference(half.rgb, none.rgb)).toBeGreaterThan(0.3 * changed);
    expect(meanDifference(half.rgb, none.rgb)).toBeLessThan(0.7 * changed);
  });

  it('may keep its colours last, or not name its inputs', async () => {
    const [expected] = await paint({ styles: [warm] });
    for (const net of ['any-style-last', 'any-style-unnamed'])
      expect(worstDifference((await paint({ net, styles: [warm] }))[0].rgb, expected.rgb)).toBeLessThan(1e-4);
  });

  it('does not pump when something bright comes into the picture, although its norms are written out', async () => {
    const footage = makeVisitor(2);
    const params = makeParams({ net: 'any-style', styles: [warm], stickiness: 0 });
    const options = { pictures, convention: plain };
    const [first, second] = await run(footage, params, await context(options));
    const [, alone] = await run([footage[0], { ...footage[1], shotStart: true }], params, await context(options));
    const left = ({ rgb }: Frame) => rgb.filter((_, i) => i % width < width / 3);
    // Variances are carried here, in which what is bright counts with its square.
    expect(meanDifference(left(second), left(first))).toBeLessThan(0.3 * meanDifference(left(alone), left(first)));
  });

  it('goes on to the same bits where it was stopped', async () => {
    const footage = makeFootage(3);
    const params = makeParams({ net: 'any-style', styles: [warm, cold] });
    const begun = await context({ pictures, convention: plain });
    const whole = await run(footage, params, begun);
    const resumed = await context({ pictures, convention: plain, resumed: begun.states[0] });
    const rest = await run(footage.slice(1), params, resumed);
    rest.forEach((frame, i) => expect(worstDifference(frame.rgb, whole[1 + i].rgb)).toBe(0));
  });

  it.each([
    ['by-numbers', 'style_vector'],
    ['between', 'img0, img1'],
  ])('%s is refused: %s', async (net, what) => {
    await expect(paint({ net, styles: [warm] })).rejects.toMatchObject({
      code: 'NET_UNSUPPORTED',
      details: { what: expect.stringContaining(what) as string },
    });
  });
});

describe('frames of a shot', () => {
  it('do not pump when something bright comes into the picture', async () => {
    const footage = makeVisitor(2);
    const params = makeParams({ stickiness: 0 });
    const [first, second] = await run(footage, params, await context());
    const [, alone] = await run([footage[0], { ...footage[1], shotStart: true }], params, await context());
    // The left third, far from what has changed.
    const left = ({ rgb }: Frame) => rgb.filter((_, i) => i % width < width / 3);
    expect(meanDifference(left(second), left(first))).toBeLessThan(0.2 * meanDifference(left(alone), left(first)));
  });

  it('are held to the paint before where nothing has changed, the more the stickier', async () => {
    // Film grain: what a net makes of it flickers.
    const footage = Array.from({ length: 4 }, (_, i) => {
      const frame = makePicture(width, height, i, (x, y) => [x, y], texture);
      frame.rgb.forEach(
        (value, at) => (frame.rgb[at] = Math.min(1, Math.max(0, value + 0.02 * Math.sin(12.9898 * at + 78.233 * i)))),
      );
      return i === 0 ? { ...frame, shotStart: true } : frame;
    });
    const flicker = async (stickiness: number) => {
      const out = await run(footage, makeParams({ stickiness }), await context());
      return meanDifference(out[3].rgb, out[2].rgb);
    };
    const [loose, usual, firm] = [await flicker(0), await flicker(60), await flicker(100)];
    expect(usual).toBeLessThan(0.75 * loose);
    expect(firm).toBeLessThan(usual);
  });

  it('begin anew with the next shot', async () => {
    const footage = [...makeVisitor(1), ...makeFootage(1).map(frame => ({ ...frame, index: 1 }))];
    const [, second] = await run(footage, makeParams(), await context());
    const [alone] = await run([footage[1]], makeParams(), await context());
    expect(worstDifference(second.rgb, alone.rgb)).toBe(0);
  });

  it('go on to the same bits where they were stopped', async () => {
    const footage = makeFootage(4);
    const begun = await context();
    const whole = await run(footage, makeParams(), begun);
    expect(begun.states.map(state => state.nextIndex)).toEqual([1, 2, 3, 4]);
    const rest = await run(footage.slice(2), makeParams(), await context({ resumed: begun.states[1] }));
    rest.forEach((frame, i) => expect(worstDifference(frame.rgb, whole[2 + i].rgb)).toBe(0));
  });

  it('are not judged by what alpha hides', async () => {
    const visible = Float32Array.from({ length: area }, (_, p) => (p % width < width / 2 ? 1 : 0));
    const [plain] = makeFootage(1);
    const hidden = { ...plain, rgb: plain.rgb.map((value, i) => (visible[i % area] ? value : 1)), alpha: visible };
    const [a] = await run([{ ...plain, alpha: visible }], makeParams(), await context());
    const [b] = await run([hidden], makeParams(), await context());
    expect(
      worstDifference(
        a.rgb.filter((_, i) => visible[i % area] === 1),
        b.rgb.filter((_, i) => visible[i % area] === 1),
      ),
    ).toBeLessThan(1e-6);
    expect(a.alpha).toEqual(visible);
  });

  it('that are no picture end the work with the frame named', async () => {
    const broken = () => {
      const image = g.input('image', [1, 3, 32, 32]);
      return toModel({ inputs: [image], outputs: { output: g.sqrt(g.sub(-1, image)) } });
    };
    const work = run(makeFootage(1), makeParams({ net: 'broken' }), await context({ bytes: broken }));
    await expect(work).rejects.toMatchObject({ code: 'FRAME_DEFECT' });
  });
});
