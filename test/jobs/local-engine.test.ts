import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LocalEngine, type LocalEngineOptions } from '../../bridge-server/src/jobs/local-engine';
import { createMachineStore } from '../../bridge-server/src/jobs/machine-store';
import { describeJobEngine } from '../conformance/job-engine';
import { eventually, fakeWorker, jobInState, makePlace, makePlannedJob, makeSpec } from '../fakes/jobs';

function openEngine(place: ReturnType<typeof makePlace>, changes: Partial<LocalEngineOptions> = {}): LocalEngine {
  return new LocalEngine({
    jobs: join(place.folder, 'jobs'),
    folders: {
      clips: join(place.folder, 'clips'),
      images: join(place.folder, 'images'),
      nets: join(place.folder, 'nets'),
    },
    worker: fakeWorker,
    workerEnv: { FAKE_WORKER_FAULTS: place.faults, FAKE_WORKER_DIARY: join(place.folder, 'diary') },
    machine: createMachineStore(join(place.folder, 'machine.json')),
    version: 'test',
    progressMs: 0,
    ...changes,
  });
}

describeJobEngine('local', async () => {
  const place = makePlace();
  const engine = openEngine(place);
  return {
    engine,
    setFaults: place.setFaults,
    close: async () => {
      await engine.close();
      place.remove();
    },
  };
});

describeJobEngine('local, three workers', async () => {
  const place = makePlace();
  const engine = openEngine(place, { workers: 3 });
  return {
    engine,
    setFaults: place.setFaults,
    close: async () => {
      await engine.close();
      place.remove();
    },
  };
});

describe('the local engine and its folder', () => {
  let place: ReturnType<typeof makePlace>;
  const open: LocalEngine[] = [];
  const start = (changes?: Partial<LocalEngineOptions>) => {
    const engine = openEngine(place, changes);
    open.push(engine);
    return engine;
  };
  beforeEach(() => {
    place = makePlace();
  });
  afterEach(async () => {
    for (const engine of open.splice(0)) await engine.close();
    place.remove();
  });
  const result = (engine: LocalEngine, id: string) =>
    readFileSync(join(engine.folder(id), 'result.mov'), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map(Number);
  const all = Array.from({ length: 200 }, (_, index) => index);

  test('a job that was active when the engine closed goes on by itself, and no painted frame is painted twice', async () => {
    place.setFaults({ stepMs: 5 });
    const first = start();
    const job = makePlannedJob();
    await first.submit(job);
    await eventually(async () => (await first.list())[0].progress.done > 5);
    await first.close();
    place.setFaults({});
    const second = start({ adopt: true });
    await jobInState(second, job.id, ['done']);
    expect(result(second, job.id)).toEqual(all);
    const painted = readFileSync(join(place.folder, 'diary'), 'utf8').split('\n').filter(Boolean);
    expect(new Set(painted).size).toBe(painted.length);
    // The fake notes a frame after it has stored it: killed between the two, one stored frame is not in the diary.
    expect(painted.length).toBeGreaterThanOrEqual(99);
  });

  test('without "adopt" an unfinished job of an ended engine is shown and left alone until it is resumed', async () => {
    place.setFaults({ stepMs: 5 });
    const first = start();
    const job = makePlannedJob();
    await first.submit(job);
    await eventually(async () => (await first.list())[0].progress.done > 0);
    await first.close();
    place.setFaults({});
    const second = start();
    await new Promise(resolve => setTimeout(resolve, 200));
    expect((await second.list())[0].status).toBe('active');
    await second.resume(job.id);
    await jobInState(second, job.id, ['done']);
    expect(result(second, job.id)).toEqual(all);
  });

  test('two engines on one folder do not run the same job; the other one sees it and can cancel it', async () => {
    place.setFaults({ stepMs: 20 });
    const owner = start();
    const other = start({ adopt: true });
    const job = makePlannedJob();
    await owner.submit(job);
    await eventually(async () => (await other.list({ id: job.id }))[0]?.status === 'active');
    await expect(other.resume(job.id)).rejects.toMatchObject({ code: 'JOB_RUNNING' });
    await other.cancel(job.id);
    await jobInState(owner, job.id, ['cancelled']);
    await jobInState(other, job.id, ['cancelled']);
  });

  test('a torn last line of the journal is cut off and the rest is kept', async () => {
    const first = start();
    const job = makePlannedJob();
    await first.submit(job);
    await jobInState(first, job.id, ['done']);
    const events = (await first.history(job.id, 0)).length;
    await first.close();
    const path = join(place.folder, 'jobs', job.id, 'events.jsonl');
    appendFileSync(path, '{"seq":99999,"at":"2026');
    const second = start({ adopt: true });
    expect((await second.list())[0].status).toBe('done');
    expect(await second.history(job.id, 0)).toHaveLength(events);
  });

  test('event numbers go on above all that a crashed engine may have told', async () => {
    place.setFaults({ stepMs: 10 });
    const first = start();
    const job = makePlannedJob();
    await first.submit(job);
    let last = 0;
    first.watch(event => (last = event.seq));
    await eventually(() => last > 12);
    await first.close();
    place.setFaults({});
    const second = start({ adopt: true });
    const seqs: number[] = [];
    second.watch(event => seqs.push(event.seq));
    await jobInState(second, job.id, ['done']);
    expect(Math.min(...seqs)).toBeGreaterThan(last);
  });

  test('a folder that holds no readable job is passed over', async () => {
    const first = start();
    const job = makePlannedJob();
    await first.submit(job);
    await jobInState(first, job.id, ['done']);
    await first.close();
    writeFileSync(join(place.folder, 'jobs', job.id, 'job.json'), '{"seq": "no"');
    expect(await start({ adopt: true }).list()).toEqual([]);
  });

  test('deleting the folder deletes the job and stops its work', async () => {
    place.setFaults({ stepMs: 30 });
    const engine = start();
    const job = makePlannedJob();
    await engine.submit(job);
    await eventually(async () => (await engine.list())[0].status === 'active');
    rmSync(engine.folder(job.id), { recursive: true, force: true });
    await eventually(async () => (await engine.list()).length === 0);
  });

  test('a worker that falls silent is ended and the task tried again', async () => {
    place.setFaults({ faults: [{ kind: 'paint', attempt: 0, at: 4, do: 'silence' }] });
    const engine = start({ silenceMs: 400 });
    const job = makePlannedJob();
    await engine.submit(job);
    const done = await jobInState(engine, job.id, ['done']);
    expect(done.attempts).toBe(1);
    expect(await engine.history(job.id, 0)).toContainEqual(
      expect.objectContaining({
        type: 'task-failed',
        error: { code: 'WORKER_HUNG', details: expect.objectContaining({ stage: 'paint', frame: 3 }) },
      }),
    );
  });

  test('a worker that lives but does not get on is ended too', async () => {
    place.setFaults({ faults: [{ kind: 'deliver', at: 2, do: 'hang' }] });
    const engine = start({ hungMs: 400, tries: 2 });
    const job = makePlannedJob();
    await engine.submit(job);
    const failed = await jobInState(engine, job.id, ['failed']);
    expect(failed.error).toMatchObject({ code: 'WORKER_HUNG', details: { stage: 'deliver' } });
    expect(failed.attempts).toBe(2);
  });

  test('a worker that cannot start fails the job with what it said last', async () => {
    place.setFaults({ startCrash: true });
    const engine = start();
    const job = makePlannedJob();
    await engine.submit(job);
    const failed = await jobInState(engine, job.id, ['failed']);
    expect(failed.error?.code).toBe('WORKER_CRASHED');
    expect(String(failed.error?.details.problem)).toContain('the fake cannot start');
  });

  test('intermediates of finished jobs go when they exceed the limit; results and reports stay', async () => {
    const engine = start({ cacheBytes: 1 });
    const job = makePlannedJob();
    await engine.submit(job);
    await jobInState(engine, job.id, ['done']);
    await eventually(() => !existsSync(join(engine.folder(job.id), 'tasks')));
    expect(result(engine, job.id)).toEqual(all);
    expect((await engine.report(job.id)).output.verified).toBe(true);
  });

  test('the log can be read by a person and names machine, tasks and failures', async () => {
    place.setFaults({ faults: [{ kind: 'paint', attempt: 0, at: 1, do: 'crash' }] });
    const engine = start();
    const job = makePlannedJob();
    await engine.submit(job);
    await jobInState(engine, job.id, ['done']);
    const log = readFileSync(join(engine.folder(job.id), 'log.txt'), 'utf8');
    expect(log).toMatch(/paint 0-99 \([0-9a-f]{8}\): started on \S+ \(cpu\), try 1/);
    expect(log).toMatch(/WORKER_CRASHED: The render process ended in paint at frame 0: exit status 70/);
    expect(log).toMatch(/Done: 200 frames/);
  });

  test('jobs of one urgency take turns', async () => {
    place.setFaults({ stepMs: 1 });
    const engine = start();
    const jobs = [1, 2, 3].map(seed => makePlannedJob({ spec: makeSpec({ seed }) }));
    const order: string[] = [];
    engine.watch(event => event.type === 'task-done' && order.push(event.job));
    for (const job of jobs) await engine.submit(job);
    for (const job of jobs) await jobInState(engine, job.id, ['done']);
    // No job gets its second task done before every job had its first.
    expect(new Set(order.slice(0, 3)).size).toBe(3);
  });

  test('a panel with one job does not wait behind another one with ten', async () => {
    place.setFaults({ stepMs: 1 });
    const engine = start();
    const greedy = Array.from({ length: 10 }, (_, seed) =>
      makePlannedJob({ spec: makeSpec({ seed, sender: 'greedy' }) }),
    );
    const modest = makePlannedJob({ spec: makeSpec({ seed: 77, sender: 'modest' }) });
    const order: string[] = [];
    engine.watch(event => event.type === 'done' && order.push(event.job));
    for (const job of greedy) await engine.submit(job);
    await engine.submit(modest);
    await jobInState(engine, modest.id, ['done'], 60_000);
    // Turn about between two senders: at most one of the ten is through before it, and one has just begun its end.
    expect(order.indexOf(modest.id)).toBeLessThanOrEqual(2);
    for (const job of greedy) await engine.cancel(job.id);
  });

  test('a worker left behind by a killed server is ended before the job goes on', async () => {
    const left = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' });
    const gone = new Promise(resolve => left.once('exit', resolve));
    place.setFaults({ stepMs: 5 });
    const first = start();
    const job = makePlannedJob();
    await first.submit(job);
    await eventually(async () => (await first.list())[0].progress.done > 0);
    await first.close();
    const { identityOf } = await import('../../bridge-server/src/jobs/process-identity');
    writeFileSync(join(place.folder, 'jobs', job.id, 'worker.json'), JSON.stringify(identityOf(left.pid!)));
    start({ adopt: true });
    await gone;
    expect(left.signalCode).toBe('SIGKILL');
  });
});
