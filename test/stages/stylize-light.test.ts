import { styleParams } from '#protocol/effects/style';
import type { Frame } from '../../bridge-server/src/frame/frame';
import { lumaOf } from '../../bridge-server/src/frame/plane';
import { createFlowProvider } from '../../bridge-server/src/stages/flow';
import { createMotionSource } from '../../bridge-server/src/stages/flow/motion';
import { stylize } from '../../bridge-server/src/stages/stylize';
import { colourStatistics, lumaDeviation } from '../../bridge-server/src/stages/stylize/colour';
import { makePicture, otherTexture, texture } from './moving-picture';
import { closeShared, makeContext } from './tiny-feature-net';
import { runStage } from './run-stage';

const [width, height] = [96, 64];

/** A camera that moves over a picture while its light changes; 8 bits, as decoded. */
function makeFootage(count: number, light: (value: number, frame: number) => number, px = 1.3): Frame[] {
  return Array.from({ length: count }, (_, i) => {
    const frame = makePicture(width, height, i, (x, y) => [x + px * i, y], texture);
    const telling = frame.rgb.map(value => Math.min(1, Math.max(0, 0.5 + 2 * (value - 0.5))));
    const rgb = telling.map(value => Math.round(255 * Math.min(1, light(value, i))) / 255);
    return { ...frame, rgb, ...(i === 0 ? { shotStart: true } : {}) };
  });
}

const motions = () => createMotionSource(createFlowProvider('classical', {}), { stage: 'test', notice: () => {} });

describe('the light between two frames', () => {
  it.each([
    ['a step of a fade', 1.2, 0],
    ['a darker exposure', 0.7, 0.05],
    ['a flash', 1.5, 0.1],
    ['no change', 1, 0],
  ])('%s is found whatever moves', async (_, gain, offset) => {
    const source = motions();
    const [before, now] = makeFootage(2, (value, i) => (i === 0 ? 0.6 * value : gain * 0.6 * value + offset));
    const { light, backward } = await source.between(before, now);
    for (let c = 0; c < 3; c++) {
      expect(light.gain[c] / gain).toBeGreaterThan(0.97);
      expect(light.gain[c] / gain).toBeLessThan(1.03);
      expect(Math.abs(light.offset[c] - offset)).toBeLessThan(0.01);
    }
    const wrong = backward.map((value, i) => Math.abs(value - (i < width * height ? 1.3 : 0)));
    expect(wrong.reduce((sum, value) => sum + value, 0) / (width * height)).toBeLessThan(0.1);
    await source.close();
  });
});

describe('paint under changing light', () => {
  afterAll(closeShared);
  const painting = 'b'.repeat(64);
  const style = makePicture(80, 64, 0, (x, y) => [3 * x, 3 * y], otherTexture);
  const run = async (frames: readonly Frame[], colour: 'style' | 'match' = 'style') => {
    const { ctx } = await makeContext({ pictures: { [painting]: style } });
    const params = styleParams.parse({
      styles: [{ image: { sha256: painting } }],
      net: 'tiny',
      strokePx: 80,
      scales: 1,
      iterations: 12,
      iterationsNext: 3,
      flow: 'classical',
      colour,
    });
    return runStage(stylize, frames, params, ctx);
  };
  const mean = (frame: Frame) => lumaOf(frame.rgb).reduce((sum, value) => sum + value, 0) / (width * height);
  const contrast = (frame: Frame) => lumaDeviation(colourStatistics(frame.rgb));

  it('neither washes out nor drowns in a fade', async () => {
    const steady = await run(makeFootage(7, value => value));
    for (const gain of [(i: number) => 0.58 + 0.07 * i, (i: number) => 1 - 0.07 * i]) {
      const last = (await run(makeFootage(7, (value, i) => value * gain(i))))[6];
      expect(Math.abs(mean(last) - mean(steady[6]))).toBeLessThan(0.03);
      expect(contrast(last) / contrast(steady[6])).toBeGreaterThan(0.85);
      expect(contrast(last) / contrast(steady[6])).toBeLessThan(1.15);
    }
  });

  it('fades with the footage where its palette is matched to the footage', async () => {
    const footage = makeFootage(6, (value, i) => value * (1 - 0.08 * i));
    const out = await run(footage, 'match');
    out.forEach((frame, i) => expect(Math.abs(mean(frame) - mean(footage[i]))).toBeLessThan(0.03));
  });
});
