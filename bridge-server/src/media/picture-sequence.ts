import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { AppError } from '#protocol/errors';
import type { Encoded, Encoder, EncoderOptions } from './encoder';
import { encodePicture } from './still';
import { partialName, syncFolder, toWriteError, writeWhole } from './write-whole';

/** Where the pictures of a sequence lie and what they are called. */
export type SequenceName = {
  readonly folder: string;
  readonly fileOf: (number: number) => string;
  readonly pattern: RegExp;
};

/**
 * @param path a folder ("shots/a": 000000.png …), a name with its number's width ("shots/a-%04d.png"), or a plain name
 *   ("shots/a.png": a-000000.png …)
 */
export function sequenceName(path: string): SequenceName {
  const name = basename(path);
  const numbered = /^(.*)%0?(\d{0,2})d(.*)$/.exec(name);
  const plain = /^(.*)\.png$/i.exec(name);
  const [before, digits, after] = numbered
    ? [numbered[1], Number(numbered[2] || 1), numbered[3]]
    : plain
      ? [`${plain[1]}-`, 6, '.png']
      : ['', 6, '.png'];
  const escape = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return {
    folder: resolve(numbered || plain ? dirname(path) : path),
    fileOf: number => `${before}${String(number).padStart(digits, '0')}${after}`,
    pattern: new RegExp(`^${escape(before)}(\\d{${digits},})${escape(after)}$`),
  };
}

/** The pictures of a sequence in the order of their numbers. */
export async function listSequence(path: string): Promise<{ readonly number: number; readonly path: string }[]> {
  const { folder, pattern } = sequenceName(path);
  const names = await readdir(folder).catch(() => [] as string[]);
  return names
    .flatMap(name => {
      const found = pattern.exec(name);
      return found ? [{ number: Number(found[1]), path: join(folder, name) }] : [];
    })
    .sort((a, b) => a.number - b.number);
}

/**
 * Moves finished pictures from a working folder to their own, under their own names; pictures of an earlier, longer
 * sequence of the same name do not stay among them.
 */
export async function placeSequence(working: string, path: string): Promise<void> {
  const { folder } = sequenceName(path);
  const fresh = new Set(await readdir(working));
  for (const old of await listSequence(path)) if (!fresh.has(basename(old.path))) await rm(old.path);
  await mkdir(folder, { recursive: true });
  for (const name of fresh) await rename(join(working, name), join(folder, name));
  await rm(working, { recursive: true, force: true });
  await syncFolder(folder);
}

/** The folder beside the target where a sequence grows, so that moving it is a rename. */
export function workingFolder(path: string): string {
  const { folder, fileOf } = sequenceName(path);
  return partialName(join(dirname(folder), `.${basename(folder)}-${fileOf(0)}`));
}

/** Writes 16-bit PNGs; alpha is kept where it is asked for. @throws AppError OUTPUT_UNWRITABLE */
export async function createSequence(path: string, options: EncoderOptions): Promise<Encoder> {
  const { folder, fileOf } = sequenceName(path);
  const working = workingFolder(path);
  const first = options.firstNumber ?? 0;
  let frames = 0;
  let sizeBytes = 0;
  try {
    if ((await stat(folder).catch(() => undefined))?.isFile())
      throw new AppError('OUTPUT_UNWRITABLE', { path, problem: 'it is a file' });
    await rm(working, { recursive: true, force: true });
    await mkdir(working, { recursive: true });
  } catch (problem) {
    throw toWriteError(path, problem);
  }
  const abort = () => rm(working, { recursive: true, force: true });
  return {
    width: options.width,
    height: options.height,
    async write(frame) {
      const { alpha, ...opaque } = frame;
      const kept = options.alpha
        ? { ...opaque, alpha: alpha ?? new Float32Array(frame.width * frame.height).fill(1) }
        : opaque;
      const bytes = await encodePicture(kept, 'png16');
      try {
        await writeWhole(join(working, fileOf(first + frames)), [bytes], { sync: false });
      } catch (problem) {
        await abort();
        throw problem;
      }
      frames++;
      sizeBytes += bytes.length;
    },
    async finish(): Promise<Encoded> {
      try {
        if (frames === 0) throw new AppError('RESULT_INCOMPLETE', { actual: 0, expected: 1 });
        await placeSequence(working, path);
        return { path: folder, frames, sizeBytes };
      } catch (problem) {
        await abort();
        throw toWriteError(path, problem);
      }
    },
    abort,
  };
}
