import type { StageState } from './stage';

/** How often states go to disk: often enough to lose little, seldom enough to cost little. */
export type CheckpointRule = {
  /** A state is due after this many frames ... */
  readonly frames: number;
  /** ... or after this long, whichever is first, */
  readonly seconds: number;
  /** but never sooner than this after the one before. */
  readonly leastSeconds: number;
};

export const checkpointRule: CheckpointRule = { frames: 8, seconds: 10, leastSeconds: 2 };

/**
 * Chooses which of the states that a stage hands over are written. A state counts only once every frame before it is on
 * disk: frames are written behind the stage, so states wait here for theirs.
 */
export class Checkpoints {
  private readonly waiting: StageState[] = [];
  private lastIndex: number;
  private lastTime: number;

  constructor(
    private readonly write: (state: StageState) => Promise<void>,
    first: number,
    private readonly rule: CheckpointRule = checkpointRule,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.lastIndex = first;
    this.lastTime = now();
  }

  /** The stage hands over a state. */
  offer(state: StageState): void {
    this.waiting.push(state);
  }

  /** Frame `next` was refused: states that come after it are worth nothing. */
  forgetAfter(next: number): void {
    const sound = this.waiting.filter(state => state.nextIndex <= next);
    this.waiting.splice(0, this.waiting.length, ...sound);
  }

  /** Frames below `next` are on disk. Writes the newest state that they complete, if one is due. */
  async stored(next: number, always = false): Promise<void> {
    let newest: StageState | undefined;
    while (this.waiting.length > 0 && this.waiting[0].nextIndex <= next) newest = this.waiting.shift();
    if (!newest || newest.nextIndex <= this.lastIndex) return;
    const seconds = (this.now() - this.lastTime) / 1000;
    const due =
      (newest.nextIndex - this.lastIndex >= this.rule.frames && seconds >= this.rule.leastSeconds) ||
      seconds >= this.rule.seconds;
    if (!due && !always) {
      // Not written now, but the best there is if the task is stopped.
      this.waiting.unshift(newest);
      return;
    }
    await this.write(newest);
    this.lastIndex = newest.nextIndex;
    this.lastTime = this.now();
  }
}
