import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClipInfo } from '#protocol/clip';
import type { Job, JobSpec } from '#protocol/job';
import { presetSchema, type Preset } from '#protocol/preset';
import type { z } from 'zod';
import type { JobEngine, PlannedJob } from '../../bridge-server/src/jobs/engine';

export const fakeWorker = join(__dirname, 'worker.cjs');

export function makeClip(changes: Partial<ClipInfo> = {}): ClipInfo {
  return {
    sha256: 'c'.repeat(64),
    name: 'clip.mov',
    sizeBytes: 1000,
    width: 640,
    height: 360,
    codedWidth: 640,
    codedHeight: 360,
    rotation: 0,
    sampleAspect: { num: 1, den: 1 },
    rate: { num: 25, den: 1 },
    variableRate: false,
    frames: 100,
    codec: 'prores',
    pixelFormat: 'yuv422p10le',
    bitDepth: 10,
    hasAlpha: false,
    hasAudio: true,
    colour: { matrix: 'bt709', primaries: 'bt709', transfer: 'bt709', range: 'tv' },
    isStill: false,
    ...changes,
  };
}

export function makePreset(changes: Partial<z.input<typeof presetSchema>> = {}): Preset {
  return presetSchema.parse({
    version: 1,
    name: 'test',
    title: 'Test',
    effects: [{ effect: 'style' }, { effect: 'retime' }],
    ...changes,
  });
}

export function makeSpec(changes: Partial<JobSpec> = {}): JobSpec {
  return {
    clip: 'c'.repeat(64),
    clipName: 'clip.mov',
    preset: makePreset(),
    seed: 0,
    provider: 'auto',
    priority: 5,
    labels: {},
    ...changes,
  };
}

let counter = 0;
export function makePlannedJob(changes: Partial<PlannedJob> = {}): PlannedJob {
  counter++;
  return {
    id: `20261122-120000-${counter.toString(16).padStart(8, '0')}`,
    spec: makeSpec(),
    clip: makeClip(),
    createdAt: '2026-11-22T12:00:00.000Z',
    estimate: { seconds: 10, memoryBytes: 1e9, diskBytes: 1e9, basis: 'table' },
    ...changes,
  };
}

/** A folder for one test, with a file in which the fake worker reads what to do. */
export function makePlace(): {
  folder: string;
  faults: string;
  setFaults: (plan: unknown) => void;
  remove: () => void;
} {
  const folder = mkdtempSync(join(tmpdir(), 'reverie-test-'));
  const faults = join(folder, 'faults.json');
  return {
    folder,
    faults,
    setFaults: plan => writeFileSync(faults, JSON.stringify(plan)),
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }),
  };
}

/** Waits for a job to be in one of the given states. */
export async function jobInState(
  engine: Pick<JobEngine, 'list'>,
  id: string,
  states: readonly Job['status'][],
  withinMs = 15_000,
): Promise<Job> {
  const until = Date.now() + withinMs;
  for (;;) {
    const [job] = await engine.list({ id });
    if (job && states.includes(job.status)) return job;
    if (Date.now() > until)
      throw new Error(
        `job ${id} is ${job?.status ?? 'unknown'} after ${withinMs} ms, not ${states.join(' or ')}; error ${JSON.stringify(job?.error)}`,
      );
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

/** Waits until `ask` gives something other than undefined or false. */
export async function eventually<T>(
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 10_000,
): Promise<T> {
  const until = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer as T;
    if (Date.now() > until) throw new Error(`nothing came of it in ${withinMs} ms: ${ask.toString().slice(0, 200)}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}
