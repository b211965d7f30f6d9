import { copyFile, link, mkdir, open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { AppError } from '#protocol/errors';
import type { Encoded } from './encoder';
import { listSequence, placeSequence, sequenceName, workingFolder } from './picture-sequence';
import { buildMoov, readMovieTable, type Chunk, type MovieTable } from './quicktime';
import { partialName, syncFolder, toWriteError } from './write-whole';

/** Pictures that lie together, so that a reader finds about half a second at once. */
const samplesPerChunk = 24;
const copyBytes = 4 << 20;

/**
 * Joins clips that `createEncoder` made with the same settings, in order, without encoding again: each picture's bytes
 * are copied and the table of contents written anew, so counts and times are exact for any number of segments.
 * With folders of pictures as segments, the target is a sequence numbered from 0.
 * @throws AppError RESULT_INCOMPLETE (a segment is missing or short), RESULT_WRONG (unlike the others), DISK_FULL, OUTPUT_UNWRITABLE
 */
export async function joinSegments(
  segments: readonly string[],
  target: string,
  expectedFrames: number,
): Promise<Encoded> {
  const isMovie = /\.(mov|mp4|m4v)$/i.test(extname(segments[0] ?? target));
  return isMovie
    ? joinMovies(segments, resolve(target), expectedFrames)
    : joinSequences(segments, target, expectedFrames);
}

async function tablesOf(segments: readonly string[], expected: number): Promise<MovieTable[]> {
  const tables: MovieTable[] = [];
  for (const segment of segments) {
    try {
      tables.push(await readMovieTable(segment));
    } catch (problem) {
      const actual = tables.reduce((sum, table) => sum + table.sizes.length, 0);
      throw new AppError('RESULT_INCOMPLETE', { actual, expected, segment }, { cause: problem });
    }
  }
  const [first] = tables;
  const odd = tables.findIndex(
    table =>
      table.ticksPerSample === 0 ||
      table.ticksPerSample !== first.ticksPerSample ||
      table.timescale !== first.timescale,
  );
  const actual = tables.reduce((sum, table) => sum + table.sizes.length, 0);
  if (odd >= 0)
    throw new AppError('RESULT_WRONG', { path: segments[odd], problem: 'this part has another rate than the others' });
  if (actual !== expected || actual === 0) throw new AppError('RESULT_INCOMPLETE', { actual, expected });
  return tables;
}

async function joinMovies(segments: readonly string[], target: string, expected: number): Promise<Encoded> {
  const tables = await tablesOf(segments, expected);
  const descriptions: Buffer[] = [];
  const chunks: Chunk[] = [];
  const chunkBytes: number[] = [];
  const keys: number[] = [];
  let before = 0;
  for (const table of tables) {
    let description = descriptions.findIndex(known => known.equals(table.description));
    if (description < 0) description = descriptions.push(table.description) - 1;
    for (let start = 0; start < table.sizes.length; start += samplesPerChunk) {
      const sizes = table.sizes.slice(start, start + samplesPerChunk);
      chunks.push({ samples: sizes.length, description });
      chunkBytes.push(sizes.reduce((sum, size) => sum + size, 0));
    }
    for (const key of table.keys ?? []) keys.push(before + key);
    before += table.sizes.length;
  }
  const [first] = tables;
  const track = {
    descriptions,
    sizes: tables.flatMap(table => table.sizes),
    chunks,
    ticksPerSample: first.ticksPerSample,
    ...(tables.some(table => table.keys) ? { keys } : {}),
  };
  const dataBytes = chunkBytes.reduce((sum, size) => sum + size, 0);
  const wide = dataBytes > 0xf0000000;
  const placed = (start: number) => {
    let at = start;
    return chunkBytes.map(size => (at += size) - size);
  };
  // The table's length does not depend on what it says, so a first draft tells where the pictures will begin.
  const draft = buildMoov(first.moov, track, placed(0), wide);
  const mdatHead = Buffer.alloc(wide ? 16 : 8);
  mdatHead.writeUInt32BE(wide ? 1 : dataBytes + 8, 0);
  mdatHead.write('mdat', 4, 'latin1');
  if (wide) mdatHead.writeBigUInt64BE(BigInt(dataBytes + 16), 8);
  const moov = buildMoov(first.moov, track, placed(first.ftyp.length + draft.length + mdatHead.length), wide);
  const partial = partialName(target);
  try {
    await mkdir(dirname(target), { recursive: true });
    const out = await open(partial, 'w');
    try {
      for (const part of [first.ftyp, moov, mdatHead]) await writeAll(out, part);
      for (const [index, table] of tables.entries()) await copySamples(segments[index], table, out);
      await out.sync();
    } finally {
      await out.close();
    }
    await rename(partial, target);
    await syncFolder(dirname(target));
    return { path: target, frames: track.sizes.length, sizeBytes: (await stat(target)).size };
  } catch (problem) {
    await rm(partial, { force: true });
    throw toWriteError(target, problem);
  }
}

async function writeAll(out: FileHandle, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length;) done += (await out.write(bytes, done)).bytesWritten;
}

/** Copies a segment's pictures in order; neighbours in the file are read together. */
async function copySamples(segment: string, table: MovieTable, out: FileHandle): Promise<void> {
  const source = await open(segment, 'r');
  const buffer = Buffer.alloc(copyBytes);
  try {
    for (let sample = 0; sample < table.sizes.length;) {
      const start = table.offsets[sample];
      let end = start;
      while (sample < table.sizes.length && table.offsets[sample] === end) end += table.sizes[sample++];
      for (let position = start; position < end;) {
        const { bytesRead } = await source.read(buffer, 0, Math.min(copyBytes, end - position), position);
        if (bytesRead === 0)
          throw new AppError('RESULT_INCOMPLETE', { actual: sample, expected: table.sizes.length, segment });
        await writeAll(out, buffer.subarray(0, bytesRead));
        position += bytesRead;
      }
    }
  } finally {
    await source.close();
  }
}

async function joinSequences(segments: readonly string[], target: string, expected: number): Promise<Encoded> {
  const { fileOf, folder } = sequenceName(target);
  const working = workingFolder(target);
  let frames = 0;
  let sizeBytes = 0;
  try {
    await rm(working, { recursive: true, force: true });
    await mkdir(working, { recursive: true });
    for (const segment of segments) {
      for (const picture of await listSequence(segment)) {
        const to = join(working, fileOf(frames++));
        // A second name for the same bytes where the disk allows it, else a copy.
        await link(picture.path, to).catch(() => copyFile(picture.path, to));
        sizeBytes += (await stat(to)).size;
      }
    }
    if (frames !== expected) throw new AppError('RESULT_INCOMPLETE', { actual: frames, expected });
    await placeSequence(working, target);
    return { path: folder, frames, sizeBytes };
  } catch (problem) {
    await rm(working, { recursive: true, force: true });
    throw toWriteError(target, problem);
  }
}
