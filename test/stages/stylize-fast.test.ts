import { styleParams } from '#protocol/effects/style';
import type { StyleParams } from '#protocol/effects/style';
import type { Frame } from '../../bridge-server/src/frame/frame';
import * as g from '../../bridge-server/src/graph/build';
import { toModel } from '../../bridge-server/src/graph/model';
import { stylize } from '../../bridge-server/src/stages/stylize';
import { lumaOf } from '../../bridge-server/src/stages/stylize/colour';
import { makePicture, texture } from './moving-picture';
import { closeShared, makeContext } from './tiny-feature-net';
import type { TestContext } from './tiny-feature-net';

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

/** Takes two pictures, as nets for any style do that are not ours. */
function makeTwoPictureNet(): Uint8Array {
  const [content, style] = ['content', 'style'].map(name => g.input(name, [1, 3, 32, 32]));
  return toModel({
    inputs: [content, style],
    outputs: { output: g.add(content, g.reduceMean(style, { axes: [2, 3] })) },
  });
}

const nets: Readonly<Record<string, () => Uint8Array>> = {
  'tiny-fast': makeFastNet,
  'two-pictures': makeTwoPictureNet,
};
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

async function run(frames: readonly Frame[], params: StyleParams, test: TestContext): Promise<Frame[]> {
  const out: Frame[] = [];
  for await (const frame of stylize(
    (async function* () {
      yield* frames;
    })(),
    params,
    test.ctx,
  ))
    out.push(frame);
  return out;
}

const worst = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
const meanDifference = (a: Float32Array, b: Float32Array) =>
  a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;

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
    expect(worst(none.rgb, footage.rgb)).toBeLessThan(1e-6);
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

  it('that takes two pictures is refused, with their names', async () => {
    const work = run(makeFootage(1), makeParams({ net: 'two-pictures' }), await context());
    await expect(work).rejects.toMatchObject({
      code: 'NET_UNSUPPORTED',
      details: { what: expect.stringContaining('content, style') as string },
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
    expect(worst(second.rgb, alone.rgb)).toBe(0);
  });

  it('go on to the same bits where they were stopped', async () => {
    const footage = makeFootage(4);
    const begun = await context();
    const whole = await run(footage, makeParams(), begun);
    expect(begun.states.map(state => state.nextIndex)).toEqual([1, 2, 3, 4]);
    const rest = await run(footage.slice(2), makeParams(), await context({ resumed: begun.states[1] }));
    rest.forEach((frame, i) => expect(worst(frame.rgb, whole[2 + i].rgb)).toBe(0));
  });

  it('are not judged by what alpha hides', async () => {
    const visible = Float32Array.from({ length: area }, (_, p) => (p % width < width / 2 ? 1 : 0));
    const [plain] = makeFootage(1);
    const hidden = { ...plain, rgb: plain.rgb.map((value, i) => (visible[i % area] ? value : 1)), alpha: visible };
    const [a] = await run([{ ...plain, alpha: visible }], makeParams(), await context());
    const [b] = await run([hidden], makeParams(), await context());
    expect(
      worst(
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
