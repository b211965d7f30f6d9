import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobEvent } from '#protocol/job';
import type { JobEngine } from '../../bridge-server/src/jobs/engine';
import { reportSchema } from '#protocol/report';
import { eventually, jobInState, makeClip, makePlannedJob, makePreset, makeSpec } from '../fakes/jobs';

/** An engine whose workers are the fake of `test/fakes/worker.cjs`. */
export type EngineUnderTest = {
  readonly engine: JobEngine;
  /** Tells the fake workers what to do wrong from now on. */
  setFaults(plan: unknown): void;
  close(): Promise<void>;
};

const numbers = (text: string) => text.split('\n').filter(Boolean).map(Number);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

/** The promises of a job engine. `bullmq` and `local` both keep them. */
export function describeJobEngine(name: string, open: () => Promise<EngineUnderTest>): void {
  describe(`job engine: ${name}`, () => {
    let under: EngineUnderTest;
    const events: JobEvent[] = [];
    beforeEach(async () => {
      under = await open();
      events.length = 0;
      under.engine.watch(event => events.push(event));
    });
    afterEach(() => under.close());

    test('a job runs through to a result with every frame once, and a report', async () => {
      const job = makePlannedJob();
      await under.engine.submit(job);
      const done = await jobInState(under.engine, job.id, ['done']);
      expect(done.result).toMatchObject({ frames: 200, width: 640, height: 360, fileName: 'result.mov' });
      expect(numbers(readFileSync(join(under.engine.folder(job.id), 'result.mov'), 'utf8'))).toEqual(upTo(200));
      const report = reportSchema.parse(await under.engine.report(job.id));
      expect(report.output).toMatchObject({ frames: 200, rate: '50', verified: true });
      expect(report.notices).toContainEqual(expect.objectContaining({ text: 'painted by a fake' }));
      expect(report.nets).toEqual([{ name: 'fake', sha256: '0'.repeat(64), licence: 'MIT' }]);
      expect(done.progress).toMatchObject({ done: done.progress.total, secondsLeft: 0 });
    });

    test('events are numbered upward without repetition, begin with "created" and end with "done"', async () => {
      const job = makePlannedJob();
      await under.engine.submit(job);
      await jobInState(under.engine, job.id, ['done']);
      const types = events.map(event => event.type);
      expect(types[0]).toBe('created');
      expect(types[types.length - 1]).toBe('done');
      expect(types).toEqual(
        expect.arrayContaining(['started', 'planned', 'task-started', 'task-done', 'progress', 'preview', 'notice']),
      );
      expect(events.every((event, index) => index === 0 || event.seq > events[index - 1].seq)).toBe(true);
      expect(under.engine.lastSeq(job.id)).toBe(events[events.length - 1].seq);
    });

    test('the history gives what a watcher missed', async () => {
      const job = makePlannedJob();
      await under.engine.submit(job);
      await jobInState(under.engine, job.id, ['done']);
      const middle = events[Math.floor(events.length / 2)].seq;
      const missed = await under.engine.history(job.id, middle);
      const kept = events.filter(event => event.seq > middle && event.type !== 'progress').map(event => event.seq);
      expect(missed.filter(event => event.type !== 'progress').map(event => event.seq)).toEqual(kept);
    });

    test('a job that is cancelled stops within a second and never becomes done', async () => {
      under.setFaults({ stepMs: 20 });
      const job = makePlannedJob();
      await under.engine.submit(job);
      await eventually(() => events.some(event => event.type === 'progress'));
      const asked = Date.now();
      await under.engine.cancel(job.id);
      expect((await jobInState(under.engine, job.id, ['cancelled'])).status).toBe('cancelled');
      expect(Date.now() - asked).toBeLessThan(1000);
      under.setFaults({});
      await new Promise(resolve => setTimeout(resolve, 300));
      expect((await under.engine.list({ id: job.id }))[0].status).toBe('cancelled');
      expect(events.some(event => event.type === 'done')).toBe(false);
    });

    test('a paused job waits, and goes on where it stopped', async () => {
      under.setFaults({ stepMs: 10 });
      const job = makePlannedJob();
      await under.engine.submit(job);
      await eventually(() => events.some(event => event.type === 'progress' && event.done > 0));
      await under.engine.pause(job.id);
      const paused = await jobInState(under.engine, job.id, ['paused']);
      await new Promise(resolve => setTimeout(resolve, 200));
      expect((await under.engine.list({ id: job.id }))[0].progress.done).toBe(paused.progress.done);
      under.setFaults({});
      await under.engine.resume(job.id);
      await jobInState(under.engine, job.id, ['done']);
      expect(numbers(readFileSync(join(under.engine.folder(job.id), 'result.mov'), 'utf8'))).toEqual(upTo(200));
    });

    test('a worker that crashes once costs one more try', async () => {
      under.setFaults({ faults: [{ kind: 'paint', attempt: 0, at: 5, do: 'crash' }] });
      const job = makePlannedJob();
      await under.engine.submit(job);
      const done = await jobInState(under.engine, job.id, ['done']);
      expect(done.attempts).toBe(1);
      expect(events).toContainEqual(
        expect.objectContaining({
          type: 'task-failed',
          willRetry: true,
          error: expect.objectContaining({ code: 'WORKER_CRASHED' }),
        }),
      );
    });

    test('a worker that always crashes ends the job with stage, frame and log, and the job can be resumed', async () => {
      under.setFaults({ faults: [{ kind: 'deliver', at: 7, do: 'crash' }] });
      const job = makePlannedJob();
      await under.engine.submit(job);
      const failed = await jobInState(under.engine, job.id, ['failed']);
      expect(failed.error).toMatchObject({ code: 'WORKER_CRASHED', details: { stage: 'deliver', frame: 6 } });
      expect(String(failed.error!.details.log)).toContain(job.id);
      expect(failed.attempts).toBe(3);
      under.setFaults({});
      await under.engine.resume(job.id);
      await jobInState(under.engine, job.id, ['done']);
    });

    test('a worker that is ended from outside more often than a task may fail costs nothing but time', async () => {
      under.setFaults({ faults: [{ kind: 'paint', at: 9, do: 'die' }] });
      const job = makePlannedJob();
      await under.engine.submit(job);
      await eventually(() => events.filter(event => event.type === 'task-failed').length >= 4);
      under.setFaults({});
      const done = await jobInState(under.engine, job.id, ['done']);
      expect(done.attempts).toBeGreaterThan(3);
      expect(numbers(readFileSync(join(under.engine.folder(job.id), 'result.mov'), 'utf8'))).toEqual(upTo(200));
    });

    test('a refused input is not tried again', async () => {
      under.setFaults({
        faults: [
          { kind: 'analyse', do: 'fail', code: 'MEDIA_DAMAGED', details: { path: 'clip.mov', problem: 'cut short' } },
        ],
      });
      const job = makePlannedJob();
      await under.engine.submit(job);
      const failed = await jobInState(under.engine, job.id, ['failed']);
      expect(failed.error).toEqual({ code: 'MEDIA_DAMAGED', details: { path: 'clip.mov', problem: 'cut short' } });
      expect(failed.attempts).toBe(1);
    });

    test('a result that was not decoded in full is no result', async () => {
      under.setFaults({ unverified: true });
      const job = makePlannedJob();
      await under.engine.submit(job);
      expect((await jobInState(under.engine, job.id, ['failed'])).error?.code).toBe('RESULT_INCOMPLETE');
    });

    test('what another job has finished is not done again', async () => {
      const first = makePlannedJob();
      await under.engine.submit(first);
      await jobInState(under.engine, first.id, ['done']);
      events.length = 0;
      const second = makePlannedJob({ spec: makeSpec({ preset: makePreset({ output: { codec: 'h264' } }) }) });
      await under.engine.submit(second);
      await jobInState(under.engine, second.id, ['done']);
      const reused = events.filter(event => event.type === 'task-done' && event.reused);
      // The analysis and the painting are the same; segments and the join have another codec.
      expect(reused).toHaveLength(2);
      expect((await under.engine.report(second.id)).stages.filter(row => row.reused).map(row => row.stage)).toEqual([
        'analyse',
        'paint',
      ]);
    });

    test('the more urgent job comes first, and a less urgent one makes way for it', async () => {
      under.setFaults({ stepMs: 15 });
      const slow = makePlannedJob({ spec: makeSpec({ priority: 3 }) });
      await under.engine.submit(slow);
      await eventually(() =>
        events.some(event => event.job === slow.id && event.type === 'progress' && event.done > 0),
      );
      const urgent = makePlannedJob({ spec: makeSpec({ priority: 8, seed: 7 }), clip: makeClip({ frames: 10 }) });
      await under.engine.submit(urgent);
      await jobInState(under.engine, urgent.id, ['done']);
      expect((await under.engine.list({ id: slow.id }))[0].status).toBe('active');
      under.setFaults({});
      const done = await jobInState(under.engine, slow.id, ['done']);
      expect(done.attempts).toBe(0);
    });

    test('a finished job can be removed, a running one cannot', async () => {
      under.setFaults({ stepMs: 20 });
      const job = makePlannedJob();
      await under.engine.submit(job);
      await expect(under.engine.remove(job.id)).rejects.toMatchObject({ code: 'JOB_RUNNING' });
      await under.engine.cancel(job.id);
      const folder = under.engine.folder(job.id);
      await under.engine.remove(job.id);
      expect(existsSync(folder)).toBe(false);
      expect(await under.engine.list()).toEqual([]);
      await expect(under.engine.cancel(job.id)).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    });

    test('shots are painted apart and delivered without a gap', async () => {
      under.setFaults({ cuts: [30, 31, 70] });
      const job = makePlannedJob();
      await under.engine.submit(job);
      const done = await jobInState(under.engine, job.id, ['done']);
      expect(events.filter(event => event.type === 'planned')[0]).toMatchObject({ tasks: expect.any(Array) });
      expect(numbers(readFileSync(join(under.engine.folder(job.id), 'result.mov'), 'utf8'))).toEqual(upTo(200));
      expect(Object.values(done.tasks).every(state => state === 'done')).toBe(true);
      // Analysis, four shots, one segment, join.
      expect(Object.keys(done.tasks)).toHaveLength(7);
    });
  });
}
