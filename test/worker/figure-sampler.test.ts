import type { FigureLog } from '../../bridge-server/src/pipeline/figure-log';
import type { StageServices } from '../../bridge-server/src/pipeline/stage-chain';
import type { FrameFigures } from '../../bridge-server/src/stages/measure';
import { createFigureSampler } from '../../bridge-server/src/worker/figure-sampler';
import { makePicture } from '../stages/moving-picture';

const unused = () => {
  throw new Error('not needed here');
};
const services: StageServices = {
  nets: { provider: 'cpu', bytes: unused, convention: unused, compiled: unused },
  image: unused,
  painter: unused,
  clip: unused,
};
/** A log in memory. */
function makeLog(known = new Map<number, FrameFigures>()): FigureLog {
  return { known: new Map(known), add: async (frame, figures) => void known.set(frame, figures) };
}

const context = { services, signal: new AbortController().signal };

/** A picture that moves one pixel a frame, as it is and as something painted it. */
function makeShot(count: number, flicker = 0) {
  return Array.from({ length: count }, (_, index) => {
    const content = {
      ...makePicture(96, 64, index, (x, y) => [x - index, y]),
      ...(index === 0 ? { shotStart: true } : {}),
    };
    return { content, painted: { ...content, rgb: content.rgb.map(value => 0.9 * value + flicker * (index % 2)) } };
  });
}

async function figuresOf(shot: ReturnType<typeof makeShot>, again: readonly number[] = [], log = makeLog()) {
  const sampler = createFigureSampler(
    {
      stages: [{ stage: 'dream', params: {}, sequential: true }],
      span: { first: 0, last: shot.length - 1 },
      notice: unused,
      log,
    },
    context,
  );
  try {
    for (const { painted, content } of shot) await sampler.add(painted, content, []);
    for (const index of again) await sampler.add(shot[index].painted, shot[index].content, []);
    return sampler.figures();
  } finally {
    await sampler.close();
  }
}

test('two frames in four are looked at in a short shot, and what is steady has the error of its source', async () => {
  const figures = await figuresOf(makeShot(10));
  expect(figures.sampledFrames).toBe(6);
  expect(figures.defectTiles).toBe(0);
  expect(figures.warpingError! / figures.warpingErrorSource!).toBeCloseTo(0.81, 1);
  expect(figures.sharpnessRatio).toBeCloseTo(1, 1);
  expect(figures.styleLossRatio).toBeUndefined();
});

test('flicker shows', async () => {
  const [steady, flickering] = [await figuresOf(makeShot(6)), await figuresOf(makeShot(6, 0.05))];
  expect(flickering.warpingError!).toBeGreaterThan(10 * steady.warpingError!);
  expect(flickering.stabilityError!).toBeGreaterThan(3 * steady.stabilityError!);
});

test('a frame that comes again after a second try is not counted twice', async () => {
  expect(await figuresOf(makeShot(6), [4, 5])).toEqual(await figuresOf(makeShot(6)));
});

test('what an earlier try has measured counts as if it had been measured now', async () => {
  const shot = makeShot(16, 0.02);
  const measured = new Map<number, FrameFigures>();
  const whole = await figuresOf(shot, [], makeLog(measured));
  const earlier = new Map([...measured].filter(([frame]) => frame < 8));
  expect(await figuresOf(shot, [], makeLog(earlier))).toEqual(whole);
});

test('a long shot is looked at at most every 24 frames', async () => {
  const shot = makeShot(2);
  const sampler = createFigureSampler(
    { stages: [], span: { first: 0, last: 999 }, notice: unused, log: makeLog() },
    context,
  );
  for (let index = 0; index < 48; index++) {
    const { painted, content } = shot[index % 2];
    await sampler.add({ ...painted, index }, { ...content, index, shotStart: index === 0 }, []);
  }
  expect(sampler.figures().sampledFrames).toBe(4);
  await sampler.close();
});
