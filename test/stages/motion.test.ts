import type { Frame } from '../../bridge-server/src/frame/frame';
import { createClassicalFlow } from '../../bridge-server/src/stages/flow/classical';
import { createMotionSource, type Motion } from '../../bridge-server/src/stages/flow/motion';
import type { FlowPair, FlowProvider } from '../../bridge-server/src/stages/flow/provider';
import type { Notice } from '#protocol/report';
import { constantFlow, makePicture, otherTexture } from './moving-picture';

const [width, height] = [160, 96];

function makeProvider(answer: (a: Frame, b: Frame) => FlowPair | Promise<FlowPair>): FlowProvider & { calls: number } {
  const provider = {
    name: 'test',
    calls: 0,
    async flow(a: Frame, b: Frame) {
      provider.calls++;
      return answer(a, b);
    },
    close: async () => undefined,
  };
  return provider;
}

function noise(range: number): Float32Array {
  let state = 7;
  return Float32Array.from({ length: 2 * width * height }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 2 * range;
  });
}

async function motionOf(a: Frame, b: Frame, provider: FlowProvider): Promise<{ motion: Motion; notices: Notice[] }> {
  const notices: Notice[] = [];
  const source = createMotionSource(provider, { stage: 'stylize', notice: notice => notices.push(notice) });
  return { motion: await source.between(a, b), notices };
}

const a = makePicture(width, height, 4);
const moved = makePicture(width, height, 5, (x, y) => [x - 4, y - 2]);

test('true flow is trusted, and reliable but for the border', async () => {
  const { motion, notices } = await motionOf(
    a,
    moved,
    makeProvider(() => ({ forward: constantFlow(width, height, 4, 2), backward: constantFlow(width, height, -4, -2) })),
  );
  expect(notices).toEqual([]);
  expect(motion.doubt).toBeUndefined();
  expect(motion.intoB.unreliableShare).toBeCloseTo(1 - ((width - 4) * (height - 2)) / (width * height), 5);
});

test('the classical flow is trusted', async () => {
  const { motion, notices } = await motionOf(a, moved, createClassicalFlow({ where: 'here' }));
  expect(notices).toEqual([]);
  expect(motion.intoB.unreliableShare).toBeLessThan(0.1);
});

test.each<[string, FlowPair]>([
  [
    'zeros while the picture moves',
    { forward: constantFlow(width, height, 0, 0), backward: constantFlow(width, height, 0, 0) },
  ],
  ['noise', { forward: noise(10), backward: noise(10) }],
  ['noise within a pixel or two', { forward: noise(2), backward: noise(2) }],
  ['NaN', { forward: constantFlow(width, height, NaN, NaN), backward: constantFlow(width, height, NaN, NaN) }],
  [
    'infinite',
    { forward: constantFlow(width, height, Infinity, 0), backward: constantFlow(width, height, -Infinity, 0) },
  ],
  ['huge', { forward: constantFlow(width, height, 500, 0), backward: constantFlow(width, height, -500, 0) }],
  ['turned round', { forward: constantFlow(width, height, -4, -2), backward: constantFlow(width, height, 4, 2) }],
  [
    'with x and y exchanged',
    { forward: constantFlow(width, height, 2, 4), backward: constantFlow(width, height, -2, -4) },
  ],
])('flow that is %s is noticed and nothing in it is reliable', async (_, pair) => {
  const { motion, notices } = await motionOf(
    a,
    moved,
    makeProvider(() => pair),
  );
  expect(notices).toHaveLength(1);
  expect(notices[0]).toMatchObject({ kind: 'flow-doubtful', stage: 'stylize', frame: 5 });
  expect(motion.doubt).toBeDefined();
  expect(motion.intoB.reliability.every(v => v === 0)).toBe(true);
  expect(motion.intoA.reliability.every(v => v === 0)).toBe(true);
  expect(motion.intoB.unreliableShare).toBe(1);
});

test('a look at a frame further back that shows nothing of this one is no broken flow to report', async () => {
  const later = makePicture(width, height, 9, (x, y) => [x, y], otherTexture);
  const { motion, notices } = await motionOf(a, later, createClassicalFlow({ where: 'here' }));
  expect(motion.doubt).toBeDefined();
  expect(notices).toEqual([]);
});

test('zeros are right where nothing moves', async () => {
  const still = { ...a, index: 5 };
  const { notices } = await motionOf(
    a,
    still,
    makeProvider(() => ({ forward: constantFlow(width, height, 0, 0), backward: constantFlow(width, height, 0, 0) })),
  );
  expect(notices).toEqual([]);
});

test('two frames that have nothing to do with each other are not called related', async () => {
  const other = makePicture(width, height, 5, undefined, otherTexture);
  const { motion } = await motionOf(a, other, createClassicalFlow({ where: 'here' }));
  expect(motion.doubt).toMatch('contradicts itself');
});

test('a pair is computed once while it is remembered, again after a failure, and the memory is bounded', async () => {
  let fails = true;
  const provider = makeProvider(() => {
    if (fails) throw new Error('no');
    return { forward: constantFlow(width, height, 4, 2), backward: constantFlow(width, height, -4, -2) };
  });
  const source = createMotionSource(provider, { stage: 's', notice: () => undefined, limit: 2 });
  await expect(source.between(a, moved)).rejects.toThrow('no');
  fails = false;
  const [first, second] = await Promise.all([source.between(a, moved), source.between(a, moved)]);
  expect(second).toBe(first);
  expect(provider.calls).toBe(2);
  for (const index of [10, 20]) await source.between({ ...a, index }, { ...moved, index: index + 1 });
  expect(provider.calls).toBe(4);
  await source.between(a, moved);
  expect(provider.calls).toBe(5);
});
