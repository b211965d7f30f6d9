import { runInContext, type Context } from 'node:vm';

/**
 * CSInterface's way into an engine in which the host script is loaded.
 * @param bad what goes wrong, at this moment: 'reply-empty', 'reply-error', 'modal' and what is the host's own
 */
export function createEvalScript(context: Context, bad: Set<string>) {
  const held: (() => void)[] = [];
  let calls = 0;
  const answer = (script: string, done: (reply: string) => void) => {
    let reply: string;
    try {
      reply = String(runInContext(script, context));
    } catch {
      reply = 'EvalScript error.';
    }
    if (bad.has('reply-empty')) reply = '';
    if (bad.has('reply-error')) reply = 'EvalScript error.';
    done(reply);
  };
  return {
    /** CSInterface's `evalScript`. */
    evalScript(script: string, done: (reply: string) => void): void {
      calls++;
      if (bad.has('modal')) held.push(() => answer(script, done));
      else setTimeout(() => answer(script, done), 0);
    },
    /** Closes the dialog: calls that were held are done now, late. */
    dismiss(): void {
      bad.delete('modal');
      for (const each of held.splice(0)) each();
    },
    calls: () => calls,
  };
}
