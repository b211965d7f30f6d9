import { dreamTilePx, type DreamParams } from '#protocol/effects/dream';
import type { ZoomParams } from '#protocol/effects/zoom';
import type { ClipInfo } from '#protocol/clip';
import { AppError } from '#protocol/errors';
import type { Estimate } from '#protocol/job';
import type { CodecName } from '#protocol/preset';
import { z } from 'zod';
import { sizeAfter, type Work } from './cost';
import type { Size } from '../effects/size';
import type { StageNode, Task, TaskFacts } from './task';

/**
 * Seconds per megapixel-step by stage, where nothing was measured on this machine yet. The CPU column rests on two cores
 * (a painter's step 0.6 to 0.95 s, a dream's 0.4 with the embedded net and 1.1 with GoogLeNet; engine reference, section 7,
 * for upconv_7 on 0.058 Mpx in 0.6 to 1 s giving 0.23 Mpx), the GPU column on methods.md 9.4.
 */
const table: Readonly<Record<'cpu' | 'gpu', Readonly<Record<string, number>>>> = {
  cpu: {
    decode: 0.03,
    fit: 5,
    stylize: 1,
    dream: 1,
    zoom: 1,
    upscale: 3.5,
    key: 0.2,
    composite: 0.1,
    resize: 0.05,
    'retime-flow': 0.6,
    'retime-blend': 0.05,
    'retime-repeat': 0.02,
    'retime-rife': 4,
    'encode-prores422hq': 0.12,
    'encode-prores4444': 0.2,
    'encode-dnxhr': 0.08,
    'encode-h264': 0.15,
    'encode-png': 0.3,
    verify: 0.03,
  },
  gpu: {
    decode: 0.03,
    fit: 0.1,
    stylize: 0.02,
    dream: 0.01,
    zoom: 0.01,
    upscale: 0.05,
    key: 0.05,
    composite: 0.05,
    resize: 0.05,
    'retime-flow': 0.6,
    'retime-blend': 0.05,
    'retime-repeat': 0.02,
    'retime-rife': 0.1,
    'encode-prores422hq': 0.12,
    'encode-prores4444': 0.2,
    'encode-dnxhr': 0.08,
    'encode-h264': 0.15,
    'encode-png': 0.3,
    verify: 0.03,
  },
};

/** What was measured on this machine: seconds per unit of work and highest memory per megapixel, by provider and stage. */
export const calibrationSchema = z.object({
  version: z.literal(1),
  seconds: z
    .record(z.string(), z.record(z.string(), z.object({ perWork: z.number().positive(), work: z.number().positive() })))
    .default({}),
});
export type Calibration = z.infer<typeof calibrationSchema>;
export const emptyCalibration: Calibration = { version: 1, seconds: {} };

/** How a kind of work is timed: the measurement where there is one, else the table. */
export function secondsFor(provider: string, calibration: Calibration): (work: Work) => number {
  const guessed = table[provider === 'cpu' ? 'cpu' : 'gpu'];
  const measured = calibration.seconds[provider] ?? {};
  return ({ stage, work }) => work * (measured[stage]?.perWork ?? guessed[stage] ?? 0.1);
}

/** True when every stage that takes real time was measured on this machine. */
export function isCalibrated(provider: string, calibration: Calibration, tasks: readonly Task[]): boolean {
  const measured = calibration.seconds[provider] ?? {};
  const stages = tasks.flatMap(task => ('stages' in task ? task.stages : []));
  const names = stages
    .map(node => (node.stage === 'retime' ? `retime-${(node.params as { method: string }).method}` : node.stage))
    .filter(name => name !== 'resize' && name !== 'composite');
  if (tasks.some(task => task.kind === 'paint' && task.opening !== undefined)) names.push('fit');
  return names.length > 0 && names.every(name => measured[name] !== undefined);
}

/** Newer measurements count more: the weight of what was known is capped, so that a changed machine is noticed. */
const memoryOfWork = 4;

/** Takes a finished task's times into the calibration. `works` is what its stages had to do. */
export function learn(
  calibration: Calibration,
  provider: string,
  facts: TaskFacts,
  works: readonly Work[],
): Calibration {
  const seconds: Record<string, { perWork: number; work: number }> = { ...calibration.seconds[provider] };
  for (const planned of works) {
    const { stage } = planned;
    const taken = facts.stages.find(row => row.stage === stage || stage.startsWith(`${row.stage}-`));
    if (!taken || taken.seconds <= 0 || taken.frames <= 0 || planned.work <= 0) continue;
    // After a resume only the rest of the frames was worked on.
    const work = planned.work * Math.min(1, taken.frames / planned.frames);
    const known = seconds[stage];
    const weight = known ? Math.min(known.work, memoryOfWork * work) : 0;
    seconds[stage] = {
      perWork: ((known?.perWork ?? 0) * weight + taken.seconds) / (weight + work),
      work: weight + work,
    };
  }
  return { ...calibration, seconds: { ...calibration.seconds, [provider]: seconds } };
}

/** Bytes of one pixel of a stored painted frame: float32 RGB (alpha rarely adds a third). */
const storedBytesPerPixel = 12;
/** Bytes per pixel of the finished clip, measured on detailed footage; PNG hardly compresses paint. */
const bytesPerPixel: Readonly<Record<CodecName, number>> = {
  prores422hq: 0.65,
  prores4444: 1,
  dnxhr: 0.55,
  h264: 0.12,
  png: 2.2,
};
/** Resident memory of a worker with its programs and one decoder, before any picture. */
const workerBytes = 450e6;
/** A painter's steps at all sizes of its pyramid, which keep their memory. Measured on a CPU: 3.7 kB at 640x360, 3.9 at 1920x1080. */
const painterBytesPerPixel = 3900;
/** Beside the pixels: the feature net's graphs and the flow. Measured: 874 and 919 MB in all at 192x108 and 320x180. */
const gradientBytes = 300e6;
/** engine.md 2: gradient graphs take 2.4 kB a pixel up to half a megapixel, 3.3 kB beyond. */
const gradientBytesPerPixel = (pixels: number) => (pixels > 0.5e6 ? 3300 : 2400);
/** engine.md 7: waifu2x nets on a tile; tiles are bounded, so is this. */
const upscaleBytes = 900e6;
/**
 * What nets that look at the whole picture (CUNet) keep of every pixel between the passes over its tiles, up to a limit
 * beyond which they compute it again.
 */
const keptUpscaleBytes = (pixels: number) => Math.min(900e6, 700 * pixels);

/** Twelve planes of three colours: the gradient of a whole picture, put together from tiles, and its pyramid. */
const movedBytesPerPixel = 144;

function dreamBytes(params: DreamParams, size: Size): number {
  const pixels = size.width * size.height;
  const side = dreamTilePx(params, size);
  if (side === 0) return pixels * gradientBytesPerPixel(pixels);
  const tile = Math.min(side, size.width) * Math.min(side, size.height);
  return tile * gradientBytesPerPixel(tile) + pixels * movedBytesPerPixel;
}

function stageBytes(node: StageNode, before: Size, after: Size): number {
  const pixels = after.width * after.height;
  switch (node.stage) {
    case 'stylize':
      return gradientBytes + pixels * painterBytesPerPixel;
    case 'dream':
      return gradientBytes + dreamBytes(node.params as DreamParams, after);
    case 'zoom':
      return gradientBytes + dreamBytes((node.params as ZoomParams).dream, after);
    case 'upscale': {
      const { enlarge, clean } = node.params as { enlarge?: string; clean?: string };
      const looksAtAll = `${enlarge ?? ''} ${clean ?? ''}`.includes('cunet');
      return upscaleBytes + (looksAtAll ? keptUpscaleBytes(before.width * before.height) : 0);
    }
    default:
      return 0;
  }
}
/** Float32 frames under way between stages, of the largest size. */
const framesUnderWay = 8;

export function resultBytes(frames: number, width: number, height: number, codec: CodecName): number {
  return Math.ceil(frames * width * height * bytesPerPixel[codec]) + 65536;
}

/** Time, memory and disk of a planned job, before it starts. `workers` run side by side. */
export function estimateTasks(tasks: readonly Task[], clip: ClipInfo, basis: Estimate['basis'], workers = 1): Estimate {
  let seconds = 0;
  let disk = 0;
  let memory = workerBytes;
  let size = { width: clip.width, height: clip.height };
  for (const task of tasks) {
    if (task.kind === 'analyse') continue;
    seconds += task.units;
    if (task.kind === 'join') {
      // Segments and the joined result lie side by side until the result is verified.
      disk += 2 * resultBytes(task.frames, task.width, task.height, task.output.codec);
      continue;
    }
    let at = task.source.from === 'clip' ? { width: clip.width, height: clip.height } : size;
    for (const node of task.stages) {
      const before = at;
      at = sizeAfter(node, at);
      const frames = framesUnderWay * at.width * at.height * storedBytesPerPixel;
      memory = Math.max(memory, workerBytes + stageBytes(node, before, at) + frames);
    }
    if (task.kind === 'paint') {
      const stored = task.frames ?? task.span;
      disk += (stored.last - stored.first + 1) * at.width * at.height * storedBytesPerPixel;
      size = at;
    }
  }
  return {
    seconds: seconds / Math.max(1, workers),
    memoryBytes: Math.ceil(memory * workers),
    diskBytes: Math.ceil(disk),
    basis,
  };
}

export function formatBytes(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return `${Math.max(1, Math.round(bytes / 1e6))} MB`;
}

/** Longer than this is more than a night. */
const longSeconds = 10 * 3600;

/** True for a job that leaves this machine room and time for other things. */
export function isComfortable(
  estimate: Estimate,
  machine: { readonly memoryBytes: number; readonly freeDiskBytes: number },
): boolean {
  return (
    estimate.memoryBytes <= machine.memoryBytes * 0.6 &&
    estimate.diskBytes <= machine.freeDiskBytes * 0.8 &&
    estimate.seconds <= longSeconds
  );
}

/**
 * Refuses what cannot fit. Nine tenths of the memory may be used: the rest is the system's.
 * @throws AppError MEMORY_TOO_SMALL, DISK_TOO_SMALL
 */
export function checkFits(
  estimate: Estimate,
  machine: { readonly memoryBytes: number; readonly freeDiskBytes: number; readonly folder: string },
): void {
  if (estimate.memoryBytes > machine.memoryBytes * 0.9) {
    throw new AppError('MEMORY_TOO_SMALL', {
      need: formatBytes(estimate.memoryBytes),
      have: formatBytes(machine.memoryBytes),
    });
  }
  if (estimate.diskBytes > machine.freeDiskBytes) {
    throw new AppError('DISK_TOO_SMALL', {
      need: formatBytes(estimate.diskBytes),
      path: machine.folder,
      free: formatBytes(machine.freeDiskBytes),
    });
  }
}
