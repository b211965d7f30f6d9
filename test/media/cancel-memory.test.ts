import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createBridgeCore } from '../../bridge-server/src/server/core';
import { noNets } from '../fakes/bridge-client';
import { eventually, makePlace, makePreset } from '../fakes/jobs';
import { workerOf } from '../fakes/programs';

const worker = join(__dirname, '../../dist/server/worker.js');
const place = makePlace();
afterAll(() => place.remove());

/** Undefined once the process is gone. */
function residentMB(pid: number): number | undefined {
  try {
    const kB = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kB === undefined ? undefined : Number(kB) / 1024;
  } catch {
    return undefined;
  }
}

(existsSync(worker) && process.platform === 'linux' ? test : test.skip)(
  'a job that is cancelled in the middle of painting gives all its memory back within a second (Linux, after `npm run build`)',
  async () => {
    const path = join(place.folder, 'clip.mp4');
    execFileSync('ffmpeg', [
      ...[
        '-v',
        'error',
        '-f',
        'lavfi',
        '-i',
        'testsrc2=s=256x144:r=25:d=0.4',
        '-c:v',
        'libx264',
        '-pix_fmt',
        'yuv420p',
        path,
      ],
    ]);
    const core = createBridgeCore({ home: join(place.folder, 'home'), worker, nets: noNets });
    try {
      const clip = await core.addClip(path);
      const preset = makePreset({
        effects: [{ effect: 'style', params: { iterations: 400 } }],
        output: { rate: 'source' },
      });
      const job = await core.submit({
        clip: clip.sha256,
        clipName: 'clip.mp4',
        preset,
        seed: 0,
        provider: 'cpu',
        priority: 5,
        labels: {},
      });
      const folder = core.engine.folder(job.id);
      const pid = await eventually(() => workerOf(folder), 60_000);
      // It computes: nets are loaded, and memory grows no more by leaps.
      await eventually(async () => (await core.engine.list({ id: job.id }))[0].now?.stage === 'stylize', 120_000);
      const before = residentMB(pid)!;
      const asked = performance.now();
      await core.engine.cancel(job.id);
      await eventually(() => residentMB(pid) === undefined);
      const ms = performance.now() - asked;
      console.info(`${before.toFixed(0)} MB were given back in ${ms.toFixed(0)} ms`);
      expect(before).toBeGreaterThan(100);
      expect(ms).toBeLessThan(1000);
      expect((await core.engine.list({ id: job.id }))[0].status).toBe('cancelled');
    } finally {
      await core.close();
    }
  },
  300_000,
);
