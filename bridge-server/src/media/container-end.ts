import { open, type FileHandle } from 'node:fs/promises';

/**
 * Compares the lengths that a container declares with the length of the file, which finds a copy or download that broke
 * off before any decoder stumbles over it.
 * @returns what is missing, in words; undefined when the file reaches its declared end or declares none
 */
export async function findMissingEnd(path: string): Promise<string | undefined> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const head = await readAt(file, 0, 16);
    if (head.length < 16) return undefined;
    if (/^(ftyp|moov|mdat|wide|free|skip|pnot)$/.test(head.toString('latin1', 4, 8)))
      return await endOfBoxes(file, size);
    if (head.readUInt32BE(0) === 0x1a45dfa3) return await endOfMatroska(file, size);
    if (head.toString('latin1', 0, 4) === 'RIFF') return endOfRiff(head, size);
    return undefined;
  } finally {
    await file.close();
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}

function shortage(declared: number, size: number): string {
  return `${declared - size} bytes are missing at its end`;
}

/** MP4 and MOV: a chain of boxes, one of which (`moov`) is the table of contents. Source: ISO/IEC 14496-12, section 4.2. */
async function endOfBoxes(file: FileHandle, size: number): Promise<string | undefined> {
  let position = 0;
  let hasTable = false;
  while (position + 8 <= size) {
    const head = await readAt(file, position, 16);
    const type = head.toString('latin1', 4, 8);
    let length = head.readUInt32BE(0);
    if (length === 1 && head.length === 16) length = Number(head.readBigUInt64BE(8));
    // 0 means "to the end of the file"; what is no box name is padding or rubbish behind the last box.
    if (length === 0 || (length < 8 && length !== 1) || !/^[\x20-\x7e\xa9]{4}$/.test(type)) break;
    if (type === 'moov' || type === 'moof') hasTable = true;
    if (position + length > size) return shortage(position + length, size);
    position += length;
  }
  return hasTable ? undefined : 'its table of contents is missing';
}

/** An EBML number: its length is told by the leading zeros of its first byte. Source: RFC 8794, section 4. */
function ebmlNumber(bytes: Buffer, at: number, keepMarker: boolean): { value: number; length: number } | undefined {
  const length = Math.clz32(bytes[at] ?? 0) - 23;
  if (length > 8 || at + length > bytes.length) return undefined;
  let value = keepMarker ? bytes[at] : bytes[at] & (0xff >> length);
  let unknown = (bytes[at] & (0xff >> length)) === 0xff >> length;
  for (let index = 1; index < length; index++) {
    value = value * 256 + bytes[at + index];
    unknown &&= bytes[at + index] === 0xff;
  }
  return { value: unknown && !keepMarker ? -1 : value, length };
}

async function endOfMatroska(file: FileHandle, size: number): Promise<string | undefined> {
  const bytes = await readAt(file, 0, 4096);
  const header = ebmlNumber(bytes, 4, false);
  if (!header || header.value < 0) return undefined;
  const segment = 4 + header.length + header.value;
  const id = ebmlNumber(bytes, segment, true);
  const length = id && ebmlNumber(bytes, segment + id.length, false);
  if (!id || id.value !== 0x18538067 || !length || length.value < 0) return undefined; // a live stream declares no length
  const end = segment + id.length + length.length + length.value;
  return end > size ? shortage(end, size) : undefined;
}

function endOfRiff(head: Buffer, size: number): string | undefined {
  const end = head.readUInt32LE(4) + 8;
  // A file that was streamed, or is larger than 4 GiB, holds no true length here.
  return head.readUInt32LE(4) < 0xffffff00 && end > size + 1 ? shortage(end, size) : undefined;
}
