import type { Job, JobEvent, JobEventBody } from '#protocol/job';
import { jobSchema } from '#protocol/job';
import { newJob, reduceJob } from '../../bridge-server/src/protocol/reduce-job';
import { makePlannedJob } from '../fakes/jobs';

const result = { sizeBytes: 1, sha256: 'x', frames: 1, width: 1, height: 1, fileName: 'result.mov' };
const error = { code: 'INTERNAL', details: {} };
const bodies: readonly JobEventBody[] = [
  { type: 'created' },
  {
    type: 'planned',
    estimate: { seconds: 1, memoryBytes: 1, diskBytes: 1, basis: 'table' },
    tasks: ['a', 'b'],
    total: 10,
  },
  { type: 'started' },
  { type: 'task-started', task: 'a', where: 'here' },
  { type: 'task-done', task: 'a', reused: false, seconds: 1 },
  { type: 'task-failed', task: 'b', error, willRetry: true },
  { type: 'task-failed', task: 'b', error, willRetry: false },
  { type: 'progress', done: 3, stage: 'stylize', frame: 1, frames: 5 },
  { type: 'preview', frame: 2, final: true },
  { type: 'notice', notice: { kind: 'note', stage: 'x', text: 'y' } },
  { type: 'paused' },
  { type: 'resumed' },
  { type: 'done', result },
  { type: 'failed', error },
  { type: 'cancelled' },
];
let seq = 0;
const at = (body: JobEventBody): JobEvent => ({
  ...body,
  job: '20261122-120000-00000001',
  seq: ++seq,
  at: '2026-11-22T12:00:00.000Z',
});
const after = (...events: JobEventBody[]): Job =>
  events.reduce((job, body) => reduceJob(job, at(body)), newJob(makePlannedJob()));
const find = (type: JobEventBody['type']) => bodies.find(body => body.type === type)!;

/** Every event in every order that a short random walk gives. */
function walk(start: Job, seed: number, steps: number, seen: (before: Job, event: JobEvent, after: Job) => void): void {
  let state = seed;
  let job = start;
  for (let step = 0; step < steps; step++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const event = at(bodies[Math.floor((state / 2 ** 32) * bodies.length)]);
    const next = reduceJob(job, event);
    seen(job, event, next);
    job = next;
  }
}

test('a cancelled job never becomes done, and only "resumed" wakes it', () => {
  for (let seed = 0; seed < 200; seed++) {
    walk(after(find('started'), find('cancelled')), seed, 60, (before, event, next) => {
      if (before.status === 'cancelled' && event.type !== 'resumed') expect(next).toBe(before);
      if (before.status === 'cancelled') expect(next.status).not.toBe('done');
    });
  }
});

test('a finished job stays as it is, whatever comes', () => {
  const done = after(find('started'), find('done'));
  for (const body of bodies) expect(reduceJob(done, at(body))).toBe(done);
});

test('whatever comes, a job is always a valid document', () => {
  for (let seed = 0; seed < 50; seed++)
    walk(after(), seed, 60, (_before, _event, next) => expect(() => jobSchema.parse(next)).not.toThrow());
});

test('progress never passes the total, and a paused job shows none', () => {
  const active = after(find('started'), find('planned'), {
    type: 'progress',
    done: 99,
    stage: 'x',
    frame: 0,
    frames: 1,
  });
  expect(active.progress).toEqual({ done: 10, total: 10 });
  const paused = reduceJob(active, at(find('paused')));
  expect(reduceJob(paused, at(find('progress')))).toBe(paused);
  expect(paused.now).toBeUndefined();
});

test('after a failure and a resume the done tasks stay done and the rest wait', () => {
  const job = after(
    find('started'),
    find('planned'),
    find('task-started'),
    find('task-done'),
    { type: 'task-failed', task: 'b', error, willRetry: false },
    find('failed'),
  );
  expect(job).toMatchObject({
    status: 'failed',
    tasks: { a: 'done', b: 'failed' },
    error: { code: 'INTERNAL' },
    attempts: 1,
  });
  expect(reduceJob(job, at(find('resumed')))).toMatchObject({
    status: 'queued',
    tasks: { a: 'done', b: 'waiting' },
    error: undefined,
  });
});

test('a new plan of a resumed job keeps what is done', () => {
  const job = after(
    find('started'),
    find('planned'),
    find('task-done'),
    find('paused'),
    find('resumed'),
    find('planned'),
  );
  expect(job.tasks).toEqual({ a: 'done', b: 'waiting' });
});

test('the same preview is listed once', () => {
  expect(
    after(find('started'), find('preview'), find('preview'), { type: 'preview', frame: 0, final: false }).previews,
  ).toEqual([0, 2]);
});
