import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { Zip, ZipPassThrough } from 'fflate';

/** A folder of pictures as one file to download; stored, not packed: PNG and JPEG are packed already. */
export async function zipFolder(folder: string, target: string): Promise<void> {
  const temporary = `${target}.${process.pid}.tmp`;
  const out = createWriteStream(temporary);
  let failure: unknown;
  out.on('error', error => (failure = error));
  const zip = new Zip((error, bytes) => {
    if (error) failure = error;
    else out.write(bytes);
  });
  try {
    for (const name of (await readdir(folder)).sort()) {
      const path = join(folder, name);
      if (!(await stat(path)).isFile()) continue;
      const entry = new ZipPassThrough(name);
      zip.add(entry);
      for await (const part of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
        if (failure) throw failure;
        entry.push(part as Buffer);
        if (out.writableNeedDrain) await once(out, 'drain');
      }
      entry.push(new Uint8Array(0), true);
    }
    zip.end();
    out.end();
    await once(out, 'close');
    if (failure) throw failure;
    await rename(temporary, target);
  } catch (error) {
    out.destroy();
    await rm(temporary, { force: true });
    throw error;
  }
}
