import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { path as packaged } from '@ffmpeg-installer/ffmpeg';
import type { CodecName } from '../../bridge-server/src/protocol/preset';
import { createFrame } from '../../bridge-server/src/frame/frame';
import { createEncoder, segmentEnding } from '../../bridge-server/src/media/encode';
import { findFfmpeg } from '../../bridge-server/src/media/find-ffmpeg';
import { joinSegments } from '../../bridge-server/src/media/join';
import { probeClip } from '../../bridge-server/src/media/probe';
import { verifyClip } from '../../bridge-server/src/media/verify';
import { colourError, decodeAll, ffmpeg, makeClip, numbers, tags709, tempFolder, toYuv, upTo } from './numbered-clip';

/**
 * Everything with the ffmpeg of 2018 that the npm package brings, alone on PATH: no ffprobe, no newer options. What the
 * newest installation does must come out of it too.
 */
const folder = tempFolder();
const at = (name: string) => join(folder, name);
const before = { ...process.env };
const x264 = ['-c:v', 'libx264', '-crf', '8', '-preset', 'veryfast', '-g', '12', '-bf', '3', ...tags709];

beforeAll(() => {
  mkdirSync(at('bin'));
  symlinkSync(packaged, at('bin/ffmpeg'));
});

/** Leaves only the old program to be found. */
async function withOldFfmpeg<T>(work: () => Promise<T>): Promise<T> {
  process.env.REVERIE_FFMPEG = at('bin/ffmpeg');
  try {
    return await work();
  } finally {
    delete process.env.REVERIE_FFMPEG;
  }
}

afterAll(() => {
  process.env = before;
  rmSync(folder, { recursive: true, force: true });
});

describe('looking for ffmpeg', () => {
  test('on PATH, skipping entries that are relative, missing or no program', async () => {
    const PATH = ['.', '', at('nowhere'), folder, at('bin')].join(delimiter);
    const found = await findFfmpeg({ env: { PATH }, beside: [], usePackage: false });
    expect(found).toMatchObject({ path: at('bin/ffmpeg'), source: 'path' });
    expect(found.libavcodec).toBeGreaterThan(58);
    for (const name of ['prores_ks', 'dnxhd', 'libx264', 'png']) expect(found.encoders.has(name)).toBe(true);
    expect(found.demuxers.has('mov')).toBe(true);
  });

  test('beside the program before PATH, the setting before both', async () => {
    const PATH = before.PATH!;
    expect((await findFfmpeg({ env: { PATH }, beside: [at('bin')] })).source).toBe('beside');
    expect((await findFfmpeg({ env: { PATH }, beside: [at('bin')], setting: at('bin/ffmpeg') })).source).toBe(
      'setting',
    );
  });

  test('a wrong setting is said, not passed over', async () => {
    await expect(findFfmpeg({ setting: at('bin') })).rejects.toMatchObject({ code: 'FFMPEG_NOT_FOUND' });
    await expect(findFfmpeg({ setting: '/bin/ls' })).rejects.toMatchObject({ code: 'FFMPEG_NOT_FOUND' });
  });

  test('nothing anywhere but the package', async () => {
    const nowhere = { env: { PATH: folder }, beside: [], platform: 'freebsd' as const };
    expect(await findFfmpeg(nowhere)).toMatchObject({ source: 'package' });
    await expect(findFfmpeg({ ...nowhere, usePackage: false })).rejects.toMatchObject({ code: 'FFMPEG_NOT_FOUND' });
  });
});

test.each([
  ['a.mp4', '60000/1001', {}, x264],
  ['b.mkv', '24000/1001', {}, x264],
  ['c.mov', '25', { filters: toYuv('yuv422p10le') }, ['-c:v', 'prores_ks', '-profile:v', '3', ...tags709]],
  ['d.ts', '50', {}, x264],
  ['e.mkv', '24', { filters: toYuv('yuv420p10le') }, ['-c:v', 'ffv1', ...tags709]],
])('%s at %s is read as by any ffmpeg', async (name, rate, more, encode) => {
  const path = await makeClip(at(name), { rate, ...more, encode });
  const withNew = await probeClip(path);
  const [info, frames, part] = await withOldFfmpeg(async () => {
    const info = await probeClip(path);
    return [
      info,
      await decodeAll(path, info),
      await decodeAll(path, info, { first: 20, last: 24, scaleTo: { width: 80, height: 32 } }),
    ] as const;
  });
  expect(info).toEqual(withNew);
  expect(numbers(frames)).toEqual(upTo(30));
  expect(numbers(part)).toEqual([20, 21, 22, 23, 24]);
  expect(colourError(frames[0])).toBeLessThan(4);
});

test('turned pictures, variable rates and alpha', async () => {
  const upright = await makeClip(at('upright.mp4'), {
    rate: '30',
    filters: `select='lt(mod(n,6),3)+eq(mod(n,6),5)',${toYuv()}`,
    encode: ['-vsync', 'vfr', ...x264],
  });
  const vfr = at('vfr.mp4');
  await ffmpeg(['-i', upright, '-c', 'copy', '-metadata:s:v:0', 'rotate=90', vfr]);
  const alpha = await makeClip(at('alpha.mov'), {
    frames: 3,
    filters: 'format=rgba,colorchannelmixer=aa=0.5',
    encode: ['-c:v', 'qtrle'],
  });
  await withOldFfmpeg(async () => {
    const info = await probeClip(vfr);
    expect(info).toMatchObject({
      variableRate: true,
      rate: { num: 30, den: 1 },
      frames: 30,
      rotation: 270,
      width: 64,
      height: 160,
    });
    expect(await decodeAll(vfr, info)).toHaveLength(30);
    const [frame] = await decodeAll(alpha, await probeClip(alpha));
    expect(frame.alpha![77]).toBeCloseTo(0.5, 2);
  });
});

test.each(['prores422hq', 'prores4444', 'dnxhr', 'h264'] as CodecName[])(
  '%s is written, joined and verified',
  async codec => {
    const rate = { num: 30000, den: 1001 };
    await withOldFfmpeg(async () => {
      const parts: string[] = [];
      for (const count of [3, 2]) {
        const encoder = await createEncoder(at(`${codec}-${count}${segmentEnding(codec)}`), {
          codec,
          rate,
          width: 256,
          height: 128,
          alpha: codec === 'prores4444',
        });
        for (let index = 0; index < count; index++) {
          const frame = createFrame(256, 128, index);
          frame.rgb.fill(index / 5);
          await encoder.write({ ...frame, alpha: new Float32Array(256 * 128).fill(1) });
        }
        parts.push((await encoder.finish()).path);
      }
      const { path } = await joinSegments(parts, at(`${codec}-joined${segmentEnding(codec)}`), 5);
      await verifyClip(path, { frames: 5, rate, width: 256, height: 128, alpha: codec === 'prores4444' });
      const info = await probeClip(path);
      expect(info.colour).toEqual({ matrix: 'bt709', primaries: 'bt709', transfer: 'bt709', range: 'tv' });
      const frames = await decodeAll(path, info);
      expect(Math.abs(frames[1].rgb[5000] - 0.2)).toBeLessThan(0.01);
      if (codec === 'prores4444') expect(frames[0].alpha!.every(value => value === 1)).toBe(true);
    });
  },
);

test('a text named .mp4 and a playlist are refused', async () => {
  await withOldFfmpeg(async () => {
    await expect(probeClip(__filename)).rejects.toMatchObject({ code: 'NOT_MEDIA' });
  });
});
