import { AppError, type ErrorCode, type ErrorDetails } from '#protocol/errors';
import type { HostAnswer, HostCall } from '#protocol/host-facts';

export type EvalScript = (script: string, done: (answer: string) => void) => void;
/** Brings a call to the other side; `done` is given the answer's text, once. */
export type SendCall = (call: HostCall, done: (answer: string) => void) => void;
export type ScriptCaller = {
  call(method: string, params: unknown, timeoutMs?: number): Promise<unknown>;
  /** A call is still without answer: the application shows a dialog, or works. */
  isBusy(): boolean;
};
/** `call`, believing a table of what each method takes and answers. */
export type CallOf<Calls extends { [Name in keyof Calls]: { params: unknown; value: unknown } }> = <
  Name extends keyof Calls,
>(
  method: Name,
  params: Calls[Name]['params'],
  timeoutMs?: number,
) => Promise<Calls[Name]['value']>;

/** A call that only reads or places takes half a second; a minute means a dialog. */
const usualTimeoutMs = 30_000;

/** Calls into the ExtendScript of a host. */
export function createScriptCaller(evalScript: EvalScript, usualMs?: number): ScriptCaller {
  return createCaller((call, done) => {
    // Twice: the inner text is the call, the outer one makes it a string literal. U+2028 and U+2029 end a line in old engines.
    const literal = JSON.stringify(JSON.stringify(call)).replace(
      /[\u2028\u2029]/g,
      character => `\\u${character.charCodeAt(0).toString(16)}`,
    );
    evalScript(`$['org.reverie'].dispatch(${literal})`, done);
  }, usualMs);
}

/**
 * Calls to the other side, one after the other. A call that is not answered in time fails, and so does every later one
 * until the answer comes: sent blindly, they would all be done when the dialog is closed.
 */
export function createCaller(sendCall: SendCall, usualMs = usualTimeoutMs): ScriptCaller {
  let lastId = 0;
  let overdue: { method: string } | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  function send(method: string, params: unknown, timeoutMs: number): Promise<unknown> {
    if (overdue)
      return Promise.reject(new AppError('HOST_BUSY', { seconds: Math.round(timeoutMs / 1000), call: overdue.method }));
    const id = ++lastId;
    return new Promise((resolve, reject) => {
      const mine = { method };
      const timer = setTimeout(() => {
        overdue = mine;
        reject(new AppError('HOST_BUSY', { seconds: Math.round(timeoutMs / 1000), call: method }));
      }, timeoutMs);
      sendCall({ id, method, params }, reply => {
        clearTimeout(timer);
        if (overdue === mine) overdue = undefined;
        try {
          resolve(read(reply, id, method));
        } catch (thrown) {
          reject(thrown as Error);
        }
      });
    });
  }

  return {
    isBusy: () => overdue !== undefined || waiting > 0,
    call(method, params, timeoutMs = usualMs) {
      waiting++;
      const answer = queue.then(() => send(method, params, timeoutMs));
      queue = answer.catch(() => undefined);
      return answer.finally(() => waiting--);
    },
  };
}

/** An empty, undefined or unparsable reply is a broken bridge, never a success. */
function read(reply: string, id: number, method: string): unknown {
  let answer: HostAnswer;
  try {
    answer = JSON.parse(reply) as HostAnswer;
  } catch (cause) {
    throw new AppError('HOST_REPLY_BROKEN', { call: method, reply: String(reply).slice(0, 80) || '""' }, { cause });
  }
  if (typeof answer !== 'object' || answer === null || answer.id !== id)
    throw new AppError('HOST_REPLY_BROKEN', { call: method, reply: reply.slice(0, 80) });
  if (answer.ok) return answer.value;
  throw AppError.from(answer.error as { code: ErrorCode; details: ErrorDetails });
}
