import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import {
  encodePicture,
  isStillFile,
  loadPicture,
  probeStill,
  toInterleaved,
} from '../../bridge-server/src/media/still';
import { drawScene } from '../../bridge-server/src/media/test-scene';
import { worstDifference } from '../compare';

const folder = mkdtempSync(join(tmpdir(), 'reverie-still-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const scene = drawScene(5, { width: 60, height: 40 });
function mean(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, index) => sum + Math.abs(value - b[index]), 0) / a.length;
}
test('PNG of 8 and 16 bits keep what they can hold, with alpha', async () => {
  const frame = { ...scene, alpha: scene.rgb.slice(0, 2400) };
  const deep = await loadPicture(await encodePicture(frame, 'png16'));
  expect(worstDifference(deep.rgb, frame.rgb)).toBeLessThan(0.51 / 65535);
  expect(worstDifference(deep.alpha!, frame.alpha)).toBeLessThan(0.51 / 65535);
  const shallow = await loadPicture(await encodePicture(scene, 'png'));
  expect(worstDifference(shallow.rgb, scene.rgb)).toBeLessThan(0.51 / 255);
  expect(shallow.alpha).toBeUndefined();
});

test('every 8-bit value is exact', async () => {
  const ramp = Buffer.from(Array.from({ length: 768 }, (_, at) => Math.floor(at / 3)));
  const { rgb } = await loadPicture(
    await sharp(ramp, { raw: { width: 256, height: 1, channels: 3 } })
      .png()
      .toBuffer(),
  );
  expect(Array.from(rgb.subarray(0, 256), value => value * 255)).toEqual(
    Array.from({ length: 256 }, (_, at) => expect.closeTo(at, 4)),
  );
});

test('JPEG, WebP, TIFF and grey pictures are read', async () => {
  const png = await encodePicture(scene, 'png');
  for (const [bytes, limit] of [
    [await encodePicture(scene, 'jpeg', { quality: 96 }), 0.01],
    [await encodePicture(scene, 'webp', { quality: 98 }), 0.03],
    [await sharp(png).tiff({ compression: 'lzw' }).toBuffer(), 0.26 / 255],
  ] as const) {
    const frame = await loadPicture(bytes);
    expect([frame.width, frame.height]).toEqual([60, 40]);
    expect(mean(frame.rgb, scene.rgb)).toBeLessThan(limit);
  }
  const grey = await loadPicture(await sharp(png).greyscale().png().toBuffer());
  expect(worstDifference(grey.rgb.subarray(0, 2400), grey.rgb.subarray(4800))).toBe(0);
});

test('EXIF orientation is honoured', async () => {
  const bytes = await sharp(await encodePicture(scene, 'png'))
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
  expect(await probeStill(bytes)).toMatchObject({ width: 40, height: 60 });
  const frame = await loadPicture(bytes);
  expect([frame.width, frame.height]).toEqual([40, 60]);
  // Turned clockwise: the upper left corner comes from the lower left.
  expect(Math.abs(frame.rgb[0] - scene.rgb[39 * 60])).toBeLessThan(0.15);
});

test('a wide profile is brought to sRGB', async () => {
  const red = await sharp({ create: { width: 8, height: 8, channels: 3, background: { r: 200, g: 60, b: 60 } } })
    .withIccProfile('p3')
    .png()
    .toBuffer();
  const plain = await loadPicture(red);
  // The file holds P3 numbers of the same sRGB colour; read back they must be that colour again.
  expect(plain.rgb[0] * 255).toBeCloseTo(200, -0.5);
  expect(plain.rgb[64] * 255).toBeGreaterThan(56);
  expect(plain.rgb[64] * 255).toBeLessThan(64);
});

test('scaling on reading', async () => {
  const frame = await loadPicture(await encodePicture(scene, 'png'), { scaleTo: { width: 30, height: 10 } });
  expect([frame.width, frame.height]).toEqual([30, 10]);
});

test('what is no picture, is torn, or is something that draws, is refused', async () => {
  const png = await encodePicture(scene, 'png');
  await expect(loadPicture(Buffer.from('hello'))).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
  await expect(loadPicture(png.subarray(0, png.length / 2))).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
  await expect(
    loadPicture(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')),
  ).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
  await expect(loadPicture(join(folder, 'none.png'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  await expect(loadPicture(folder)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
});

test('a still is known by its bytes, not by its name', async () => {
  writeFileSync(join(folder, 'picture.mp4'), await encodePicture(scene, 'jpeg'));
  writeFileSync(join(folder, 'film.png'), 'not a picture');
  expect(await isStillFile(join(folder, 'picture.mp4'))).toBe(true);
  expect(await isStillFile(join(folder, 'film.png'))).toBe(false);
});

test('rounding for files: clipped, and no number is black', () => {
  const frame = {
    index: 0,
    width: 2,
    height: 2,
    rgb: Float32Array.of(0, 1, -1, 2, NaN, 0.5, Infinity, 0.25, 1, 1, 1, 1),
  };
  expect([...toInterleaved(frame, 8)]).toEqual([0, 0, 255, 255, 128, 255, 0, 255, 255, 255, 64, 255]);
});
