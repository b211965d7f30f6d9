import { Worker } from 'node:worker_threads';
import { AppError } from '#protocol/errors';
import { createDisDriver, type DisResult, type DisSettings } from './dis-driver';
import { disModule } from './dis';

/** A thread that searches, so that a net can run meanwhile in the thread that asks. */
export type DisThread = {
  /** The pictures are handed over: the caller must not use them any more. */
  search(
    a: Float32Array,
    b: Float32Array,
    width: number,
    height: number,
    settings: DisSettings,
    directions: 1 | 2 | 3,
  ): Promise<DisResult>;
  close(): Promise<void>;
};

// The thread's program is text, so that it needs no file of its own next to whatever bundle this ends up in.
const program = `
const { parentPort, workerData } = require('node:worker_threads');
const drive = (${createDisDriver.toString()})(workerData);
parentPort.on('message', ({ id, a, b, width, height, settings, directions }) => {
  try {
    const { forward, backward } = drive(a, b, width, height, settings, directions);
    parentPort.postMessage({ id, forward, backward }, [forward.buffer, backward.buffer]);
  } catch (error) {
    parentPort.postMessage({ id, problem: String(error && error.message) });
  }
});
`;

type Answer = { id: number } & ({ forward: Float32Array; backward: Float32Array } | { problem: string });
type Waiting = { resolve(result: DisResult): void; reject(error: Error): void };

export function createDisThread(): DisThread {
  const worker = new Worker(program, { eval: true, workerData: disModule(), name: 'flow' });
  // Waiting for work must not keep the process alive; an open request does.
  worker.unref();
  const waiting = new Map<number, Waiting>();
  let next = 0;
  let gone: AppError | undefined;
  const fail = (problem: string, cause?: unknown) => {
    gone = new AppError('INTERNAL', { problem }, { cause });
    for (const request of waiting.values()) request.reject(gone);
    waiting.clear();
  };
  worker.on('message', (answer: Answer) => {
    const request = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (waiting.size === 0) worker.unref();
    if ('problem' in answer) request?.reject(new AppError('INTERNAL', { problem: `optical flow: ${answer.problem}` }));
    else request?.resolve({ forward: answer.forward, backward: answer.backward });
  });
  worker.on('error', error =>
    fail(`the flow thread failed: ${error instanceof Error ? error.message : String(error)}`, error),
  );
  worker.on('exit', () => fail('the flow thread has ended'));
  return {
    search(a, b, width, height, settings, directions) {
      if (gone) return Promise.reject(gone);
      return new Promise<DisResult>((resolve, reject) => {
        const id = next++;
        waiting.set(id, { resolve, reject });
        worker.ref();
        worker.postMessage({ id, a, b, width, height, settings, directions }, [
          a.buffer as ArrayBuffer,
          b.buffer as ArrayBuffer,
        ]);
      });
    },
    async close() {
      await worker.terminate();
    },
  };
}
