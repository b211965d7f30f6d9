import { mkdtempSync, rmSync, readFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '#protocol/errors';
import type { StageNode, Task, TaskOrder } from '../../bridge-server/src/jobs/task';
import { runTask } from '../../bridge-server/src/pipeline/run-task';
import type { TaskRun } from '../../bridge-server/src/pipeline/task-run';
import type { StageTable } from '../../bridge-server/src/pipeline/stage-chain';
import type { TaskMedia } from '../../bridge-server/src/pipeline/task-media';
import type { TaskSaid } from '../../bridge-server/src/pipeline/task-run';
import { createRandom } from '../../bridge-server/src/pipeline/random';
import { retime } from '../../bridge-server/src/stages/retime';
import { memoryPainter, testStages } from '../fakes/paint-stages';
import { createFakeMedia, makeClip } from '../fakes/task-media';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reverie-task-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const clip = makeClip(40);
const output = { codec: 'png', rate: { num: 25, den: 1 }, size: 'source' } as const;
const stylize = (params: object = {}): StageNode => ({ stage: 'stylize', params, sequential: true });

const makePaint = (change: Partial<Extract<Task, { kind: 'paint' }>> = {}) =>
  ({
    kind: 'paint',
    id: 'paint',
    needs: [],
    source: { from: 'clip', clip: clip.sha256 },
    span: { first: 0, last: 19 },
    handle: 0,
    stages: [stylize()],
    seed: 7,
    units: 1,
    ...change,
  }) as const satisfies Task;

const makeDeliver = (change: Partial<Extract<Task, { kind: 'deliver' }>> = {}) =>
  ({
    kind: 'deliver',
    id: 'deliver',
    needs: ['paint'],
    source: { from: 'tasks', tasks: [{ task: 'paint', first: 0, last: 19 }] },
    span: { first: 0, last: 19 },
    cuts: [],
    out: { first: 0, last: 19 },
    sourceRate: clip.rate,
    rate: clip.rate,
    stages: [],
    output,
    seed: 7,
    units: 1,
    ...change,
  }) as const satisfies Task;

type Options = {
  readonly signal?: AbortSignal;
  readonly said?: TaskSaid[];
  readonly media?: TaskMedia;
  readonly table?: StageTable;
  readonly attempt?: number;
  readonly into?: string;
  readonly measure?: TaskRun['measure'];
};

function run(
  task: Task,
  {
    signal = new AbortController().signal,
    said = [],
    media = createFakeMedia(),
    table = testStages,
    attempt = 0,
    into = folder,
    measure,
  }: Options = {},
) {
  const order: TaskOrder = {
    job: 'job',
    task,
    clip,
    folders: { clips: folder, job: into, images: folder, nets: folder },
    provider: 'cpu',
    attempt,
  };
  const absent = () => {
    throw new AppError('FILE_NOT_FOUND', { path: '' });
  };
  const services = {
    image: absent,
    painter: absent,
    clip: absent,
    nets: { provider: 'cpu', bytes: absent, convention: absent, compiled: absent },
  };
  return runTask({ order, table, media, services, signal, measure, say: event => said.push(event) });
}

test('a painted shot is stored, delivered and joined, and each task says when it is done', async () => {
  const painted = await run(makePaint());
  expect(painted).toMatchObject({ frames: 20, width: 16, height: 16, provider: 'cpu' });
  expect(painted.stages!.map(stage => [stage.stage, stage.frames])).toEqual([
    ['decode', 20],
    ['stylize', 20],
    ['check', 20],
    ['store', 20],
  ]);
  expect(existsSync(join(folder, 'tasks/paint/done.json'))).toBe(true);
  expect(existsSync(join(folder, 'tasks/paint/states'))).toBe(false);
  await run(makeDeliver({ id: 'd0', out: { first: 0, last: 11 } }));
  await run(makeDeliver({ id: 'd1', out: { first: 12, last: 19 } }));
  const joined = await run({
    kind: 'join',
    id: 'join',
    needs: ['d0', 'd1'],
    frames: 20,
    rate: clip.rate,
    width: 16,
    height: 16,
    output,
    units: 1,
  });
  expect(joined.result).toMatchObject({ fileName: 'result.raw', frames: 20, verified: true });
  expect(readFileSync(join(folder, 'result.raw')).length).toBe(20 * 16 * 16 * 12);
});

test('a shot is measured while it is painted, with the frames that settle it, and the figures are among its facts', async () => {
  const measured: number[] = [];
  let closed = 0;
  const facts = await run(makePaint({ span: { first: 12, last: 19 }, handle: 2 }), {
    measure: ({ span }) => ({
      add: async (painted, content) => {
        expect(content.index).toBe(painted.index);
        measured.push(painted.index - span.first);
      },
      figures: () => ({ warpingError: 0.25, sampledFrames: measured.length }),
      close: async () => void closed++,
    }),
  });
  expect(measured).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(facts.figures).toEqual({ warpingError: 0.25, sampledFrames: 10 });
  expect(facts.stages!.map(stage => stage.stage)).toContain('measure');
  expect(closed).toBe(1);
});

test('what opens a shot moves the bar by its share, and the frames move it by the rest', async () => {
  const said: TaskSaid[] = [];
  const table: StageTable = {
    stylize: async function* (input, _params, ctx) {
      for await (const frame of input) {
        if (frame.index === 8) for (const done of [0, 2, 4]) ctx.progress({ frame: 8, done, total: 4, phase: 'fit' });
        yield frame;
      }
    },
  };
  // Frame 8 only settles frame 10, the first that is wanted.
  await run(makePaint({ span: { first: 10, last: 13 }, handle: 2, opening: 0.6 }), { said, table });
  const told = said
    .filter(event => event.type === 'progress')
    .map(({ stage, done }) => [stage, Number(done.toFixed(3))]);
  expect(told).toEqual([
    ['fit', 0],
    ['fit', 0.3],
    ['fit', 0.6],
    ['stylize', 0.7],
    ['stylize', 0.8],
    ['stylize', 0.9],
    ['stylize', 1],
  ]);
});

test('a finished task is not done again', async () => {
  const decoded: number[] = [];
  const media = createFakeMedia({ decoded });
  const first = await run(makePaint(), { media });
  const count = decoded.length;
  expect(await run(makePaint(), { media })).toEqual(first);
  expect(decoded.length).toBe(count);
});

test('a shot that fails in the middle goes on from its last state and gives the same frames', async () => {
  const whole = await run(makePaint(), { into: join(folder, 'whole') });
  await expect(run(makePaint({ stages: [stylize({ failAt: 13 })] }))).rejects.toMatchObject({ code: 'NET_RUN_FAILED' });
  expect(existsSync(join(folder, 'tasks/paint/done.json'))).toBe(false);
  const decoded: number[] = [];
  const resumed = await run(makePaint(), { media: createFakeMedia({ decoded }) });
  // The one before is read too: checks compare with it.
  expect(decoded[0]).toBe(12);
  expect(resumed.outputs).toEqual(whole.outputs);
});

test('a shot that goes on knows what was measured of the frames that it keeps', async () => {
  const known: number[][] = [];
  const measure: TaskRun['measure'] = ({ log }) => {
    known.push([...log.known.keys()]);
    return {
      add: async painted => log.add(painted.index, { index: painted.index, defects: [] }),
      figures: () => ({ sampledFrames: 20 }),
      close: async () => undefined,
    };
  };
  await expect(run(makePaint({ stages: [stylize({ failAt: 13 })] }), { measure })).rejects.toThrow();
  await run(makePaint(), { measure });
  expect(known).toEqual([[], Array.from({ length: 13 }, (_, frame) => frame)]);
});

test('a stage that gives states seldom is resumed from the last of them', async () => {
  const whole = await run(makePaint({ stages: [stylize({ storeEvery: 6 })] }), { into: join(folder, 'whole') });
  await expect(run(makePaint({ stages: [stylize({ storeEvery: 6, failAt: 17 })] }))).rejects.toThrow();
  const decoded: number[] = [];
  const resumed = await run(makePaint({ stages: [stylize({ storeEvery: 6 })] }), {
    media: createFakeMedia({ decoded }),
  });
  expect(decoded[0]).toBe(11);
  expect(resumed.outputs).toEqual(whole.outputs);
});

test('a frame that vanished is painted again with all after it', async () => {
  const whole = await run(makePaint(), { into: join(folder, 'whole') });
  await expect(run(makePaint({ stages: [stylize({ failAt: 13 })] }))).rejects.toThrow();
  rmSync(join(folder, 'tasks/paint/frames/4.raw'));
  const resumed = await run(makePaint());
  expect(resumed.outputs).toEqual(whole.outputs);
});

test('a state that is not whole is passed over', async () => {
  const whole = await run(makePaint(), { into: join(folder, 'whole') });
  await expect(run(makePaint({ stages: [stylize({ failAt: 13 })] }))).rejects.toThrow();
  const { readdirSync, truncateSync } = await import('node:fs');
  const states = join(folder, 'tasks/paint/states');
  for (const name of readdirSync(states)) truncateSync(join(states, name), 40);
  const decoded: number[] = [];
  const resumed = await run(makePaint(), { media: createFakeMedia({ decoded }) });
  expect(decoded[0]).toBe(0);
  expect(resumed.outputs).toEqual(whole.outputs);
});

test('frames of the handle settle the first frame and are not stored', async () => {
  const decoded: number[] = [];
  const facts = await run(makePaint({ span: { first: 10, last: 14 }, handle: 4 }), {
    media: createFakeMedia({ decoded }),
  });
  expect(decoded).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14]);
  expect(facts.frames).toBe(5);
  expect(existsSync(join(folder, 'tasks/paint/frames/9.raw'))).toBe(false);
  expect(existsSync(join(folder, 'tasks/paint/frames/10.raw'))).toBe(true);
});

test('a shot that is retimed before it is painted is resumed in the middle of its output frames', async () => {
  const rate = { num: 50, den: 1 };
  const frames = { first: 0, last: 19 };
  const retimed = (params: object = {}) =>
    makePaint({
      span: { first: 10, last: 19 },
      frames,
      stages: [
        {
          stage: 'retime',
          params: { method: 'blend', from: clip.rate, to: rate, first: 10, last: 19, cuts: [], out: frames },
          sequential: false,
        },
        stylize(params),
      ],
    });
  const table: StageTable = { ...testStages, retime };
  const whole = await run(retimed(), { table, into: join(folder, 'whole') });
  expect(whole.frames).toBe(20);
  await expect(run(retimed({ failAt: 13 }), { table })).rejects.toThrow();
  const decoded: number[] = [];
  const resumed = await run(retimed(), { table, media: createFakeMedia({ decoded }) });
  // Output frame 12, the one before, lies on source frame 16.
  expect(decoded[0]).toBe(16);
  expect(resumed.outputs).toEqual(whole.outputs);
});

test('a chunk reads only the frames it needs', async () => {
  const decoded: number[] = [];
  await run(
    makeDeliver({
      source: { from: 'clip', clip: clip.sha256 },
      span: { first: 5, last: 30 },
      out: { first: 3, last: 6 },
    }),
    { media: createFakeMedia({ decoded }) },
  );
  expect(decoded).toEqual([8, 9, 10, 11]);
});

test('stored frames can be played backwards', async () => {
  await run(makePaint({ span: { first: 0, last: 3 } }));
  const span = { first: 0, last: 3 };
  const tasks = [{ task: 'paint', first: 0, last: 3 }];
  await run(makeDeliver({ id: 'forwards', span, out: span, source: { from: 'tasks', tasks } }));
  await run(makeDeliver({ id: 'backwards', span, out: span, source: { from: 'tasks', tasks, reversed: true } }));
  const bytes = (id: string) => readFileSync(join(folder, `tasks/${id}/segment.raw`)).subarray(4);
  const frameBytes = 16 * 16 * 12;
  expect(
    bytes('backwards')
      .subarray(0, frameBytes)
      .equals(bytes('forwards').subarray(3 * frameBytes)),
  ).toBe(true);
});

test('a chunk with a frame too few is not finished', async () => {
  const table: StageTable = {
    composite: async function* (input) {
      for await (const frame of input) if (frame.index !== 3) yield frame;
    },
  };
  const task = makeDeliver({
    source: { from: 'clip', clip: clip.sha256 },
    stages: [{ stage: 'composite', params: {}, sequential: false }],
  });
  await expect(run(task, { table })).rejects.toMatchObject({
    code: 'RESULT_INCOMPLETE',
    details: { actual: 19, expected: 20 },
  });
  expect(existsSync(join(folder, 'tasks/deliver/segment.raw'))).toBe(false);
  expect(existsSync(join(folder, 'tasks/deliver/unfinished-segment.raw'))).toBe(false);
});

test('a segment whose decoder counts otherwise is not finished', async () => {
  const whole = createFakeMedia();
  const media: TaskMedia = {
    ...whole,
    verifySegment: (path, options) => whole.verifySegment(path, { ...options, frames: 19 }),
  };
  await expect(run(makeDeliver({ source: { from: 'clip', clip: clip.sha256 } }), { media })).rejects.toMatchObject({
    code: 'RESULT_INCOMPLETE',
  });
  expect(existsSync(join(folder, 'tasks/deliver/done.json'))).toBe(false);
});

/** Paints well but for some frames, which come out black. */
const clumsy = (isWrong: (frame: number) => boolean): StageTable => ({
  ...testStages,
  stylize: async function* (input, params, ctx) {
    for await (const frame of memoryPainter(input, params as object, ctx))
      yield isWrong(frame.index) ? { ...frame, rgb: new Float32Array(frame.rgb.length) } : frame;
  },
});

test('a frame that comes out black is painted a second time, and the report says so', async () => {
  const tries: number[] = [];
  const table = clumsy(frame => frame === 6 && tries.push(frame) === 1);
  const said: TaskSaid[] = [];
  const facts = await run(makePaint(), { table, said });
  expect(facts.notices).toMatchObject([{ kind: 'frame-repaired', frame: 6, stage: 'stylize' }]);
  expect(tries).toEqual([6, 6]);
  // What comes after is what it would have been.
  expect(
    said.filter(event => event.type === 'picture' && event.final).map(event => event.type === 'picture' && event.frame),
  ).toEqual([...Array(20).keys()]);
});

test('a frame that no second try mends is named, and after a few of them no more time is spent', async () => {
  const tries: number[] = [];
  const table = clumsy(frame => frame % 3 === 2 && tries.push(frame) > 0);
  const facts = await run(makePaint(), { table });
  expect(facts.notices!.filter(notice => notice.kind === 'frame-suspect').map(notice => notice.frame)).toEqual([
    2, 5, 8, 11, 14, 17,
  ]);
  expect(tries).toEqual([2, 2, 5, 5, 8, 8, 11, 14, 17]);
});

test('a resumed task mends the same frames as an undisturbed one', async () => {
  let made = 0;
  // Wrong for some first tries, right at the second: chance differs, and nothing else.
  const wrong = (frame: number) => frame === 9 || frame === 15;
  const withChance = (failAt?: number): StageTable => ({
    ...testStages,
    stylize: async function* (input, _params, ctx) {
      for await (const frame of memoryPainter(input, { failAt }, ctx)) {
        made++;
        const usual = createRandom(7, 'stylize#0', frame.index)();
        const retried = ctx.random(frame.index)() !== usual;
        yield wrong(frame.index) && !retried ? { ...frame, rgb: new Float32Array(frame.rgb.length) } : frame;
      }
    },
  });
  const whole = await run(makePaint(), { table: withChance(), into: join(folder, 'whole') });
  expect(whole.notices!.map(notice => notice.frame)).toEqual([9, 15]);
  for (const failAt of [9, 10, 11, 15, 16]) {
    const into = join(folder, String(failAt));
    await expect(run(makePaint(), { table: withChance(failAt), into })).rejects.toThrow();
    expect((await run(makePaint(), { table: withChance(), into })).outputs).toEqual(whole.outputs);
  }
  expect(made).toBeGreaterThan(100);
});

test('a value that is no number never reaches a result', async () => {
  const table: StageTable = {
    ...testStages,
    stylize: async function* (input) {
      for await (const frame of input)
        yield frame.index === 4 ? { ...frame, rgb: frame.rgb.map((value, i) => (i === 77 ? NaN : value)) } : frame;
    },
  };
  await expect(run(makePaint(), { table })).rejects.toMatchObject({
    code: 'FRAME_DEFECT',
    details: { frame: 4, stage: 'stylize' },
  });
  const composite: StageTable = { composite: table.stylize };
  const deliver = makeDeliver({
    source: { from: 'clip', clip: clip.sha256 },
    stages: [{ stage: 'composite', params: {}, sequential: false }],
  });
  await expect(run(deliver, { table: composite })).rejects.toMatchObject({
    code: 'FRAME_DEFECT',
    details: { frame: 4 },
  });
});

test('an abort ends the task with CANCELLED and it can be resumed', async () => {
  const whole = await run(makePaint(), { into: join(folder, 'whole') });
  const control = new AbortController();
  const said: TaskSaid[] = [];
  const work = run(makePaint({ stages: [stylize({ pauseMs: 5 })] }), { signal: control.signal, said });
  await new Promise(resolve => setTimeout(resolve, 40));
  control.abort();
  await expect(work).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(said.some(event => event.type === 'progress')).toBe(true);
  expect((await run(makePaint())).outputs).toEqual(whole.outputs);
});

test('too little memory is answered by smaller work and a notice', async () => {
  const sizes: number[] = [];
  const table: StageTable = {
    ...testStages,
    resize: async function* (input, params: { width: number; height: number }) {
      for await (const frame of input)
        yield { ...frame, ...params, rgb: new Float32Array(3 * params.width * params.height).fill(0.5) };
    },
    stylize: async function* (input) {
      for await (const frame of input) {
        sizes.push(frame.width);
        if (frame.width > 24) throw new AppError('OUT_OF_MEMORY', { width: frame.width, height: frame.height });
        yield frame;
      }
    },
  };
  const stages: StageNode[] = [{ stage: 'resize', params: { width: 40, height: 40 }, sequential: false }, stylize()];
  const facts = await run(makePaint({ stages }), { table });
  expect(facts).toMatchObject({ frames: 20, width: 20, height: 20 });
  expect(new Set(sizes)).toEqual(new Set([40, 30, 20]));
  expect(facts.notices!.filter(notice => notice.kind === 'fallback').length).toBe(4);
});

test('work that fits at no size fails with OUT_OF_MEMORY', async () => {
  const table: StageTable = {
    ...testStages,
    stylize: async function* () {
      throw new AppError('OUT_OF_MEMORY', { width: 16, height: 16 });
    },
    resize: testStages.composite,
  };
  await expect(run(makePaint(), { table })).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' });
});

test('analyse hands on what was found and names each cut', async () => {
  const said: TaskSaid[] = [];
  const facts = await run(
    { kind: 'analyse', id: 'a', clip: clip.sha256, span: { first: 0, last: 39 } },
    { media: createFakeMedia({ analysis: { frames: 40, cuts: [12] } }), said },
  );
  expect(facts.analysis).toEqual({ frames: 40, cuts: [12] });
  expect(said.filter(event => event.type === 'notice')).toMatchObject([{ notice: { kind: 'cut', frame: 12 } }]);
});
