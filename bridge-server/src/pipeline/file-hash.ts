import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Size and hash of a file, or of all files of a folder in the order of their names. */
export async function hashOf(path: string): Promise<{ sizeBytes: number; sha256: string }> {
  const isFolder = (await stat(path)).isDirectory();
  const files = isFolder ? (await readdir(path)).sort().map(name => join(path, name)) : [path];
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for (const file of files) {
    for await (const part of createReadStream(file)) {
      hash.update(part as Buffer);
      sizeBytes += (part as Buffer).length;
    }
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}
