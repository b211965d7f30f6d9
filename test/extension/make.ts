import type { ClipInfo } from '#protocol/clip';
import type { Job } from '#protocol/job';
import { presetSchema, type Preset } from '#protocol/preset';
import type { z } from 'zod';

export const clipHash = 'ab'.repeat(32);

export function makeClip(changes: Partial<ClipInfo> = {}): ClipInfo {
  return {
    sha256: clipHash,
    name: 'shot.mov',
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
    name: 'default',
    title: 'Painted',
    effects: [{ effect: 'style' }, { effect: 'upscale' }],
    ...changes,
  });
}

let made = 0;
export function makeJob(changes: Partial<Job> = {}): Job {
  const second = String(made++ % 60).padStart(2, '0');
  return {
    version: 1,
    id: `20261122-1015${second}-0a0b0c0d`,
    spec: {
      clip: clipHash,
      clipName: 'shot.mov',
      preset: makePreset(),
      seed: 0,
      provider: 'auto',
      priority: 5,
      labels: {},
    },
    clip: makeClip(),
    status: 'queued',
    createdAt: `2026-11-22T10:15:${second}.000Z`,
    progress: { done: 0, total: 100 },
    tasks: {},
    attempts: 0,
    notices: 0,
    previews: [],
    ...changes,
  };
}
