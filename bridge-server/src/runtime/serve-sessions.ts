import { toAppError } from '#protocol/errors';
import type { Tensor } from '../frame/tensor';
import type { KeptTensor, OrtSessions } from './ort-sessions';
import type { ThreadAnswer, ThreadRequest } from './thread-messages';

type Done = { readonly answer: ThreadAnswer; readonly moved: ArrayBuffer[] };

async function answerTo(sessions: OrtSessions, request: ThreadRequest): Promise<Done> {
  const { id } = request;
  switch (request.do) {
    case 'load':
      return {
        answer: { id, ok: true, signature: await sessions.load(request.net, request.model, request.options) },
        moved: [],
      };
    case 'run': {
      const outputs = await sessions.run(request.net, request.feeds, request.fetch, request.keepOnDevice);
      return { answer: { id, ok: true, outputs }, moved: buffersOf(Object.values(outputs)) };
    }
    case 'read':
      // A copy: the kept tensor stays usable after it was read.
      return { answer: { id, ok: true, tensor: await sessions.read(request.kept) }, moved: [] };
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

/**
 * Answers requests one after the other, in their order.
 * @param post sends an answer; the buffers in `moved` may be handed over instead of copied
 * @param close called after the last answer
 * @returns what to do with each message that comes in
 */
export function serveSessions(
  sessions: OrtSessions,
  post: (answer: ThreadAnswer, moved: ArrayBuffer[]) => void,
  close: () => void,
): (request: ThreadRequest) => void {
  let last: Promise<void> = Promise.resolve();
  return request => {
    last = last.then(async () => {
      try {
        const { answer, moved } = await answerTo(sessions, request);
        post(answer, moved);
      } catch (thrown) {
        post({ id: request.id, ok: false, error: toAppError(thrown).toJSON() }, []);
      }
      if (request.do === 'close') close();
    });
  };
}
