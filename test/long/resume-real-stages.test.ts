import { rmSync } from 'node:fs';
import type { ClipInfo } from '#protocol/clip';
import { dreamParams } from '#protocol/effects/dream';
import { styleParams } from '#protocol/effects/style';
import { zoomParams } from '#protocol/effects/zoom';
import type { StageNode, Task } from '../../bridge-server/src/jobs/task';
import { makeTaskRun, startWorkerClient, type WorkerClient } from '../fakes/worker-client';
import { makeWorkerHome } from '../fakes/worker-home';

/** The real painters, killed at random: what they store as their state must be all that they need. */
let home: string;
let clip: ClipInfo;
let worker: WorkerClient | undefined;
const frames = 6;

beforeAll(async () => {
  ({ home, clip } = await makeWorkerHome('testsrc2=size=96x64:rate=25:duration=1'));
});
afterAll(async () => {
  worker?.child.kill('SIGKILL');
  await worker?.ended;
  rmSync(home, { recursive: true, force: true });
});

const stages: Record<string, StageNode> = {
  'style, optimised': {
    stage: 'stylize',
    params: styleParams.parse({ detail: 'draft', iterations: 12, iterationsNext: 4, scales: 2, strokePx: 128 }),
    sequential: true,
  },
  'style, L-BFGS in pixels': {
    stage: 'stylize',
    params: styleParams.parse({
      detail: 'draft',
      iterations: 8,
      iterationsNext: 4,
      scales: 1,
      strokePx: 128,
      optimiser: 'lbfgs',
      picture: 'pixels',
    }),
    sequential: true,
  },
  dream: { stage: 'dream', params: dreamParams.parse({ octaves: 2, iterations: 40 }), sequential: true },
  zoom: { stage: 'zoom', params: zoomParams.parse({ frames, iterations: 6, dream: { octaves: 2 } }), sequential: true },
};

const makeRun = (stage: StageNode, job: string, attempt: number) => {
  const zooms = stage.stage === 'zoom';
  const task: Task = {
    kind: 'paint',
    id: 'paint',
    needs: [],
    source: { from: 'clip', clip: clip.sha256 },
    span: { first: 0, last: zooms ? 0 : frames - 1 },
    ...(zooms ? { frames: { first: 0, last: frames - 1 } } : {}),
    handle: 0,
    stages: [stage],
    seed: 3,
    units: 1,
  };
  return makeTaskRun(home, clip, task, job, attempt);
};

test.each(Object.keys(stages))(
  '%s: stopped and killed again and again, the frames are the same',
  async name => {
    const job = name.replace(/[^a-z]+/gi, '-');
    worker = startWorkerClient(home, 'real');
    const calm = await worker.run(makeRun(stages[name], `${job}-calm`, 0));
    worker.child.kill('SIGKILL');
    await worker.ended;

    let random = name.length;
    const next = () => (random = (random * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
    const resumedAt: number[] = [];
    const ends = 4;
    for (let attempt = 0; ; attempt++) {
      const current = startWorkerClient(home, 'real');
      worker = current;
      const until = (attempt + next()) / ends;
      // SIGTERM leaves a state of the last frame, SIGKILL what was written before.
      current
        .until('progress', event => event.done >= until)
        .then(
          () => attempt < ends && current.child.kill(attempt % 2 === 0 ? 'SIGTERM' : 'SIGKILL'),
          () => undefined,
        );
      const done = await current.run(makeRun(stages[name], `${job}-killed`, attempt)).catch(() => undefined);
      const first = current.events.find(event => event.type === 'progress');
      if (first?.type === 'progress') resumedAt.push(first.frame);
      if (done) {
        expect(done.outputs).toEqual(calm.outputs);
        break;
      }
      expect(attempt).toBeLessThan(ends);
      await current.ended;
    }
    // It did go on, not begin again.
    expect(Math.max(...resumedAt)).toBeGreaterThan(frames / 2);
  },
  1_200_000,
);
