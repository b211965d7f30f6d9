import { fork } from 'node:child_process';
import { join } from 'node:path';
import { createRuntimeOver } from '../../bridge-server/src/runtime/ort';
import type { ProviderName, Runtime } from '../../bridge-server/src/runtime/runtime';
import type { ThreadAnswer } from '../../bridge-server/src/runtime/thread-messages';

/** A runtime whose sessions live in a forked child. */
export function createChildRuntime(provider: ProviderName, env: Record<string, string> = {}): Runtime {
  const child = fork(join(__dirname, 'ort-child.ts'), [provider], {
    execArgv: ['-r', join(__dirname, '../setup/register-ts.cjs')],
    env: { ...process.env, ...env },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let errors = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (errors += text));
  return createRuntimeOver(
    { provider },
    {
      post: request => void child.send(request),
      onAnswer: take => void child.on('message', message => take(message as ThreadAnswer)),
      onEnd: end =>
        void child.on('exit', (code, signal) => end(`the child ended (${signal ?? code}): ${errors.slice(-400)}`)),
      setBusy: () => undefined,
    },
  );
}
