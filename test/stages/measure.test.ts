import type { Frame } from '../../bridge-server/src/frame/frame';
import { createClassicalFlow } from '../../bridge-server/src/stages/flow/classical';
import type { FlowProvider } from '../../bridge-server/src/stages/flow/provider';
import { measureClip, toReportFigures } from '../../bridge-server/src/stages/measure';
import {
  createFlickerCounter,
  gradientEnergy,
  psnr,
  stabilityError,
  stabilityTermOfPair,
  warpingErrorOfPair,
} from '../../bridge-server/src/stages/measure-pair';
import { measurePage } from '../../bridge-server/src/stages/measure-page';
import { constantFlow, makePicture, otherTexture } from './moving-picture';
import { streamOf } from './run-stage';

const [width, height] = [96, 64];
const size = { width, height };
const area = width * height;

function makeNoise(seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: 3 * area }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  });
}

/** Moves 3 px right and 1 px down each frame: what the flow says is exact. */
function makeClip(count: number): Frame[] {
  return Array.from({ length: count }, (_, t) => makePicture(width, height, t, (x, y) => [x - 3 * t, y - t]));
}

const exact: FlowProvider = {
  name: 'exact',
  flow: async () => ({ forward: constantFlow(width, height, 3, 1), backward: constantFlow(width, height, -3, -1) }),
  close: async () => undefined,
};

const all = new Float32Array(area).fill(1);

describe('the figures of a pair', () => {
  test('a clip that moves by whole pixels along its true flow has no warping error and no instability', () => {
    const [a, b] = makeClip(2);
    const mask = new Float32Array(area).map((_, p) =>
      p % width < width - 3 && Math.floor(p / width) < height - 1 ? 1 : 0,
    );
    expect(warpingErrorOfPair(a.rgb, b.rgb, constantFlow(width, height, 3, 1), mask, size)).toBeLessThan(1e-6);
    const maskBack = new Float32Array(area).map((_, p) => (p % width >= 3 && p >= width ? 1 : 0));
    expect(stabilityTermOfPair(b.rgb, a.rgb, constantFlow(width, height, -3, -1), maskBack, size)).toBeLessThan(1e-6);
  });

  test('independent noise: warping error 1/6, stability error the root of 1/6', () => {
    const still = constantFlow(width, height, 0, 0);
    const frames = Array.from({ length: 7 }, (_, t) => makeNoise(t + 1));
    const warping: number[] = [];
    const terms: number[] = [];
    for (let t = 0; t + 1 < frames.length; t++) {
      warping.push(warpingErrorOfPair(frames[t], frames[t + 1], still, all, size));
      terms.push(stabilityTermOfPair(frames[t + 1], frames[t], still, all, size));
    }
    expect(warping.reduce((sum, value) => sum + value) / 6).toBeCloseTo(1 / 6, 2);
    expect(stabilityError(terms)).toBeCloseTo(Math.sqrt(1 / 6), 2);
  });

  test('masked pixels do not count in the warping error and count as perfect in the stability error', () => {
    const [a, b] = [makeNoise(1), makeNoise(2)];
    const still = constantFlow(width, height, 0, 0);
    const half = new Float32Array(area).map((_, p) => (p < area / 2 ? 1 : 0));
    expect(warpingErrorOfPair(a, b, still, half, size)).toBeCloseTo(1 / 6, 1);
    expect(stabilityTermOfPair(a, b, still, half, size)).toBeCloseTo(1 / 12, 1);
    expect(warpingErrorOfPair(a, b, still, new Float32Array(area), size)).toBeNaN();
  });

  test('PSNR of a known difference; blur lowers the gradient energy', () => {
    const picture = makePicture(width, height, 0);
    expect(
      psnr(
        picture.rgb,
        picture.rgb.map(v => v + 0.1),
      ),
    ).toBeCloseTo(20, 4);
    expect(psnr(picture.rgb, picture.rgb)).toBe(Infinity);
    const blurred = {
      ...picture,
      rgb: picture.rgb.map((v, i, all) => (v + all[Math.min(all.length - 1, i + 1)] + all[Math.max(0, i - 1)]) / 3),
    };
    expect(gradientEnergy(blurred)).toBeLessThan(0.9 * gradientEnergy(picture));
    expect(gradientEnergy({ ...picture, rgb: new Float32Array(3 * area).fill(0.3) })).toBe(0);
  });

  test('back and forth is seen, a lasting change of light is not', () => {
    const still = constantFlow(width, height, 0, 0);
    const base = makePicture(width, height, 0).rgb;
    const flashing = createFlickerCounter();
    expect(
      flashing.add(
        base.map(v => v + 0.1),
        base,
        base,
        still,
        still,
        all,
        size,
      ),
    ).toBeCloseTo(0.1, 3);
    const brighter = createFlickerCounter();
    expect(
      brighter.add(
        base.map(v => v + 0.1),
        base,
        base.map(v => v + 0.2),
        still,
        still,
        all,
        size,
      ),
    ).toBeLessThan(0.001);
    expect(flashing.percentile()).toBeCloseTo(0.1, 3);
    expect(createFlickerCounter().percentile()).toBeNaN();
  });
});

describe('measureClip', () => {
  const clip = makeClip(8);
  const flickering = clip.map((frame, t) => ({ ...frame, rgb: frame.rgb.map(v => 0.1 + 0.7 * v + (t % 2) * 0.06) }));
  const steady = clip.map(frame => ({ ...frame, rgb: frame.rgb.map(v => 0.1 + 0.7 * v) }));

  test('the source itself: ratio 1, nothing damaged, infinite PSNR', async () => {
    const { figures, series } = await measureClip(streamOf(clip), streamOf(clip), { flow: exact });
    expect(figures).toMatchObject({
      frames: 8,
      width,
      height,
      sampledFrames: 8,
      pairs: 7,
      defectTiles: 0,
      psnr: Infinity,
      sharpnessRatioSource: 1,
    });
    expect(figures.warpingError).toBeLessThan(1e-6);
    expect(series[0].warpingError).toBeUndefined();
    expect(series[0].shotStart).toBe(true);
    // The uncovered border, 3 columns and a row.
    expect(series[3].unreliable).toBeCloseTo(1 - ((width - 3) * (height - 1)) / area, 5);
  });

  test('flicker raises every figure of steadiness; independent frames are measured beside', async () => {
    const options = {
      flow: createClassicalFlow({ where: 'here' }),
      independent: async (source: Frame) => flickering[source.index],
    };
    const good = (await measureClip(streamOf(steady), streamOf(clip), options)).figures;
    const bad = (await measureClip(streamOf(flickering), streamOf(clip), options)).figures;
    expect(bad.warpingError!).toBeGreaterThan(10 * good.warpingError!);
    expect(bad.stabilityError!).toBeGreaterThan(3 * good.stabilityError!);
    expect(good.stabilityErrorIndependent!).toBeCloseTo(bad.stabilityError!, 10);
    expect(bad.flicker!).toBeGreaterThan(3 * good.flicker!);
    expect(good.warpingErrorSource!).toBeCloseTo(bad.warpingErrorSource!, 10);
    expect(bad.sharpnessRatio).toBeCloseTo(1, 6);
    expect(good.sharpnessRatioSource).toBeCloseTo(0.49, 2);
  });

  test('style loss is handed to whoever knows the style', async () => {
    const styleLoss = async (frame: Frame) => (frame.index === 5 ? 9 : frame.rgb[0] > 0 ? 2 + 0.01 * frame.index : 0);
    const measured = await measureClip(streamOf(steady), streamOf(clip), {
      flow: exact,
      styleLoss,
      independent: async source => ({ ...clip[source.index], index: 0 }),
    });
    const { figures, series } = measured;
    expect(series[5].styleLoss).toBe(9);
    expect(figures.styleOutliers).toEqual([5]);
    expect(figures.styleLossRatio).toBeCloseTo((7 * 2 + 0.23 + 9) / 16, 5);
    expect(toReportFigures(measured)).toMatchObject({
      styleLossRatio: figures.styleLossRatio,
      defectTiles: 0,
      sampledFrames: 8,
    });
  });

  test('nothing is compared across a cut', async () => {
    const cutClip = clip.map((frame, t) =>
      t < 4
        ? frame
        : {
            ...makePicture(width, height, t, (x, y) => [x - 3 * t, y - t], otherTexture),
            ...(t === 4 ? { shotStart: true } : {}),
          },
    );
    const { figures, series } = await measureClip(streamOf(cutClip), streamOf(cutClip), { flow: exact });
    expect(figures.pairs).toBe(6);
    expect(series[4].warpingError).toBeUndefined();
    expect(figures.warpingError).toBeLessThan(1e-6);
  });

  test('where no flow can be true nothing is compared, and that is said', async () => {
    const broken: FlowProvider = {
      ...exact,
      flow: async () => ({ forward: constantFlow(width, height, NaN, 0), backward: constantFlow(width, height, 0, 0) }),
    };
    const kinds: string[] = [];
    const { figures } = await measureClip(streamOf(clip), streamOf(clip), {
      flow: broken,
      notice: notice => kinds.push(notice.kind),
    });
    expect(figures.pairs).toBe(0);
    expect(figures.warpingError).toBeUndefined();
    expect(kinds).toEqual(Array(7).fill('flow-doubtful'));
  });

  test('samples: all frames are counted and checked, few are looked at', async () => {
    const damaged = steady.map((frame, t) => (t === 6 ? { ...frame, rgb: new Float32Array(3 * area) } : frame));
    const { figures, series } = await measureClip(streamOf(damaged), streamOf(clip), {
      flow: exact,
      sample: { window: 3, stride: 5 },
    });
    expect(series.map(at => at.sharpness !== undefined)).toEqual([true, true, true, false, false, true, true, true]);
    expect(figures).toMatchObject({ frames: 8, sampledFrames: 6, defectTiles: 1, defectFrames: [6] });
  });

  test('a result of another size is measured at its own size, with the flow of the source', async () => {
    const twice = steady.map(frame =>
      makePicture(2 * width, 2 * height, frame.index, (x, y) => [
        (x + 0.5) / 2 - 0.5 - 3 * frame.index,
        (y + 0.5) / 2 - 0.5 - frame.index,
      ]),
    );
    const { figures } = await measureClip(streamOf(twice), streamOf(clip), { flow: exact });
    expect(figures).toMatchObject({ width: 2 * width, height: 2 * height, pairs: 7 });
    expect(figures.warpingError).toBeLessThan(1e-5);
    const small = (
      await measureClip(streamOf(twice), streamOf(clip), {
        flow: createClassicalFlow({ where: 'here' }),
        maxSide: width / 2,
      })
    ).figures;
    expect(small.pairs).toBe(7);
    expect(small.warpingError!).toBeLessThan(1e-3);
  });

  test('a source that ends early is an error', async () => {
    await expect(measureClip(streamOf(clip), streamOf(clip.slice(0, 5)), { flow: exact })).rejects.toThrow(
      'RESULT_INCOMPLETE',
    );
  });

  test('the page plots what was found, beside the frames, and needs nothing else', async () => {
    const damaged = flickering.map((frame, t) => (t === 3 ? { ...frame, rgb: new Float32Array(3 * area) } : frame));
    const measured = await measureClip(streamOf(damaged), streamOf(clip), { flow: exact, thumbnailEvery: 2 });
    expect(measured.thumbnails.map(frame => frame.index)).toEqual([0, 2, 4, 6]);
    const html = measurePage(measured, { title: 'Clip <1> & "co"', rate: '50' });
    expect(html).toContain('<h1>Clip &#60;1&#62; &#38; &#34;co&#34;</h1>');
    expect(html.match(/<svg /g)!.length).toBeGreaterThanOrEqual(4);
    expect(html).toContain('frame 3: black - the frame is black');
    const [, png] = /src="data:image\/png;base64,([^"]+)"/.exec(html)!;
    expect(Buffer.from(png, 'base64').subarray(1, 4).toString()).toBe('PNG');
    expect(html).not.toMatch(/(src|href)="(https?:)?\/\//);
    expect(html).not.toContain('NaN');
  });
});
