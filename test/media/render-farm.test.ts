import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobEngine } from '../../bridge-server/src/jobs/engine';
import { killGroup } from '../../bridge-server/src/jobs/process-identity';
import { eventually, jobInState, makeClip, makePlannedJob, makePreset, makeSpec } from '../fakes/jobs';
import { hasRedis, startRedis, type TestRedis } from '../fakes/redis';
import { openFarm, type Farm } from '../fakes/render-farm';

const test_ = hasRedis ? test : test.skip;
const fakes = join(__dirname, '../fakes');
let redis: TestRedis;
let farm: Farm;
const processes: ChildProcess[] = [];

/** A render node as a process of its own. */
async function startNode(name: string): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    ['-r', join(fakes, 'ts-hook.cjs'), join(fakes, 'node-process.ts'), redis.url, farm.place.folder, name],
    { stdio: ['ignore', 'pipe', 'inherit'], detached: true },
  );
  processes.push(child);
  let text = '';
  child.stdout!.setEncoding('utf8').on('data', (part: string) => (text += part));
  await eventually(() => text.includes('ready'), 30_000);
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise(resolve => child.once('exit', resolve));
  killGroup(child.pid!);
  await gone;
}

const open = async (nodes: number, keeps = true) => {
  redis = await startRedis(keeps);
  farm = await openFarm(redis.url, nodes);
};
afterEach(async () => {
  for (const child of processes.splice(0)) await kill(child);
  await farm?.close();
  await redis?.close();
});

const all = Array.from({ length: 200 }, (_, index) => index);
const result = (engine: JobEngine, id: string) =>
  readFileSync(join(engine.folder(id), 'result.mov'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map(Number);
const painted = () => readFileSync(join(farm.place.folder, 'diary'), 'utf8').split('\n').filter(Boolean);
const progressOf = async (id: string) => (await farm.engine.list({ id }))[0].progress.done;

test_(
  'a render node that is killed in mid-task loses nothing: another one goes on with what it had brought',
  async () => {
    await open(0);
    farm.place.setFaults({ stepMs: 30 });
    const first = await startNode('first');
    const job = makePlannedJob();
    await farm.engine.submit(job);
    await eventually(() => existsSync(join(farm.place.folder, 'diary')) && painted().length > 40, 30_000);
    await kill(first);
    const before = painted().length;
    farm.place.setFaults({});
    await startNode('second');
    const done = await jobInState(farm.engine, job.id, ['done'], 60_000);
    expect(result(farm.engine, job.id)).toEqual(all);
    expect(done.attempts).toBe(0);
    // At most what was made in the last moments is made again.
    expect(painted().length - 100).toBeLessThanOrEqual(Math.max(20, before / 2));
    expect(readFileSync(join(farm.engine.folder(job.id), 'log.txt'), 'utf8')).toMatch(
      /node first is gone; second goes on/,
    );
    const report = await farm.engine.report(job.id);
    expect(report.stages.find(row => row.stage === 'paint')?.host).toBe('second');
  },
);

test_('nodes join and leave while a job runs, and the report says what ran where', async () => {
  await open(1);
  farm.place.setFaults({ stepMs: 10, cuts: [20, 40, 60, 80] });
  const job = makePlannedJob();
  await farm.engine.submit(job);
  await eventually(() => existsSync(join(farm.place.folder, 'diary')) && painted().length > 5, 30_000);
  await farm.join();
  await eventually(() => existsSync(join(farm.place.folder, 'node-2/jobs')) && painted().length > 60, 30_000);
  await farm.nodes[0].close();
  await jobInState(farm.engine, job.id, ['done'], 60_000);
  expect(result(farm.engine, job.id)).toEqual(all);
  const hosts = new Set(
    (await farm.engine.report(job.id)).stages.filter(row => row.stage === 'paint').map(row => row.host),
  );
  expect(hosts).toEqual(new Set(['node-1', 'node-2']));
});

test_.each([
  ['that remembers', true],
  ['that has forgotten everything', false],
])('a Redis %s is restarted in mid-job: the job goes on and nothing is made twice', async (_, keeps) => {
  await open(2, keeps);
  farm.place.setFaults({ stepMs: 15, cuts: [50] });
  const job = makePlannedJob();
  await farm.engine.submit(job);
  await eventually(async () => (await progressOf(job.id)) > 0.2, 30_000);
  for (let round = 0; round < 2; round++) {
    await redis.kill();
    await new Promise(resolve => setTimeout(resolve, 500));
    await redis.start();
    await new Promise(resolve => setTimeout(resolve, 700));
  }
  const done = await jobInState(farm.engine, job.id, ['done'], 60_000);
  expect(result(farm.engine, job.id)).toEqual(all);
  expect(done.attempts).toBe(0);
  expect(painted()).toHaveLength(100);
});

test_('a bridge that is started again goes on with the nodes that are there', async () => {
  await open(1);
  farm.place.setFaults({ stepMs: 20 });
  const job = makePlannedJob();
  await farm.engine.submit(job);
  await eventually(async () => (await progressOf(job.id)) > 0.5, 30_000);
  const engine = await farm.restart();
  farm.place.setFaults({});
  await jobInState(engine, job.id, ['done'], 60_000);
  expect(result(engine, job.id)).toEqual(all);
  expect(new Set(painted()).size).toBe(100);
});

test_('a node fetches the clip, pictures and nets that a task names, and keeps them under their hashes', async () => {
  await open(0);
  const put = (area: string, path: string, text: string) => {
    mkdirSync(join(farm.place.folder, area, path, '..'), { recursive: true });
    writeFileSync(join(farm.place.folder, area, path), text);
  };
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const clip = makeClip({ sha256: hash('a clip') });
  put('clips', clip.sha256, 'a clip');
  put('clips', `${clip.sha256}.json`, JSON.stringify(clip));
  put('images', hash('a picture'), 'a picture');
  put('nets', 'my-features/net.onnx', 'a net');
  put('nets', 'my-features/net.json', '{}');
  put('nets', 'another/net.onnx', 'not wanted');
  await farm.join();
  const preset = makePreset({
    effects: [
      {
        effect: 'style',
        params: { net: 'my-features', styles: [{ image: { sha256: hash('a picture') }, weight: 1 }] },
      },
    ],
  });
  const job = makePlannedJob({ clip, spec: makeSpec({ clip: clip.sha256, preset }) });
  await farm.engine.submit(job);
  await jobInState(farm.engine, job.id, ['done'], 30_000);
  const there = (path: string) => readFileSync(join(farm.place.folder, 'node-1', path), 'utf8');
  expect(there(`clips/${clip.sha256}`)).toBe('a clip');
  expect(there(`images/${hash('a picture')}`)).toBe('a picture');
  expect(there('nets/my-features/net.onnx')).toBe('a net');
  expect(existsSync(join(farm.place.folder, 'node-1/nets/another'))).toBe(false);
});

test_(
  'the depot opens for its token alone, gives only what a task needs and takes only what belongs to it',
  async () => {
    await open(1);
    farm.place.setFaults({ stepMs: 30 });
    const job = makePlannedJob();
    await farm.engine.submit(job);
    await eventually(async () => (await progressOf(job.id)) > 0, 30_000);
    const { depot } = farm.engine.crew;
    // The run's number is known to its node alone; here it is read where it is kept.
    const { run } = [...(farm.engine.crew as unknown as { pending: Set<{ run: string }> }).pending][0];
    const ask = (method: string, path: string, body?: string, token = depot.token) =>
      fetch(`${farm.address}/depot${path}`, { method, body, headers: { Authorization: `Bearer ${token}` } });
    expect((await ask('POST', '/take', '{}', 'wrong')).status).toBe(401);
    expect((await ask('POST', '/take', '{"ticket": 7}')).status).toBe(400);
    expect((await ask('POST', '/take', 'no json')).status).toBe(400);
    expect((await ask('GET', `/content/${run}/${'0'.repeat(64)}`)).status).toBe(404);
    expect((await ask('GET', '/content/../../etc/passwd')).status).toBe(404);
    const bytes = 'x';
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const put = (path: string, hash = sha256, size = 1, id = run) =>
      ask(
        'PUT',
        `/content/${id}?${new URLSearchParams({ path, sha256: hash, size: String(size), offset: '0' })}`,
        bytes,
      );
    for (const path of [
      '../x',
      'job.json',
      '/etc/passwd',
      'tasks/../job.json',
      `tasks/${'0'.repeat(64)}/x`,
      'previews/x.sh',
    ])
      expect([path, (await put(path)).status]).toEqual([path, 400]);
    expect((await put('previews/1.jpg', '1'.repeat(64))).status).toBe(422);
    expect((await put('previews/1.jpg', sha256, 0)).status).toBe(400);
    expect((await put('previews/1.jpg', sha256, 1, '00000000-0000-4000-8000-000000000000')).status).toBe(404);
    expect((await put('previews/77777777.jpg')).status).toBe(200);
    expect(existsSync(join(farm.engine.folder(job.id), 'previews/77777777.jpg'))).toBe(true);
  },
);
