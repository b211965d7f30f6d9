import { ByteBuffer } from 'flatbuffers';

/** Thrown inside the reader; importers turn it into NET_DAMAGED with the place they were at. */
export class FlatDamage extends Error {}

/**
 * One table of a FlatBuffers file, with every offset checked against the file: an offset of a damaged file must not
 * lead outside or into a giant vector.
 * Source: flatbuffers internals.md (table: signed offset to its vtable; vtable: two sizes, then one uint16 per field).
 */
export class FlatTable {
  private readonly vtable: number;
  private readonly vtableBytes: number;

  private constructor(
    private readonly buffer: ByteBuffer,
    private readonly position: number,
  ) {
    this.vtable = position - this.int32(position);
    this.vtableBytes = this.uint16(this.vtable);
    if (this.vtableBytes < 4 || this.vtableBytes % 2 !== 0) throw new FlatDamage('a table without fields');
    this.require(this.vtable, this.vtableBytes);
  }

  static root(bytes: Uint8Array): FlatTable {
    const buffer = new ByteBuffer(bytes);
    if (bytes.length < 8) throw new FlatDamage('the file is too short');
    return new FlatTable(buffer, buffer.readUint32(0));
  }

  int(field: number, fallback = 0): number {
    const at = this.field(field);
    return at === 0 ? fallback : this.int32(at);
  }

  /** An enumeration or a bool of one byte. */
  byte(field: number, fallback = 0): number {
    const at = this.field(field);
    if (at === 0) return fallback;
    this.require(at, 1);
    return this.buffer.readInt8(at);
  }

  uint(field: number, fallback = 0): number {
    return this.int(field, fallback) >>> 0;
  }

  float(field: number, fallback = 0): number {
    const at = this.field(field);
    if (at === 0) return fallback;
    this.require(at, 4);
    return this.buffer.readFloat32(at);
  }

  string(field: number): string {
    const at = this.field(field);
    if (at === 0) return '';
    const { start, length } = this.vector(at, 1);
    return new TextDecoder().decode(this.buffer.bytes().subarray(start, start + length));
  }

  table(field: number): FlatTable | undefined {
    const at = this.field(field);
    return at === 0 ? undefined : new FlatTable(this.buffer, this.follow(at));
  }

  tables(field: number): FlatTable[] {
    const at = this.field(field);
    if (at === 0) return [];
    const { start, length } = this.vector(at, 4);
    return Array.from({ length }, (_, index) => new FlatTable(this.buffer, this.follow(start + 4 * index)));
  }

  ints(field: number): number[] {
    const at = this.field(field);
    if (at === 0) return [];
    const { start, length } = this.vector(at, 4);
    return Array.from({ length }, (_, index) => this.buffer.readInt32(start + 4 * index));
  }

  floats(field: number): number[] {
    const at = this.field(field);
    if (at === 0) return [];
    const { start, length } = this.vector(at, 4);
    return Array.from({ length }, (_, index) => this.buffer.readFloat32(start + 4 * index));
  }

  longs(field: number): number[] {
    const at = this.field(field);
    if (at === 0) return [];
    const { start, length } = this.vector(at, 8);
    return Array.from({ length }, (_, index) => Number(this.buffer.readInt64(start + 8 * index)));
  }

  bytes(field: number): Uint8Array {
    const at = this.field(field);
    if (at === 0) return new Uint8Array(0);
    const { start, length } = this.vector(at, 1);
    return this.buffer.bytes().subarray(start, start + length);
  }

  private field(index: number): number {
    const slot = 4 + 2 * index;
    if (slot + 2 > this.vtableBytes) return 0;
    const offset = this.uint16(this.vtable + slot);
    return offset === 0 ? 0 : this.position + offset;
  }

  private vector(at: number, elementBytes: number): { start: number; length: number } {
    const vector = this.follow(at);
    this.require(vector, 4);
    const length = this.buffer.readUint32(vector);
    this.require(vector + 4, length * elementBytes);
    return { start: vector + 4, length };
  }

  private follow(at: number): number {
    this.require(at, 4);
    return at + this.buffer.readUint32(at);
  }

  private int32(at: number): number {
    this.require(at, 4);
    return this.buffer.readInt32(at);
  }

  private uint16(at: number): number {
    this.require(at, 2);
    return this.buffer.readUint16(at);
  }

  private require(at: number, bytes: number): void {
    if (at < 0 || at + bytes > this.buffer.capacity())
      throw new FlatDamage(`an offset points ${at + bytes - this.buffer.capacity()} bytes past the end`);
  }
}
