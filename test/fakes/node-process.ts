import { join } from 'node:path';
import { startRenderNode } from '../../bridge-server/src/jobs/redis/render-node';
import { fakeWorker } from './jobs';

/** A render node as a process of its own, for tests that kill it: `node -r ts-hook.cjs node-process.ts REDIS FOLDER NAME [WORKER]`. */
const [redis, folder, name, worker = fakeWorker] = process.argv.slice(2);
void startRenderNode({
  redis,
  folder: join(folder, name),
  worker,
  workerEnv: { FAKE_WORKER_FAULTS: join(folder, 'faults.json'), FAKE_WORKER_DIARY: join(folder, 'diary') },
  provider: worker === fakeWorker ? 'auto' : 'cpu',
  name,
  version: 'test',
  mirrorMs: 100,
  lockMs: 2000,
}).then(node => {
  process.stdout.write('ready\n');
  process.once('SIGTERM', () => void node.close().then(() => process.exit(0)));
});
