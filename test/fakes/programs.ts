import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findRunningBridge } from '../../bridge-server/src/main';
import { isRunning, killGroup, type ProcessIdentity } from '../../bridge-server/src/jobs/process-identity';
import { openHome } from '../../bridge-server/src/server/home';
import { TestClient } from './bridge-client';
import { eventually } from './jobs';

/** The built command line; tests that run it are skipped before `npm run build`. */
export const program = join(__dirname, '../../dist/server/cli.js');
export const isBuilt = existsSync(program);

/** A program of Reverie as people start it, leading a process group of its own. */
export function startProgram(args: readonly string[], env: Record<string, string>): ChildProcess {
  return spawn(process.execPath, [program, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  });
}

/** Ends a program and all that it started in its own group, at once. */
export async function killProgram(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise(resolve => child.once('exit', resolve));
  killGroup(child.pid!);
  await gone;
}

/** Connects to the bridge of a home as soon as it answers. */
export async function connectTo(home: string): Promise<TestClient> {
  return eventually(async () => {
    const bridge = findRunningBridge(openHome(home));
    return bridge && (await TestClient.connect(bridge).catch(() => undefined));
  }, 60_000);
}

/** Processes of a name below another one, however deep (Linux). */
export function descendants(pid: number, name: string): number[] {
  const parents = new Map<number, { parent: number; name: string }>();
  for (const entry of readdirSync('/proc').filter(text => /^\d+$/.test(text))) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1');
      const end = stat.lastIndexOf(')');
      parents.set(Number(entry), {
        parent: Number(stat.slice(end + 2).split(' ')[1]),
        name: stat.slice(stat.indexOf('(') + 1, end),
      });
    } catch {
      // It ended meanwhile.
    }
  }
  const isBelow = (child: number): boolean => {
    const found = parents.get(child);
    return found !== undefined && (found.parent === pid || (found.parent > 1 && isBelow(found.parent)));
  };
  return [...parents].filter(([child, found]) => found.name === name && isBelow(child)).map(([child]) => child);
}

/** The worker that a job folder names, if it is alive. */
export function workerOf(jobFolder: string): number | undefined {
  try {
    const worker = JSON.parse(readFileSync(join(jobFolder, 'worker.json'), 'utf8')) as ProcessIdentity;
    return isRunning(worker) ? worker.pid : undefined;
  } catch {
    return undefined;
  }
}

/** One hash a decoded frame. */
export function hashesOfFrames(path: string): string[] {
  return execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-f', 'framemd5', '-'], { encoding: 'utf8' })
    .split('\n')
    .filter(line => line && !line.startsWith('#'))
    .map(line => line.split(',').pop()!.trim());
}
