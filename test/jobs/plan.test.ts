import type { ClipInfo } from '#protocol/clip';
import type { JobSpec } from '#protocol/job';
import { framesToCover, parseRate, sourcePosition } from '#protocol/time';
import { planAnalysis, planTasks, rangeOf } from '../../bridge-server/src/jobs/plan';
import type { Task } from '../../bridge-server/src/jobs/task';
import { makeClip, makePreset, makeSpec } from '../fakes/jobs';

const context = { machine: { provider: 'cpu' }, seconds: ({ work }: { work: number }) => work };
const plan = (spec: JobSpec, clip: ClipInfo, cuts: number[] = []) =>
  planTasks(spec, clip, { frames: clip.frames, cuts }, context);
const kind = <K extends Task['kind']>(tasks: readonly Task[], wanted: K) =>
  tasks.filter((task): task is Extract<Task, { kind: K }> => task.kind === wanted);

/** Deterministic numbers, so that a failure can be found again. */
function randomFrom(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const rates = ['23.976', '24', '25', '29.97', '30', '50', '59.94', '60', '14985/1001', '12.5'].map(parseRate);
const effectLists = [
  [{ effect: 'style' }, { effect: 'retime' }],
  [{ effect: 'style' }, { effect: 'upscale' }, { effect: 'retime' }],
  [{ effect: 'style' }, { effect: 'dream' }, { effect: 'retime' }],
  [{ effect: 'retime' }, { effect: 'style' }, { effect: 'upscale' }],
  [{ effect: 'retime' }, { effect: 'style' }, { effect: 'dream' }],
  [{ effect: 'upscale' }],
  [{ effect: 'retime' }],
  [{ effect: 'zoom' }],
  [{ effect: 'zoom', params: { reverse: true } }],
  [{ effect: 'style' }, { effect: 'zoom' }, { effect: 'dream' }],
] as const;

function randomCase(seed: number) {
  const random = randomFrom(seed);
  const frames = 1 + random(400);
  const clip = makeClip({
    frames,
    rate: rates[random(rates.length)],
    width: 2 * (16 + random(1000)),
    height: 2 * (16 + random(600)),
  });
  const first = random(frames);
  const last = first + random(frames - first);
  const cuts = [...new Set(Array.from({ length: random(6) }, () => 1 + random(frames)))]
    .filter(cut => cut < frames)
    .sort((a, b) => a - b);
  const preset = makePreset({
    effects: effectLists[random(effectLists.length)] as never,
    output: { rate: random(4) === 0 ? 'source' : { num: 50, den: 1 } },
  });
  return { clip, cuts, spec: makeSpec({ preset, range: { first, last, rate: clip.rate } }) };
}

type Planned = ReturnType<typeof randomCase> & {
  readonly tasks: readonly Task[];
  readonly join: Extract<Task, { kind: 'join' }>;
};

describe('plans of 300 random clips', () => {
  /** Runs a check on each and says which clip it was that broke it. */
  const each = (check: (planned: Planned) => void) => () => {
    for (let seed = 0; seed < 300; seed++) {
      const random = randomCase(seed);
      const tasks = plan(random.spec, random.clip, random.cuts);
      try {
        check({ ...random, tasks, join: kind(tasks, 'join')[0] });
      } catch (error) {
        throw new Error(`clip ${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
  };

  test(
    'chunks tile the output exactly',
    each(({ spec, clip, tasks, join }) => {
      const range = rangeOf(spec, clip);
      const rate = spec.preset.output.rate === 'source' ? clip.rate : spec.preset.output.rate;
      expect(join.frames).toBe(framesToCover(range.last - range.first + 1, clip.rate, rate));
      const chunks = kind(tasks, 'deliver');
      let next = 0;
      for (const chunk of chunks) {
        expect(chunk.out.first).toBe(next);
        expect(chunk.out.last).toBeGreaterThanOrEqual(chunk.out.first);
        next = chunk.out.last + 1;
      }
      expect(next).toBe(join.frames);
      expect(join.needs).toEqual(chunks.map(chunk => chunk.id));
    }),
  );

  test(
    'every needed task comes before, ids are distinct, and all work counts',
    each(({ tasks }) => {
      const seen = new Set<string>();
      for (const task of tasks) {
        if ('needs' in task) for (const id of task.needs) expect(seen.has(id)).toBe(true);
        expect(seen.has(task.id)).toBe(false);
        seen.add(task.id);
        if ('units' in task) expect(task.units).toBeGreaterThan(0);
      }
    }),
  );

  test(
    'each frame that a task reads from others is stored by exactly one of them',
    each(({ tasks, join }) => {
      const stored = new Map(kind(tasks, 'paint').map(task => [task.id, task.frames ?? task.span]));
      for (const task of [...kind(tasks, 'paint'), ...kind(tasks, 'deliver')]) {
        if (task.source.from !== 'tasks') continue;
        for (const part of task.source.tasks)
          expect(stored.get(part.task)).toEqual({ first: part.first, last: part.last });
        const wanted = task.kind === 'paint' ? [task.span.first, task.span.last] : wantedBy(task, join.frames);
        for (const frame of wanted) {
          expect(task.source.tasks.filter(part => frame >= part.first && frame <= part.last)).toHaveLength(1);
        }
      }
    }),
  );

  test(
    'no paint task reaches across a cut, and handles stay in the shot',
    each(({ tasks, cuts }) => {
      for (const task of kind(tasks, 'paint')) {
        if (task.source.from !== 'clip' || task.stages.some(node => node.stage === 'zoom')) continue;
        const first = task.span.first - task.handle;
        expect(first).toBeGreaterThanOrEqual(0);
        expect(cuts.filter(cut => cut > first && cut <= task.span.last)).toEqual([]);
      }
    }),
  );

  test(
    'the same job has the same ids',
    each(({ spec, clip, cuts, tasks }) => {
      expect(plan(spec, clip, cuts).map(task => task.id)).toEqual(tasks.map(task => task.id));
    }),
  );
});

/** Source frames under the first and last output frame of a chunk. */
function wantedBy(task: Extract<Task, { kind: 'deliver' }>, frames: number): number[] {
  const { out, span, rate, sourceRate } = task;
  if (task.source.from === 'tasks' && task.source.reversed) return [frames - 1 - out.first, frames - 1 - out.last];
  return [out.first, out.last].map(k => Math.min(span.last, span.first + sourcePosition(k, rate, sourceRate).frame));
}

test('another seed, style or clip gives other ids for what depends on them, and the same for what does not', () => {
  const clip = makeClip();
  const ids = (spec: JobSpec, of = clip) => plan(spec, of).map(task => task.id);
  const base = ids(makeSpec());
  const codec = ids(makeSpec({ preset: makePreset({ output: { codec: 'h264' } }) }));
  expect(codec[0]).toBe(base[0]);
  expect(codec.slice(1).some(id => base.includes(id))).toBe(false);
  for (const other of [
    ids(makeSpec({ seed: 1 })),
    ids(
      makeSpec({
        preset: makePreset({ effects: [{ effect: 'style', params: { strength: 61 } }, { effect: 'retime' }] }),
      }),
    ),
    ids(makeSpec(), { ...clip, sha256: 'd'.repeat(64) }),
  ]) {
    expect(other.some(id => base.includes(id))).toBe(false);
  }
});

test('a replaced net changes the ids of what uses it', () => {
  const spec = makeSpec({ preset: makePreset({ effects: [{ effect: 'dream' }, { effect: 'upscale' }] }) });
  const ids = (nets: Record<string, string>) =>
    planTasks(spec, makeClip(), { frames: 100, cuts: [] }, { ...context, nets }).map(task => task.id);
  expect(ids({ openimages: 'a', unrelated: 'b' })).toEqual(ids({ openimages: 'a', unrelated: 'c' }));
  expect(ids({ openimages: 'x' })[0]).not.toBe(ids({ openimages: 'a' })[0]);
});

test('a range in mid-shot is painted with real frames before it; one at a cut is not', () => {
  const clip = makeClip();
  const at = (first: number, cuts: number[]) =>
    kind(plan(makeSpec({ range: { first, last: 60, rate: clip.rate } }), clip, cuts), 'paint')[0];
  expect(at(50, [])).toMatchObject({ span: { first: 50, last: 60 }, handle: 6 });
  expect(at(50, [48])).toMatchObject({ handle: 2 });
  expect(at(50, [50])).toMatchObject({ handle: 0 });
  expect(at(3, [])).toMatchObject({ handle: 3 });
});

test('the analysis covers the range and the frames before it, and is left out where nothing looks at neighbours', () => {
  const clip = makeClip();
  const analysisOf = (effects: object[], of = clip, range?: JobSpec['range']) =>
    planAnalysis(makeSpec({ preset: makePreset({ effects: effects as never }), range }), of, context.machine);
  expect(analysisOf([{ effect: 'style' }], clip, { first: 20, last: 40, rate: clip.rate })).toMatchObject({
    span: { first: 14, last: 40 },
  });
  expect(analysisOf([{ effect: 'upscale' }], { ...clip, rate: { num: 50, den: 1 } })).toBeUndefined();
  expect(analysisOf([{ effect: 'zoom' }])).toBeUndefined();
  expect(analysisOf([{ effect: 'style' }], { ...clip, frames: 1 })).toBeUndefined();
});

test('a range outside the clip, or at another rate, is refused', () => {
  const clip = makeClip();
  expect(() => rangeOf(makeSpec({ range: { first: 0, last: 100, rate: clip.rate } }), clip)).toThrow(
    expect.objectContaining({ code: 'RANGE_OUTSIDE' }),
  );
  expect(() => rangeOf(makeSpec({ range: { first: 0, last: 10, rate: { num: 24, den: 1 } } }), clip)).toThrow(
    expect.objectContaining({ code: 'RANGE_OUTSIDE' }),
  );
});

test('a 50 fps clip passes through untouched: no retime, each frame once', () => {
  const clip = makeClip({ rate: { num: 50, den: 1 } });
  const tasks = plan(makeSpec({ preset: makePreset({ effects: [{ effect: 'style' }, { effect: 'retime' }] }) }), clip);
  expect(kind(tasks, 'join')[0].frames).toBe(100);
  expect(tasks.some(task => 'stages' in task && task.stages.some(node => node.stage === 'retime'))).toBe(false);
});

test('before a zoom only the one frame is painted that it starts from', () => {
  const tasks = plan(
    makeSpec({
      preset: makePreset({ effects: [{ effect: 'style' }, { effect: 'zoom' }] }),
      range: { first: 30, last: 79, rate: { num: 25, den: 1 } },
    }),
    makeClip(),
  );
  expect(kind(tasks, 'paint')[0].span).toEqual({ first: 30, last: 30 });
  expect(kind(tasks, 'paint')[1]).toMatchObject({ span: { first: 30, last: 30 }, frames: { first: 0, last: 99 } });
});
