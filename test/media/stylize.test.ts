import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { styleParams } from '#protocol/effects/style';
import { checkFrame } from '../../bridge-server/src/stages/check-frames';
import { colourStatistics, matchColours } from '../../bridge-server/src/stages/stylize/colour';
import { toEasel } from '../../bridge-server/src/stages/stylize/painted-frame';
import { openStudio } from '../../bridge-server/src/stages/stylize/studio';
import { makePicture, texture } from '../stages/moving-picture';
import { closeShared, makeContext } from '../stages/tiny-feature-net';

const root = join(__dirname, '../../bridge-server');
const [width, height] = [128, 96];

afterAll(closeShared);

describe('the embedded net with a built-in painter', () => {
  it('paints: the style loss falls to a fraction, in every part of the picture', async () => {
    const { ctx } = await makeContext({
      bytes: name => new Uint8Array(readFileSync(join(root, 'nets', `${name}.onnx`))),
      painters: { 'starry-night': new Uint8Array(readFileSync(join(root, 'painters/starry-night.painter'))) },
    });
    const params = styleParams.parse({
      strokePx: 181,
      iterations: 30,
      styles: [{ image: { painter: 'starry-night' }, weight: 1 }],
    });
    const frame = makePicture(width, height, 0, (x, y) => [x, y], texture);
    const studio = await openStudio(ctx, params, frame, false);
    const photograph = toEasel(frame.rgb, matchColours(colourStatistics(frame.rgb), studio.stylePalette));
    const easel = await studio.at(1);
    const order = { start: photograph, photograph, random: ctx.random(0), rate: studio.rate };
    const before = await easel.paint({ ...order, steps: 1, rate: 0 }, ctx);
    const after = await easel.paint({ ...order, steps: 40 }, ctx);
    expect(after.losses.style).toBeLessThan(0.5 * before.losses.style);
    expect(after.losses.palette).toBeLessThan(0.5 * before.losses.palette);

    const painted = { ...frame, rgb: after.image.map(value => Math.min(1, Math.max(0, value))) };
    expect(checkFrame({ frame: painted, content: frame })).toEqual([]);
    // No frame around the picture: its outermost lines are as lively as the rest.
    const roughness = (x0: number, y0: number, x1: number, y1: number) => {
      let sum = 0;
      for (let y = y0; y < y1; y++)
        for (let x = x0; x < x1; x++) sum += Math.abs(painted.rgb[y * width + x] - painted.rgb[y * width + x + 1]);
      return sum / ((x1 - x0) * (y1 - y0));
    };
    const whole = roughness(0, 0, width - 1, height);
    for (const [x0, y0, x1, y1] of [
      [0, 0, width - 1, 3],
      [0, height - 3, width - 1, height],
      [0, 0, 3, height],
      [width - 4, 0, width - 1, height],
    ]) {
      expect(roughness(x0, y0, x1, y1)).toBeGreaterThan(0.5 * whole);
      expect(roughness(x0, y0, x1, y1)).toBeLessThan(2 * whole);
    }
  });
});
