import { errorJsonSchema, jobIdSchema } from '#protocol/job';
import { z } from 'zod';
import type { TaskOrder, WorkerEvent } from '../task';
import type { Outcome } from '../worker-slot';

/** What a bridge and a render node say to each other over HTTP, below `/depot`. All JSON but the bytes of files. */
export const depotPath = '/depot';
/** Files travel in pieces of at most this size, so that a broken connection costs one piece. */
export const pieceBytes = 8 * 1024 * 1024;
/** Largest JSON message either way: a long shot's list of frames. */
export const largestMessageBytes = 32 * 1024 * 1024;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const part = '[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}';
/** What a node may write: files of a task, and previews. Never a path out of the job's folder. */
export const jobPathSchema = z
  .string()
  .regex(new RegExp(`^(tasks/[0-9a-f]{64}(/${part}){1,3}|previews/[0-9]{1,8}\\.jpg)$`));
const contentPathSchema = z.string().regex(/^[0-9a-f]{64}(\.json)?$/);
const netPathSchema = z.string().regex(new RegExp(`^${part}/${part}$`));

const facts = { sizeBytes: z.int().nonnegative(), sha256 };
/** A file that a task needs, by its place in a node's folders and by its content. */
export const neededFileSchema = z.discriminatedUnion('area', [
  z.object({ area: z.enum(['clips', 'images']), path: contentPathSchema, ...facts }),
  z.object({ area: z.literal('nets'), path: netPathSchema, ...facts }),
  z.object({ area: z.literal('job'), path: jobPathSchema, ...facts }),
]);
export type NeededFile = z.infer<typeof neededFileSchema>;

/** What lies in the queue: only where to ask for the rest. */
export const ticketSchema = z.object({ bridge: z.string(), session: z.string() });
export type Ticket = z.infer<typeof ticketSchema>;

/** How a bridge is reached; kept in Redis under its name, and only while it runs. */
export const bridgeRecordSchema = z.object({ address: z.url(), token: z.string(), session: z.string() });
export type BridgeRecord = z.infer<typeof bridgeRecordSchema>;

/** A node as the bridges see it; kept in Redis while it runs. */
export const nodeRecordSchema = z.object({
  name: z.string().max(100),
  pid: z.int(),
  provider: z.string().max(40),
  refused: z.array(z.object({ provider: z.string(), reason: z.string() })),
  version: z.string(),
});
export type NodeRecord = z.infer<typeof nodeRecordSchema>;

export const takeSchema = z.object({ ticket: z.string(), node: nodeRecordSchema });
export type RemoteOrder = Omit<TaskOrder, 'folders'>;
export type Taken =
  | { readonly gone: true }
  | { readonly run: string; readonly order: RemoteOrder; readonly files: readonly NeededFile[] };
export const takenSchema = z.union([
  z.object({ gone: z.literal(true) }),
  z.object({
    run: z.uuid(),
    order: z.looseObject({ job: jobIdSchema, task: z.looseObject({ id: sha256 }) }),
    files: z.array(neededFileSchema),
  }),
]);

const run = z.uuid();
/** What workers say is checked where it is used: by `reduceJob` and by the journal's schema. */
const workerEventSchema = z.looseObject({ type: z.string() }) as unknown as z.ZodType<WorkerEvent>;
export const saySchema = z.object({
  run,
  events: z.array(workerEventSchema).max(10_000),
  lines: z.array(z.string().max(4000)).max(10_000),
});
export type Said = { readonly stop: boolean };

/** Everything of the task that the node has now; what it has no more is removed on the bridge too. */
export const keepSchema = z.object({ run, paths: z.array(jobPathSchema) });

const outcomeSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('done'), facts: z.looseObject({ stages: z.array(z.unknown()) }) }),
  z.object({ type: z.literal('failed'), error: errorJsonSchema }),
  z.object({
    type: z.literal('ended'),
    problem: z.string(),
    signal: z.string().optional(),
    outOfMemory: z.boolean().optional(),
  }),
  z.object({ type: z.literal('hung'), seconds: z.number() }),
  /** The node leaves; somebody else goes on. */
  z.object({ type: z.literal('left') }),
]);
export type NodeOutcome = Outcome | { readonly type: 'left' };
export const endSchema = z.object({ run, outcome: outcomeSchema as unknown as z.ZodType<NodeOutcome> });
