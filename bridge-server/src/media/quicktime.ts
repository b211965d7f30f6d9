import { open, type FileHandle } from 'node:fs/promises';

/**
 * Reading and writing the table of contents of MOV and MP4 files, as far as joining equal clips needs it: one track of
 * pictures, stored in the order of showing, each shown equally long. Source: ISO/IEC 14496-12 and Apple's QuickTime
 * File Format.
 */
export type MovieTable = {
  readonly ftyp: Buffer;
  readonly moov: Buffer;
  /** Ticks a second of the track. */
  readonly timescale: number;
  /** Ticks that each picture is shown; 0 when they differ. */
  readonly ticksPerSample: number;
  /** The track's sample description, without the box around. */
  readonly description: Buffer;
  readonly sizes: readonly number[];
  readonly offsets: readonly number[];
  /** Pictures that decoding can begin with, counted from 0; undefined where all can. */
  readonly keys?: readonly number[];
};

type Box = { readonly type: string; readonly start: number; readonly body: number; readonly end: number };

function boxesIn(bytes: Buffer, from: number, to: number): Box[] {
  const boxes: Box[] = [];
  for (let start = from; start + 8 <= to;) {
    const size32 = bytes.readUInt32BE(start);
    const type = bytes.toString('latin1', start + 4, start + 8);
    const long = size32 === 1;
    const size = long ? Number(bytes.readBigUInt64BE(start + 8)) : size32 === 0 ? to - start : size32;
    if (size < 8 || start + size > to) break;
    boxes.push({ type, start, body: start + (long ? 16 : 8), end: start + size });
    start += size;
  }
  return boxes;
}

/** The first box at a path such as "trak/mdia/minf/stbl/stsd". */
function find(bytes: Buffer, path: string, within: { body: number; end: number }): Box | undefined {
  let here: { body: number; end: number } | undefined = within;
  for (const type of path.split('/')) {
    if (!here) return undefined;
    here = boxesIn(bytes, here.body, here.end).find(box => box.type === type);
  }
  return here as Box | undefined;
}

async function readExactly(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  if (bytesRead !== length) throw new Error(`the file ends at ${position + bytesRead} instead of ${position + length}`);
  return buffer;
}

/** @throws Error when the file is not a movie of the kind described above */
export async function readMovieTable(path: string): Promise<MovieTable> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    let ftyp: Buffer | undefined;
    let moov: Buffer | undefined;
    for (let position = 0; position + 8 <= size;) {
      const head = await readExactly(file, position, Math.min(16, size - position));
      const type = head.toString('latin1', 4, 8);
      const size32 = head.readUInt32BE(0);
      const length = size32 === 1 ? Number(head.readBigUInt64BE(8)) : size32 === 0 ? size - position : size32;
      if (length < 8) break;
      if (type === 'ftyp') ftyp = await readExactly(file, position, length);
      if (type === 'moov') moov = await readExactly(file, position, length);
      position += length;
    }
    if (!ftyp || !moov) throw new Error('it has no table of contents');
    return { ftyp, moov, ...parseTrack(moov) };
  } finally {
    await file.close();
  }
}

function parseTrack(moov: Buffer): Omit<MovieTable, 'ftyp' | 'moov'> {
  const whole = { body: 8, end: moov.length };
  const tracks = boxesIn(moov, 8, moov.length).filter(box => box.type === 'trak');
  if (tracks.length !== 1) throw new Error(`it has ${tracks.length} tracks instead of one`);
  const part = (name: string) => find(moov, `trak/mdia/minf/stbl/${name}`, whole);
  const need = (name: string): Box => {
    const box = part(name);
    if (!box) throw new Error(`it has no ${name}`);
    return box;
  };
  if (part('ctts')) throw new Error('its pictures are not stored in the order of showing');
  const mdhd = find(moov, 'trak/mdia/mdhd', whole);
  if (!mdhd || moov[mdhd.body] !== 0) throw new Error('its track has no header of a known kind');
  const stts = need('stts');
  const deltas = new Set<number>();
  for (let row = 0, at = stts.body + 8; row < moov.readUInt32BE(stts.body + 4); row++, at += 8)
    deltas.add(moov.readUInt32BE(at + 4));
  const stsz = need('stsz');
  const uniform = moov.readUInt32BE(stsz.body + 4);
  const count = moov.readUInt32BE(stsz.body + 8);
  const sizes = Array.from({ length: count }, (_, index) => uniform || moov.readUInt32BE(stsz.body + 12 + 4 * index));
  const stsd = need('stsd');
  const stss = part('stss');
  return {
    timescale: moov.readUInt32BE(mdhd.body + 12),
    ticksPerSample: deltas.size === 1 ? [...deltas][0] : 0,
    description: Buffer.from(moov.subarray(stsd.body + 8, stsd.end)),
    sizes,
    offsets: sampleOffsets(moov, sizes, need('stsc'), part('stco'), part('co64')),
    ...(stss
      ? {
          keys: Array.from(
            { length: moov.readUInt32BE(stss.body + 4) },
            (_, row) => moov.readUInt32BE(stss.body + 8 + 4 * row) - 1,
          ),
        }
      : {}),
  };
}

function sampleOffsets(
  moov: Buffer,
  sizes: readonly number[],
  stsc: Box,
  stco: Box | undefined,
  co64: Box | undefined,
): number[] {
  const table = stco ?? co64;
  if (!table) throw new Error('it does not say where its pictures lie');
  const chunks = Array.from({ length: moov.readUInt32BE(table.body + 4) }, (_, row) =>
    stco ? moov.readUInt32BE(table.body + 8 + 4 * row) : Number(moov.readBigUInt64BE(table.body + 8 + 8 * row)),
  );
  const runs = Array.from({ length: moov.readUInt32BE(stsc.body + 4) }, (_, row) => ({
    firstChunk: moov.readUInt32BE(stsc.body + 8 + 12 * row) - 1,
    samples: moov.readUInt32BE(stsc.body + 12 + 12 * row),
  }));
  const offsets: number[] = [];
  let run = 0;
  chunks.forEach((start, chunk) => {
    while (run + 1 < runs.length && runs[run + 1].firstChunk <= chunk) run++;
    let at = start;
    for (let sample = 0; sample < runs[run].samples && offsets.length < sizes.length; sample++) {
      offsets.push(at);
      at += sizes[offsets.length - 1];
    }
  });
  if (offsets.length !== sizes.length) throw new Error('its table of contents contradicts itself');
  return offsets;
}

export type Chunk = { readonly samples: number; readonly description: number };

export type JoinedTrack = {
  readonly descriptions: readonly Buffer[];
  readonly sizes: readonly number[];
  readonly keys?: readonly number[];
  /** Pictures stored one after the other, in order. */
  readonly chunks: readonly Chunk[];
  readonly ticksPerSample: number;
};

function box(type: string, ...parts: readonly Buffer[]): Buffer {
  const size = parts.reduce((sum, part) => sum + part.length, 8);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(size, 0);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, ...parts]);
}

function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32BE(value, 4 * index));
  return bytes;
}

/** The table of pictures: what is shown how long, how large it is and where it lies. */
function sampleTable(track: JoinedTrack, chunkOffsets: readonly number[], wide: boolean): Buffer {
  const { chunks, sizes } = track;
  const runs: number[] = [];
  chunks.forEach((chunk, index) => {
    const before = chunks[index - 1];
    if (!before || before.samples !== chunk.samples || before.description !== chunk.description) {
      runs.push(index + 1, chunk.samples, chunk.description + 1);
    }
  });
  const places = Buffer.alloc(chunkOffsets.length * (wide ? 8 : 4));
  chunkOffsets.forEach((offset, index) =>
    wide ? places.writeBigUInt64BE(BigInt(offset), 8 * index) : places.writeUInt32BE(offset, 4 * index),
  );
  return box(
    'stbl',
    box('stsd', numbers(0, track.descriptions.length), ...track.descriptions),
    box('stts', numbers(0, 1, sizes.length, track.ticksPerSample)),
    ...(track.keys ? [box('stss', numbers(0, track.keys.length, ...track.keys.map(key => key + 1)))] : []),
    box('stsc', numbers(0, runs.length / 3, ...runs)),
    box('stsz', numbers(0, 0, sizes.length, ...sizes)),
    box(wide ? 'co64' : 'stco', numbers(0, chunkOffsets.length), places),
  );
}

/**
 * A new `moov` after the example of one segment's, with other pictures.
 * @param wide uses 64-bit places, needed beyond 4 GiB
 */
export function buildMoov(example: Buffer, track: JoinedTrack, chunkOffsets: readonly number[], wide: boolean): Buffer {
  const whole = { body: 8, end: example.length };
  const mvhd = find(example, 'mvhd', whole);
  const mdhd = find(example, 'trak/mdia/mdhd', whole);
  if (!mvhd || !mdhd || example[mvhd.body] !== 0) throw new Error('the movie has no header of a known kind');
  const ticks = track.sizes.length * track.ticksPerSample;
  const movieScale = example.readUInt32BE(mvhd.body + 12);
  const trackScale = example.readUInt32BE(mdhd.body + 12);
  const movieTicks = Math.round((ticks * movieScale) / trackScale);
  if (ticks > 0xffffffff || movieTicks > 0xffffffff) throw new Error('the movie is too long for its clock');
  const rebuild = (from: number, to: number): Buffer[] =>
    boxesIn(example, from, to).map(child => {
      const content = Buffer.from(example.subarray(child.body, child.end));
      switch (child.type) {
        case 'trak':
        case 'mdia':
        case 'minf':
        case 'edts':
          return box(child.type, ...rebuild(child.body, child.end));
        case 'mvhd':
        case 'mdhd':
          content.writeUInt32BE(child.type === 'mvhd' ? movieTicks : ticks, 16);
          return box(child.type, content);
        case 'tkhd':
          content.writeUInt32BE(movieTicks, 20);
          return box('tkhd', content);
        case 'elst':
          // One edit: all of the track, from its first picture, at its own speed.
          return box('elst', numbers(0, 1, movieTicks, 0, 0x10000));
        case 'stbl':
          return sampleTable(track, chunkOffsets, wide);
        default:
          return box(child.type, content);
      }
    });
  return box('moov', ...rebuild(8, example.length));
}
