import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFfmpeg } from '../../bridge-server/src/media/find-ffmpeg';
import { createBridgeCore, type BridgeCore } from '../../bridge-server/src/server/core';
import { isRunning, killGroup, type ProcessIdentity } from '../../bridge-server/src/jobs/process-identity';
import { noNets } from '../fakes/bridge-client';
import { eventually, jobInState, makePlace, makePreset } from '../fakes/jobs';

const worker = join(__dirname, '../../dist/server/worker.js');
const built = existsSync(worker) ? test : test.skip;

let place: ReturnType<typeof makePlace>;
let ffmpeg: string;
const cores: BridgeCore[] = [];
const open = (home: string) => {
  const core = createBridgeCore({ home: join(place.folder, home), worker, nets: noNets, adopt: true });
  cores.push(core);
  return core;
};
beforeAll(async () => {
  ffmpeg = (await findFfmpeg()).path;
});
beforeEach(() => {
  place = makePlace();
});
afterEach(async () => {
  for (const core of cores.splice(0)) await core.close();
  place.remove();
});

/** One hash a decoded frame. */
const framesOf = (path: string) =>
  execFileSync(ffmpeg, ['-v', 'error', '-i', path, '-f', 'framemd5', '-'], { encoding: 'utf8' })
    .split('\n')
    .filter(line => line && !line.startsWith('#'))
    .map(line => line.split(',').pop()!.trim());

const makeClipFile = (rate: string, seconds: number) => {
  const path = join(place.folder, 'clip.mov');
  execFileSync(ffmpeg, [
    '-v',
    'error',
    '-f',
    'lavfi',
    '-i',
    `testsrc2=s=96x64:r=${rate}:d=${seconds}`,
    '-c:v',
    'prores_ks',
    '-pix_fmt',
    'yuv422p10le',
    path,
  ]);
  return path;
};

const preset = makePreset({
  effects: [{ effect: 'retime', params: { method: 'blend' } }],
  output: { size: { width: 192, height: 128 } },
});
const render = async (core: BridgeCore, path: string) => {
  const clip = await core.addClip(path);
  return core.submit({
    clip: clip.sha256,
    clipName: clip.name,
    preset,
    seed: 0,
    provider: 'cpu',
    priority: 5,
    labels: {},
  });
};

built(
  'a clip goes through the real worker: exact count, verified, reported (skipped before `npm run build`)',
  async () => {
    const core = open('a');
    const job = await render(core, makeClipFile('24000/1001', 1));
    const done = await jobInState(core.engine, job.id, ['done'], 90_000);
    // 24 frames of 1001/24000 s last 1.001 s: 50.05 frames, so 51.
    expect(done.result).toMatchObject({ frames: 51, width: 192, height: 128 });
    const path = join(core.engine.folder(job.id), done.result!.fileName);
    expect(framesOf(path)).toHaveLength(51);
    const report = await core.engine.report(job.id);
    expect(report.output).toMatchObject({ verified: true, rate: '50', codec: 'prores422hq' });
    expect(report.stages.map(row => row.stage)).toEqual(
      expect.arrayContaining(['decode', 'retime', 'encode', 'verify']),
    );
  },
);

built('workers killed at any moment change nothing in the result (skipped before `npm run build`)', async () => {
  const path = makeClipFile('25', 5);
  const calm = open('calm');
  const undisturbed = await render(calm, path);
  const expected = framesOf(
    join(
      calm.engine.folder(undisturbed.id),
      (await jobInState(calm.engine, undisturbed.id, ['done'], 120_000)).result!.fileName,
    ),
  );
  expect(expected).toHaveLength(250);

  const core = open('killed');
  const job = await render(core, path);
  const noted = join(core.engine.folder(job.id), 'worker.json');
  let kills = 0;
  // Two tries of three may fail, and no task is killed more often than that.
  while (kills < 2) {
    const before = await eventually(
      () => existsSync(noted) && (JSON.parse(readFileSync(noted, 'utf8')) as ProcessIdentity),
      60_000,
    );
    await new Promise(resolve => setTimeout(resolve, 150 + 400 * kills));
    if ((await core.engine.list({ id: job.id }))[0].status === 'done') break;
    killGroup(before.pid);
    kills++;
    await eventually(() => !isRunning(before));
    await eventually(async () => {
      const now = JSON.parse(readFileSync(noted, 'utf8')) as ProcessIdentity;
      return now.pid !== before.pid || (await core.engine.list({ id: job.id }))[0].status === 'done';
    }, 60_000);
  }
  expect(kills).toBeGreaterThan(0);
  const done = await jobInState(core.engine, job.id, ['done'], 120_000);
  expect(framesOf(join(core.engine.folder(job.id), done.result!.fileName))).toEqual(expected);
});
