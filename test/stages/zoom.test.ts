import { zoomParams, type ZoomParams } from '#protocol/effects/zoom';
import type { z } from 'zod';
import type { Frame } from '../../bridge-server/src/frame/frame';
import { zoom } from '../../bridge-server/src/stages/zoom';
import { turnedAndEnlarged } from '../../bridge-server/src/stages/zoom/place';
import { makePicture } from './moving-picture';
import { closeShared, makeContext, type TestContext } from './tiny-feature-net';
import { meanDifference } from '../compare';
import { runStage } from './run-stage';

const [width, height] = [80, 60];
const size = { width, height };
const start: Frame = { ...makePicture(width, height, 0), shotStart: true };

const makeParams = (params: z.input<typeof zoomParams> = {}): ZoomParams =>
  zoomParams.parse({
    frames: 6,
    iterations: 1,
    ...params,
    dream: { net: 'tiny', objectives: [{ layer: 'relu3_1' }], iterations: 2, octaves: 1, jitter: 4, ...params.dream },
  });

const run = (params: ZoomParams, test: TestContext) => runStage(zoom, [start], params, test.ctx);

/** Of the middle, which no border has reached. */
function psnrInside(a: Float32Array, b: Float32Array, margin: number): number {
  let [sum, count] = [0, 0];
  a.forEach((value, i) => {
    const [x, y] = [i % width, Math.floor(i / width) % height];
    if (x < margin || y < margin || x >= width - margin || y >= height - margin) return;
    sum += (value - b[i]) ** 2;
    count++;
  });
  return -10 * Math.log10(sum / count);
}

afterAll(closeShared);

describe('a picture enlarged and turned', () => {
  it('about a point is where the point was, and nothing changes at no enlargement', () => {
    const still = turnedAndEnlarged(start.rgb, size, { scale: 1, degrees: 0, centreX: 0.5, centreY: 0.5 }, 'reflect');
    expect(meanDifference(still.image, start.rgb)).toBeLessThan(1e-6);
    const corner = turnedAndEnlarged(start.rgb, size, { scale: 1.3, degrees: 5, centreX: 0, centreY: 0 }, 'reflect');
    expect(corner.image[0]).toBeCloseTo(start.rgb[0], 5);
  });

  it('stays sharp over many small steps', () => {
    let image = start.rgb;
    for (let i = 0; i < 10; i++)
      image = turnedAndEnlarged(image, size, { scale: 1.02, degrees: 0, centreX: 0.5, centreY: 0.5 }, 'reflect').image;
    const atOnce = turnedAndEnlarged(
      start.rgb,
      size,
      { scale: 1.02 ** 10, degrees: 0, centreX: 0.5, centreY: 0.5 },
      'reflect',
    ).image;
    expect(psnrInside(image, atOnce, 8)).toBeGreaterThan(40);
  });

  it('turns clockwise, and back again', () => {
    const placing = { scale: 1, degrees: 12, centreX: 0.5, centreY: 0.5 };
    const turned = turnedAndEnlarged(start.rgb, size, placing, 'reflect').image;
    // What was right of the middle has gone down.
    const at = (image: Float32Array, x: number, y: number) => image[Math.round(y) * width + Math.round(x)];
    const [cx, cy, r, angle] = [(width - 1) / 2, (height - 1) / 2, 20, (12 * Math.PI) / 180];
    expect(
      Math.abs(at(turned, cx + r * Math.cos(angle), cy + r * Math.sin(angle)) - at(start.rgb, cx + r, cy)),
    ).toBeLessThan(0.08);
    const back = turnedAndEnlarged(turned, size, { ...placing, degrees: -12 }, 'reflect').image;
    expect(psnrInside(back, start.rgb, 16)).toBeGreaterThan(35);
  });
});

describe('the infinite zoom', () => {
  it('makes as many frames as it was told, each the one before, enlarged and dreamt into', async () => {
    const out = await run(makeParams({ rate: 1.05 }), await makeContext({}));
    expect(out.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(out.filter(({ shotStart }) => shotStart)).toHaveLength(1);
    for (let i = 1; i < out.length; i++) {
      const enlarged = turnedAndEnlarged(
        out[i - 1].rgb,
        size,
        { scale: 1.05, degrees: 0, centreX: 0.5, centreY: 0.5 },
        'reflect',
      ).image;
      const change = meanDifference(out[i].rgb, enlarged);
      expect(change).toBeGreaterThan(0.5 / 255);
      expect(change).toBeLessThan(4 / 255);
    }
  });

  it('follows its curves over time', async () => {
    const test = await makeContext({});
    const rateCurve = [
      { frame: 0, value: 1 },
      { frame: 3, value: 1 },
      { frame: 4, value: 1.2 },
    ];
    const out = await run(makeParams({ rateCurve, dream: { strength: 0 } }), test);
    expect(meanDifference(out[3].rgb, out[2].rgb)).toBeLessThan(1e-3);
    const enlarged = turnedAndEnlarged(
      out[3].rgb,
      size,
      { scale: 1.2, degrees: 0, centreX: 0.5, centreY: 0.5 },
      'reflect',
    ).image;
    expect(psnrInside(out[4].rgb, enlarged, 4)).toBeGreaterThan(45);
  });

  it('goes on after a stop exactly as it would have', async () => {
    const first = await makeContext({});
    const whole = await run(makeParams({ loop: true }), first);
    const rest = await run(makeParams({ loop: true }), await makeContext({ resumed: first.states[2] }));
    expect(rest.map(({ index }) => index)).toEqual([3, 4, 5]);
    expect(rest.map(({ rgb }) => rgb)).toEqual(whole.slice(3).map(({ rgb }) => rgb));
  });

  it('closes its loop: the step after the last frame shows the first', async () => {
    const test = await makeContext({});
    const params = { frames: 20, rate: 1.06 };
    const step = (image: Float32Array) =>
      turnedAndEnlarged(image, size, { scale: 1.06, degrees: 0, centreX: 0.5, centreY: 0.5 }, 'reflect').image;
    const closed = await run(makeParams({ ...params, loop: true }), test);
    const open = await run(makeParams(params), test);
    const gap = (frames: readonly Frame[]) => meanDifference(step(frames[19].rgb), frames[0].rgb);
    expect(gap(closed)).toBeLessThan(0.3 * gap(open));
    // No frame jumps: what closes the loop comes in over many.
    const jumps = closed.slice(1).map((frame, i) => meanDifference(frame.rgb, step(closed[i].rgb)));
    expect(Math.max(...jumps)).toBeLessThan(0.1);
  });

  it('keeps its colours and its contrast over a hundred frames', async () => {
    const out = await run(makeParams({ frames: 100, rate: 1.03 }), await makeContext({}));
    const area = width * height;
    for (const c of [0, 1, 2]) {
      const figures = ({ rgb }: Frame) => {
        const plane = rgb.subarray(c * area, (c + 1) * area);
        const mean = plane.reduce((sum, value) => sum + value, 0) / area;
        return { mean, deviation: Math.sqrt(plane.reduce((sum, value) => sum + (value - mean) ** 2, 0) / area) };
      };
      const [first, last] = [figures(out[0]), figures(out[99])];
      expect(Math.abs(last.mean - first.mean)).toBeLessThan(0.1);
      expect(last.deviation / first.deviation).toBeGreaterThan(0.7);
      // Black and white alone would be 0.5; what a flat start is allowed to become is 0.15 and some colour.
      expect(last.deviation).toBeLessThan(0.25);
    }
    expect(out.every(({ rgb }) => rgb.every(value => value >= 0 && value <= 1))).toBe(true);
  });
});
