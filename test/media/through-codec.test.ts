import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Frame } from '../../bridge-server/src/frame/frame';
import { decodeFrames } from '../../bridge-server/src/media/decode';
import { createEncoder } from '../../bridge-server/src/media/encode';
import { probeClip } from '../../bridge-server/src/media/probe';
import { lossyCodecOf, throughCodec } from '../../bridge-server/src/media/through-codec';
import { worstDifference } from '../compare';

const [width, height] = [96, 64];
let state = 1;
const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
const frames = Array.from({ length: 3 }, (_, index): Frame => ({
  index,
  width,
  height,
  rgb: Float32Array.from({ length: 3 * width * height }, random),
}));
let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'reverie-codec-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(['prores422hq', 'prores4444'] as const)('a frame alone loses what it loses in a clip: %s', async codec => {
  const path = join(folder, `${codec}.mov`);
  const encoder = await createEncoder(path, { codec, rate: { num: 25, den: 1 }, width, height });
  for (const frame of frames) await encoder.write(frame);
  await encoder.finish();
  const info = await probeClip(path, { sha256: 'x', name: 'x' });
  expect(lossyCodecOf(info)).toBe(codec);
  for await (const inClip of decodeFrames(path, info, { first: 0, last: 2 })) {
    const alone = await throughCodec(frames[inClip.index], codec);
    expect(alone.index).toBe(inClip.index);
    expect(worstDifference(alone.rgb, inClip.rgb)).toBe(0);
    expect(worstDifference(alone.rgb, frames[inClip.index].rgb)).toBeGreaterThan(0.002);
  }
});

test('of other codecs, and of those that lose nothing, nothing is known', () => {
  expect(lossyCodecOf({ codec: 'dnxhd', pixelFormat: 'yuv422p10le' })).toBe('dnxhr');
  expect(lossyCodecOf({ codec: 'h264', pixelFormat: 'yuv420p' })).toBe('h264');
  expect(lossyCodecOf({ codec: 'png', pixelFormat: 'rgb48be' })).toBeUndefined();
  expect(lossyCodecOf({ codec: 'vp9', pixelFormat: 'yuv420p' })).toBeUndefined();
});
