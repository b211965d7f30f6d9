import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFrame } from '../../bridge-server/src/frame/frame';
import type { Task, TaskOrder } from '../../bridge-server/src/jobs/task';
import { createPreviewWriter, deliveredFrame } from '../../bridge-server/src/worker/preview-writer';
import { makeClip } from '../fakes/task-media';

test('previews are written small, whole, and not more often than the eye follows', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reverie-preview-'));
  try {
    const written: string[] = [];
    const writer = createPreviewWriter(folder, (_frame, file) => written.push(file), problem => written.push(String(problem)));
    for (let frame = 0; frame < 10; frame++) writer.offer(frame, createFrame(1280, 720, frame), true);
    await writer.settled();
    expect(written).toEqual(['0.jpg']);
    expect(readdirSync(folder)).toEqual(['0.jpg']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a preview that cannot be written is a line in the log, not the end of the job', async () => {
  const problems: unknown[] = [];
  const writer = createPreviewWriter('/dev/null/previews', () => undefined, problem => problems.push(problem));
  writer.offer(0, createFrame(16, 16), true);
  await writer.settled();
  expect(problems.length).toBe(1);
});

test('frames are numbered as in the delivered clip', () => {
  const order = (task: object, delivered?: TaskOrder['delivered']) => ({ task, delivered, clip: makeClip(100) }) as unknown as TaskOrder;
  const delivered = { first: 10, from: { num: 24, den: 1 }, to: { num: 50, den: 1 } };
  const paint = { kind: 'paint' } as Partial<Task>;
  expect(deliveredFrame(order(paint, delivered), 10)).toBe(0);
  expect(deliveredFrame(order(paint, delivered), 34)).toBe(50);
  // Of the handle before the range.
  expect(deliveredFrame(order(paint, delivered), 5)).toBe(0);
  expect(deliveredFrame(order({ ...paint, frames: { first: 0, last: 9 } }, delivered), 7)).toBe(7);
  expect(deliveredFrame(order({ kind: 'deliver' }, delivered), 7)).toBe(7);
});
