import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { makePlace } from '../fakes/jobs';
import { openTestBridge } from '../fakes/bridge-client';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

(hasOpenssl ? test : test.skip)(
  'with a certificate the bridge serves off the loopback, over TLS only (skipped without openssl)',
  async () => {
    const place = makePlace();
    const [key, cert] = [join(place.folder, 'key.pem'), join(place.folder, 'cert.pem')];
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-keyout',
        key,
        '-out',
        cert,
        '-days',
        '2',
        '-subj',
        '/CN=render.example',
      ],
      { stdio: 'ignore' },
    );
    const tls = { key: readFileSync(key), cert: readFileSync(cert) };
    const open = await openTestBridge(place, { host: '0.0.0.0', tls, publicHosts: ['render.example:1'] });
    const ask = (path: string, host: string) =>
      new Promise<{ status: number; cookie: string }>((resolve, reject) => {
        get(
          {
            host: '127.0.0.1',
            port: open.bridge.port,
            path,
            headers: { Host: host },
            ca: tls.cert,
            servername: 'render.example',
          },
          response => {
            response.resume();
            response.on('end', () =>
              resolve({ status: response.statusCode ?? 0, cookie: String(response.headers['set-cookie']) }),
            );
          },
        ).on('error', reject);
      });
    expect(open.bridge.address).toMatch(/^https:/);
    expect((await ask('/health', 'render.example:1')).status).toBe(200);
    expect((await ask('/health', `127.0.0.1:${open.bridge.port}`)).status).toBe(403);
    expect((await ask(`/?token=${open.bridge.token}`, 'render.example:1')).cookie).toContain('; Secure');
    await open.close();
    place.remove();
  },
);
