import { frameAt } from '#protocol/time';
import type { TaskOrder } from '../jobs/task';

/** The number that a task's frame has in the delivered clip: what progress, previews and notices speak of. */
export function deliveredFrame(order: TaskOrder, frame: number): number {
  const { task, delivered } = order;
  const countsAsOutput =
    task.kind === 'deliver' || task.kind === 'join' || (task.kind === 'paint' && task.frames !== undefined);
  if (countsAsOutput || !delivered) return Math.max(0, frame);
  return Math.max(0, frameAt(frame - delivered.first, delivered.from, delivered.to));
}
