import { z } from 'zod';
import { clipInfoSchema } from '#protocol/clip';
import { outputSchema } from '#protocol/preset';
import { rateSchema } from '#protocol/time';
import type { WorkerRequest } from '../jobs/task';

/** What may come over the process channel, checked once here and trusted behind. Types: `jobs/task.ts`. */
const span = z.object({ first: z.int(), last: z.int() });
const id = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const source = z.discriminatedUnion('from', [
  z.object({ from: z.literal('clip'), clip: sha256 }),
  z.object({
    from: z.literal('tasks'),
    tasks: z.array(z.object({ task: id, first: z.int(), last: z.int() })),
    reversed: z.literal(true).optional(),
  }),
]);
const stage = z.object({
  stage: z.enum(['key', 'stylize', 'dream', 'zoom', 'composite', 'upscale', 'retime', 'resize']),
  params: z.unknown(),
  sequential: z.boolean(),
});
const output = z.object(outputSchema.shape);

const task = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('analyse'), id, clip: sha256, span }),
  z.object({
    kind: z.literal('paint'),
    id,
    needs: z.array(id),
    source,
    span,
    handle: z.int().nonnegative(),
    stages: z.array(stage),
    frames: span.optional(),
    seed: z.int(),
    units: z.number(),
    opening: z.number().optional(),
  }),
  z.object({
    kind: z.literal('deliver'),
    id,
    needs: z.array(id),
    source,
    span,
    cuts: z.array(z.int()),
    out: span,
    sourceRate: rateSchema,
    rate: rateSchema,
    stages: z.array(stage),
    output,
    seed: z.int(),
    units: z.number(),
  }),
  z.object({
    kind: z.literal('join'),
    id,
    needs: z.array(id),
    frames: z.int().positive(),
    rate: rateSchema,
    width: z.int().positive(),
    height: z.int().positive(),
    output,
    units: z.number(),
  }),
]);

const folders = z.object({ clips: z.string(), images: z.string(), nets: z.string() });

export const workerRequestSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('run'),
    order: z.object({
      job: z.string(),
      task,
      clip: clipInfoSchema,
      folders: folders.extend({ job: z.string() }),
      provider: z.string(),
      attempt: z.int().nonnegative(),
      delivered: z.object({ first: z.int(), from: rateSchema, to: rateSchema }).optional(),
    }),
  }),
  z.object({
    type: z.literal('still'),
    id: z.int(),
    order: z.object({
      clip: clipInfoSchema,
      frame: z.int().nonnegative(),
      stages: z.array(stage),
      maxSide: z.int().positive(),
      seed: z.int(),
      provider: z.string(),
      folder: z.string(),
      folders,
    }),
  }),
  z.object({
    type: z.literal('atlas'),
    id: z.int(),
    order: z.object({
      net: z.string(),
      image: sha256.optional(),
      channelsOf: z.string().optional(),
      provider: z.string(),
      folder: z.string(),
      folders,
    }),
  }),
  z.object({ type: z.literal('sections'), id: z.int(), clip: sha256, clips: z.string() }),
  z.object({ type: z.literal('stop'), id: z.int() }),
  z.object({ type: z.literal('close') }),
]);

/** @throws ZodError */
export function parseRequest(message: unknown): WorkerRequest {
  return workerRequestSchema.parse(message);
}
