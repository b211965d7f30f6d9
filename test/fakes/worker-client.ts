import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Task, TaskFacts, TaskOrder, WorkerEvent, WorkerRequest } from '../../bridge-server/src/jobs/task';

export type WorkerClient = {
  readonly child: ChildProcess;
  readonly events: WorkerEvent[];
  send(request: WorkerRequest | Record<string, unknown>): void;
  /** The first event, past or to come, that fits. Rejects when the process ends first. */
  until<T extends WorkerEvent['type']>(
    type: T,
    fits?: (event: Extract<WorkerEvent, { type: T }>) => boolean,
  ): Promise<Extract<WorkerEvent, { type: T }>>;
  run(request: Extract<WorkerRequest, { type: 'run' }>): Promise<TaskFacts>;
  /** Exit status or signal. */
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly output: () => string;
};

/** Asks a worker for a task of a clip that lies in `home`. */
export function makeTaskRun(
  home: string,
  clip: TaskOrder['clip'],
  task: Task,
  job: string,
  attempt = 0,
): Extract<WorkerRequest, { type: 'run' }> {
  const [clips, images, nets] = ['clips', 'images', 'nets'].map(name => join(home, name));
  const folders = { clips, images, nets, job: join(home, 'jobs', job) };
  return { type: 'run', order: { job, task, clip, folders, provider: 'cpu', attempt } };
}

/** Forks a worker from the sources. */
export function startWorkerClient(
  home: string,
  program: 'real' | 'test' = 'test',
  env: Record<string, string> = {},
): WorkerClient {
  const path =
    program === 'real' ? join(__dirname, '../../bridge-server/src/worker/main.ts') : join(__dirname, 'test-worker.ts');
  const child = fork(path, [], {
    execArgv: ['-r', join(__dirname, '../setup/register-ts.cjs')],
    env: { ...process.env, REVERIE_HOME: home, REVERIE_PROVIDER: 'cpu', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const events: WorkerEvent[] = [];
  const listeners = new Set<(event: WorkerEvent) => void>();
  let output = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.on('message', message => {
    events.push(message as WorkerEvent);
    for (const listener of [...listeners]) listener(message as WorkerEvent);
  });
  const ended = new Promise<number | NodeJS.Signals>(resolve =>
    child.on('exit', (code, signal) => resolve(signal ?? code ?? -1)),
  );

  const until: WorkerClient['until'] = (type, fits = () => true) =>
    new Promise((resolve, reject) => {
      type Wanted = Parameters<typeof resolve>[0];
      const look = (event: WorkerEvent) => {
        if (event.type !== type || !fits(event as never)) return;
        listeners.delete(look);
        resolve(event as Wanted);
      };
      events.forEach(look);
      listeners.add(look);
      void ended.then(how => reject(new Error(`the worker ended (${how}) before "${type}"\n${output}`)));
    });

  return {
    child,
    events,
    ended,
    output: () => output,
    send: request => void child.send(request as object, () => undefined),
    until,
    async run(request) {
      await until('ready');
      const task = request.order.task.id;
      child.send(request);
      const answer = await Promise.race([
        until('done', event => event.task === task),
        until('failed', event => event.task === task),
      ]);
      if (answer.type === 'failed')
        throw Object.assign(new Error(`${answer.error.code} ${JSON.stringify(answer.error.details)}`), answer.error);
      return answer.facts;
    },
  };
}
