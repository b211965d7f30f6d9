import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkRedis } from '../../bridge-server/src/jobs/redis/redis-connection';
import { startRenderNode } from '../../bridge-server/src/jobs/redis/render-node';
import { checkDestination } from '../../bridge-server/src/cli/deliver-result';
import { openTestBridge, type OpenBridge } from '../fakes/bridge-client';
import { fakeWorker, makePlace } from '../fakes/jobs';
import { freePort } from '../fakes/redis';

const place = makePlace();
const folder = mkdtempSync(join(tmpdir(), 'reverie-refusals-'));
let open: OpenBridge;
beforeAll(async () => {
  open = await openTestBridge(place);
});
afterAll(async () => {
  await open.close();
  place.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** A plain request, with whatever headers a hostile page could bring about. */
const ask = (path: string, headers: Record<string, string>, method = 'GET') =>
  new Promise<{ code?: string; remedy?: string }>((resolve, reject) => {
    const { port } = open.bridge;
    request({ host: '127.0.0.1', port, path, headers, method }, response => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve(JSON.parse(text) as { code: string }));
    })
      .on('error', reject)
      .end();
  });

test('a foreign page is told its code and what to do', async () => {
  const told = await ask(`/health?token=${open.bridge.token}`, { Origin: 'https://evil.example' });
  expect(told.code).toBe('ORIGIN_REFUSED');
  expect(told.remedy).toContain('Open the panel');
});

test('a trigger without a panel is told so', async () => {
  expect((await ask(`/trigger/place-finished?token=${open.bridge.token}`, {}, 'POST')).code).toBe('PANEL_NOT_OPEN');
});

test('a file that is there is not overwritten unless that was asked for', async () => {
  const path = join(folder, 'result.mov');
  writeFileSync(path, 'precious');
  await expect(checkDestination(path, false)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS', details: { path } });
  await checkDestination(path, true);
});

test('a Redis that is not there, or that is no Redis address, is said so at once and without the password', async () => {
  const url = `redis://:secret@127.0.0.1:${await freePort()}`;
  const refusal = await checkRedis(url).catch((error: unknown) => error);
  expect(refusal).toMatchObject({
    code: 'REDIS_UNREACHABLE',
    details: { problem: expect.stringContaining('ECONNREFUSED') },
  });
  expect(JSON.stringify(refusal)).not.toContain('secret');
  await expect(startRenderNode({ redis: url, folder, worker: fakeWorker, version: 'test' })).rejects.toMatchObject({
    code: 'REDIS_UNREACHABLE',
  });
  await expect(checkRedis('http://127.0.0.1')).rejects.toMatchObject({ code: 'USAGE' });
});
