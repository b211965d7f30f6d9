import { checkFits, emptyCalibration, estimateTasks, learn, secondsFor } from '../../bridge-server/src/jobs/estimate';
import { planTasks, worksOf } from '../../bridge-server/src/jobs/plan';
import { makeClip, makePreset, makeSpec } from '../fakes/jobs';

const estimateOf = (effects: object[], clip = makeClip({ width: 1280, height: 720 }), provider = 'cpu') => {
  const tasks = planTasks(makeSpec({ preset: makePreset({ effects: effects as never }) }), clip, undefined, {
    machine: { provider },
    seconds: secondsFor(provider, emptyCalibration),
  });
  return estimateTasks(tasks, clip, 'table');
};

test('more frames, finer detail and larger pictures cost more', () => {
  const base = estimateOf([{ effect: 'style' }]);
  expect(
    estimateOf([{ effect: 'style' }], makeClip({ width: 1280, height: 720, frames: 200 })).seconds,
  ).toBeGreaterThan(1.8 * base.seconds);
  expect(estimateOf([{ effect: 'style', params: { detail: 'fine' } }]).seconds).toBeGreaterThan(1.5 * base.seconds);
  expect(estimateOf([{ effect: 'style' }, { effect: 'upscale' }]).seconds).toBeGreaterThan(base.seconds);
  expect(estimateOf([{ effect: 'style', params: { workingHeight: 720 } }]).memoryBytes).toBeGreaterThan(
    base.memoryBytes,
  );
  expect(estimateOf([{ effect: 'style' }], undefined, 'cuda').seconds).toBeLessThan(base.seconds);
});

test('a large dream needs the memory of its tiles, not of the whole picture', () => {
  const uhd = makeClip({ width: 3840, height: 2160, isStill: true });
  const memory = (tilePx: number) => estimateOf([{ effect: 'dream', params: { tilePx } }], uhd).memoryBytes;
  expect(memory(0)).toBeLessThan(6e9);
  expect(memory(256)).toBeLessThan(memory(0));
  expect(memory(4096)).toBeGreaterThan(20e9);
});

test('the disk holds stored frames and twice the result', () => {
  const { diskBytes } = estimateOf([{ effect: 'style' }]);
  expect(diskBytes).toBeGreaterThan(100 * 640 * 360 * 12);
});

test('a measurement replaces the table, and a newer one counts without the old one being forgotten at once', () => {
  const facts = (seconds: number) => ({ stages: [{ stage: 'upscale', frames: 10, seconds }] });
  const works = [{ stage: 'upscale', frames: 10, work: 10 }];
  const once = learn(emptyCalibration, 'cpu', facts(20), works);
  expect(secondsFor('cpu', once)({ stage: 'upscale', frames: 1, work: 1 })).toBeCloseTo(2);
  let many = once;
  for (let i = 0; i < 50; i++) many = learn(many, 'cpu', facts(20), works);
  const faster = learn(many, 'cpu', facts(10), works);
  const per = secondsFor('cpu', faster)({ stage: 'upscale', frames: 1, work: 1 });
  expect(per).toBeGreaterThan(1.5);
  expect(per).toBeLessThan(2);
  expect(secondsFor('webgpu', once)({ stage: 'upscale', frames: 1, work: 1 })).not.toBeCloseTo(2);
});

const quick = (params: object = {}) => ({
  effect: 'style',
  params: { method: 'fast', styles: [{ image: { sha256: 'a'.repeat(64) }, weight: 1 }], ...params },
});
const plannedWith = (effect: object, isFitted?: (key: string) => boolean) => {
  const seconds = secondsFor('cpu', emptyCalibration);
  const spec = makeSpec({ preset: makePreset({ effects: [effect] as never }) });
  return planTasks(
    spec,
    makeClip({ width: 320, height: 180 }),
    { frames: 100, cuts: [40] },
    { machine: { provider: 'cpu' }, nets: { 'fast-style': 'f', openimages: 'o' }, seconds, isFitted },
  );
};

test('a style that has to be fitted first is in the estimate once, unless it was fitted before', () => {
  const keys: string[] = [];
  const sum = (tasks: ReturnType<typeof plannedWith>) => estimateTasks(tasks, makeClip(), 'table').seconds;
  const asked = plannedWith(quick(), key => (keys.push(key), false));
  const known = plannedWith(quick(), () => true);
  const openings = asked.flatMap(task => (task.kind === 'paint' ? [(task.opening ?? 0) * task.units] : []));
  expect(openings[0]).toBeGreaterThan(5);
  expect(openings[1]).toBe(0);
  expect(sum(asked) - sum(known)).toBeCloseTo(openings[0]);
  expect(asked.map(task => task.id)).toEqual(known.map(task => task.id));
  // Painters are known by heart.
  for (const detail of ['normal', 'fine']) {
    const painter = quick({ styles: [{ image: { painter: 'starry-night' }, weight: 1 }], detail });
    expect(sum(plannedWith(painter))).toBeCloseTo(sum(known));
  }
  expect(keys).toHaveLength(1);
  for (const other of [{ strokePx: 300 }, { strength: 20 }, { detail: 'fine' }])
    plannedWith(quick(other), key => (keys.push(key), false));
  expect(new Set(keys).size).toBe(4);
});

test('what a fit took counts for the next fit, and not for the frames', () => {
  const facts = {
    stages: [
      { stage: 'stylize', frames: 46, seconds: 2 },
      { stage: 'fit', frames: 60, seconds: 30 },
    ],
  };
  const [first] = plannedWith(quick());
  const works = worksOf(first, makeClip({ width: 320, height: 180 }));
  const learnt = learn(emptyCalibration, 'cpu', facts, works);
  const seconds = (stage: string) => secondsFor('cpu', learnt)(works.find(work => work.stage === stage)!);
  expect(seconds('fit')).toBeCloseTo(30);
  expect(seconds('stylize')).toBeLessThan(2.5);
});

test('after a resume only the frames that were worked on count', () => {
  const learnt = learn(emptyCalibration, 'cpu', { stages: [{ stage: 'upscale', frames: 2, seconds: 4 }] }, [
    { stage: 'upscale', frames: 10, work: 10 },
  ]);
  expect(secondsFor('cpu', learnt)({ stage: 'upscale', frames: 1, work: 1 })).toBeCloseTo(2);
});

test('what cannot fit is refused with the numbers', () => {
  const estimate = { seconds: 1, memoryBytes: 4e9, diskBytes: 10e9, basis: 'table' as const };
  expect(() => checkFits(estimate, { memoryBytes: 4e9, freeDiskBytes: 1e12, folder: '/x' })).toThrow(
    expect.objectContaining({ code: 'MEMORY_TOO_SMALL', details: { need: '4.0 GB', have: '4.0 GB' } }),
  );
  expect(() => checkFits(estimate, { memoryBytes: 16e9, freeDiskBytes: 9e9, folder: '/x' })).toThrow(
    expect.objectContaining({ code: 'DISK_TOO_SMALL', details: { need: '10.0 GB', free: '9.0 GB', path: '/x' } }),
  );
  expect(() => checkFits(estimate, { memoryBytes: 16e9, freeDiskBytes: 1e12, folder: '/x' })).not.toThrow();
});
