import { z } from 'zod';
import { clipInfoSchema } from './clip';
import { frameRangeSchema } from './time';
import { noticeSchema } from './report';
import { presetSchema } from './preset';

export const jobIdSchema = z.string().regex(/^[0-9]{8}-[0-9]{6}-[0-9a-f]{8}$/);
export type JobId = z.infer<typeof jobIdSchema>;

/** Clip + range + preset: what is to be made. */
export const jobSpecSchema = z.object({
  clip: z.string().regex(/^[0-9a-f]{64}$/),
  clipName: z.string().max(255),
  /** Absent means the whole clip. */
  range: frameRangeSchema.optional(),
  /** Real frames before the range that were sent so that the first delivered frame is already settled. */
  preset: presetSchema,
  seed: z.int().min(0).max(0x7fffffff).default(0),
  provider: z.enum(['auto', 'tensorrt', 'cuda', 'coreml', 'dml', 'webgpu', 'cpu']).default('auto'),
  priority: z.int().min(0).max(9).default(5),
  /** Whom the job is from, set by the bridge: jobs of different senders share the workers fairly. */
  sender: z.string().max(80).optional(),
  /** Free words of the client: section, sequence, source clip key. Kept, never interpreted. */
  labels: z.record(z.string().max(40), z.string().max(200)).default({}),
});
export type JobSpec = z.infer<typeof jobSpecSchema>;

export const jobStatuses = ['queued', 'active', 'paused', 'done', 'failed', 'cancelled'] as const;
export type JobStatus = (typeof jobStatuses)[number];

export const errorJsonSchema = z.object({
  code: z.string(),
  details: z.record(z.string(), z.union([z.string(), z.number()])),
});

export const estimateSchema = z.object({
  seconds: z.number().nonnegative(),
  memoryBytes: z.number().nonnegative(),
  diskBytes: z.number().nonnegative(),
  /** What the figures rest on: "calibrated" after a measurement on this machine, else "table". */
  basis: z.enum(['calibrated', 'table']),
});
export type Estimate = z.infer<typeof estimateSchema>;

/** A job as everybody sees it; the only thing that changes it is `reduceJob` in `jobs/reduce.ts`. */
export const jobSchema = z.object({
  version: z.literal(1),
  id: jobIdSchema,
  spec: jobSpecSchema,
  clip: clipInfoSchema,
  status: z.enum(jobStatuses),
  createdAt: z.string(),
  startedAt: z.string().optional(),
  finishedAt: z.string().optional(),
  estimate: estimateSchema.optional(),
  /** Work units (frames weighted by cost), done of total; drives the bar. */
  progress: z.object({
    done: z.number().nonnegative(),
    total: z.number().positive(),
    secondsLeft: z.number().nonnegative().optional(),
  }),
  /** What is being worked on: stage, frame of the delivered clip. */
  now: z.object({ stage: z.string(), frame: z.int().nonnegative(), frames: z.int().nonnegative() }).optional(),
  tasks: z.record(z.string(), z.enum(['waiting', 'active', 'done', 'failed'])).default({}),
  attempts: z.int().nonnegative().default(0),
  error: errorJsonSchema.optional(),
  /** Set when done: size and frames of the result, to be fetched as a download of this job. */
  result: z
    .object({
      sizeBytes: z.int(),
      sha256: z.string(),
      frames: z.int(),
      width: z.int(),
      height: z.int(),
      fileName: z.string(),
    })
    .optional(),
  notices: z.int().nonnegative().default(0),
  previews: z.array(z.int().nonnegative()).default([]),
});
export type Job = z.infer<typeof jobSchema>;

/** What happens to a job, in order. Appended to `events.jsonl`; clients that reconnect are told all since `seq`. */
export const jobEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('created') }),
  z.object({
    type: z.literal('planned'),
    estimate: estimateSchema,
    tasks: z.array(z.string()),
    total: z.number().positive(),
  }),
  z.object({ type: z.literal('started') }),
  z.object({ type: z.literal('task-started'), task: z.string(), where: z.string() }),
  z.object({ type: z.literal('task-done'), task: z.string(), reused: z.boolean(), seconds: z.number() }),
  z.object({ type: z.literal('task-failed'), task: z.string(), error: errorJsonSchema, willRetry: z.boolean() }),
  z.object({
    type: z.literal('progress'),
    done: z.number(),
    stage: z.string(),
    frame: z.int(),
    frames: z.int(),
    secondsLeft: z.number().optional(),
  }),
  z.object({ type: z.literal('preview'), frame: z.int(), final: z.boolean() }),
  z.object({ type: z.literal('notice'), notice: noticeSchema }),
  z.object({ type: z.literal('paused') }),
  z.object({ type: z.literal('resumed') }),
  z.object({ type: z.literal('done'), result: jobSchema.shape.result.unwrap() }),
  z.object({ type: z.literal('failed'), error: errorJsonSchema }),
  z.object({ type: z.literal('cancelled') }),
]);
export type JobEventBody = z.infer<typeof jobEventSchema>;
export type JobEvent = JobEventBody & { readonly job: JobId; readonly seq: number; readonly at: string };
