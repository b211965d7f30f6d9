/** A silence is counted in so many parts. */
const parts = 12;

/**
 * Notices that something is silent for too long. The time is counted in parts, each by a timer of its own: while this
 * program itself stood still (a busy computer, a laptop that slept, a long computation) only one part passes, and what
 * was said meanwhile is heard before the next.
 */
export class Silence {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly limitMs: number,
    private readonly onTooLong: () => void,
  ) {}

  /** Counts from the beginning again. */
  heard(): void {
    this.over();
    let passed = 0;
    this.timer = setInterval(() => {
      if (++passed < parts) return;
      this.over();
      this.onTooLong();
    }, this.limitMs / parts);
  }

  /** Nothing is expected any more. */
  over(): void {
    clearInterval(this.timer);
  }
}
