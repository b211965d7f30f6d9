/**
 * Pulls up to `depth` items ahead of the consumer, so that what makes them works while the consumer does. Order and
 * errors are kept: an error comes after the items before it. When the consumer stops, so does the source, and at most
 * `depth` items are thrown away.
 */
export function prefetch<T>(source: AsyncIterable<T>, depth: number): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator](): AsyncIterator<T> {
      const iterator = source[Symbol.asyncIterator]();
      const ready: IteratorResult<T>[] = [];
      let failure: { readonly reason: unknown } | undefined;
      let ended = false;
      let stopped = false;
      let pumping: Promise<void> | undefined;
      let wake: (() => void) | undefined;

      const pump = async () => {
        try {
          while (!stopped && !ended && ready.length < depth) {
            const item = await iterator.next();
            if (item.done) ended = true;
            else ready.push(item);
            wake?.();
          }
        } catch (reason) {
          failure = { reason };
          ended = true;
          wake?.();
        } finally {
          pumping = undefined;
        }
      };
      const start = () => {
        if (!pumping && !stopped && !ended && ready.length < depth) pumping = pump();
      };

      return {
        async next(): Promise<IteratorResult<T>> {
          for (;;) {
            const item = ready.shift();
            start();
            if (item) return item;
            if (failure) {
              const { reason } = failure;
              failure = undefined;
              throw reason;
            }
            if (ended || stopped) return { done: true, value: undefined };
            await new Promise<void>(resolve => {
              wake = resolve;
              if (ready.length > 0 || ended) resolve();
            });
            wake = undefined;
          }
        },
        async return(): Promise<IteratorResult<T>> {
          stopped = true;
          ready.length = 0;
          // A generator answers `return` after the `next` that is under way.
          await iterator.return?.();
          await pumping;
          return { done: true, value: undefined };
        },
      };
    },
  };
}
