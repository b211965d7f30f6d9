import { WorkerSlot } from '../../bridge-server/src/jobs/worker-slot';
import { eventually, fakeWorker, makeClip, makePlace } from '../fakes/jobs';

const place = makePlace();
afterAll(() => place.remove());

/** A slot with a clock of the test's own, watched by hand. */
function makeSlot() {
  let now = 0;
  const slot = new WorkerSlot({
    program: fakeWorker,
    env: { FAKE_WORKER_FAULTS: place.faults },
    silenceMs: 60_000,
    hungMs: 20 * 60_000,
    idleMs: 60_000,
    now: () => now,
    onEvent: () => undefined,
    onLine: () => undefined,
  });
  return {
    slot,
    pass(ms: number, stepMs = 1000) {
      for (let passed = 0; passed < ms; passed += stepMs) {
        now += stepMs;
        slot.watch();
      }
    },
    jump(ms: number) {
      now += ms;
      slot.watch();
    },
  };
}

async function begin(slot: WorkerSlot) {
  place.setFaults({ faults: [{ kind: 'analyse', do: 'silence' }] });
  const worker = await slot.ready('auto', 'log');
  return slot.order(worker, {
    job: 'job',
    task: { kind: 'analyse', id: 'a'.repeat(64), clip: 'c'.repeat(64), span: { first: 0, last: 1 } },
    clip: makeClip(),
    folders: { clips: place.folder, images: place.folder, nets: place.folder, job: place.folder },
    provider: 'auto',
    attempt: 0,
  });
}

test('a laptop that slept for a night does not take its worker for dead', async () => {
  const { slot, pass, jump } = makeSlot();
  let outcome: unknown;
  void begin(slot).then(ended => (outcome = ended));
  await eventually(() => slot.isBusy);
  pass(30_000);
  jump(8 * 3600_000);
  pass(30_000);
  await new Promise(resolve => setTimeout(resolve, 50));
  expect(outcome).toBeUndefined();
  await slot.close();
});

test('a worker that is silent while the machine is awake is ended', async () => {
  const { slot, pass } = makeSlot();
  const ended = begin(slot);
  await eventually(() => slot.isBusy);
  // What the worker said before it fell silent was at most a moment ago by the real clock.
  await new Promise(resolve => setTimeout(resolve, 200));
  pass(200_000);
  expect(await ended).toMatchObject({ type: 'hung' });
  await slot.close();
});
