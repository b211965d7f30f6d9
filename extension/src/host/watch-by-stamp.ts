import { toAppError, type AppError } from '#protocol/errors';
import type { TimelineRange } from '#protocol/timeline';
import type { Unsubscribe } from './host';

export type Stamped = {
  /** A short text that changes when the selection, the range or the open sequence does; '' when none is open. */
  readStamp(): Promise<string>;
  onChange(stamp: string): Promise<void>;
  /** False while nobody looks, or a call is under way. */
  mayAsk(): boolean;
  notice(error: AppError): void;
  /** The host's own events. They come in swarms, late or never, so that they hasten a look and replace none. */
  events?: (onEvent: () => void) => Unsubscribe;
};

const pollMs = 1000;
/** Once events are known to come. */
const lazyPollMs = 5000;
const swarmMs = 150;

/** Looks whether something changed: at once, at the host's events, and every second where there are none. */
export function watchByStamp({ readStamp, onChange, mayAsk, notice, events }: Stamped): Unsubscribe {
  let known: string | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  let everyMs = pollMs;

  async function look(): Promise<void> {
    if (!mayAsk()) return;
    const stamp = await readStamp();
    if (stamp === known) return;
    known = stamp;
    await onChange(stamp);
  }
  function lookIn(ms: number): void {
    clearTimeout(timer);
    timer = setTimeout(lookNow, ms);
  }
  function lookNow(): void {
    look()
      .catch(thrown => notice(toAppError(thrown)))
      .finally(() => {
        if (!stopped) lookIn(everyMs);
      });
  }

  lookNow();
  const stopEvents = events?.(() => {
    everyMs = lazyPollMs;
    if (!stopped) lookIn(swarmMs);
  });
  return () => {
    stopped = true;
    clearTimeout(timer);
    stopEvents?.();
  };
}

const nothingUsable = ['NOTHING_MARKED', 'SELECTION_SCATTERED', 'SELECTION_REFUSED', 'RANGE_EMPTY'];

/** What is marked, or undefined where nothing usable is: the list of clips says so itself. */
export function rangeOrNone(read: () => TimelineRange): TimelineRange | undefined {
  try {
    return read();
  } catch (thrown) {
    if (nothingUsable.includes(toAppError(thrown).code)) return undefined;
    throw thrown;
  }
}
