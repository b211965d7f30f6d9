import { parentPort, workerData } from 'node:worker_threads';
import * as ort from 'onnxruntime-node';
import { toAppError } from '#protocol/errors';
import type { Tensor } from '../frame/tensor';
import { OrtSessions, type KeptTensor } from './ort-sessions';
import type { ThreadAnswer, ThreadData, ThreadRequest } from './thread-messages';

/**
 * Entry of the thread that computes. onnxruntime blocks the thread that calls it for the length of a load or a run;
 * here that is nobody's concern, and the process's main thread goes on feeding ffmpeg and answering the server.
 * This thread must never be terminated from outside (during a run that aborts the process): it is asked to close.
 */
if (!parentPort) throw new Error('this file runs as a thread only');
const port = parentPort;
const sessions = new OrtSessions(ort, (workerData as ThreadData).settings);

async function answer(request: ThreadRequest): Promise<{ answer: ThreadAnswer; moved: ArrayBuffer[] }> {
  const { id } = request;
  switch (request.do) {
    case 'load':
      return { answer: { id, ok: true, signature: await sessions.load(request.net, request.model, request.options) }, moved: [] };
    case 'run': {
      const outputs = await sessions.run(request.net, request.feeds, request.fetch, request.keepOnDevice);
      return { answer: { id, ok: true, outputs }, moved: buffersOf(Object.values(outputs)) };
    }
    case 'read': {
      // A copy: the kept tensor stays usable after it was read.
      const tensor = await sessions.read(request.kept);
      return { answer: { id, ok: true, tensor }, moved: [] };
    }
    case 'free':
      sessions.free(request.kept);
      return { answer: { id, ok: true }, moved: [] };
    case 'dispose':
      await sessions.dispose(request.net);
      return { answer: { id, ok: true }, moved: [] };
    case 'close':
      await sessions.close();
      return { answer: { id, ok: true }, moved: [] };
  }
}

/** Each whole buffer once; onnxruntime makes one for every output. */
function buffersOf(tensors: readonly (Tensor | KeptTensor)[]): ArrayBuffer[] {
  const buffers = tensors.flatMap(tensor => ('data' in tensor ? [tensor.data.buffer as ArrayBuffer] : []));
  return [...new Set(buffers)];
}

let last: Promise<void> = Promise.resolve();
port.on('message', (request: ThreadRequest) => {
  last = last.then(async () => {
    try {
      const { answer: done, moved } = await answer(request);
      port.postMessage(done, moved);
    } catch (thrown) {
      port.postMessage({ id: request.id, ok: false, error: toAppError(thrown).toJSON() } satisfies ThreadAnswer);
    }
    if (request.do === 'close') port.close();
  });
});
