import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkRedis } from '../../bridge-server/src/jobs/redis/redis-connection';
import { eventually } from './jobs';

/** True where a Redis server is installed (`apt-get install redis-server`). */
export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

export type TestRedis = {
  readonly url: string;
  /** Ends it at once; what it knew is lost unless `keeps`. */
  kill(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
};

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}

/** A Redis of its own on a free port, with a password. @param keeps writes everything down, as a studio's should */
export async function startRedis(keeps = true): Promise<TestRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'reverie-redis-'));
  const port = await freePort();
  const url = `redis://:secret@127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  const kill = async () => {
    const ending = child;
    child = undefined;
    if (!ending || ending.signalCode !== null || ending.exitCode !== null) return;
    const gone = new Promise(resolve => ending.once('exit', resolve));
    ending.kill('SIGKILL');
    await gone;
  };
  const start = async () => {
    child = spawn(
      'redis-server',
      ['--port', String(port), '--bind', '127.0.0.1', '--requirepass', 'secret', '--dir', folder, '--save', ''].concat(
        keeps ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'],
      ),
      { stdio: 'ignore' },
    );
    await eventually(() =>
      checkRedis(url, 500).then(
        () => true,
        () => false,
      ),
    );
  };
  await start();
  return {
    url,
    kill,
    start,
    async close() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
