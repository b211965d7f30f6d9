import type { ClipInfo } from '#protocol/clip';
import { AppError, toAppError } from '#protocol/errors';
import type { ExportedClip, TimelineRange } from '#protocol/timeline';
import type { Bridge } from '../bridge/client';
import type { Host, HostStep, WantedRange } from '../host/host';
import type { Store } from './store';

/** Brings a clip to the bridge: from the file that a person chose, or from what is marked in the host's timeline. */
export function createClipReader({ store, bridge, host }: { store: Store; bridge: Bridge; host: Host }) {
  let reading: AbortController | undefined;

  /** The bridge reads a source itself where it may see the file: a film of hours is not sent for some seconds of it. */
  async function readInPlace({ isSource, path }: ExportedClip): Promise<ClipInfo | undefined> {
    if (!isSource || path === undefined) return undefined;
    try {
      return (await bridge.connection.request('clip-from-path', { path })).clip;
    } catch (thrown) {
      // On another machine, or in a folder that the bridge was not given.
      if (toAppError(thrown).code === 'FILE_NOT_FOUND') return undefined;
      throw thrown;
    }
  }

  /**
   * Exports what is marked (or takes the file), sends it, and learns what it is.
   * @returns whether it is at hand now; the reason why not is in the store, unless it was stopped
   */
  async function prepare(name: string, read: () => Promise<TimelineRange> | undefined): Promise<boolean> {
    reading?.abort();
    const mine = (reading = new AbortController());
    const { signal } = mine;
    const busy = (
      step: HostStep | 'hashing' | 'sending' | 'checking',
      rest: { done?: number; doneBytes?: number; totalBytes?: number } = {},
    ) => {
      if (!signal.aborted) store.dispatch({ type: 'source', source: { phase: 'busy', step, name, ...rest } });
    };
    try {
      busy('reading');
      let timeline = await read();
      const exported: ExportedClip = timeline
        ? await host.exportRange(timeline, { signal, report: (done, step) => busy(step, { done }) })
        : { name, isSource: true, handle: 0 };
      const clip =
        (await readInPlace(exported)) ??
        (
          await bridge.upload(await host.openBytes(exported), 'clip', {
            signal,
            onProgress: ({ phase, doneBytes, totalBytes }) =>
              busy(phase, { done: doneBytes / totalBytes, doneBytes, totalBytes }),
          })
        ).clip;
      if (!exported.isSource) await host.releaseExport?.(exported);
      if (!clip) throw new AppError('NOT_MEDIA', { path: name });
      if (signal.aborted) return false;
      host.learnClip?.(clip);
      timeline ??= await host.readRange();
      store.dispatch({ type: 'source', source: { phase: 'ready', name, clip, timeline, exported } });
      return true;
    } catch (thrown) {
      const error = toAppError(thrown).toJSON();
      if (mine !== reading) return false;
      store.dispatch({
        type: 'source',
        source: error.code === 'CANCELLED' ? { phase: 'none' } : { phase: 'failed', name, error },
      });
      return false;
    }
  }

  return {
    stop: () => reading?.abort(),
    openFile(file: File): void {
      host.takeFile?.(file);
      void prepare(file.name, () => undefined);
    },
    readTimeline: (wanted?: WantedRange) =>
      prepare(store.get().selection.range?.sequence.name ?? '', () => host.readRange(wanted)),
  };
}
export type ClipReader = ReturnType<typeof createClipReader>;
