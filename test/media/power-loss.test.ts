import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ClipInfo } from '#protocol/clip';
import type { Task } from '../../bridge-server/src/jobs/task';
import { makeTaskRun, startWorkerClient, type WorkerClient } from '../fakes/worker-client';
import { makeWorkerHome } from '../fakes/worker-home';

let home: string;
let syncLog: string;
let clip: ClipInfo;
let worker: WorkerClient | undefined;
const frames = 24;

beforeAll(async () => {
  ({ home, clip } = await makeWorkerHome('testsrc2=size=64x48:rate=25:duration=1'));
  syncLog = join(home, 'sync.log');
});
afterAll(async () => {
  worker?.child.kill('SIGKILL');
  await worker?.ended;
  rmSync(home, { recursive: true, force: true });
});

const start = () =>
  startWorkerClient(home, 'test', {
    NODE_OPTIONS: `-r ${join(__dirname, '../fakes/sync-log.cjs')}`,
    SYNC_LOG: syncLog,
  });

const paint = (): Extract<Task, { kind: 'paint' }> => ({
  kind: 'paint',
  id: 'paint',
  needs: [],
  source: { from: 'clip', clip: clip.sha256 },
  span: { first: 0, last: frames - 1 },
  handle: 0,
  stages: [{ stage: 'stylize', params: { pauseMs: 120 }, sequential: true }],
  seed: 3,
  units: 1,
});
const deliver = (): Task => ({
  kind: 'deliver',
  id: 'deliver',
  needs: ['paint'],
  source: { from: 'tasks', tasks: [{ task: 'paint', first: 0, last: frames - 1 }] },
  span: { first: 0, last: frames - 1 },
  cuts: [],
  out: { first: 0, last: frames - 1 },
  sourceRate: clip.rate,
  rate: clip.rate,
  stages: [],
  output: { codec: 'prores422hq', rate: 'source', size: 'source' },
  seed: 3,
  units: 1,
});
const order = (task: Task, job: string) => makeTaskRun(home, clip, task, job);

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

/**
 * What is on the disk after the power was cut: a file whose bytes were synced and not written since, under a name whose
 * folder was synced after the file got it. Everything else is gone. @returns how many files were lost
 */
function losePower(job: string): number {
  const bytes = new Map<string, string>();
  const names = new Set<string>();
  const waiting = new Map<string, Set<string>>();
  const lines = existsSync(syncLog) ? readFileSync(syncLog, 'utf8').split('\n').slice(0, -1) : [];
  for (const line of lines) {
    const said = JSON.parse(line) as {
      file?: string;
      size: number;
      mtimeMs: number;
      folder?: string;
      from?: string;
      to?: string;
    };
    if (said.file) bytes.set(said.file, `${said.size} ${said.mtimeMs}`);
    if (said.from && said.to) {
      const state = bytes.get(said.from);
      bytes.delete(said.from);
      names.delete(said.to);
      if (state === undefined) bytes.delete(said.to);
      else bytes.set(said.to, state);
      const folder = dirname(said.to);
      waiting.set(folder, (waiting.get(folder) ?? new Set()).add(said.to));
    }
    if (said.folder) {
      for (const path of waiting.get(said.folder) ?? []) names.add(path);
      waiting.delete(said.folder);
    }
  }
  let lost = 0;
  for (const path of filesBelow(join(home, 'jobs', job))) {
    const { size, mtimeMs } = statSync(path);
    if (names.has(path) && bytes.get(path) === `${size} ${mtimeMs}`) continue;
    rmSync(path);
    lost++;
  }
  return lost;
}

(process.platform === 'linux' ? test : test.skip)(
  'after power losses, which leave only what was synced, the frames and the segment are the same (Linux: files are told by /proc)',
  async () => {
    worker = start();
    const calm = await worker.run(order(paint(), 'calm'));
    const calmSegment = await worker.run(order(deliver(), 'calm'));
    worker.child.kill('SIGKILL');
    await worker.ended;
    // Tasks that are done survive whole; previews are for looking at and may go.
    const tasks = join(home, 'jobs/calm/tasks');
    const kept = filesBelow(tasks);
    losePower('calm');
    expect(filesBelow(tasks)).toEqual(kept);

    let lost = 0;
    const resumedAt: number[] = [];
    for (const until of [0.3, 0.75, 0.9, 2]) {
      const current = start();
      worker = current;
      current
        .until('progress', event => event.done >= until)
        .then(
          () => current.child.kill('SIGKILL'),
          () => undefined,
        );
      const done = await current.run(order(paint(), 'cut')).catch(() => undefined);
      const first = current.events.find(event => event.type === 'progress');
      if (first?.type === 'progress') resumedAt.push(first.frame);
      if (until < 1) {
        await current.ended;
        lost += losePower('cut');
      } else expect(done?.outputs).toEqual(calm.outputs);
    }
    // It went on from what was there, and the power loss took something.
    expect(Math.max(...resumedAt)).toBeGreaterThan(4);
    expect(lost).toBeGreaterThan(0);

    const current = worker;
    void current.run(order(deliver(), 'cut')).catch(() => undefined);
    await current.until('progress', event => event.task === 'deliver');
    current.child.kill('SIGKILL');
    await current.ended;
    losePower('cut');
    worker = start();
    expect((await worker.run(order(deliver(), 'cut'))).outputs).toEqual(calmSegment.outputs);
  },
  300_000,
);
