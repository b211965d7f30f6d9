import { AppError } from '#protocol/errors';
import type { Rate } from '#protocol/time';
import type { Ffmpeg } from './find-ffmpeg';
import { plainMessage, problemOf, startFfmpeg, throwIfAborted, throwIfCrashed, type RunningFfmpeg } from './run-ffmpeg';
import { parseShownPicture, parseShownTimeBase } from './scan';
import { Silence } from './silence';

export type RawPicture = {
  readonly bytes: Uint8Array;
  readonly pts: number | undefined;
  readonly timeBase: Rate | undefined;
};

/** Pictures that may wait between ffmpeg and the reader. */
const ahead = 3;

/** ffmpeg that says nothing for so long, while it is being read, hangs. */
const silenceMs = 120_000;

/**
 * Raw pictures of one size from ffmpeg's standard output, paired with their times: the n-th picture of the pipe is the
 * n-th that `showinfo` reports on standard error. Reads a few ahead, so that decoding overlaps with what the reader does.
 */
export class RawPictures implements AsyncIterable<RawPicture> {
  private readonly running: RunningFfmpeg;
  private readonly times: (number | undefined)[] = [];
  private timeBase: Rate | undefined;
  private problem: string | undefined;
  private closed = false;
  private hung = false;
  private readonly silence: Silence;

  constructor(
    ffmpeg: Ffmpeg,
    args: readonly string[],
    private readonly size: number,
    private readonly signal?: AbortSignal,
    private readonly limitMs = silenceMs,
  ) {
    this.silence = new Silence(limitMs, () => {
      this.hung = true;
      this.running.kill();
    });
    this.running = startFfmpeg(ffmpeg, args, {
      signal,
      onLine: line => {
        const shown = parseShownPicture(line);
        if (shown) this.times.push(shown.pts);
        else if (/\[error\]/.test(line)) this.problem = plainMessage(line).slice(0, 200);
        this.timeBase ??= parseShownTimeBase(line);
        this.wake?.();
      },
    });
  }

  private wake: (() => void) | undefined;

  lastProblem(): string | undefined {
    return this.problem;
  }

  /** Waits until the time of picture `order` was reported, which may reach us after the picture itself. */
  private async timeOf(order: number): Promise<number | undefined> {
    let gone = false;
    void this.running.done.then(() => {
      gone = true;
      this.wake?.();
    });
    while (this.times.length <= order && !gone) await new Promise<void>(resolve => (this.wake = resolve));
    this.wake = undefined;
    return this.times[order];
  }

  async *[Symbol.asyncIterator](): AsyncIterator<RawPicture> {
    const queue: Uint8Array[] = [];
    let ended = false;
    let notify: (() => void) | undefined;
    const tell = () => notify?.();
    let picture = new Uint8Array(this.size);
    let filled = 0;
    const { stdout } = this.running;
    const take = (chunk: Buffer) => {
      this.silence.heard();
      let from = 0;
      while (from < chunk.length) {
        const part = Math.min(this.size - filled, chunk.length - from);
        picture.set(chunk.subarray(from, from + part), filled);
        filled += part;
        from += part;
        if (filled < this.size) continue;
        queue.push(picture);
        picture = new Uint8Array(this.size);
        filled = 0;
      }
      if (queue.length >= ahead) {
        stdout.pause();
        this.silence.over();
      }
      tell();
    };
    stdout.on('data', take);
    stdout.on('error', tell);
    void this.running.done.then(() => {
      ended = true;
      // Whoever takes minutes for a picture finds the last ones waiting.
      this.silence.over();
      tell();
    });
    this.silence.heard();
    try {
      for (let order = 0; ; order++) {
        while (queue.length === 0 && !ended) await new Promise<void>(resolve => (notify = resolve));
        throwIfAborted(this.signal);
        if (this.hung)
          throw new AppError('FFMPEG_FAILED', {
            task: 'decode',
            problem: `it said nothing for ${this.limitMs / 1000} s`,
          });
        const bytes = queue.shift();
        if (!bytes) break;
        // A paused pipe may be at its end already: then nothing more is to be heard.
        if (!ended && queue.length < ahead && stdout.isPaused()) {
          stdout.resume();
          this.silence.heard();
        }
        yield { bytes, pts: await this.timeOf(order), timeBase: this.timeBase };
      }
      const end = await this.running.done;
      throwIfAborted(this.signal);
      throwIfCrashed(end, 'decode the clip');
      // A drive that went away is no damage of the clip: the same pictures may be there tomorrow.
      if (this.running.errors().some(line => /Input\/output error/.test(line))) {
        throw new AppError('FFMPEG_FAILED', { task: 'read the clip', problem: 'Input/output error' });
      }
      const { exit } = end;
      if (exit !== 0) this.problem ??= problemOf(this.running);
    } finally {
      await this.close();
    }
  }

  /** Ends ffmpeg at once and waits until it has gone. */
  async close(): Promise<void> {
    this.silence.over();
    if (this.closed) return;
    this.closed = true;
    this.running.stdout.removeAllListeners('data');
    this.running.kill();
    this.running.stdout.resume();
    await this.running.done;
  }
}
