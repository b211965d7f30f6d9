import { appendFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A job's log is for reading; what would make it longer than this is left out, and the log says so. */
const largestLogBytes = 8e6;

export const logName = 'log.txt';

/** One readable line in the job's log. A log that cannot be written must not stop the work. */
export function logLine(jobFolder: string, text: string): void {
  const path = join(jobFolder, logName);
  let size = 0;
  try {
    size = statSync(path).size;
  } catch {
    // The first line makes the file.
  }
  if (size > largestLogBytes) return;
  const line = size + text.length > largestLogBytes ? 'The log ends here: it has become too long.' : text;
  try {
    appendFileSync(path, `${new Date().toISOString()}  ${line}\n`, { mode: 0o600 });
  } catch {
    // Full disk or deleted job: told elsewhere, by events.
  }
}
