import type { ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, makePreset } from '../fakes/jobs';
import { connectTo, isBuilt, killProgram, startProgram, workerOf } from '../fakes/programs';

/** REVERIE_LOAD_MINUTES sets how long jobs follow one another; REVERIE_LOAD_LOG names a file for the samples. */
const minutes = Number(process.env.REVERIE_LOAD_MINUTES ?? 3);
/** A small heap tells a leak from a collector that takes its time. */
const nodeOptions = process.env.REVERIE_LOAD_NODE_OPTIONS ?? '--max-old-space-size=100 --max-semi-space-size=2';
/** Between jobs, so that the machine can do other work: what is looked for is growth, not speed. */
const pauseMs = Number(process.env.REVERIE_LOAD_PAUSE_MS ?? 0);
const keptJobs = 3;

const home = mkdtempSync(join(tmpdir(), 'reverie-load-'));
let bridge: ChildProcess | undefined;
afterAll(async () => {
  if (bridge) await killProgram(bridge);
  rmSync(home, { recursive: true, force: true });
});

type Sample = {
  seconds: number;
  jobs: number;
  bridgeMB: number;
  bridgeFiles: number;
  workerMB?: number;
  workerFiles?: number;
};

const residentMB = (pid: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
const openFiles = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

(isBuilt && process.platform === 'linux' ? test : test.skip)(
  `${minutes} minutes of small jobs leave memory and open files as they were (Linux, after \`npm run build\`)`,
  async () => {
    bridge = startProgram(['serve'], {
      REVERIE_HOME: home,
      NODE_OPTIONS: nodeOptions,
    });
    const client = await connectTo(home);
    const path = join(home, 'clip.mp4');
    execFileSync('ffmpeg', [
      ...['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=25:duration=0.2'],
      ...['-c:v', 'libx264', '-pix_fmt', 'yuv420p', path],
    ]);
    const bytes = readFileSync(path);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await client.upload(bytes, sha256);
    await client.ask('watch', { since: {} });
    const preset = makePreset({ effects: [{ effect: 'upscale' }, { effect: 'retime', params: { method: 'blend' } }] });
    const samples: Sample[] = [];
    const done: string[] = [];
    const began = performance.now();
    for (let seed = 0; performance.now() - began < minutes * 60_000; seed++) {
      const { job } = await client.ask('submit', {
        spec: { clip: sha256, clipName: 'clip.mp4', preset, seed, provider: 'cpu', priority: 5, labels: {} },
      });
      const folder = join(home, 'jobs', job.id);
      const status = await eventually(async () => {
        const found = (await client.ask('jobs', {})).jobs.find(other => other.id === job.id)!;
        return ['done', 'failed'].includes(found.status) && found.status;
      }, 120_000);
      expect(status).toBe('done');
      done.push(job.id);
      // What was told is not wanted any more: the test must not grow either.
      client.messages.length = 0;
      const worker = workerOf(folder);
      const sample: Sample = {
        seconds: Math.round((performance.now() - began) / 1000),
        jobs: seed + 1,
        bridgeMB: residentMB(bridge.pid!),
        bridgeFiles: openFiles(bridge.pid!),
        ...(worker === undefined ? {} : { workerMB: residentMB(worker), workerFiles: openFiles(worker) }),
      };
      samples.push(sample);
      if (process.env.REVERIE_LOAD_LOG) appendFileSync(process.env.REVERIE_LOAD_LOG, `${JSON.stringify(sample)}\n`);
      if (done.length > keptJobs) await client.ask('delete', { job: done.shift()! });
      if (pauseMs > 0) await new Promise(resolve => setTimeout(resolve, pauseMs));
    }
    client.close();
    // The first fifth is warming up: caches fill, code is compiled.
    const warm = samples.slice(Math.floor(samples.length / 5));
    const third = Math.floor(warm.length / 3);
    const early = warm.slice(0, third);
    const late = warm.slice(-third);
    const of = (list: Sample[], key: keyof Sample) =>
      median(list.flatMap(sample => (sample[key] === undefined ? [] : [sample[key]])));
    const figures = Object.fromEntries(
      (['bridgeMB', 'bridgeFiles', 'workerMB', 'workerFiles'] as const).map(key => [
        key,
        [of(early, key), of(late, key)],
      ]),
    );
    console.info(
      `${samples.length} jobs in ${minutes} min; middle of the early and of the late third: ${JSON.stringify(figures)}`,
    );
    expect(samples.length).toBeGreaterThan(20);
    for (const key of ['bridgeFiles', 'workerFiles'] as const)
      expect(figures[key][1]).toBeLessThanOrEqual(figures[key][0] + 2);
    for (const key of ['bridgeMB', 'workerMB'] as const)
      expect(figures[key][1]).toBeLessThanOrEqual(figures[key][0] * 1.1 + 10);
  },
  (minutes + 5) * 60_000,
);
