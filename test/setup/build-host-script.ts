import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The host script as the build makes it, built first when its sources changed. */
export async function buildHostScript(): Promise<string> {
  const root = join(__dirname, '../..');
  await promisify(execFile)(process.execPath, [join(root, 'scripts/build.mjs'), 'host']);
  return readFile(join(root, 'dist/host/reverie.jsx'), 'utf8');
}
