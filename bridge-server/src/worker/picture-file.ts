import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Frame } from '../frame/frame';
import { encodePicture } from '../media/still';

/** Writes a picture so that a reader never meets half of it. Scaled down to `maxSide`, never up. */
export async function writePicture(path: string, frame: Frame, format: 'jpeg' | 'png', maxSide: number): Promise<void> {
  const scale = Math.min(1, maxSide / Math.max(frame.width, frame.height));
  const bytes = await encodePicture(frame, format, {
    width: Math.max(1, Math.round(frame.width * scale)),
    quality: 85,
  });
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.tmp`, bytes);
  await rename(`${path}.tmp`, path);
}
