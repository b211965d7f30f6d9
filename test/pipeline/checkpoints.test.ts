import { Checkpoints } from '../../bridge-server/src/pipeline/checkpoints';

function make(first = 0) {
  const written: number[] = [];
  const clock = { ms: 0 };
  const checkpoints = new Checkpoints(
    async state => void written.push(state.nextIndex),
    first,
    { frames: 8, seconds: 10, leastSeconds: 2 },
    () => clock.ms,
  );
  return { written, clock, checkpoints };
}
const state = (nextIndex: number) => ({ nextIndex, tensors: {} });

test('fast frames write a state every few frames, but not more often than every two seconds', async () => {
  const { written, clock, checkpoints } = make();
  for (let next = 1; next <= 100; next++) {
    checkpoints.offer(state(next));
    clock.ms += 100;
    await checkpoints.stored(next);
  }
  expect(written).toEqual([20, 40, 60, 80, 100]);
});

test('slow frames write a state at least every ten seconds', async () => {
  const { written, clock, checkpoints } = make();
  for (let next = 1; next <= 6; next++) {
    checkpoints.offer(state(next));
    clock.ms += 6000;
    await checkpoints.stored(next);
  }
  expect(written).toEqual([2, 4, 6]);
});

test('a state waits for the frames before it', async () => {
  const { written, clock, checkpoints } = make();
  clock.ms = 20_000;
  checkpoints.offer(state(4));
  await checkpoints.stored(3);
  expect(written).toEqual([]);
  await checkpoints.stored(4);
  expect(written).toEqual([4]);
});

test('when the task is stopped the newest complete state is written at once', async () => {
  const { written, checkpoints } = make();
  for (const next of [1, 2, 3]) {
    checkpoints.offer(state(next));
    await checkpoints.stored(next);
  }
  checkpoints.offer(state(4));
  await checkpoints.stored(3, true);
  expect(written).toEqual([3]);
});
