import type { ClipInfo } from '#protocol/clip';
import { AppError, toAppError } from '#protocol/errors';
import { chunkBytes, creditChunks, type RequestOf } from '#protocol/messages';
import { hashSource, type ByteSource } from './bytes';
import type { Connection } from './connection';

export type UploadKind = RequestOf<'upload-open'>['kind'];
export type UploadProgress = {
  readonly phase: 'hashing' | 'sending' | 'checking';
  readonly doneBytes: number;
  readonly totalBytes: number;
};
export type UploadOptions = {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: UploadProgress) => void;
  /** A net in two files: the first waits, the second names it. */
  readonly pair?: Pick<RequestOf<'upload-open'>, 'waits' | 'beside'>;
};
export type Uploaded = { readonly sha256: string; readonly clip?: ClipInfo };

/** A socket that stays open but takes nothing any more is opened anew after this time. */
const stallMs = 30_000;
/** How often an upload that the bridge has forgotten or found damaged is begun again. */
const freshStarts = 2;

/** What may be sent next without passing the credit, or undefined when the receiver must speak first. */
export function nextPiece(
  sent: number,
  received: number,
  size: number,
): { offset: number; length: number } | undefined {
  const windowBytes = creditChunks * chunkBytes;
  const length = Math.min(chunkBytes, size - sent, windowBytes - (sent - received));
  return length > 0 ? { offset: sent, length } : undefined;
}

/**
 * Sends a file to the bridge. A connection that is lost on the way is waited for, and the upload goes on from the
 * offset that the bridge then names. The bridge checks the hash before it answers.
 * @throws AppError CANCELLED by the signal; what the bridge says of the file (NOT_MEDIA, UPLOAD_TOO_LARGE, …)
 */
export async function upload(
  connection: Connection,
  source: ByteSource,
  kind: UploadKind,
  options: UploadOptions = {},
): Promise<Uploaded> {
  const { signal, onProgress } = options;
  const totalBytes = source.sizeBytes;
  if (totalBytes === 0) throw new AppError('FILE_UNREADABLE', { path: source.name, problem: 'the file is empty' });
  const sha256 = await hashSource(source, {
    signal,
    onProgress: doneBytes => onProgress?.({ phase: 'hashing', doneBytes, totalBytes }),
  });
  for (let forgotten = 0; ;) {
    await connection.whenOpen(signal);
    try {
      const opened = await connection.request('upload-open', {
        kind,
        sha256,
        sizeBytes: totalBytes,
        name: source.name,
        ...options.pair,
      });
      if (opened.complete) return { sha256, clip: opened.clip };
      await sendFrom(connection, source, opened.transfer, opened.offset, options);
      onProgress?.({ phase: 'checking', doneBytes: totalBytes, totalBytes });
      const closed = await connection.request('upload-close', { transfer: opened.transfer });
      return { sha256: closed.sha256, clip: closed.clip };
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code === 'CONNECTION_LOST') continue;
      if (error.code === 'UPLOAD_UNKNOWN' && forgotten++ < freshStarts) continue;
      throw error;
    }
  }
}

async function sendFrom(
  connection: Connection,
  source: ByteSource,
  transfer: number,
  start: number,
  { signal, onProgress }: UploadOptions,
) {
  let sent = start;
  let received = start;
  let failure: AppError | undefined;
  let wake = () => {};
  const stops = [
    connection.onMessage(message => {
      if (message.type === 'credit' && message.transfer === transfer) {
        received = Math.max(received, message.receivedBytes);
        onProgress?.({ phase: 'sending', doneBytes: received, totalBytes: source.sizeBytes });
        wake();
      }
    }),
    connection.onState(state => {
      if (state.status !== 'open') {
        failure = new AppError('CONNECTION_LOST');
        wake();
      }
    }),
  ];
  const onAbort = () => {
    failure = new AppError('CANCELLED');
    wake();
  };
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted) onAbort();
  try {
    onProgress?.({ phase: 'sending', doneBytes: received, totalBytes: source.sizeBytes });
    while (sent < source.sizeBytes) {
      if (failure) throw failure;
      const piece = nextPiece(sent, received, source.sizeBytes);
      if (!piece) {
        await new Promise<void>((resolve, reject) => {
          const timer = setTimeout(() => reject(new AppError('CONNECTION_LOST')), stallMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        continue;
      }
      const bytes = await source.read(piece.offset, piece.length);
      if (failure) throw failure;
      if (bytes.length !== piece.length)
        throw new AppError('FILE_UNREADABLE', { path: source.name, problem: 'it became shorter' });
      connection.sendChunk(transfer, piece.offset, bytes);
      sent += bytes.length;
    }
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.code !== 'CONNECTION_LOST') connection.request('upload-abort', { transfer }).catch(() => undefined);
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    for (const stop of stops) stop();
  }
}
