import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { LocalEngine } from '../../bridge-server/src/jobs/local-engine';
import { createMachineStore } from '../../bridge-server/src/jobs/machine-store';
import { fakeWorker, jobInState, makeClip, makePlace, makePlannedJob, makeSpec } from '../fakes/jobs';

/** Open files of this process (Linux). */
const openFiles = () => readdirSync('/proc/self/fd').length;

(existsSync('/proc/self/fd') ? test : test.skip)(
  'after many jobs no more files are open than after a few (counted in /proc, so on Linux only)',
  async () => {
    const place = makePlace();
    const engine = new LocalEngine({
      jobs: join(place.folder, 'jobs'),
      folders: { clips: place.folder, images: place.folder, nets: place.folder },
      worker: fakeWorker,
      workerEnv: { FAKE_WORKER_FAULTS: place.faults },
      machine: createMachineStore(join(place.folder, 'machine.json')),
      version: 'test',
    });
    const run = async (from: number, count: number) => {
      const jobs = Array.from({ length: count }, (_, index) =>
        makePlannedJob({ spec: makeSpec({ seed: from + index }), clip: makeClip({ frames: 2 }) }),
      );
      for (const job of jobs) await engine.submit(job);
      for (const job of jobs) await jobInState(engine, job.id, ['done'], 60_000);
    };
    await run(0, 5);
    const few = openFiles();
    await run(100, 30);
    expect(openFiles()).toBeLessThanOrEqual(few + 1);
    await engine.close();
    place.remove();
  },
);
