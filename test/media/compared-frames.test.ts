import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareFrames, type Compared } from '../../bridge-server/src/cli/compared-frames';
import type { Frame } from '../../bridge-server/src/frame/frame';
import { probeClip } from '../../bridge-server/src/media/probe';
import { psnr } from '../../bridge-server/src/stages/measure-pair';
import { rate } from '#protocol/time';

const folder = mkdtempSync(join(tmpdir(), 'compared-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A picture that glides by 48 pixels a second (an eighth of a pixel at a time), shown for a second at some rate. */
async function glide(name: string, fps: number) {
  const path = join(folder, `${name}.mkv`);
  const picture = 'mandelbrot=s=1920x720:r=1,trim=end_frame=1,loop=-1:1:0';
  const moved = `${picture},fps=${fps},crop=1280:720:384*n/${fps}:0,scale=160:90:flags=area`;
  const coded = ['-t', '1', '-c:v', 'ffv1', '-pix_fmt', 'gbrp', path];
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', moved, ...coded]);
  return { path, info: await probeClip(path) };
}

/** Likeness of frames that should show the same, in the middle of the clip: at its end nothing follows to look at. */
async function likeness({ result, source }: Compared): Promise<{ frames: number; psnr: number }> {
  const sources: Frame[] = [];
  for await (const frame of source) sources.push(frame);
  const found: number[] = [];
  for await (const frame of result) found.push(psnr(frame.rgb, sources[found.length].rgb));
  expect(sources.length).toBe(found.length);
  return { frames: found.length, psnr: Math.min(...found.slice(0, -4)) };
}

const context = { signal: new AbortController().signal, notice: () => undefined };
const options = { begin: 0, cuts: new Set<number>() };

test('a source of 24 frames a second is brought to the instants of a result of 50', async () => {
  const [source, result] = [await glide('source', 24), await glide('result', 50)];
  const byMotion = compareFrames(result, source, { ...options, method: 'flow' }, context);
  expect(byMotion).toMatchObject({ rate: rate(50), frames: 50 });
  const moved = await likeness(byMotion);
  expect(moved.frames).toBe(50);
  // With frames taken from the nearest instants instead, things are up to a pixel from where they should be.
  const repeated = await likeness(compareFrames(result, source, { ...options, method: 'repeat' }, context));
  expect(repeated.frames).toBe(24);
  expect(moved.psnr).toBeGreaterThan(repeated.psnr + 3);
});

test('clips of one rate are compared frame by frame, from where the result begins', async () => {
  const source = await glide('same', 25);
  const compared = compareFrames(source, source, { ...options, begin: 5, cuts: new Set([8]), method: 'flow' }, context);
  expect(compared.frames).toBe(20);
  const starts: number[] = [];
  let first: Frame | undefined;
  for await (const frame of compared.source) {
    first ??= frame;
    if (frame.shotStart) starts.push(frame.index);
  }
  expect(starts).toEqual([3]);
});
