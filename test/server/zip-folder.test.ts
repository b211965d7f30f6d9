import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { zipFolder } from '../../bridge-server/src/server/zip-folder';

test('more pictures than a disk takes at once come out of the zip as they are', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reverie-zip-'));
  const target = `${folder}.zip`;
  try {
    const pictures = Array.from({ length: 30 }, (_, i) => Buffer.alloc(100_000, i));
    pictures.forEach((picture, i) => writeFileSync(join(folder, `${i}.png`), picture));
    await zipFolder(folder, target);
    const unpacked = unzipSync(readFileSync(target));
    expect(Object.keys(unpacked)).toHaveLength(30);
    pictures.forEach((picture, i) => expect(picture.equals(unpacked[`${i}.png`])).toBe(true));
  } finally {
    rmSync(folder, { recursive: true });
    rmSync(target, { force: true });
  }
});
