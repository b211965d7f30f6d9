import { createHash, randomUUID } from 'node:crypto';
import { constants, createReadStream, existsSync } from 'node:fs';
import { copyFile, mkdir, open, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '#protocol/errors';
import { writeFileSynced } from '../jobs/journal';

const sha256Pattern = /^[0-9a-f]{64}$/;

/** Reads what a file is, once all its bytes are here. @throws AppError when it is not what it should be */
export type Inspect<Info> = (path: string, about: { readonly sha256: string; readonly name: string }) => Promise<Info>;

/**
 * Immutable files known by the SHA-256 of their bytes: `<folder>/<sha256>`, and beside each what is known about it,
 * `<sha256>.json`. Names given by clients are words, never paths.
 */
export class ContentStore<Info> {
  private readonly inspecting = new Map<string, Promise<Info>>();

  constructor(
    readonly folder: string,
    private readonly inspect: Inspect<Info>,
  ) {}

  has(sha256: string): boolean {
    return sha256Pattern.test(sha256) && existsSync(this.pathOf(sha256));
  }

  /** @throws AppError CLIP_NOT_FOUND for anything that is not a hash */
  pathOf(sha256: string): string {
    if (!sha256Pattern.test(sha256)) throw new AppError('CLIP_NOT_FOUND', { clip: sha256.slice(0, 80) });
    return join(this.folder, sha256);
  }

  /** @throws AppError CLIP_NOT_FOUND */
  async info(sha256: string): Promise<Info> {
    const path = this.pathOf(sha256);
    if (!existsSync(path)) throw new AppError('CLIP_NOT_FOUND', { clip: sha256 });
    try {
      return JSON.parse(await readFile(`${path}.json`, 'utf8')) as Info;
    } catch {
      // Killed between the two files, or the facts are unreadable: they can be had again from the bytes.
      return this.describe(sha256, sha256.slice(0, 8));
    }
  }

  private describe(sha256: string, name: string): Promise<Info> {
    const running = this.inspecting.get(sha256);
    if (running) return running;
    const path = this.pathOf(sha256);
    const work = this.inspect(path, { sha256, name })
      .then(info => {
        writeFileSynced(`${path}.json`, `${JSON.stringify(info, null, 1)}\n`);
        return info;
      })
      .finally(() => this.inspecting.delete(sha256));
    this.inspecting.set(sha256, work);
    return work;
  }

  /**
   * Keeps a finished file that lies on the same drive under its hash. What turns out not to be readable is not kept.
   * @param path is moved
   */
  async keep(path: string, sha256: string, name: string): Promise<Info> {
    const target = this.pathOf(sha256);
    await mkdir(this.folder, { recursive: true });
    if (existsSync(target)) {
      await rm(path, { force: true });
      return this.info(sha256);
    }
    const file = await open(path, 'r+');
    await file.sync().finally(() => file.close());
    await rename(path, target);
    try {
      return await this.describe(sha256, name);
    } catch (error) {
      await rm(target, { force: true });
      throw renamed(error, target, name);
    }
  }

  /**
   * Takes a copy of a local file (a clone where the file system can): the user may change or delete the original
   * while a job runs. @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, DISK_FULL
   */
  async add(path: string, name: string): Promise<{ sha256: string; info: Info }> {
    await mkdir(this.folder, { recursive: true });
    const temporary = join(this.folder, `.${randomUUID()}.part`);
    try {
      const found = await stat(path);
      if (!found.isFile()) throw new AppError('FILE_UNREADABLE', { path, problem: 'it is not a file' });
      await copyFile(path, temporary, constants.COPYFILE_FICLONE);
      const sha256 = await hashFile(temporary);
      return { sha256, info: await this.keep(temporary, sha256, name) };
    } catch (error) {
      await rm(temporary, { force: true });
      const { code, message } = error as NodeJS.ErrnoException;
      if (error instanceof AppError) throw renamed(error, temporary, path);
      if (code === 'ENOENT') throw new AppError('FILE_NOT_FOUND', { path }, { cause: error });
      if (code === 'ENOSPC' || code === 'EDQUOT')
        throw new AppError(
          'DISK_FULL',
          { need: `${(await stat(path)).size} bytes are`, path: this.folder },
          { cause: error },
        );
      throw new AppError('FILE_UNREADABLE', { path, problem: message }, { cause: error });
    }
  }

  async list(): Promise<string[]> {
    await mkdir(this.folder, { recursive: true });
    return (await readdir(this.folder)).filter(name => sha256Pattern.test(name));
  }

  async remove(sha256: string): Promise<void> {
    const path = this.pathOf(sha256);
    await rm(path, { force: true });
    await rm(`${path}.json`, { force: true });
  }
}

/** The file as the user knows it, instead of where it was kept. */
function renamed(error: unknown, kept: string, name: string): unknown {
  if (
    !(error instanceof AppError) ||
    !Object.values(error.details).some(value => typeof value === 'string' && value.includes(kept))
  )
    return error;
  const details = Object.fromEntries(
    Object.entries(error.details).map(([key, value]) => [
      key,
      typeof value === 'string' ? value.split(kept).join(name) : value,
    ]),
  );
  return new AppError(error.code, details, { cause: error });
}

export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(part as Buffer);
  return hash.digest('hex');
}
