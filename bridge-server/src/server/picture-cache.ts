import { AppError } from '#protocol/errors';

/** Pictures kept in memory, for a playhead that goes to and fro. */
const cacheBytes = 48e6;
const decodersAtOnce = 2;
const waitingAtMost = 64;

/** Pictures that are made when they are asked for: a few at a time, the latest kept. */
export class PictureCache {
  private readonly known = new Map<string, Promise<Buffer>>();
  private readonly sizes = new Map<string, number>();
  private total = 0;
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  /** @throws AppError TOO_MANY, and what `make` throws */
  get(key: string, make: () => Promise<Buffer>): Promise<Buffer> {
    const before = this.known.get(key);
    if (before) {
      this.known.delete(key);
      this.known.set(key, before);
      return before;
    }
    if (this.waiting.length >= waitingAtMost)
      throw new AppError('TOO_MANY', { what: 'pictures', limit: waitingAtMost });
    const made = this.inTurn(make);
    this.known.set(key, made);
    made.then(
      bytes => this.keep(key, bytes.length),
      () => this.known.delete(key),
    );
    return made;
  }

  private keep(key: string, bytes: number): void {
    this.sizes.set(key, bytes);
    this.total += bytes;
    for (const [oldest] of this.known) {
      if (this.total <= cacheBytes) return;
      const size = this.sizes.get(oldest);
      if (size === undefined) continue;
      this.known.delete(oldest);
      this.sizes.delete(oldest);
      this.total -= size;
    }
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= decodersAtOnce) await new Promise<void>(resolve => this.waiting.push(resolve));
    this.running++;
    try {
      return await work();
    } finally {
      this.running--;
      this.waiting.shift()?.();
    }
  }
}
