import { z } from 'zod';
import { clipInfoSchema } from './clip';
import { errorJsonSchema, estimateSchema, jobEventSchema, jobIdSchema, jobSchema, jobSpecSchema } from './job';
import { presetSchema } from './preset';
import { reportSchema } from './report';

export const protocolVersion = 1;
/** Largest payload of one binary frame (header excluded) and of one control message. */
export const chunkBytes = 1024 * 1024;
export const maxMessageBytes = 256 * 1024;
/** Chunks that a sender may have under way without an acknowledgement. */
export const creditChunks = 8;
export const heartbeatMs = 10_000;

/** The application that a panel lies in, as a trigger names it. */
export const triggerHostSchema = z.enum(['premiere', 'aftereffects', 'browser']);
export type TriggerHost = z.infer<typeof triggerHostSchema>;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const requestId = z.int().positive();

/**
 * Requests of the panel. Each is answered by exactly one `reply` or `error` with the same `id`; `watch` is followed by
 * `event` messages. Uploads and downloads are mirror images: opened here, carried by binary frames (see `binary.ts`).
 */
export const requestSchema = z.discriminatedUnion('type', [
  z.object({ id: requestId, type: z.literal('hello'), version: z.int(), client: z.string().max(60) }),
  z.object({ id: requestId, type: z.literal('ping') }),

  /** What the file will be; answered with the transfer's number and the offset to start from. */
  z.object({
    id: requestId,
    type: z.literal('upload-open'),
    kind: z.enum(['clip', 'image', 'net', 'sound']),
    sha256,
    sizeBytes: z.int().positive(),
    name: z.string().max(255),
    /** Of a net in two files (weights apart, or a style's reader): this one waits for the other, which names it. */
    waits: z.boolean().optional(),
    beside: z.object({ sha256, name: z.string().max(255) }).optional(),
  }),
  /** All bytes are sent; answered when the hash was checked and the file is kept under it. */
  z.object({ id: requestId, type: z.literal('upload-close'), transfer: z.int().positive() }),
  z.object({ id: requestId, type: z.literal('upload-abort'), transfer: z.int().positive() }),
  /** A clip on a disk that panel and bridge share: only files below a folder that the user allowed in the bridge's settings. */
  z.object({ id: requestId, type: z.literal('clip-from-path'), path: z.string().max(4096) }),
  z.object({ id: requestId, type: z.literal('clip-info'), clip: sha256 }),
  /**
   * Small pictures of files that the host's timeline shows, for a panel on this computer. They are made when their
   * address is opened, and only for those who were given it.
   */
  z.object({
    id: requestId,
    type: z.literal('glimpses'),
    of: z.array(z.object({ path: z.string().max(4096), seconds: z.number().nonnegative() })).max(40),
  }),

  z.object({
    id: requestId,
    type: z.literal('download-open'),
    what: z.enum(['result', 'report', 'atlas']),
    job: jobIdSchema,
    offset: z.int().nonnegative().default(0),
  }),
  /** The receiver has written this many bytes in all: the sender may go on. */
  z.object({
    id: requestId,
    type: z.literal('download-credit'),
    transfer: z.int().positive(),
    receivedBytes: z.int().nonnegative(),
  }),
  z.object({ id: requestId, type: z.literal('download-close'), transfer: z.int().positive() }),

  z.object({ id: requestId, type: z.literal('presets') }),
  z.object({ id: requestId, type: z.literal('preset-save'), preset: presetSchema }),
  z.object({ id: requestId, type: z.literal('preset-delete'), name: z.string().max(60) }),
  z.object({ id: requestId, type: z.literal('nets') }),

  z.object({ id: requestId, type: z.literal('estimate'), spec: jobSpecSchema }),
  z.object({ id: requestId, type: z.literal('submit'), spec: jobSpecSchema }),
  z.object({ id: requestId, type: z.literal('jobs') }),
  z.object({ id: requestId, type: z.literal('cancel'), job: jobIdSchema }),
  z.object({ id: requestId, type: z.literal('pause'), job: jobIdSchema }),
  z.object({ id: requestId, type: z.literal('resume'), job: jobIdSchema }),
  z.object({ id: requestId, type: z.literal('delete'), job: jobIdSchema }),
  z.object({ id: requestId, type: z.literal('report'), job: jobIdSchema }),
  /** From now on every event with a larger `seq` is sent, the missed ones first. */
  z.object({ id: requestId, type: z.literal('watch'), since: z.record(z.string(), z.int()).default({}) }),

  /** One frame with a preset: pictures follow as `still` messages, sharper each time, until `final`. */
  z.object({
    id: requestId,
    type: z.literal('still'),
    clip: sha256,
    frame: z.int().nonnegative(),
    preset: presetSchema,
    seed: z.int().default(0),
    maxSide: z.int().min(64).max(4096).default(640),
  }),
  z.object({ id: requestId, type: z.literal('still-stop'), still: requestId }),
  z.object({
    id: requestId,
    type: z.literal('atlas'),
    net: z.string().max(100),
    image: sha256.optional(),
    channelsOf: z.string().max(200).optional(),
  }),
  z.object({ id: requestId, type: z.literal('doctor') }),
  /** Sent when a person turns to the panel, and when what is marked there changes: a trigger goes to one panel only. */
  z.object({ id: requestId, type: z.literal('attend'), host: triggerHostSchema, marked: z.boolean() }),
  /** Of all panels that were told of a trigger, only the one that is granted its ticket acts on it. */
  z.object({ id: requestId, type: z.literal('trigger-take'), ticket: z.string().max(64) }),
  /** Beats and sections of a sound or clip that was uploaded. */
  z.object({ id: requestId, type: z.literal('sections'), clip: sha256 }),
]);
export type Request = z.infer<typeof requestSchema>;
export type RequestOf<T extends Request['type']> = Extract<Request, { type: T }>;

export const presetListSchema = z.array(z.object({ preset: presetSchema, builtIn: z.boolean() }));
export const netInfoSchema = z.object({
  name: z.string(),
  title: z.string(),
  kind: z.enum(['embedded', 'pulled', 'imported']),
  uses: z.array(z.enum(['style-features', 'style-fast', 'dream', 'flow', 'upscale'])),
  installed: z.boolean(),
  sizeBytes: z.int(),
  licence: z.string(),
  origin: z.string(),
  layers: z.array(z.object({ name: z.string(), channels: z.int() })),
});
export type NetInfo = z.infer<typeof netInfoSchema>;

export const checkSchema = z.object({
  what: z.string(),
  ok: z.boolean(),
  /** "ffmpeg 5.1 at /usr/bin/ffmpeg"; paths only in the bridge's own log, not in what a panel sends on. */
  found: z.string(),
  remedy: z.string().optional(),
});
export type Check = z.infer<typeof checkSchema>;

/** The value of each reply, by request. */
export const replySchemas = {
  hello: z.object({ version: z.int(), bridge: z.string(), provider: z.string() }),
  ping: z.object({}),
  'upload-open': z.object({
    transfer: z.int(),
    offset: z.int(),
    complete: z.boolean(),
    clip: clipInfoSchema.optional(),
  }),
  'upload-close': z.object({ sha256, clip: clipInfoSchema.optional() }),
  'upload-abort': z.object({}),
  'clip-from-path': z.object({ clip: clipInfoSchema }),
  'clip-info': z.object({ clip: clipInfoSchema }),
  /** Null where there is no such file, or panel and bridge share no disk. */
  glimpses: z.object({ paths: z.array(z.string().nullable()) }),
  'download-open': z.object({ transfer: z.int(), sizeBytes: z.int(), sha256, name: z.string() }),
  'download-credit': z.object({}),
  'download-close': z.object({}),
  presets: z.object({ presets: presetListSchema }),
  'preset-save': z.object({}),
  'preset-delete': z.object({}),
  nets: z.object({ nets: z.array(netInfoSchema) }),
  estimate: z.object({
    estimate: estimateSchema,
    width: z.int(),
    height: z.int(),
    frames: z.int(),
    resultBytes: z.number(),
    /** For a job that fits badly: the same with fewer painted lines, which fits well. */
    smaller: z.object({ preset: presetSchema, lines: z.int(), estimate: estimateSchema }).optional(),
  }),
  submit: z.object({ job: jobSchema }),
  /** `seqs`: the last event that each job already shows; given to `watch` as `since`, so that no history is sent twice. */
  jobs: z.object({ jobs: z.array(jobSchema), seqs: z.record(z.string(), z.int()).default({}) }),
  cancel: z.object({}),
  pause: z.object({}),
  resume: z.object({}),
  delete: z.object({}),
  report: z.object({ report: reportSchema }),
  watch: z.object({}),
  still: z.object({ width: z.int(), height: z.int() }),
  'still-stop': z.object({}),
  atlas: z.object({ job: z.string() }),
  doctor: z.object({ checks: z.array(checkSchema) }),
  attend: z.object({}),
  'trigger-take': z.object({ granted: z.boolean() }),
  sections: z.object({
    beats: z.array(z.number()),
    sections: z.array(z.object({ startSeconds: z.number(), endSeconds: z.number(), label: z.string() })),
    waveform: z.array(z.number()),
  }),
} as const satisfies Record<Request['type'], z.ZodType>;
export type Reply<T extends Request['type']> = z.infer<(typeof replySchemas)[T]>;

/** What the bridge sends. Pictures and thumbnails travel over HTTP at the given path. */
export const serverMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('reply'), id: requestId, value: z.unknown() }),
  z.object({ type: z.literal('error'), id: requestId.optional(), error: errorJsonSchema }),
  z.object({ type: z.literal('credit'), transfer: z.int(), receivedBytes: z.int() }),
  z.object({ type: z.literal('event'), job: jobIdSchema, seq: z.int(), at: z.string(), event: jobEventSchema }),
  z.object({ type: z.literal('job'), job: jobSchema }),
  z.object({
    type: z.literal('still'),
    id: requestId,
    path: z.string(),
    done: z.int(),
    total: z.int(),
    final: z.boolean(),
  }),
  z.object({
    type: z.literal('atlas-tile'),
    id: requestId,
    layer: z.string(),
    channels: z.int(),
    path: z.string(),
    done: z.int(),
    total: z.int(),
  }),
  /** The machine's speed was measured: estimates are better now. */
  z.object({ type: z.literal('measured') }),
  /** A local trigger (hotkey tool) asks the panel to act, if it is granted the ticket. */
  z.object({
    type: z.literal('trigger'),
    ticket: z.string(),
    action: z.enum(['stylize-selection', 'place-finished']),
    preset: z.string().optional(),
  }),
]);
export type ServerMessage = z.infer<typeof serverMessageSchema>;
