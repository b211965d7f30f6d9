import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFfmpeg } from '../../bridge-server/src/media/find-ffmpeg';
import { makeCheckFilm } from '../../extension/src/host/check-film';

test('the film of the host checks decodes without a complaint, at its size, rate and length', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reverie-film-'));
  const file = join(folder, 'film.avi');
  writeFileSync(file, makeCheckFilm({ width: 64, height: 48, frames: 50, fps: 25 }));
  const { path } = await findFfmpeg();
  const { stdout, stderr } = spawnSync(path, ['-v', 'warning', '-i', file, '-f', 'framecrc', '-'], {
    encoding: 'utf8',
  });
  rmSync(folder, { recursive: true });
  expect(stderr).toBe('');
  expect(stdout).toContain('#tb 0: 1/25');
  expect(stdout).toContain('#dimensions 0: 64x48');
  const frames = stdout.split('\n').filter(line => /^0,/.test(line));
  expect(frames.map(line => Number(line.split(',')[2]))).toEqual(Array.from({ length: 50 }, (_, index) => index));
  expect(new Set(frames.map(line => line.split(',').at(-1))).size).toBe(50);
});
