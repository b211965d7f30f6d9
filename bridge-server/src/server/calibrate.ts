import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { effectSchema, type Effect } from '#protocol/effects';
import { AppError } from '#protocol/errors';
import type { Job } from '#protocol/job';
import type { Preset } from '#protocol/preset';
import { rate } from '#protocol/time';
import { LocalEngine, type LocalEngineOptions } from '../jobs/local-engine';
import { createEncoder } from '../media/encode';
import { probeClip } from '../media/probe';
import { testScene } from '../media/test-scene';
import { ContentStore } from './content-store';

/** Small enough for seconds, large enough that starting a net does not outweigh running it. */
const scene = { width: 320, height: 180, frames: 4, rate: rate(25) } as const;

/** A preset that does the same kinds of work in a few seconds: fewer steps, no pictures of the user's beside styles. */
export function shortened(preset: Preset): Preset {
  const change = ({ effect, params }: Effect): object | undefined => {
    switch (effect) {
      case 'style':
        return {
          ...params,
          iterations: 8,
          iterationsNext: 4,
          scales: Math.min(2, params.scales),
          passes: 1,
          workingHeight: scene.height,
        };
      case 'dream':
        return { ...params, octaves: 1, iterations: 4, workingHeight: scene.height, strengthCurve: [] };
      case 'zoom':
        return {
          ...params,
          frames: 3,
          iterations: 2,
          rateCurve: [],
          rotationCurve: [],
          dream: { ...params.dream, octaves: 1, workingHeight: scene.height },
        };
      case 'upscale':
        return { ...params, tta: false };
      case 'key':
        // A matte belongs to another clip.
        return undefined;
      case 'retime':
        return params;
    }
  };
  const effects = preset.effects.flatMap(effect => {
    const params = change(effect);
    return params ? [effectSchema.parse({ effect: effect.effect, params })] : [];
  });
  return { ...preset, effects, output: { ...preset.output, size: 'source' } };
}

export type CalibratorOptions = Omit<LocalEngineOptions, 'jobs' | 'adopt' | 'workers'> & {
  /** A folder that may be emptied. */
  readonly folder: string;
};

/** Measures stages on this machine with a short drawn scene; the engine files the times in the machine store. */
export class Calibrator {
  private running: Promise<void> | undefined;
  private stop: (() => void) | undefined;
  private closed = false;

  constructor(private readonly options: CalibratorOptions) {}

  /** One measurement at a time; the next waits. @throws AppError what the short job fails with */
  measure(preset: Preset, provider: Job['spec']['provider'] = 'auto'): Promise<void> {
    const before = this.running?.catch(() => undefined) ?? Promise.resolve();
    const mine = before.then(() => this.run(shortened(preset), provider));
    this.running = mine;
    return mine.finally(() => {
      if (this.running === mine) this.running = undefined;
    });
  }

  /** Ends a measurement that is under way. */
  async close(): Promise<void> {
    this.closed = true;
    this.stop?.();
    await this.running?.catch(() => undefined);
  }

  private async run(preset: Preset, provider: Job['spec']['provider']): Promise<void> {
    if (preset.effects.length === 0 || this.closed) return;
    const { folder } = this.options;
    await rm(folder, { recursive: true, force: true });
    const clips = new ContentStore(join(folder, 'clips'), (path, about) => probeClip(path, about));
    const engine = new LocalEngine({
      ...this.options,
      jobs: join(folder, 'jobs'),
      folders: { ...this.options.folders, clips: clips.folder },
      workers: 1,
    });
    try {
      const { sha256, info } = await clips.add(await drawClip(folder), 'scene.mp4');
      const id = '20000101-000000-00000000';
      const ended = new Promise<void>((resolve, reject) => {
        this.stop = () => reject(new AppError('CANCELLED'));
        engine.watch(event => {
          if (event.type === 'done') resolve();
          if (event.type === 'failed') reject(AppError.from(event.error as never));
        });
      });
      if (this.closed) throw new AppError('CANCELLED');
      await engine.submit({
        id,
        spec: { clip: sha256, clipName: 'scene.mp4', preset, seed: 0, provider, priority: 0, labels: {} },
        clip: info,
        createdAt: new Date().toISOString(),
        estimate: { seconds: 0, memoryBytes: 0, diskBytes: 0, basis: 'table' },
      });
      await ended;
    } finally {
      this.stop = undefined;
      await engine.close();
      await rm(folder, { recursive: true, force: true });
    }
  }
}

async function drawClip(folder: string): Promise<string> {
  const path = join(folder, 'scene.mp4');
  const encoder = await createEncoder(path, { codec: 'h264', ...scene });
  try {
    for await (const frame of testScene(scene)) await encoder.write(frame);
    await encoder.finish();
    return path;
  } catch (error) {
    await encoder.abort();
    throw error;
  }
}
