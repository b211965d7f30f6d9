import { readFileSync } from 'node:fs';

/** A process that can be told from a later one with the same number, where the system says when it began (Linux). */
export type ProcessIdentity = { readonly pid: number; readonly startedAt?: string };

export function identityOf(pid: number): ProcessIdentity {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may hold spaces; field 22 (start time in clock ticks) is the 20th after it.
    return { pid, startedAt: stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] };
  } catch {
    return { pid };
  }
}

export function isRunning(identity: ProcessIdentity): boolean {
  try {
    process.kill(identity.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  if (identity.startedAt === undefined) return true;
  const now = identityOf(identity.pid);
  return now.startedAt === undefined || now.startedAt === identity.startedAt;
}

/** Ends a process and everything it started in its group. Nothing happens when it is gone already. */
export function killGroup(pid: number): void {
  for (const target of process.platform === 'win32' ? [pid] : [-pid, pid]) {
    try {
      process.kill(target, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
}
