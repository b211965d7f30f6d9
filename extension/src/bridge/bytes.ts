import { sha256 } from '@noble/hashes/sha2';
import { bytesToHex } from '@noble/hashes/utils';
import { AppError } from '#protocol/errors';

/** Bytes that are read piece by piece: a browser's file, or a file on the host's disk. */
export type ByteSource = {
  readonly name: string;
  readonly sizeBytes: number;
  read(offset: number, length: number): Promise<Uint8Array>;
};

/** Where a download goes, piece by piece and in order. */
export type ByteSink = { write(bytes: Uint8Array): Promise<void> };

export function fromBlob(blob: Blob, name: string): ByteSource {
  return {
    name,
    sizeBytes: blob.size,
    async read(offset, length) {
      try {
        return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
      } catch (thrown) {
        // The file was moved, changed or its drive taken away while it was being read.
        const problem = thrown instanceof Error ? thrown.message : String(thrown);
        throw new AppError('FILE_UNREADABLE', { path: name, problem }, { cause: thrown });
      }
    },
  };
}

/** SHA-256 that takes its bytes in pieces: WebCrypto's digest wants a whole film in memory at once. */
export function createSha256() {
  const hash = sha256.create();
  return {
    update(bytes: Uint8Array) {
      hash.update(bytes);
    },
    hex: () => bytesToHex(hash.clone().digest()),
  };
}

/** Small enough to leave the page its breath between two pieces (about 10 ms each), large enough to read a disk well. */
const hashPieceBytes = 4 * 1024 * 1024;

export async function hashSource(
  source: ByteSource,
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: (doneBytes: number) => void } = {},
): Promise<string> {
  const hash = createSha256();
  for (let offset = 0; offset < source.sizeBytes;) {
    if (signal?.aborted) throw new AppError('CANCELLED');
    const piece = await source.read(offset, Math.min(hashPieceBytes, source.sizeBytes - offset));
    if (piece.length === 0)
      throw new AppError('FILE_UNREADABLE', { path: source.name, problem: `it ends at byte ${offset}` });
    hash.update(piece);
    offset += piece.length;
    onProgress?.(offset);
  }
  return hash.hex();
}
