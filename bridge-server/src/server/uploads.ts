import { createHash, type Hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '#protocol/errors';
import { chunkBytes, creditChunks } from '#protocol/messages';
import { formatBytes } from '../jobs/estimate';
import { freeBytes } from './core';
import { hashFile } from './content-store';
import type { Limits } from './limits';

export type UploadKind = 'clip' | 'image' | 'net' | 'sound';

/** A partial file that nobody continued for this long is deleted. */
const forgottenMs = 7 * 24 * 3600 * 1000;

type Upload = {
  readonly number: number;
  readonly key: string;
  readonly kind: UploadKind;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly name: string;
  /** The file is left where it came, for another that names it. */
  readonly waits?: boolean;
  readonly beside?: { readonly sha256: string; readonly name: string };
  readonly path: string;
  readonly file: FileHandle;
  /** Hash of what was written, when all of it was written since the file was opened. */
  readonly hash: Hash | undefined;
  /** Bytes that are in the file. */
  received: number;
  /** Bytes that came and are not in the file yet; never more than the credit. */
  pending: number;
  work: Promise<void>;
  failure: AppError | undefined;
  readonly onCredit: (receivedBytes: number) => void;
};

/**
 * Uploads under way. What has come is in `<kind>-<sha256>.part`, so a broken upload goes on from the file's length,
 * after a lost connection and after a restart alike.
 */
export class UploadDesk {
  private readonly byKey = new Map<string, Upload>();

  constructor(
    private readonly folder: string,
    private readonly limits: Limits,
  ) {}

  /** Deletes partial files that nobody came back for. */
  async sweep(): Promise<void> {
    for (const name of await readdir(this.folder)) {
      const path = join(this.folder, name);
      const found = await stat(path).catch(() => undefined);
      if (found && Date.now() - found.mtimeMs > forgottenMs) await rm(path, { force: true });
    }
  }

  /**
   * Opens or continues an upload. A second one of the same file takes over: the first one's connection is dead, or its
   * panel was reloaded. @throws AppError UPLOAD_TOO_LARGE, DISK_TOO_SMALL
   */
  async open(
    about: Pick<Upload, 'number' | 'kind' | 'sha256' | 'sizeBytes' | 'name' | 'waits' | 'beside'>,
    onCredit: (receivedBytes: number) => void,
  ): Promise<Upload> {
    const limit = this.limits.uploadBytes[about.kind];
    if (about.sizeBytes > limit)
      throw new AppError('UPLOAD_TOO_LARGE', { actual: formatBytes(about.sizeBytes), limit: formatBytes(limit) });
    const key = `${about.kind}-${about.sha256}`;
    const before = this.byKey.get(key);
    if (before) await this.abort(before, new AppError('UPLOAD_UNKNOWN'));
    const path = this.pathOf(key);
    const there = (await stat(path).catch(() => undefined))?.size ?? 0;
    // Longer than the file is to be: damaged, or another file's.
    const received = there <= about.sizeBytes ? there : 0;
    const free = await freeBytes(this.folder);
    const need = about.sizeBytes - received + this.limits.spareDiskBytes;
    if (free < need)
      throw new AppError('DISK_TOO_SMALL', { need: formatBytes(need), path: this.folder, free: formatBytes(free) });
    const file = await open(path, received > 0 ? 'r+' : 'w', 0o600);
    const upload: Upload = {
      ...about,
      key,
      path,
      file,
      hash: received === 0 ? createHash('sha256') : undefined,
      received,
      pending: 0,
      work: Promise.resolve(),
      failure: undefined,
      onCredit,
    };
    this.byKey.set(key, upload);
    return upload;
  }

  /**
   * Takes a chunk. One that was sent before is cut to what is new; one from further on is dropped, and the credit tells
   * the sender where to go on. @throws AppError TOO_MANY when the sender passes its credit
   */
  write(upload: Upload, offset: number, bytes: Uint8Array): void {
    if (upload.failure) return;
    const end = upload.received + upload.pending;
    const fresh = offset <= end ? bytes.subarray(end - offset) : bytes.subarray(0, 0);
    if (bytes.length > chunkBytes || end + fresh.length > upload.sizeBytes) {
      throw new AppError('MESSAGE_TOO_LARGE', {
        actual: bytes.length,
        limit: Math.min(chunkBytes, upload.sizeBytes - end),
      });
    }
    if (upload.pending + fresh.length > (creditChunks + 1) * chunkBytes)
      throw new AppError('TOO_MANY', { what: 'chunks', limit: creditChunks });
    if (fresh.length === 0) {
      upload.onCredit(upload.received);
      return;
    }
    upload.pending += fresh.length;
    upload.work = upload.work.then(async () => {
      if (upload.failure) return;
      try {
        await upload.file.write(fresh, 0, fresh.length, upload.received);
        upload.hash?.update(fresh);
        upload.received += fresh.length;
        upload.pending -= fresh.length;
        upload.onCredit(upload.received);
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        upload.failure =
          code === 'ENOSPC' || code === 'EDQUOT'
            ? new AppError(
                'DISK_FULL',
                { need: formatBytes(upload.sizeBytes - upload.received), path: this.folder },
                { cause: error },
              )
            : new AppError('FILE_UNREADABLE', { path: upload.name, problem: message }, { cause: error });
      }
    });
  }

  /**
   * All bytes are said to be there: checks that they are, and that they are the right ones.
   * @returns the path of the whole file @throws AppError UPLOAD_UNKNOWN (bytes are missing), UPLOAD_HASH_WRONG, DISK_FULL
   */
  async close(upload: Upload): Promise<string> {
    await upload.work;
    await this.release(upload);
    if (upload.failure) throw upload.failure;
    if (upload.received !== upload.sizeBytes) throw new AppError('UPLOAD_UNKNOWN');
    const actual = upload.hash ? upload.hash.digest('hex') : await hashFile(upload.path);
    if (actual !== upload.sha256) {
      await rm(upload.path, { force: true });
      throw new AppError('UPLOAD_HASH_WRONG');
    }
    return upload.path;
  }

  /** Where a file lies that was sent whole and waits. @throws AppError UPLOAD_UNKNOWN, UPLOAD_HASH_WRONG */
  async waiting(kind: UploadKind, sha256: string): Promise<string> {
    const path = this.pathOf(`${kind}-${sha256}`);
    if (!existsSync(path)) throw new AppError('UPLOAD_UNKNOWN');
    if ((await hashFile(path)) !== sha256) throw new AppError('UPLOAD_HASH_WRONG');
    return path;
  }

  private pathOf(key: string): string {
    return join(this.folder, `${key}.part`);
  }

  /** Ends an upload and keeps what has come, for the next try. */
  async abort(upload: Upload, reason = new AppError('CANCELLED')): Promise<void> {
    upload.failure ??= reason;
    await upload.work;
    await this.release(upload);
  }

  private async release(upload: Upload): Promise<void> {
    if (this.byKey.get(upload.key) !== upload) return;
    this.byKey.delete(upload.key);
    await upload.file.close();
  }

  async end(): Promise<void> {
    await Promise.all([...this.byKey.values()].map(upload => this.abort(upload)));
  }
}

export type { Upload };
