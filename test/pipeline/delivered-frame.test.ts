import type { Task, TaskOrder } from '../../bridge-server/src/jobs/task';
import { deliveredFrame } from '../../bridge-server/src/pipeline/delivered-frame';
import { makeClip } from '../fakes/task-media';

test('frames are numbered as in the delivered clip', () => {
  const order = (task: object, delivered?: TaskOrder['delivered']) =>
    ({ task, delivered, clip: makeClip(100) }) as unknown as TaskOrder;
  const delivered = { first: 10, from: { num: 24, den: 1 }, to: { num: 50, den: 1 } };
  const paint = { kind: 'paint' } as Partial<Task>;
  expect(deliveredFrame(order(paint, delivered), 10)).toBe(0);
  expect(deliveredFrame(order(paint, delivered), 34)).toBe(50);
  // Of the handle before the range.
  expect(deliveredFrame(order(paint, delivered), 5)).toBe(0);
  expect(deliveredFrame(order({ ...paint, frames: { first: 0, last: 9 } }, delivered), 7)).toBe(7);
  expect(deliveredFrame(order({ kind: 'deliver' }, delivered), 7)).toBe(7);
});
