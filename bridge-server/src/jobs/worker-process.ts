import { fork, type ChildProcess } from 'node:child_process';
import { killGroup, identityOf, type ProcessIdentity } from './process-identity';
import type { WorkerEvent, WorkerRequest } from './task';

export type WorkerOptions = {
  /** The worker's program (dist/server/worker.js). */
  readonly program: string;
  readonly provider: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly onEvent: (event: WorkerEvent) => void;
  /** Called once, with the reason in words, and the signal where there was one. */
  readonly onExit: (problem: string, signal?: NodeJS.Signals) => void;
  /** Milliseconds of a clock that nobody can set. */
  readonly now?: () => number;
  /** One line of what the process printed. */
  readonly onLine: (line: string) => void;
};

/** One forked worker. It leads a process group of its own, so that ending it also ends the ffmpeg that it started. */
export class WorkerProcess {
  private readonly child: ChildProcess;
  private gone = false;
  lastSign: number;
  /** The last progress of any kind, as far as the worker says. */
  lastProgress: number;
  ready: Extract<WorkerEvent, { type: 'ready' }> | undefined;
  readonly provider: string;

  constructor(options: WorkerOptions) {
    this.provider = options.provider;
    const { now = () => performance.now() } = options;
    this.lastSign = this.lastProgress = now();
    this.child = fork(options.program, [], {
      env: { ...process.env, REVERIE_PROVIDER: options.provider, ...options.env },
      // Inspector flags of the parent would make every child wait for the same port.
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: process.platform !== 'win32',
    });
    this.child.on('message', message => {
      const event = message as WorkerEvent;
      this.lastSign = now();
      if (event.type === 'ready') this.ready = event;
      if (event.type === 'alive') this.lastProgress = now() - (event.idleMs ?? 0);
      else this.lastProgress = now();
      options.onEvent(event);
    });
    let lastLine = '';
    for (const stream of [this.child.stdout, this.child.stderr]) {
      let rest = '';
      stream?.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        // A program that never ends its line must not fill the memory.
        rest = (lines.pop() ?? '').slice(-4000);
        for (const line of lines) {
          if (line.trim()) lastLine = line.trim();
          options.onLine(line);
        }
      });
    }
    const exit = (problem: string, signal?: NodeJS.Signals) => {
      if (this.gone) return;
      this.gone = true;
      options.onExit(lastLine ? `${problem} (${lastLine.slice(0, 300)})` : problem, signal);
    };
    this.child.on('error', error => exit(error.message));
    // "close" comes after the last output was read, "exit" before.
    this.child.on('close', (code, signal) =>
      exit(signal ? `ended by ${signal}` : `exit status ${code}`, signal ?? undefined),
    );
  }

  get identity(): ProcessIdentity | undefined {
    return this.child.pid === undefined ? undefined : identityOf(this.child.pid);
  }

  get isGone(): boolean {
    return this.gone;
  }

  send(request: WorkerRequest): void {
    // A process that has just ended says so by "close".
    if (this.child.connected) this.child.send(request, () => undefined);
  }

  /** Ends it at once; `onExit` follows. */
  kill(): void {
    if (this.child.pid !== undefined && !this.gone) killGroup(this.child.pid);
  }

  /** Waits until the process is gone. */
  ended(): Promise<void> {
    if (this.gone) return Promise.resolve();
    return new Promise(resolve => this.child.once('close', () => resolve()));
  }
}
