import type { ClipInfo } from '#protocol/clip';
import type { Job } from '#protocol/job';
import type { Preset, presetSchema } from '#protocol/preset';
import type { z } from 'zod';
import { makeClip as makeAnyClip, makePreset as makeAnyPreset } from '../fakes/jobs';

export const clipHash = 'ab'.repeat(32);

export const makeClip = (changes: Partial<ClipInfo> = {}): ClipInfo =>
  makeAnyClip({ sha256: clipHash, name: 'shot.mov', ...changes });

export const makePreset = (changes: Partial<z.input<typeof presetSchema>> = {}): Preset =>
  makeAnyPreset({
    name: 'default',
    title: 'Painted',
    effects: [{ effect: 'style' }, { effect: 'upscale' }],
    ...changes,
  });

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
