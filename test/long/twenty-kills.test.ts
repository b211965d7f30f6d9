import type { ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job } from '#protocol/job';
import { killGroup } from '../../bridge-server/src/jobs/process-identity';
import type { TestClient } from '../fakes/bridge-client';
import { eventually, makePreset } from '../fakes/jobs';
import {
  connectTo,
  descendants,
  hashesOfFrames,
  isBuilt,
  killProgram,
  startProgram,
  workerOf,
} from '../fakes/programs';
import { hasRedis, startRedis } from '../fakes/redis';

/**
 * REVERIE_SEED chooses the moments and the victims, REVERIE_KILLS how many. The job has 50 frames with style (which
 * follows the flow) and upscale; pictures are small, so that the whole takes minutes.
 */
const seed = Number(process.env.REVERIE_SEED ?? 1);
const kills = Number(process.env.REVERIE_KILLS ?? 20);
const frames = 50;
const linux = process.platform === 'linux';

const folder = mkdtempSync(join(tmpdir(), 'reverie-kills-'));
const programs: ChildProcess[] = [];
const start = (args: string[], home: string, env: Record<string, string> = {}) => {
  const child = startProgram(args, { REVERIE_HOME: join(folder, home), ...env });
  programs.push(child);
  return child;
};
let random = seed;
const next = () => (random = (random * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
const pick = <T>(items: readonly T[]): T => items[Math.floor(next() * items.length)];
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

let clip: Buffer;
let sha256: string;
let calm: string[];

const preset = makePreset({
  effects: [
    {
      effect: 'style',
      params: { detail: 'draft', iterations: 12, iterationsNext: 4, scales: 2, strokePx: 128, workingHeight: 64 },
    },
    { effect: 'upscale' },
  ],
  output: { rate: 'source' },
});

async function submit(client: TestClient): Promise<Job> {
  await client.upload(clip, sha256);
  const { job } = await client.ask('submit', {
    spec: { clip: sha256, clipName: 'clip.mp4', preset, seed: 5, provider: 'cpu', priority: 5, labels: {} },
  });
  return job;
}

const jobFolder = (home: string, job: string) => join(folder, home, 'jobs', job);
const finished = (client: TestClient, job: string) =>
  eventually(async () => {
    const found = (await client.ask('jobs', {})).jobs.find(other => other.id === job)!;
    if (found.status === 'failed') throw new Error(JSON.stringify(found.error));
    return found.status === 'done' && found;
  }, 600_000);

/** Waits for the job to get on, or for a while, whichever is first: kills also fall into starts. */
async function someMoment(client: () => TestClient, job: string): Promise<'unfinished' | 'done'> {
  const share = async () => {
    const found = (
      await client()
        .ask('jobs', {})
        .catch(() => undefined)
    )?.jobs.find(other => other.id === job);
    return found && { done: found.progress.done / found.progress.total, status: found.status };
  };
  const before = (await share())?.done ?? 0;
  const until = performance.now() + 1500 + 9000 * next();
  const step = next() * 0.06;
  for (;;) {
    const now = await share();
    if (now?.status === 'done') return 'done';
    if (performance.now() > until || (now && now.done > before + step)) return 'unfinished';
    await pause(50);
  }
}

beforeAll(async () => {
  if (!isBuilt || !linux) return;
  const path = join(folder, 'clip.mp4');
  execFileSync('ffmpeg', [
    ...['-v', 'error', '-f', 'lavfi', '-i', `testsrc2=size=96x64:rate=25:duration=${frames / 25}`],
    ...['-c:v', 'libx264', '-pix_fmt', 'yuv420p', path],
  ]);
  clip = readFileSync(path);
  sha256 = createHash('sha256').update(clip).digest('hex');
  const bridge = start(['serve'], 'calm');
  const client = await connectTo(join(folder, 'calm'));
  const began = performance.now();
  const job = await submit(client);
  const { result } = await finished(client, job.id);
  calm = hashesOfFrames(join(jobFolder('calm', job.id), result!.fileName));
  console.info(`undisturbed: ${((performance.now() - began) / 1000).toFixed(0)} s`);
  client.close();
  await killProgram(bridge);
}, 900_000);
afterAll(async () => {
  for (const child of programs) await killProgram(child);
  rmSync(folder, { recursive: true, force: true });
});

const ready = isBuilt && linux ? test : test.skip;

ready(
  `${kills} kills of worker, bridge and ffmpeg change no frame (Linux, after \`npm run build\`)`,
  async () => {
    expect(new Set(calm).size).toBe(frames);
    let bridge = start(['serve'], 'killed');
    let client = await connectTo(join(folder, 'killed'));
    const job = await submit(client);
    const tally: Record<string, number> = { worker: 0, bridge: 0, ffmpeg: 0 };
    for (let kill = 0; kill < kills; kill++) {
      if ((await someMoment(() => client, job.id)) === 'done') break;
      const victim = pick(['worker', 'bridge', 'ffmpeg'] as const);
      const worker = workerOf(jobFolder('killed', job.id));
      const ffmpegs = descendants(bridge.pid!, 'ffmpeg');
      if (victim === 'ffmpeg' && ffmpegs.length > 0) {
        process.kill(pick(ffmpegs), 'SIGKILL');
        tally.ffmpeg++;
      } else if (victim !== 'bridge' && worker !== undefined) {
        killGroup(worker);
        tally.worker++;
      } else {
        client.close();
        await killProgram(bridge);
        bridge = start(['serve'], 'killed');
        client = await connectTo(join(folder, 'killed'));
        tally.bridge++;
      }
    }
    const { result } = await finished(client, job.id);
    console.info(`killed: ${JSON.stringify(tally)}`);
    expect(Object.values(tally).reduce((sum, count) => sum + count, 0)).toBe(kills);
    expect(hashesOfFrames(join(jobFolder('killed', job.id), result!.fileName))).toEqual(calm);
    client.close();
    await killProgram(bridge);
  },
  1_800_000,
);

(isBuilt && linux && hasRedis ? test : test.skip)(
  `${kills} kills of two render nodes, their workers, the bridge and Redis change no frame (Linux, redis-server, after \`npm run build\`)`,
  async () => {
    const redis = await startRedis();
    const env = { REVERIE_REDIS: redis.url };
    const serve = () => start(['serve'], 'farm', env);
    const node = (name: string) => start(['worker', '--provider', 'cpu', '--name', name], name, env);
    let bridge = serve();
    const nodes = [node('north'), node('south')];
    let client = await connectTo(join(folder, 'farm'));
    const job = await submit(client);
    const tally: Record<string, number> = { worker: 0, node: 0, bridge: 0, redis: 0 };
    for (let kill = 0; kill < kills; kill++) {
      if ((await someMoment(() => client, job.id)) === 'done') break;
      const victim = pick(['worker', 'node', 'bridge', 'redis'] as const);
      const at = Math.floor(next() * 2);
      const workers = descendants(nodes[at].pid!, 'node');
      if (victim === 'worker' && workers.length > 0) {
        killGroup(pick(workers));
        tally.worker++;
      } else if (victim === 'bridge') {
        client.close();
        await killProgram(bridge);
        bridge = serve();
        client = await connectTo(join(folder, 'farm'));
        tally.bridge++;
      } else if (victim === 'redis') {
        await redis.kill();
        await pause(300 + 700 * next());
        await redis.start();
        tally.redis++;
      } else {
        await killProgram(nodes[at]);
        nodes[at] = node(['north', 'south'][at]);
        tally.node++;
      }
    }
    const { result } = await finished(client, job.id);
    console.info(`killed: ${JSON.stringify(tally)}`);
    expect(Object.values(tally).reduce((sum, count) => sum + count, 0)).toBe(kills);
    expect(hashesOfFrames(join(jobFolder('farm', job.id), result!.fileName))).toEqual(calm);
    client.close();
    for (const child of [...nodes, bridge]) await killProgram(child);
    await redis.close();
  },
  1_800_000,
);
