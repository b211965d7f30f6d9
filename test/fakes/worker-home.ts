import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClipInfo } from '#protocol/clip';
import { probeClip } from '../../bridge-server/src/media/probe';

/**
 * A folder as a worker expects it, with one clip in it as the bridge stores clips.
 * @param picture what ffmpeg makes the clip of, "testsrc2=…"
 */
export async function makeWorkerHome(picture: string): Promise<{ home: string; clip: ClipInfo }> {
  const home = mkdtempSync(join(tmpdir(), 'reverie-worker-'));
  for (const name of ['clips', 'images', 'nets', 'jobs']) mkdirSync(join(home, name));
  const file = join(home, 'scene.mp4');
  const coding = ['-c:v', 'libx264', '-pix_fmt', 'yuv420p'];
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', picture, ...coding, file]);
  const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
  renameSync(file, join(home, 'clips', sha256));
  const clip = await probeClip(join(home, 'clips', sha256), { sha256, name: 'scene.mp4' });
  writeFileSync(join(home, 'clips', `${sha256}.json`), JSON.stringify(clip));
  return { home, clip };
}
