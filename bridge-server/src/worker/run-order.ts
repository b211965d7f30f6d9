import { join } from 'node:path';
import type { TaskFacts, TaskOrder, WorkerEvent } from '../jobs/task';
import { runTask } from '../pipeline/run-task';
import type { StageTable } from '../pipeline/stage-chain';
import type { TaskMedia } from '../pipeline/task-media';
import { availableBytes, usableBytes } from '../runtime/memory';
import type { Device } from './device';
import { createFigureSampler } from './figure-sampler';
import { createPreviewWriter } from './preview-writer';
import { createServices, type Painters } from './task-services';

export type OrderContext = {
  readonly device: Device;
  readonly table: StageTable;
  readonly media: (order: TaskOrder) => TaskMedia;
  readonly painters: Painters;
  readonly signal: AbortSignal;
  readonly send: (event: WorkerEvent) => void;
  /** Called with whatever shows that the work goes on. */
  readonly onSign: (stage: string, frame: number) => void;
  readonly log: (line: string) => void;
};

/** Progress is told this often; the server thins it further. */
const progressMs = 200;

/** Does one task and says meanwhile how it goes. @throws what `runTask` throws */
export async function runOrder(order: TaskOrder, context: OrderContext): Promise<TaskFacts> {
  const { device, send, signal, onSign } = context;
  const task = order.task.id;
  const used = new Set<string>();
  const opened =
    order.task.kind === 'paint' || order.task.kind === 'deliver'
      ? device.nets(order.folders.nets).open(signal, used)
      : undefined;
  const previews = createPreviewWriter(
    join(order.folders.job, 'previews'),
    (frame, file, final) => send({ type: 'preview', task, frame, file, final }),
    problem => context.log(`a preview was not written: ${String(problem)}`),
  );
  const services = createServices({
    ...order,
    nets: opened?.nets ?? noNets(device.provider),
    painters: context.painters,
    signal,
  });
  let lastProgress = -Infinity;
  try {
    const facts = await runTask({
      order,
      table: context.table,
      media: context.media(order),
      signal,
      services,
      measure: shot => createFigureSampler(shot, { services, signal }),
      availableShare: () => availableBytes() / usableBytes(),
      say: said => {
        switch (said.type) {
          case 'progress': {
            onSign(said.stage, said.frame);
            const now = performance.now();
            if (said.done < 1 && now - lastProgress < progressMs) return;
            lastProgress = now;
            send({ type: 'progress', task, done: said.done, stage: said.stage, frame: said.frame });
            return;
          }
          case 'step':
            onSign(said.stage, said.frame);
            return;
          case 'picture':
            previews.offer(said.frame, said.picture, said.final);
            return;
          case 'notice':
            send({ type: 'notice', task, notice: said.notice });
            return;
        }
      },
      describeNets: () => device.describeNets(order.folders.nets, used),
      refused: device.refused,
    });
    await previews.settled();
    return facts;
  } finally {
    opened?.end();
  }
}

function noNets(provider: string) {
  const refuse = () => Promise.reject(new Error('this task has no nets'));
  return { provider, bytes: refuse, convention: refuse, compiled: refuse };
}
