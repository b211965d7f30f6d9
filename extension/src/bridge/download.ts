import { AppError, toAppError } from '#protocol/errors';
import type { RequestOf } from '#protocol/messages';
import { createSha256, type ByteSink } from './bytes';
import type { Connection } from './connection';

export type Downloaded = { readonly name: string; readonly sizeBytes: number; readonly sha256: string };
export type DownloadOptions = {
  readonly signal?: AbortSignal;
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
};

/**
 * Fetches a result over the socket, for hosts that have a disk (browsers save over HTTP). Credit is given only after
 * `sink` has taken the bytes. A lost connection is waited for and the rest fetched.
 * @throws AppError DOWNLOAD_FAILED when the bytes do not have the hash that the bridge named
 */
export async function download(
  connection: Connection,
  what: RequestOf<'download-open'>['what'],
  job: string,
  sink: ByteSink,
  { signal, onProgress }: DownloadOptions = {},
): Promise<Downloaded> {
  const hash = createSha256();
  let received = 0;
  let known: Downloaded | undefined;
  for (;;) {
    await connection.whenOpen(signal);
    try {
      await receive();
      break;
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code !== 'CONNECTION_LOST') throw error;
    }
  }
  if (!known) throw new AppError('DOWNLOAD_FAILED', { name: job, problem: 'nothing came' });
  if (hash.hex() !== known.sha256)
    throw new AppError('DOWNLOAD_FAILED', { name: known.name, problem: 'it arrived damaged' });
  return known;

  async function receive(): Promise<void> {
    const early: { transfer: number; offset: number; bytes: Uint8Array }[] = [];
    let take = (transfer: number, offset: number, bytes: Uint8Array) => void early.push({ transfer, offset, bytes });
    const stopChunks = connection.onChunk((transfer, offset, bytes) => take(transfer, offset, bytes));
    let stopState = () => {};
    let onAbort = () => {};
    try {
      const { transfer, ...opened } = await connection.request('download-open', { what, job, offset: received });
      if (known && known.sha256 !== opened.sha256)
        throw new AppError('DOWNLOAD_FAILED', { name: opened.name, problem: 'it changed on the way' });
      known = opened;
      await new Promise<void>((resolve, reject) => {
        let work = Promise.resolve();
        onAbort = () => reject(new AppError('CANCELLED'));
        signal?.addEventListener('abort', onAbort);
        if (signal?.aborted) onAbort();
        stopState = connection.onState(state => state.status !== 'open' && reject(new AppError('CONNECTION_LOST')));
        if (received >= opened.sizeBytes) return resolve();
        take = (from, offset, bytes) => {
          if (from !== transfer) return;
          work = work.then(async () => {
            // A repeated or overlapping chunk is cut to what is new; one from further on cannot be used.
            const fresh = bytes.subarray(Math.max(0, received - offset));
            if (offset > received || fresh.length === 0) return;
            await sink.write(fresh);
            hash.update(fresh);
            received += fresh.length;
            onProgress?.(received, opened.sizeBytes);
            connection.request('download-credit', { transfer, receivedBytes: received }).catch(reject);
            if (received >= opened.sizeBytes) resolve();
          });
          work.catch(reject);
        };
        for (const chunk of early.splice(0)) take(chunk.transfer, chunk.offset, chunk.bytes);
      });
      connection.request('download-close', { transfer }).catch(() => undefined);
    } finally {
      stopChunks();
      stopState();
      signal?.removeEventListener('abort', onAbort);
    }
  }
}
