import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { identityOf, isRunning } from '../../bridge-server/src/jobs/process-identity';
import { eventually, makePlace, makePreset } from '../fakes/jobs';
import { makePicture, TestClient } from '../fakes/bridge-client';

const fakes = join(__dirname, '../fakes');
let place: ReturnType<typeof makePlace>;
const processes: ChildProcess[] = [];

async function serve(): Promise<{ process: ChildProcess; address: string; token: string }> {
  const child = spawn(process.execPath, ['-r', join(fakes, 'ts-hook.cjs'), join(fakes, 'serve.ts'), place.folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  processes.push(child);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
  const line = await eventually(() => text.includes('\n') && text, 60_000);
  return { process: child, ...(JSON.parse(line) as { address: string; token: string }) };
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await eventually(() => child.signalCode !== null);
}

beforeEach(() => {
  place = makePlace();
});
afterEach(async () => {
  for (const child of processes.splice(0)) if (child.exitCode === null && child.signalCode === null) await kill(child);
  place.remove();
});

const frames = 300;
const spec = (clip: string) => ({
  clip,
  clipName: 'clip.png',
  preset: makePreset({ effects: [{ effect: 'zoom', params: { frames } }] }),
  seed: 0,
  provider: 'auto' as const,
  priority: 5,
  labels: {},
});

test('a bridge that is killed again and again finishes the job by itself, with each frame once and none painted twice', async () => {
  place.setFaults({ stepMs: 4 });
  const { bytes, sha256 } = await makePicture(0.05, 3);
  let bridge = await serve();
  let client = await TestClient.connect(bridge);
  await client.upload(bytes, sha256);
  const { job } = await client.ask('submit', { spec: spec(sha256) });
  const folder = join(place.folder, 'home/jobs', job.id);
  for (let round = 0; round < 4; round++) {
    // Another moment each time: while planning, painting, delivering.
    await new Promise(resolve => setTimeout(resolve, [60, 700, 900, 500][round]));
    await kill(bridge.process);
    bridge = await serve();
  }
  place.setFaults({});
  client = await TestClient.connect(bridge);
  await eventually(async () => (await client.ask('jobs', {})).jobs[0].status === 'done', 30_000);
  const result = readFileSync(join(folder, 'result.mov'), 'utf8').split('\n').filter(Boolean).map(Number);
  expect(result).toEqual(Array.from({ length: frames }, (_, index) => index));
  const painted = readFileSync(join(place.folder, 'diary'), 'utf8').split('\n').filter(Boolean);
  expect(painted.length).toBe(frames);
  expect(new Set(painted).size).toBe(frames);
  const fetched = await client.download(job.id);
  expect(createHash('sha256').update(fetched.bytes).digest('hex')).toBe(fetched.sha256);
  client.close();
});

test('the worker of a killed bridge ends too, and nothing half written stays behind', async () => {
  place.setFaults({ stepMs: 20 });
  const { bytes, sha256 } = await makePicture(0.05, 4);
  const bridge = await serve();
  const client = await TestClient.connect(bridge);
  await client.upload(bytes, sha256);
  const { job } = await client.ask('submit', { spec: spec(sha256) });
  const folder = join(place.folder, 'home/jobs', job.id);
  const worker = await eventually(
    () =>
      existsSync(join(folder, 'worker.json')) &&
      (JSON.parse(readFileSync(join(folder, 'worker.json'), 'utf8')) as ReturnType<typeof identityOf>),
  );
  expect(isRunning(worker)).toBe(true);
  await kill(bridge.process);
  await eventually(() => !isRunning(worker));
  place.setFaults({});
  const again = await serve();
  const back = await TestClient.connect(again);
  await eventually(async () => (await back.ask('jobs', {})).jobs[0].status === 'done', 30_000);
  expect(readdirSync(folder).filter(name => name.includes('.tmp'))).toEqual([]);
  expect(readdirSync(join(folder, 'tasks')).filter(name => name.endsWith('.reuse'))).toEqual([]);
  back.close();
});
