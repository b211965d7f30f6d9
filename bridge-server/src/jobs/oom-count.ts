import { readFileSync } from 'node:fs';

/** How many processes the system has ended for want of memory since it started; undefined where it does not say. */
export function countOomKills(): number | undefined {
  try {
    const line = /^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'));
    return line ? Number(line[1]) : undefined;
  } catch {
    return undefined;
  }
}
