import { PbfReader, PbfWriter } from 'pbf';

/** One field of a protobuf message. Numbers arrive in `number`, everything with a length in `bytes`. */
export type Field = { readonly id: number; readonly number: number; readonly bytes: Uint8Array };

/** The bytes are no protobuf message: the caller knows where and says so. */
export class WireError extends Error {}

const none = new Uint8Array(0);

/** A field takes tens of times its own bytes in memory while it is read; no message of a net has as many as this. */
const mostFields = 2_000_000;

/** Every length is checked before it is used, so damaged bytes end here and nowhere deeper. @throws WireError */
export function fieldsOf(bytes: Uint8Array): Field[] {
  const reader = new PbfReader(bytes);
  const fields: Field[] = [];
  while (reader.pos < bytes.length) {
    if (fields.length >= mostFields) throw new WireError(`more than ${mostFields} fields in one message`);
    const tag = readVarint(reader, bytes);
    const id = Math.floor(tag / 8);
    const wire = tag % 8;
    if (id < 1 || tag > 0xffffffff) throw new WireError('a field without a number');
    if (wire === 0) fields.push({ id, number: readVarint(reader, bytes, true), bytes: none });
    else if (wire === 2) {
      const length = readVarint(reader, bytes);
      if (length > bytes.length - reader.pos)
        throw new WireError(`${length} bytes announced, ${bytes.length - reader.pos} there`);
      fields.push({ id, number: NaN, bytes: bytes.subarray(reader.pos, reader.pos + length) });
      reader.pos += length;
    } else if (wire === 5 || wire === 1) {
      const size = wire === 5 ? 4 : 8;
      if (size > bytes.length - reader.pos) throw new WireError('a number is cut off');
      const start = reader.pos;
      const number = wire === 5 ? reader.readFloat() : reader.readDouble();
      fields.push({ id, number, bytes: bytes.subarray(start, start + size) });
    } else throw new WireError(`a field of unknown kind ${wire}`);
  }
  return fields;
}

function readVarint(reader: PbfReader, bytes: Uint8Array, signed = false): number {
  let end = reader.pos;
  while (end < bytes.length && bytes[end] > 0x7f) end++;
  if (end >= bytes.length || end - reader.pos > 9) throw new WireError('a whole number is cut off');
  return reader.readVarint(signed);
}

/** A repeated whole number, packed or single. */
export function packedInts(field: Field): number[] {
  if (!Number.isNaN(field.number)) return [field.number];
  const reader = new PbfReader(field.bytes);
  const values: number[] = [];
  while (reader.pos < field.bytes.length) values.push(readVarint(reader, field.bytes, true));
  return values;
}

/** A repeated float of 4 bytes or double of 8, packed or single. */
export function packedFloats(field: Field, size: 4 | 8): number[] {
  if (field.bytes.length % size !== 0) throw new WireError('a number is cut off');
  const view = new DataView(field.bytes.buffer, field.bytes.byteOffset, field.bytes.byteLength);
  return Array.from({ length: field.bytes.length / size }, (_, at) =>
    size === 4 ? view.getFloat32(at * 4, true) : view.getFloat64(at * 8, true),
  );
}

export function text(field: Field): string {
  return new TextDecoder().decode(field.bytes);
}

/** The message without some of its fields, each with its tag and length. */
export function cutOut(message: Uint8Array, fields: readonly Field[]): Uint8Array {
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const field of fields) {
    const start = field.bytes.byteOffset - message.byteOffset;
    pieces.push(message.subarray(from, start - lengthPrefixed(field.id, field.bytes).length));
    from = start + field.bytes.length;
  }
  pieces.push(message.subarray(from));
  return concatenate(pieces);
}

/** Tag and length of a field with bytes, as every protobuf writer puts them: in as few bytes as they take. */
export function lengthPrefixed(id: number, bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([...varint(id * 8 + 2), ...varint(bytes.length)]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

export function concatenate(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

export { PbfWriter };
