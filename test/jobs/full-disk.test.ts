import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LocalEngine } from '../../bridge-server/src/jobs/local-engine';
import { createMachineStore } from '../../bridge-server/src/jobs/machine-store';
import { eventually, fakeWorker, jobInState, makePlace, makePlannedJob } from '../fakes/jobs';

/** A small disk in memory; only root may make one. */
function mountSmallDisk(folder: string): boolean {
  return (
    process.platform === 'linux' &&
    process.getuid?.() === 0 &&
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', folder]).status === 0
  );
}

function fill(path: string): void {
  const piece = Buffer.alloc(4096);
  for (let count = 0; count < 1000; count++) {
    try {
      writeFileSync(path, piece, { flag: 'a' });
    } catch {
      return;
    }
  }
}

const place = makePlace();
const canMount = mountSmallDisk(place.folder);
const machine = makePlace();
afterAll(() => {
  if (canMount) spawnSync('umount', [place.folder]);
  place.remove();
  machine.remove();
});

(canMount ? test : test.skip)(
  'a disk that becomes full stops the job with that reason, and after space is made it goes on (skipped where no small disk can be mounted)',
  async () => {
    const engine = new LocalEngine({
      jobs: join(place.folder, 'jobs'),
      folders: { clips: place.folder, images: place.folder, nets: place.folder },
      worker: fakeWorker,
      workerEnv: { FAKE_WORKER_FAULTS: machine.faults },
      machine: createMachineStore(join(machine.folder, 'machine.json')),
      version: 'test',
      progressMs: 0,
    });
    machine.setFaults({ stepMs: 10 });
    const job = makePlannedJob();
    await engine.submit(job);
    await eventually(async () => (await engine.list())[0].progress.done > 0);
    const filler = join(place.folder, 'filler');
    fill(filler);
    const failed = await jobInState(engine, job.id, ['failed'], 30_000);
    expect(failed.error?.code).toBe('DISK_FULL');
    rmSync(filler);
    machine.setFaults({});
    await engine.resume(job.id);
    await jobInState(engine, job.id, ['done']);
    const result = readFileSync(join(engine.folder(job.id), 'result.mov'), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map(Number);
    expect(result).toEqual(Array.from({ length: 200 }, (_, index) => index));
    await engine.close();
  },
);
