import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ClipInfo } from '#protocol/clip';
import { framesToCover } from '#protocol/time';
import type { StageNode, Task } from '../../bridge-server/src/jobs/task';
import { makeTaskRun, startWorkerClient, type WorkerClient } from '../fakes/worker-client';
import { makeWorkerHome } from '../fakes/worker-home';

let home: string;
let clip: ClipInfo;
const workers: WorkerClient[] = [];
const start = (program: 'real' | 'test' = 'test', env?: Record<string, string>) => {
  const worker = startWorkerClient(home, program, env);
  workers.push(worker);
  return worker;
};

beforeAll(async () => {
  ({ home, clip } = await makeWorkerHome('testsrc2=size=64x48:rate=25:duration=2'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));
afterEach(async () => {
  for (const worker of workers.splice(0)) {
    worker.child.kill('SIGKILL');
    await worker.ended;
  }
});

const output = { codec: 'prores422hq', rate: { num: 50, den: 1 }, size: 'source' } as const;
const painted = 24;
const delivered = () => framesToCover(painted, clip.rate, output.rate);

const makePaint = (params: object = {}): Extract<Task, { kind: 'paint' }> => ({
  kind: 'paint',
  id: 'paint',
  needs: [],
  source: { from: 'clip', clip: clip.sha256 },
  span: { first: 0, last: painted - 1 },
  handle: 0,
  stages: [{ stage: 'stylize', params, sequential: true }],
  seed: 5,
  units: 1,
});

const makeDeliver = (id: string, first: number, last: number): Task => {
  const out = { first, last };
  const retime = { method: 'blend', from: clip.rate, to: output.rate, first: 0, last: painted - 1, cuts: [], out };
  const stages: StageNode[] = [
    { stage: 'resize', params: { width: 128, height: 96 }, sequential: false },
    { stage: 'retime', params: retime, sequential: false },
  ];
  return {
    kind: 'deliver',
    id,
    needs: ['paint'],
    source: { from: 'tasks', tasks: [{ task: 'paint', first: 0, last: painted - 1 }] },
    span: { first: 0, last: painted - 1 },
    cuts: [],
    out,
    sourceRate: clip.rate,
    rate: output.rate,
    stages,
    output,
    seed: 5,
    units: 1,
  };
};

const makeJob = (paintParams: object = {}): Task[] => {
  const frames = delivered();
  const half = Math.floor(frames / 2);
  return [
    makePaint(paintParams),
    makeDeliver('deliver-0', 0, half - 1),
    makeDeliver('deliver-1', half, frames - 1),
    {
      kind: 'join',
      id: 'join',
      needs: ['deliver-0', 'deliver-1'],
      frames,
      rate: output.rate,
      width: 128,
      height: 96,
      output,
      units: 1,
    },
  ];
};

const makeRun = (task: Task, job: string, attempt = 0) => makeTaskRun(home, clip, task, job, attempt);

const md5OfFrames = (path: string) =>
  execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-f', 'framemd5', '-']).toString();

test('a job of four tasks becomes a clip with every frame, at the right rate', async () => {
  const worker = start();
  let facts;
  for (const task of makeJob()) facts = await worker.run(makeRun(task, 'whole'));
  expect(facts!.result).toMatchObject({
    fileName: 'result.mov',
    frames: delivered(),
    width: 128,
    height: 96,
    verified: true,
  });
  const probed = execFileSync('ffprobe', [
    '-v',
    'error',
    '-count_frames',
    '-show_entries',
    'stream=nb_read_frames,r_frame_rate',
    '-of',
    'csv=p=0',
    join(home, 'jobs/whole/result.mov'),
  ]);
  expect(probed.toString().trim()).toBe(`50/1,${delivered()}`);
  expect(
    worker.events.some(event => event.type === 'preview' && existsSync(join(home, 'jobs/whole/previews', event.file))),
  ).toBe(true);
  worker.send({ type: 'close' });
  expect(await worker.ended).toBe(0);
});

test('killed twenty times at random, the job gives the same clip', async () => {
  const undisturbed = start();
  const tasks = makeJob({ pauseMs: 25 });
  for (const task of tasks) await undisturbed.run(makeRun(task, 'calm'));

  let random = 12345;
  const next = () => (random = (random * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
  let kills = 0;
  let worker = start();
  for (const task of tasks) {
    for (let attempt = 0; ; attempt++) {
      await worker.until('ready');
      const timer = kills < 20 ? setTimeout(() => worker.child.kill('SIGKILL'), 20 + next() * 280) : undefined;
      try {
        await worker.run(makeRun(task, 'killed', attempt));
        clearTimeout(timer);
        break;
      } catch (thrown) {
        clearTimeout(timer);
        expect((thrown as Error).message).toMatch(/ended \(SIGKILL\)/);
        kills++;
        worker = start();
      }
    }
  }
  // How many fall into the work depends on the machine's speed; without any the test would show nothing.
  expect(kills).toBeGreaterThanOrEqual(5);
  expect(md5OfFrames(join(home, 'jobs/killed/result.mov'))).toBe(md5OfFrames(join(home, 'jobs/calm/result.mov')));
  const frames = (job: string) =>
    JSON.parse(readFileSync(join(home, 'jobs', job, 'tasks/paint/done.json'), 'utf8')).outputs[0].sha256 as string;
  expect(frames('killed')).toBe(frames('calm'));
}, 300_000);

test('SIGTERM ends the work cleanly within a second and leaves a state to go on from', async () => {
  const worker = start();
  const work = worker.run(makeRun(makePaint({ pauseMs: 60 }), 'stopped'));
  work.catch(() => undefined);
  await worker.until('progress', event => event.done > 0.2);
  const asked = performance.now();
  worker.child.kill('SIGTERM');
  expect(await worker.ended).toBe(143);
  expect(performance.now() - asked).toBeLessThan(1500);
  const again = start();
  await again.until('ready');
  const facts = await again.run(makeRun(makePaint({ pauseMs: 0 }), 'stopped'));
  expect(facts.stages.find(stage => stage.stage === 'stylize')!.frames).toBeLessThan(painted);
});

test('in the middle of a long run too, SIGTERM ends the process within a second, and signs of life go on until then', async () => {
  const worker = start();
  worker
    .run(makeRun({ ...makePaint(), stages: [{ stage: 'dream', params: {}, sequential: true }] }, 'computing'))
    .catch(() => undefined);
  await worker.until('progress');
  await new Promise(resolve => setTimeout(resolve, 2500));
  expect(
    worker.events.filter(event => event.type === 'alive' && event.doing?.stage === 'dream').length,
  ).toBeGreaterThanOrEqual(1);
  const asked = performance.now();
  worker.child.kill('SIGTERM');
  // Killed by its own hand: an ordinary exit would abort with a core dump while the thread computes.
  expect(['SIGKILL', 143]).toContain(await worker.ended);
  expect(performance.now() - asked).toBeLessThan(2000);
});

test('a still is stopped in the middle of a long run, and the process lives', async () => {
  const worker = start();
  await worker.until('ready');
  const folders = { clips: join(home, 'clips'), images: join(home, 'images'), nets: join(home, 'nets') };
  const order = {
    clip,
    frame: 1,
    stages: [{ stage: 'dream', params: {}, sequential: true }] satisfies StageNode[],
    maxSide: 64,
    seed: 1,
    provider: 'cpu',
    folder: join(home, 'still-2'),
    folders,
  };
  worker.send({ type: 'still', id: 7, order });
  await worker.until('alive', event => event.doing?.stage === 'dream');
  const asked = performance.now();
  worker.send({ type: 'stop', id: 7 });
  await worker.until('side-failed', event => event.id === 7);
  expect(performance.now() - asked).toBeLessThan(1000);
  worker.send({ type: 'still', id: 8, order: { ...order, stages: makePaint().stages } });
  await worker.until('still', event => event.id === 8 && event.final);
});

test('a worker whose server is gone ends', async () => {
  const worker = start();
  worker.run(makeRun(makePaint({ pauseMs: 200 }), 'orphan')).catch(() => undefined);
  await worker.until('progress');
  worker.child.disconnect();
  await worker.ended;
});

test('signs of life say what is being done, and how long nothing has moved', async () => {
  const worker = start();
  worker.run(makeRun(makePaint({ pauseMs: 5000 }), 'slow')).catch(() => undefined);
  const alive = await worker.until('alive', event => event.doing?.stage === 'stylize' && (event.idleMs ?? 0) > 1500);
  expect(alive.doing).toMatchObject({ task: 'paint', frame: 0 });
  expect(alive.rssBytes).toBeGreaterThan(1e7);
});

test('a second order at the same time is refused, the first goes on', async () => {
  const worker = start();
  const first = worker.run(makeRun(makePaint({ pauseMs: 20 }), 'busy'));
  await worker.until('progress');
  worker.send(makeRun({ ...makePaint(), id: 'other' }, 'busy'));
  expect(await worker.until('failed', event => event.task === 'other')).toMatchObject({ error: { code: 'TOO_MANY' } });
  expect((await first).frames).toBe(painted);
});

test('a message that makes no sense changes nothing', async () => {
  const worker = start();
  await worker.until('ready');
  worker.send({ type: 'run', order: { job: 1 } });
  worker.send({ type: 'fly' });
  expect((await worker.run(makeRun(makePaint(), 'after-nonsense'))).frames).toBe(painted);
  expect(worker.output()).toMatch(/not understood/);
});

test('a still sends pictures, the last one final, and can be stopped', async () => {
  const worker = start();
  await worker.until('ready');
  const folder = join(home, 'still');
  const order = {
    clip,
    frame: 10,
    stages: makePaint({ pauseMs: 300 }).stages,
    maxSide: 64,
    seed: 1,
    provider: 'cpu',
    folder,
    folders: { clips: join(home, 'clips'), images: join(home, 'images'), nets: join(home, 'nets') },
  };
  worker.send({ type: 'still', id: 3, order });
  worker.send({ type: 'stop', id: 3 });
  expect(await worker.until('side-failed', event => event.id === 3)).toMatchObject({ error: { code: 'CANCELLED' } });
  worker.send({ type: 'still', id: 4, order });
  const final = await worker.until('still', event => event.id === 4 && event.final);
  expect(existsSync(join(folder, final.file))).toBe(true);
  expect(
    execFileSync('ffprobe', [
      '-v',
      'error',
      '-show_entries',
      'stream=width,height',
      '-of',
      'csv=p=0',
      join(folder, final.file),
    ])
      .toString()
      .trim(),
  ).toBe('64,48');
});

test('a provider that does not exist here is told with every order', async () => {
  const worker = start('test', { REVERIE_PROVIDER: 'coreml' });
  const ready = await worker.until('ready');
  expect(ready.refused[0]).toMatchObject({ provider: 'coreml' });
  await expect(worker.run(makeRun(makePaint(), 'coreml'))).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
});
