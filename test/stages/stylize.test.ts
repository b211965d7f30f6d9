import { styleParams } from '#protocol/effects/style';
import type { StyleParams } from '#protocol/effects/style';
import type { Frame } from '../../bridge-server/src/frame/frame';
import { computePainter, stylize, stylizeStill } from '../../bridge-server/src/stages/stylize';
import { lumaOf } from '../../bridge-server/src/frame/plane';
import { makePicture, otherTexture, texture } from './moving-picture';
import { closeShared, makeContext } from './tiny-feature-net';
import type { TestContext } from './tiny-feature-net';
import { meanDifference, worstDifference } from '../compare';
import { runStage } from './run-stage';

const [width, height] = [72, 64];
const painting = 'a'.repeat(64);

/** Stripes of orange and blue, as unlike the footage as can be. */
function makePainting(): Frame {
  const frame = makePicture(80, 64, 0, (x, y) => [3 * x, 3 * y], otherTexture);
  const area = 80 * 64;
  for (let p = 0; p < area; p++) {
    const stripe = Math.floor((p % 80) / 6) % 2;
    frame.rgb[p] = stripe ? 0.9 : 0.1;
    frame.rgb[area + p] = 0.45 + 0.1 * frame.rgb[area + p];
    frame.rgb[2 * area + p] = stripe ? 0.1 : 0.8;
  }
  return frame;
}

/** A camera that moves over a picture by `px` and `py` a frame. */
function makeFootage(count: number, px: number, py = 0, first = 0): Frame[] {
  return Array.from({ length: count }, (_, i) => {
    const frame = makePicture(
      width,
      height,
      first + i,
      (x, y) => [x + px * (first + i), y + py * (first + i)],
      texture,
    );
    return first + i === 0 ? { ...frame, shotStart: true } : frame;
  });
}

const makeParams = (params: Partial<StyleParams> = {}): StyleParams =>
  styleParams.parse({
    styles: [{ image: { sha256: painting } }],
    net: 'tiny',
    strokePx: 80,
    scales: 2,
    iterations: 12,
    iterationsNext: 4,
    flow: 'classical',
    ...params,
  });

const run = (frames: readonly Frame[], params: StyleParams, test: TestContext) =>
  runStage(stylize, frames, params, test.ctx);

const context = (options: Parameters<typeof makeContext>[0] = {}) =>
  makeContext({ pictures: { [painting]: makePainting() }, ...options });

const meanOf = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;

afterAll(closeShared);

describe('stylize', () => {
  it('paints every frame in the size in which it comes, with previews of the first', async () => {
    const test = await context();
    const footage = makeFootage(3, 1);
    const out = await run(footage, makeParams({ iterations: 20 }), test);
    expect(out.map(frame => [frame.index, frame.width, frame.height])).toEqual(
      [0, 1, 2].map(index => [index, width, height]),
    );
    out.forEach((frame, i) => {
      expect(meanDifference(frame.rgb, footage[i].rgb)).toBeGreaterThan(0.02);
      expect(frame.rgb.every(value => value >= 0 && value <= 1)).toBe(true);
    });
    expect(test.previews.length).toBeGreaterThan(0);
  });

  it('brings the palette of the style', async () => {
    const [frame] = await run(makeFootage(1, 0), makeParams({ iterations: 40 }), await context());
    const area = width * height;
    const spread = (rgb: Float32Array) => {
      const difference = Float32Array.from({ length: area }, (_, p) => rgb[p] - rgb[2 * area + p]);
      const mean = meanOf(difference);
      return Math.sqrt(meanOf(difference.map(value => (value - mean) ** 2)));
    };
    // Orange against blue: red minus blue varies far more than in the grey footage.
    expect(spread(frame.rgb)).toBeGreaterThan(3 * spread(makeFootage(1, 0)[0].rgb));
  });

  it('takes fewer steps where the picture stands still, all of them where a camera moves', async () => {
    const stepsOf = async (footage: readonly Frame[]) => {
      const test = await context();
      let steps = 0;
      const { compiled } = test.ctx.nets;
      const counting: TestContext['ctx']['nets']['compiled'] = async (key, build, options) => {
        const net = await compiled(key, build, options);
        if (!key.startsWith('style-step:')) return net;
        return { ...net, run: (...order) => (steps++, net.run(...order)) };
      };
      await run(footage, makeParams({ iterationsNext: 20, scales: 1 }), {
        ...test,
        ctx: { ...test.ctx, nets: { ...test.ctx.nets, compiled: counting } },
      });
      return steps;
    };
    const first = await stepsOf(makeFootage(1, 0));
    expect((await stepsOf(makeFootage(3, 0))) - first).toBe(2 * 5);
    expect((await stepsOf(makeFootage(3, 0.4))) - first).toBe(2 * 20);
  });

  it('continues from a stored state to the same bits', async () => {
    const footage = makeFootage(4, 1.5, 0.5);
    const params = makeParams();
    const whole = await run(footage, params, await context());
    const begun = await context();
    await run(footage.slice(0, 2), params, begun);
    const resumed = await context({ resumed: begun.states[1] });
    expect(begun.states[1].nextIndex).toBe(2);
    const rest = await run(footage.slice(2), params, resumed);
    rest.forEach((frame, i) => expect(worstDifference(frame.rgb, whole[2 + i].rgb)).toBe(0));
  });

  it('begins anew at a cut, as if nothing had been before', async () => {
    const params = makeParams();
    const other = { ...makePicture(width, height, 2, (x, y) => [x, y], otherTexture), shotStart: true };
    const cut = await run([...makeFootage(2, 1), other], params, await context());
    const alone = await run([other], params, await context());
    expect(worstDifference(cut[2].rgb, alone[0].rgb)).toBe(0);
  });

  it('holds on to the paint: steadier than frames painted alone', async () => {
    const footage = makeFootage(4, 1);
    const params = makeParams();
    const steady = await run(footage, params, await context());
    const alone = await run(
      footage.map(frame => ({ ...frame, shotStart: true })),
      params,
      await context(),
    );
    const change = (frames: readonly Frame[]) =>
      meanOf(
        Float32Array.from(frames.slice(1), (frame, i) => {
          // The camera moves by one pixel to the right: compare along the motion.
          let sum = 0;
          for (let y = 4; y < height - 4; y++)
            for (let x = 4; x < width - 5; x++)
              sum += Math.abs(frame.rgb[y * width + x] - frames[i].rgb[y * width + x + 1]);
          return sum / ((height - 8) * (width - 9));
        }),
      );
    expect(change(steady)).toBeLessThan(0.5 * change(alone));
  });

  it('a camera that moves 8 px a frame brings in no grey', async () => {
    const frames = 5;
    const out = await run(makeFootage(frames, 0, 8), makeParams(), await context());
    const last = lumaOf(out[frames - 1].rgb);
    const deviation = (top: number, bottom: number) => {
      const rows = last.subarray(top * width, bottom * width);
      const mean = meanOf(rows);
      return Math.sqrt(meanOf(rows.map(value => (value - mean) ** 2)));
    };
    // What came in over the last four frames is as lively as what was there from the start.
    expect(deviation(height - 32, height)).toBeGreaterThan(0.6 * deviation(0, 32));
    expect(deviation(height - 8, height)).toBeGreaterThan(0.4 * deviation(0, 32));
  });

  it('a zoom out brings in no grey at any edge', async () => {
    const footage = Array.from({ length: 4 }, (_, i) => {
      const scale = 1 + 0.08 * i;
      const frame = makePicture(
        width,
        height,
        i,
        (x, y) => [100 + (x - width / 2) * scale, 100 + (y - height / 2) * scale],
        texture,
      );
      return i === 0 ? { ...frame, shotStart: true } : frame;
    });
    const params = makeParams({ iterationsNext: 12 });
    const carried = (await run(footage, params, await context()))[3];
    const [alone] = await run([{ ...footage[3], shotStart: true }], params, await context());
    const deviationAt = (frame: Frame, inside: (x: number, y: number) => boolean) => {
      const values = lumaOf(frame.rgb).filter((_, p) => inside(p % width, Math.floor(p / width)));
      const mean = meanOf(values);
      return Math.sqrt(meanOf(values.map(value => (value - mean) ** 2)));
    };
    const edges = [
      (x: number) => x < 8,
      (x: number) => x >= width - 8,
      (_: number, y: number) => y < 8,
      (_: number, y: number) => y >= height - 8,
    ];
    for (const edge of edges) expect(deviationAt(carried, edge)).toBeGreaterThan(0.5 * deviationAt(alone, edge));
  });

  it('paints anew what comes out of a fade', async () => {
    const footage = makeFootage(3, 0).map((frame, i) => ({
      ...frame,
      rgb: frame.rgb.map(value => value * [0.01, 0.02, 1][i]),
    }));
    const test = await context();
    const out = await run(footage, makeParams(), test);
    // In the dark two frames may come out alike, and one of them be painted once more.
    const notes = test.notices.filter(({ kind }) => kind === 'note');
    expect(notes.map(({ frame }) => frame)).toEqual([2]);
    const alone = await run([{ ...footage[2], shotStart: true }], makeParams(), await context());
    expect(worstDifference(out[2].rgb, alone[0].rgb)).toBe(0);
  });

  it('keeps the colours of the footage when told to', async () => {
    const [footage] = makeFootage(1, 0);
    const [frame] = await run([footage], makeParams({ colour: 'keep', iterations: 30 }), await context());
    const area = width * height;
    let worstHue = 0;
    for (let p = 0; p < area; p++) {
      const inRange = [0, 1, 2].every(c => frame.rgb[c * area + p] > 0.001 && frame.rgb[c * area + p] < 0.999);
      if (!inRange) continue;
      const tint = (rgb: Float32Array) => rgb[p] - rgb[2 * area + p];
      worstHue = Math.max(worstHue, Math.abs(tint(frame.rgb) - tint(footage.rgb)));
    }
    expect(worstHue).toBeLessThan(1e-4);
    expect(meanDifference(lumaOf(frame.rgb), lumaOf(footage.rgb))).toBeGreaterThan(0.01);
  });

  it('matches the palette to the footage when told to', async () => {
    const [footage] = makeFootage(1, 0);
    const [frame] = await run([footage], makeParams({ colour: 'match', iterations: 40 }), await context());
    const area = width * height;
    for (let c = 0; c < 3; c++) {
      const [painted, was] = [frame, footage].map(({ rgb }) => meanOf(rgb.subarray(c * area, (c + 1) * area)));
      expect(Math.abs(painted - was)).toBeLessThan(0.12);
    }
  });

  it('leaves alpha as it is and paints what it shows', async () => {
    const [footage] = makeFootage(1, 0);
    const alpha = Float32Array.from({ length: width * height }, (_, p) => (p % width < width / 2 ? 1 : 0));
    const [frame] = await run([{ ...footage, alpha }], makeParams(), await context());
    expect(frame.alpha).toEqual(alpha);
    expect(meanDifference(frame.rgb, footage.rgb)).toBeGreaterThan(0.01);
  });

  it('paints with L-BFGS, Gram matrices, pixels and many steps too', async () => {
    const [footage] = makeFootage(1, 0);
    for (const params of [
      { optimiser: 'lbfgs' },
      { loss: 'gram' },
      { loss: 'moments' },
      { picture: 'pixels' },
      { detail: 'fine' },
    ] as const) {
      const test = await context();
      const [frame] = await run([footage], makeParams({ iterations: 16, ...params }), test);
      expect(meanDifference(frame.rgb, footage.rgb)).toBeGreaterThan(0.01);
      expect(test.notices).toEqual([]);
    }
  });

  it('paints groups of frames in several passes, and continues after a group to the same bits', async () => {
    const footage = makeFootage(10, 0.5);
    const params = makeParams({ passes: 2, iterations: 6, iterationsNext: 2, scales: 1 });
    const begun = await context();
    const whole = await run(footage, params, begun);
    expect(whole.map(frame => frame.index)).toEqual(footage.map(frame => frame.index));
    expect(begun.states.map(state => state.nextIndex)).toEqual([8, 10]);
    const rest = await run(footage.slice(8), params, await context({ resumed: begun.states[0] }));
    rest.forEach((frame, i) => expect(worstDifference(frame.rgb, whole[8 + i].rgb)).toBe(0));
    const once = await run(footage.slice(0, 3), { ...params, passes: 1 }, await context());
    expect(meanDifference(once[1].rgb, whole[1].rgb)).toBeGreaterThan(0);
  });

  it('runs several steps at once where a run costs copies to a device', async () => {
    const test = await context();
    const nets = { ...test.ctx.nets, provider: 'cuda' };
    const [footage] = makeFootage(1, 0);
    const [frame] = await run([footage], makeParams({ iterations: 12 }), { ...test, ctx: { ...test.ctx, nets } });
    expect(meanDifference(frame.rgb, footage.rgb)).toBeGreaterThan(0.02);
  });
});

describe('painters', () => {
  it('paint as the picture does from which they were made', async () => {
    const { ctx } = await context();
    const bytes = await computePainter(ctx.nets, makePainting(), 'tiny', [57, 80]);
    const [footage] = makeFootage(1, 0);
    const params = makeParams({ iterations: 20 });
    const [fromPicture] = await run([footage], params, await context());
    const [fromPainter] = await run(
      [footage],
      { ...params, styles: [{ image: { painter: 'stripes' }, weight: 1 }] },
      await context({ painters: { stripes: bytes } }),
    );
    expect(meanDifference(fromPainter.rgb, footage.rgb)).toBeGreaterThan(0.05);
    // Half precision of the file is all that differs; the optimiser's steps enlarge it.
    expect(meanDifference(fromPicture.rgb, fromPainter.rgb)).toBeLessThan(
      0.5 * meanDifference(fromPainter.rgb, footage.rgb),
    );
  });

  it('are refused with another net than their own', async () => {
    const { ctx } = await context();
    const bytes = await computePainter(ctx.nets, makePainting(), 'tiny', [80]);
    const params = makeParams({ net: 'other', styles: [{ image: { painter: 'stripes' }, weight: 1 }] });
    await expect(run(makeFootage(1, 0), params, await context({ painters: { stripes: bytes } }))).rejects.toThrow(
      /measured with the net tiny/,
    );
  });
});

describe('stylizeStill', () => {
  it('shows the picture while it comes into being and ends with the first frame of a shot', async () => {
    const params = makeParams({ iterations: 20 });
    const [footage] = makeFootage(1, 0);
    const steps: Frame[] = [];
    for await (const step of stylizeStill(footage, params, (await context()).ctx)) steps.push(step.frame);
    expect(steps.length).toBeGreaterThan(2);
    const [expected] = await run([footage], params, await context());
    const last = steps[steps.length - 1];
    expect(worstDifference(last.rgb, expected.rgb)).toBe(0);
    expect(meanDifference(steps[0].rgb, last.rgb)).toBeGreaterThan(
      meanDifference(steps[steps.length - 2].rgb, last.rgb),
    );
  });
});
