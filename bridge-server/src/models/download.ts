import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { AppError } from '#protocol/errors';
import type { NetFile } from './catalogue';

export type DownloadOptions = {
  /** What messages call it. */
  readonly name: string;
  readonly url: string;
  readonly hash: NetFile['hash'];
  /** Expected size; only the hash decides, but a file twice as large is not read to its end. */
  readonly sizeBytes: number;
  /** Where the unfinished file lies; what is there already is not fetched again. */
  readonly partPath: string;
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
  readonly signal?: AbortSignal;
  /** Silence after which a connection counts as broken. */
  readonly stallMs?: number;
  /** Pauses between attempts; their number is the number of further attempts without any new byte. */
  readonly retryMs?: readonly number[];
};

const defaultStallMs = 30_000;
const defaultRetryMs = [500, 2000, 5000];

/**
 * Fetches one file into `partPath`, going on where an earlier attempt stopped, and checks its hash.
 * @throws AppError DOWNLOAD_FAILED (the part stays for the next time), MODEL_HASH_WRONG (the part is removed), DISK_FULL, CANCELLED
 */
export async function download(options: DownloadOptions): Promise<void> {
  const { partPath, hash, name } = options;
  const resumed = (await sizeOfFile(partPath)) > 0;
  await fetchAll(options);
  let actual = await hashFile(partPath, hash.algorithm);
  if (actual !== hash.hex && resumed) {
    // The file may have been replaced between the two halves: once more from the start.
    await rm(partPath, { force: true });
    await fetchAll(options);
    actual = await hashFile(partPath, hash.algorithm);
  }
  if (actual === hash.hex) return;
  await rm(partPath, { force: true });
  throw new AppError('MODEL_HASH_WRONG', { name, expected: hash.hex, actual });
}

/** Attempts until the file is whole; every attempt that brought something on starts the count anew. */
async function fetchAll(options: DownloadOptions): Promise<void> {
  const pauses = options.retryMs ?? defaultRetryMs;
  let failures = 0;
  for (;;) {
    const before = await sizeOfFile(options.partPath);
    try {
      await fetchOnce(options);
      return;
    } catch (error) {
      if (options.signal?.aborted) throw new AppError('CANCELLED', {}, { cause: error });
      if (isDiskFull(error))
        throw new AppError(
          'DISK_FULL',
          { need: `${(options.sizeBytes / 1e6).toFixed(0)} MB`, path: options.partPath },
          { cause: error },
        );
      if (!(error instanceof BrokenConnection)) throw failed(options, error);
      failures = (await sizeOfFile(options.partPath)) > before ? 0 : failures + 1;
      if (failures > pauses.length) throw failed(options, error);
      const pause = pauses[Math.max(0, failures - 1)] ?? 0;
      await wait(pause, undefined, { signal: options.signal }).catch(() => undefined);
    }
  }
}

/** Worth another attempt; anything else (404, a wrong address) is not. */
class BrokenConnection extends Error {}

async function fetchOnce(options: DownloadOptions): Promise<void> {
  const { url, partPath, onProgress, sizeBytes } = options;
  const have = await sizeOfFile(partPath);
  const stall = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const alive = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => stall.abort(), options.stallMs ?? defaultStallMs);
  };
  const signal = options.signal ? AbortSignal.any([options.signal, stall.signal]) : stall.signal;
  alive();
  try {
    const response = await fetch(url, { headers: have > 0 ? { range: `bytes=${have}-` } : {}, signal }).catch(error => {
      throw new BrokenConnection(reasonOf(error), { cause: error });
    });
    if (response.status === 416) {
      // There is nothing after what is here: either it is whole, or the hash will say that it is not.
      await response.body?.cancel();
      return;
    }
    if (response.status >= 500) throw new BrokenConnection(`the server answered ${response.status}`);
    if (response.status !== 200 && response.status !== 206) throw new Error(`the server answered ${response.status}`);
    const start = response.status === 206 ? have : 0;
    const length = Number(response.headers.get('content-length') ?? NaN);
    const total = Number.isFinite(length) ? start + length : sizeBytes;
    if (total > 2 * sizeBytes + 1e6) throw new Error(`the file has ${total} bytes, ${sizeBytes} were expected`);
    const file = await open(partPath, start > 0 ? 'r+' : 'w');
    let done = start;
    try {
      for await (const chunk of chunksOf(response)) {
        alive();
        await file.write(chunk, 0, chunk.length, done);
        done += chunk.length;
        if (done > 2 * sizeBytes + 1e6) throw new Error(`more than ${done} bytes came, ${sizeBytes} were expected`);
        onProgress?.(done, Math.max(total, done));
      }
      await file.sync();
    } finally {
      await file.close();
    }
    if (Number.isFinite(length) && done < total)
      throw new BrokenConnection(`the connection ended at ${done} of ${total} bytes`);
  } finally {
    clearTimeout(timer);
  }
}

async function* chunksOf(response: Response): AsyncGenerator<Uint8Array> {
  if (!response.body) return;
  const reader = response.body.getReader();
  try {
    for (;;) {
      const next = await reader.read().catch(error => {
        throw new BrokenConnection(reasonOf(error), { cause: error });
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function failed(options: DownloadOptions, error: unknown): AppError {
  return new AppError('DOWNLOAD_FAILED', { name: options.name, problem: reasonOf(error) }, { cause: error });
}

/** undici hides the reason one level down ("fetch failed"). */
function reasonOf(error: unknown): string {
  if (error instanceof BrokenConnection) return error.message;
  const { cause, message, name } = error as {
    cause?: { message?: string; code?: string };
    message?: string;
    name?: string;
  };
  if (name === 'AbortError') return 'nothing came any more';
  return cause?.message || cause?.code || message || String(error);
}

function isDiskFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((error as { code?: string }).code ?? '');
}

async function sizeOfFile(path: string): Promise<number> {
  return stat(path).then(
    info => info.size,
    () => 0,
  );
}

export async function hashFile(path: string, algorithm: 'sha256' | 'sha1' = 'sha256'): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
