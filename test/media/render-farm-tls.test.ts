import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startRenderNode } from '../../bridge-server/src/jobs/redis/render-node';
import { makePicture, openTestBridge } from '../fakes/bridge-client';
import { fakeWorker, jobInState, makePlace, makePreset } from '../fakes/jobs';
import { hasRedis, startRedis } from '../fakes/redis';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

(hasRedis && hasOpenssl ? test : test.skip)(
  'a bridge off the loopback and its render node speak over TLS, and a node that does not trust the certificate does nothing (skipped without redis-server or openssl)',
  async () => {
    const place = makePlace();
    const redis = await startRedis();
    const [key, cert] = [join(place.folder, 'key.pem'), join(place.folder, 'cert.pem')];
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
        ...['-keyout', key, '-out', cert, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
      ],
      { stdio: 'ignore' },
    );
    const tls = { key: readFileSync(key), cert: readFileSync(cert) };
    const open = await openTestBridge(
      place,
      { host: '0.0.0.0', tls, publicHosts: ['localhost'] },
      { redis: redis.url, version: 'test' },
    );
    const lines: string[] = [];
    const join_ = (name: string, ca?: Buffer) =>
      startRenderNode({
        redis: redis.url,
        folder: join(place.folder, name),
        worker: fakeWorker,
        workerEnv: { FAKE_WORKER_FAULTS: place.faults },
        name,
        version: 'test',
        ca,
        log: line => lines.push(`${name}: ${line}`),
      });
    const stranger = await join_('stranger');
    const { sha256, bytes } = await makePicture(0.01, 6);
    const upload = join(place.folder, 'clip.png');
    writeFileSync(upload, bytes);
    const clip = await open.core.addClip(upload);
    expect(clip.sha256).toBe(sha256);
    const preset = makePreset({ effects: [{ effect: 'zoom', params: { frames: 10 } }] });
    const job = await open.core.submit({
      clip: sha256,
      clipName: 'clip.png',
      preset,
      seed: 0,
      provider: 'auto',
      priority: 5,
      labels: {},
    });
    await new Promise(resolve => setTimeout(resolve, 2500));
    expect((await open.core.engine.list({ id: job.id }))[0].progress.done).toBe(0);
    expect(lines.join('\n')).toMatch(/stranger: a task was given back: .*certificate/);
    // The stranger is in nobody's way.
    const friend = await join_('friend', tls.cert);
    await jobInState(open.core.engine, job.id, ['done'], 60_000);
    const report = await open.core.engine.report(job.id);
    expect(report.stages.find(row => row.stage === 'paint')?.host).toBe('friend');
    await friend.close();
    await stranger.close();
    await open.close();
    await redis.close();
    place.remove();
  },
);
