import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { createNetStore } from '../../bridge-server/src/models/store';
import { makePicture, runNet, type NamedTensors } from '../models/run-net';
import { worstDifference } from '../compare';

const models = join(__dirname, '../../../shared/models');
const data = join(__dirname, '../../../shared/data');
const store = createNetStore({
  embeddedDir: join(__dirname, '../../bridge-server/nets'),
  homeDir: join(__dirname, 'no-such-home'),
});

/** A part of a photograph, [1, 3, height, width], 0..1. */
async function photo(
  file: string,
  left: number,
  top: number,
  width: number,
  height: number,
): Promise<NamedTensors[string]> {
  const raw = await sharp(join(data, file)).extract({ left, top, width, height }).removeAlpha().raw().toBuffer();
  const pixels = new Float32Array(3 * width * height);
  for (let at = 0; at < width * height; at += 1)
    for (let channel = 0; channel < 3; channel += 1)
      pixels[channel * width * height + at] = raw[at * 3 + channel]! / 255;
  return { data: pixels, dims: [1, 3, height, width] };
}

(existsSync(models) ? describe : describe.skip)(
  'embedded nets beside the originals (skipped where ../shared/models is absent)',
  () => {
    test('cunet enlarges as the stored conversion does, to less than one level of 255', async () => {
      const input = await photo('images/natural/chelsea.png', 100, 60, 84, 68);
      const ours = await runNet(await store.bytes('cunet-scale2x'), { input });
      const theirs = await runNet(readFileSync(join(models, 'waifu2x/cunet_scale2.0x_model.onnx')), { input });
      expect(ours.output!.dims).toEqual([1, 3, 2 * (68 - 36), 2 * (84 - 36)]);
      expect(worstDifference(ours.output!.data, theirs.output!.data)).toBeLessThan(1 / 255);
    });

    test('the taps of openimages are those of the stored conversion, at even and odd sizes', async () => {
      const net = await store.bytes('openimages');
      const reference = readFileSync(join(models, 'classify/openimages_mobilenet_v2_f16w.onnx'));
      const { layers } = await store.info('openimages');
      for (const [height, width] of [
        [64, 96],
        [75, 101],
      ] as const) {
        const input = { data: makePicture(3, height, width).map(x => 2 * x - 1), dims: [1, 3, height, width] };
        const ours = await runNet(net, { input });
        const theirs = await runNet(reference, { input });
        expect(Object.keys(ours)).toEqual(layers.map(layer => layer.name));
        for (const { name, channels } of layers) {
          const original = theirs[originalName(name)]!;
          expect([name, ours[name]!.dims]).toEqual([name, original.dims]);
          expect(ours[name]!.dims[1]).toBe(channels);
          const scale = original.data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
          expect(worstDifference(ours[name]!.data, original.data) / scale).toBeLessThan(1e-5);
        }
      }
    });
  },
);

function originalName(tap: string): string {
  const [block, kind] = tap.split('/');
  const prefix = 'FeatureExtractor/MobilenetV2/';
  if (kind === undefined) return `${prefix}Conv/Relu6`;
  return `${prefix}expanded_conv_${block!.slice(2)}/${kind === 'add' ? 'add' : 'expand/Relu6'}`;
}

describe.each([
  ['upconv7', 14, ['-scale2x', '-noise0-scale2x', '-noise1-scale2x', '-noise2-scale2x', '-noise3-scale2x']],
  ['cunet', 36, ['-scale2x', '-noise0-scale2x', '-noise1-scale2x', '-noise2-scale2x', '-noise3-scale2x']],
])('%s', (family, border, suffixes) => {
  test('every noise level gives twice the input less its border, and keeps the picture', async () => {
    const [height, width] = [border + 20, border + 26];
    const input = { data: makePicture(3, height, width), dims: [1, 3, height, width] };
    for (const suffix of suffixes) {
      const { output } = await runNet(await store.bytes(`${family}${suffix}`), { input });
      expect(output!.dims).toEqual([1, 3, 40, 52]);
      // Smooth waves come through any of these nets nearly as they are.
      let sum = 0;
      for (let y = 0; y < 40; y += 1) {
        for (let x = 0; x < 52; x += 1) {
          const source = input.data[((y >> 1) + border / 2) * width + (x >> 1) + border / 2]!;
          sum += Math.abs(output!.data[y * 52 + x]! - source);
        }
      }
      expect(sum / (40 * 52)).toBeLessThan(0.03);
    }
  });
});

test('cunet without enlarging gives the input less its border, and keeps the picture', async () => {
  const [height, width] = [76, 84];
  const input = { data: makePicture(3, height, width), dims: [1, 3, height, width] };
  for (const noise of [0, 1, 2, 3]) {
    const { output } = await runNet(await store.bytes(`cunet-noise${noise}`), { input });
    expect(output!.dims).toEqual([1, 3, 20, 28]);
    let sum = 0;
    for (let y = 0; y < 20; y++)
      for (let x = 0; x < 28; x++) sum += Math.abs(output!.data[y * 28 + x]! - input.data[(y + 28) * width + x + 28]!);
    expect(sum / (20 * 28)).toBeLessThan(0.03);
  }
});

test('upconv7 without enlarging is the mean of what it draws enlarged', async () => {
  const input = { data: makePicture(3, 34, 38), dims: [1, 3, 34, 38] };
  const large = (await runNet(await store.bytes('upconv7-noise2-scale2x'), { input })).output!;
  const outputs = await runNet(await store.bytes('upconv7-noise2'), { input });
  expect(Object.keys(outputs)).toEqual(['clean']);
  expect(outputs.clean!.dims).toEqual([1, 3, 20, 24]);
  const corner = (large.data[0]! + large.data[1]! + large.data[48]! + large.data[49]!) / 4;
  expect(outputs.clean!.data[0]).toBeCloseTo(corner, 6);
});

(existsSync(data) ? describe : describe.skip)('rife (skipped where ../shared/data is absent)', () => {
  test('draws the middle frame of a moving pattern better than a blend', async () => {
    // The same part of a photograph moved by six pixels: the truth in the middle is known.
    const [a, middle, b] = await Promise.all(
      [100, 103, 106].map(left => photo('images/natural/golden_gate.jpg', left, 200, 128, 96)),
    );
    const feeds = { img0: a!, img1: b!, timestep: { data: Float32Array.of(0.5), dims: [1, 1, 1, 1] } };
    const outputs = {
      ...(await runNet(await store.bytes('rife-v4.6'), feeds)),
      ...(await runNet(await store.bytes('rife-v4.6-flow'), feeds)),
    };
    expect(Object.keys(outputs)).toEqual(['image', 'flow']);
    const error = (of: (at: number) => number): number => {
      let sum = 0;
      // Away from the border, where nothing can be known.
      for (let y = 16; y < 80; y += 1)
        for (let x = 16; x < 112; x += 1) sum += (of(y * 128 + x) - middle!.data[y * 128 + x]!) ** 2;
      return sum / (64 * 96);
    };
    const net = error(at => outputs.image!.data[at]!);
    const blend = error(at => (a!.data[at]! + b!.data[at]!) / 2);
    expect(net).toBeLessThan(blend / 8);
    // Flow to the first picture is half of the way, to the right (what is now at x was at x + 3).
    const plane = 96 * 128;
    const centre = 48 * 128 + 64;
    expect(outputs.flow!.data[centre]).toBeCloseTo(3, 0);
    expect(outputs.flow!.data[2 * plane + centre]).toBeCloseTo(-3, 0);
  });
});
