import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createBridgeCore, type BridgeCore } from '../../bridge-server/src/server/core';
import { noNets } from '../fakes/bridge-client';
import { eventually, jobInState, makePlace, makePreset } from '../fakes/jobs';
import { hashesOfFrames } from '../fakes/programs';

const worker = join(__dirname, '../../dist/server/worker.js');
const place = makePlace();
const small = join(place.folder, 'small');
mkdirSync(small);
/** A small disk in memory; only root may make one. */
const canMount =
  existsSync(worker) &&
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', small]).status === 0;
const cores: BridgeCore[] = [];
afterAll(async () => {
  for (const core of cores) await core.close();
  if (canMount) spawnSync('umount', [small]);
  place.remove();
});

const open = (home: string) => {
  const core = createBridgeCore({ home, worker, nets: noNets });
  cores.push(core);
  return core;
};
const preset = makePreset({
  effects: [{ effect: 'retime', params: { method: 'blend' } }],
  output: { size: { width: 320, height: 192 } },
});
const render = async (core: BridgeCore, path: string) => {
  const clip = await core.addClip(path);
  // Straight to the engine: the bridge itself would refuse what does not fit.
  const id = '20261122-120000-00000001';
  await core.engine.submit({
    id,
    spec: { clip: clip.sha256, clipName: clip.name, preset, seed: 0, provider: 'cpu', priority: 5, labels: {} },
    clip,
    createdAt: new Date().toISOString(),
    estimate: { seconds: 1, memoryBytes: 1, diskBytes: 1, basis: 'table' },
  });
  return id;
};

(canMount ? test : test.skip)(
  'a disk that is full in the middle of encoding stops the job clearly; after space is made the result is the same (Linux, root, after `npm run build`)',
  async () => {
    const path = join(place.folder, 'clip.mp4');
    execFileSync('ffmpeg', [
      ...[
        '-v',
        'error',
        '-f',
        'lavfi',
        '-i',
        'testsrc2=s=160x96:r=25:d=1',
        '-c:v',
        'libx264',
        '-pix_fmt',
        'yuv420p',
        path,
      ],
    ]);
    const calm = open(join(place.folder, 'calm'));
    const undisturbed = await jobInState(calm.engine, await render(calm, path), ['done'], 120_000);
    const expected = hashesOfFrames(join(calm.engine.folder(undisturbed.id), undisturbed.result!.fileName));
    expect(expected).toHaveLength(50);
    // The segment and the result do not both fit beside this.
    const core = open(join(small, 'home'));
    const filler = join(small, 'filler');
    const { bavail, bsize } = statfsSync(small);
    const need = undisturbed.result!.sizeBytes;
    writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - Math.round(1.3 * need))));
    const id = await render(core, path);
    const failed = await jobInState(core.engine, id, ['failed'], 120_000);
    expect(failed.error?.code).toBe('DISK_FULL');
    rmSync(filler);
    await core.engine.resume(id);
    const done = await jobInState(core.engine, id, ['done'], 120_000);
    expect(hashesOfFrames(join(core.engine.folder(id), done.result!.fileName))).toEqual(expected);
    await eventually(async () => (await core.engine.report(id)).output.verified);
  },
  400_000,
);
