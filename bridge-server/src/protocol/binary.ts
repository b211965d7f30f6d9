/**
 * A binary frame: transfer number (uint32, little endian), offset of its first byte in the file (two uint32, low first),
 * then at most `chunkBytes` bytes. The offset makes a repeated or reordered chunk harmless.
 */
export const binaryHeaderBytes = 12;

export function encodeChunk(transfer: number, offset: number, bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(binaryHeaderBytes + bytes.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, transfer, true);
  view.setUint32(4, offset % 2 ** 32, true);
  view.setUint32(8, Math.floor(offset / 2 ** 32), true);
  frame.set(bytes, binaryHeaderBytes);
  return frame;
}

/** @returns undefined for a frame too short to hold a header */
export function decodeChunk(frame: Uint8Array): { transfer: number; offset: number; bytes: Uint8Array } | undefined {
  if (frame.length < binaryHeaderBytes) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const offset = view.getUint32(4, true) + view.getUint32(8, true) * 2 ** 32;
  return { transfer: view.getUint32(0, true), offset, bytes: frame.subarray(binaryHeaderBytes) };
}
