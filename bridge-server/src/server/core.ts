import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { hostname, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import type { ClipInfo } from '#protocol/clip';
import type { ImageRef } from '#protocol/effects/parameter';
import { AppError } from '#protocol/errors';
import type { Estimate, Job, JobId, JobSpec } from '#protocol/job';
import type { Preset } from '#protocol/preset';
import type { JobEngine } from '../jobs/engine';
import { smallerPresets } from '../effects/smaller';
import { checkFits, estimateTasks, isCalibrated, isComfortable, resultBytes, secondsFor } from '../jobs/estimate';
import { BullmqEngine } from '../jobs/bullmq-engine';
import { LocalEngine } from '../jobs/local-engine';
import { createMachineStore, type MachineStore } from '../jobs/machine-store';
import { planTasks } from '../jobs/plan';
import type { Task } from '../jobs/task';
import { probeSound, type SoundFacts } from '../media/decode-sound';
import { checkOutput, segmentEnding } from '../media/encode';
import { openFits } from '../media/number-store';
import { probeClip } from '../media/probe';
import { probeStill, type StillFacts } from '../media/still';
import { providerEnvironment } from '../runtime/provider-libraries';
import { ContentStore } from './content-store';
import { openHome, type Home } from './home';
import { Calibrator } from './calibrate';
import type { NetShelf } from './nets';
import { PresetStore } from './preset-store';

export type CoreOptions = {
  /** REVERIE_HOME or the system's usual place when absent. */
  readonly home?: string;
  /** Program of the worker process; `worker.js` beside this program when absent. */
  readonly worker?: string;
  readonly workers?: number;
  /** Address of a Redis: tasks go to render nodes on any machine (`reverie worker --redis`) instead of workers here. */
  readonly redis?: string;
  /** Continue jobs that another, ended server left unfinished. `reverie serve` does, a one-shot render does not. */
  readonly adopt?: boolean;
  readonly nets: NetShelf;
  readonly version?: string;
  readonly log?: (line: string) => void;
  readonly engine?: Partial<
    Pick<
      ConstructorParameters<typeof LocalEngine>[0],
      'silenceMs' | 'hungMs' | 'tries' | 'idleWorkerMs' | 'cacheBytes' | 'workerEnv' | 'progressMs'
    >
  >;
};

/** The part of the engine on Redis that the bridge's HTTP server serves. */
export type Depot = {
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Nodes reach this bridge at `address` from now on. */
  announce(address: string): void;
  present(): { readonly name: string; readonly provider: string }[];
};

export const programVersion = '0.1.0';

export type JobEstimate = {
  readonly estimate: Estimate;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly resultBytes: number;
};

/** A job that fits badly comes with a smaller one that fits well, where there is such a one. */
export type JobOffer = JobEstimate & {
  readonly smaller?: { readonly preset: Preset; readonly lines: number; readonly estimate: Estimate };
};

/** Everything behind the sockets: what the bridge serves and the command line uses in its own process. */
export type BridgeCore = {
  readonly home: Home;
  readonly engine: JobEngine;
  /** Where render nodes fetch and bring files; only with Redis. */
  readonly depot?: Depot;
  readonly clips: ContentStore<ClipInfo>;
  readonly images: ContentStore<StillFacts>;
  /** Files that are only listened to. */
  readonly sounds: ContentStore<SoundFacts>;
  readonly nets: NetShelf;
  readonly presets: PresetStore;
  readonly machine: MachineStore;
  readonly worker: string;
  readonly version: string;
  /** Copies a local file into the store and probes it. @throws AppError FILE_NOT_FOUND, NOT_MEDIA ... */
  addClip(path: string, name?: string): Promise<ClipInfo>;
  addImage(path: string, name?: string): Promise<{ readonly sha256: string }>;
  /** @throws AppError CLIP_NOT_FOUND, RANGE_OUTSIDE, SIZE_REFUSED, OUTPUT_UNSUITABLE, FILE_NOT_FOUND, NET_NOT_FOUND */
  estimate(spec: JobSpec): Promise<JobOffer>;
  /** Measures the stages of a preset on this machine, unless they were measured. @throws AppError */
  calibrate(spec: JobSpec): Promise<void>;
  /** Checks, estimates, refuses what cannot fit, and starts. @throws AppError also MEMORY_TOO_SMALL, DISK_TOO_SMALL */
  submit(spec: JobSpec): Promise<Job>;
  close(): Promise<void>;
};

/** The worker's program: beside this one when built, in `dist/` when run from the sources. */
export function workerProgram(): string {
  const beside = join(__dirname, 'worker.js');
  return existsSync(beside) ? beside : join(__dirname, '../../../dist/server/worker.js');
}

/** "20261122-134455-1a2b3c4d": sorts by time, and is not guessable enough to collide. */
export function newJobId(now = new Date()): JobId {
  const [date, time] = now.toISOString().replace(/[-:]/g, '').split('T');
  return `${date}-${time.slice(0, 6)}-${randomBytes(4).toString('hex')}`;
}

/** Every picture that a preset refers to by hash. */
export function imagesOf(preset: Preset): string[] {
  const hashes: string[] = [];
  const take = (ref: ImageRef | undefined) => {
    if (ref && 'sha256' in ref) hashes.push(ref.sha256);
  };
  for (const effect of preset.effects) {
    if (effect.effect === 'style') effect.params.styles.forEach(style => take(style.image));
    if (effect.effect === 'dream' || effect.effect === 'zoom') {
      const { guide, mask } = effect.effect === 'dream' ? effect.params : effect.params.dream;
      [guide, mask].forEach(take);
    }
    if (effect.effect === 'key') take(effect.params.plateImage);
  }
  return hashes;
}

/** Every clip beside the job's own: mattes, and what lies behind a subject. */
export function otherClipsOf(preset: Preset): string[] {
  return preset.effects.flatMap(effect => {
    if (effect.effect !== 'key') return [];
    const { source, matteClip, over, plateClip } = effect.params;
    const wanted = [source === 'matte' ? matteClip : undefined, over === 'clip' ? plateClip : undefined];
    return wanted.filter(clip => clip !== undefined);
  });
}

/** Nets of the tasks' upscale stages. */
function upscalersOf(tasks: readonly Task[]): string[] {
  const nodes = tasks.flatMap(task => ('stages' in task ? task.stages : []));
  return nodes.flatMap(({ stage, params }) => {
    const { enlarge, clean } = params as { enlarge?: string; clean?: string };
    return stage === 'upscale' ? [clean, enlarge].filter(name => name !== undefined) : [];
  });
}

export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Memory that this process may use: a container's limit where there is one. */
export function memoryBytes(): number {
  const limit = process.constrainedMemory?.() ?? 0;
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}

/** Names the bridge of one home among those that use the same Redis. */
function bridgeName(home: string): string {
  return `${hostname()}-${createHash('sha256').update(home).digest('hex').slice(0, 12)}`;
}

export function createBridgeCore(options: CoreOptions): BridgeCore {
  const home = openHome(options.home);
  const machine = createMachineStore(home.machineFile);
  const clips = new ContentStore<ClipInfo>(home.clips, (path, about) => probeClip(path, about));
  const images = new ContentStore<StillFacts>(home.images, (path, { name }) => probeStill(path, name));
  const sounds = new ContentStore<SoundFacts>(home.sounds, path => probeSound(path));
  const presets = new PresetStore(home.presets, options.nets);
  const fits = openFits(home.nets);
  const worker = options.worker ?? workerProgram();
  const version = options.version ?? programVersion;
  const engineOptions = {
    ...options.engine,
    // CUDA's libraries must be on the loader's path before a process starts.
    workerEnv: { ...providerEnvironment('auto'), ...options.engine?.workerEnv },
    jobs: home.jobs,
    folders: { clips: home.clips, images: home.images, nets: home.nets },
    worker,
    workers: options.workers,
    adopt: options.adopt,
    machine,
    netHashes: () => options.nets.hashes(),
    version,
    log: options.log,
  };
  const farm =
    options.redis === undefined
      ? undefined
      : new BullmqEngine({ ...engineOptions, redis: options.redis, bridge: bridgeName(home.root) });
  const engine: JobEngine = farm ?? new LocalEngine(engineOptions);

  const calibrator = new Calibrator({ ...engineOptions, folder: join(home.temporary, `calibration-${process.pid}`) });

  /** What there is of memory and disk. */
  const room = async () => ({
    memoryBytes: memoryBytes(),
    freeDiskBytes: await freeBytes(home.jobs),
    folder: home.jobs,
  });

  const estimate = async (spec: JobSpec): Promise<JobEstimate> => {
    const clip = await clips.info(spec.clip);
    for (const other of otherClipsOf(spec.preset))
      if (!clips.has(other)) throw new AppError('CLIP_NOT_FOUND', { clip: other });
    for (const sha256 of imagesOf(spec.preset))
      if (!images.has(sha256)) throw new AppError('FILE_NOT_FOUND', { path: `the picture ${sha256.slice(0, 8)}` });
    const provider = spec.provider === 'auto' ? machine.provider() : spec.provider;
    const calibration = machine.calibration();
    const nets = await options.nets.hashes();
    const tasks = planTasks(spec, clip, undefined, {
      machine: { provider },
      nets,
      seconds: secondsFor(provider, calibration),
      isFitted: fits.has,
    });
    const missing = upscalersOf(tasks).find(name => !Object.hasOwn(nets, name));
    if (missing !== undefined) throw new AppError('NET_NOT_FOUND', { name: missing });
    const join = tasks[tasks.length - 1];
    if (join.kind !== 'join') throw new AppError('INTERNAL', { problem: 'a plan without an end' });
    checkOutput(`result${segmentEnding(join.output.codec)}`, { ...join, codec: join.output.codec });
    return {
      estimate: estimateTasks(
        tasks,
        clip,
        isCalibrated(provider, calibration, tasks) ? 'calibrated' : 'table',
        options.workers ?? 1,
      ),
      width: join.width,
      height: join.height,
      frames: join.frames,
      resultBytes: resultBytes(join.frames, join.width, join.height, spec.preset.output.codec),
    };
  };

  return {
    home,
    engine,
    depot: farm?.crew,
    clips,
    images,
    sounds,
    nets: options.nets,
    presets,
    machine,
    worker,
    version,
    async addClip(path, name = basename(path)) {
      return (await clips.add(path, name)).info;
    },
    async addImage(path, name = basename(path)) {
      return { sha256: (await images.add(path, name)).sha256 };
    },
    async estimate(spec) {
      const whole = await estimate(spec);
      const machineRoom = await room();
      if (isComfortable(whole.estimate, machineRoom)) return whole;
      const clip = await clips.info(spec.clip);
      const provider = spec.provider === 'auto' ? machine.provider() : spec.provider;
      for (const { preset, lines } of smallerPresets(spec.preset, clip, { provider })) {
        const smaller = await estimate({ ...spec, preset });
        if (isComfortable(smaller.estimate, machineRoom))
          return { ...whole, smaller: { preset, lines, estimate: smaller.estimate } };
      }
      return whole;
    },
    async calibrate(spec) {
      // With render nodes it is they who compute; their times come with their tasks.
      if (farm || (await estimate(spec)).estimate.basis === 'calibrated') return;
      await calibrator.measure(spec.preset, spec.provider);
    },
    async submit(spec) {
      const clip = await clips.info(spec.clip);
      const { estimate: figures } = await estimate(spec);
      checkFits(figures, await room());
      const id = newJobId();
      await engine.submit({ id, spec, clip, createdAt: new Date().toISOString(), estimate: figures });
      const [job] = await engine.list({ id });
      return job;
    },
    async close() {
      await calibrator.close();
      await engine.close();
    },
  };
}
