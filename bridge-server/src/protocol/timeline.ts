import { z } from 'zod';
import { frameRangeSchema, rateSchema } from './time';

/** What the hosts (Premiere, After Effects, a browser's file picker) say and are told. JSON only; ticks and seconds stop inside `host-jsx`. */

/** Where a picture comes from on the timeline; `key` survives restarts and edits as far as the host allows. */
export const timelineClipSchema = z.object({
  key: z.string(),
  name: z.string(),
  /** Track or layer, counted from 0 at the bottom. */
  track: z.int().nonnegative(),
  /** Place in the sequence, in sequence frames; `last` is included. */
  range: frameRangeSchema,
  mediaPath: z.string().optional(),
  /** First source frame shown, at the source's rate; absent where the host does not say. */
  sourceIn: z.object({ frame: z.int(), rate: rateSchema }).optional(),
  /** adobe-hosts: why this clip needs an export by the host, or cannot be sent at all. */
  kind: z.enum(['plain', 'needs-export', 'refused']),
  reasons: z.array(z.string()),
  selected: z.boolean(),
});
export type TimelineClip = z.infer<typeof timelineClipSchema>;

export const timelineMarkerSchema = z.object({
  id: z.string(),
  name: z.string(),
  comment: z.string().default(''),
  first: z.int().nonnegative(),
  /** Length in sequence frames; 0 for a point. */
  length: z.int().nonnegative(),
  colour: z.int().min(0).max(15).optional(),
});
export type TimelineMarker = z.infer<typeof timelineMarkerSchema>;

/** A marker named "stylize: <preset>", on the sequence or on a clip: a wish for its range. */
export const stylizeMarkerSchema = z.object({
  id: z.string(),
  sequence: z.string(),
  /** What follows "stylize:", as it was written. */
  preset: z.string(),
  /** In frames of the sequence; of a marker on a clip, what the clip shows of it. */
  range: frameRangeSchema,
  /** The clip that it lies on; absent for a marker of the sequence. */
  clip: timelineClipSchema.pick({ key: true, name: true }).optional(),
});
export type StylizeMarker = z.infer<typeof stylizeMarkerSchema>;

/** What the user marked: frames of the sequence's own rational rate. */
export const timelineRangeSchema = z.object({
  sequence: z.object({
    id: z.string(),
    name: z.string(),
    width: z.int().positive(),
    height: z.int().positive(),
    rate: rateSchema,
    frames: z.int().nonnegative(),
  }),
  /** In and out, or the selection's span. */
  range: frameRangeSchema,
  origin: z.enum(['selection', 'in-out', 'file', 'section', 'marker']),
  clips: z.array(timelineClipSchema),
  markers: z.array(timelineMarkerSchema).default([]),
  playhead: z.int().nonnegative().default(0),
});
export type TimelineRange = z.infer<typeof timelineRangeSchema>;

export const exportedClipSchema = z.object({
  /** A path on this machine (CEP, UXP), or absent where the browser holds the bytes. */
  path: z.string().optional(),
  name: z.string(),
  /** Frames of the file that were wanted, at the file's own rate; absent means all. */
  range: frameRangeSchema.optional(),
  /** The file is the source itself and must not be deleted. */
  isSource: z.boolean(),
  /** Real frames before the wanted range. */
  handle: z.int().nonnegative().default(0),
});
export type ExportedClip = z.infer<typeof exportedClipSchema>;

export const placementSchema = z.object({
  sequence: z.string(),
  /** Frames of the sequence. */
  range: frameRangeSchema,
  /** The clip that the result belongs to, and its track: the result goes above it. */
  sourceKey: z.string().optional(),
  /** Its file, where the range is a part of this one clip and so goes where the clip goes. */
  sourcePath: z.string().optional(),
  sourceTrack: z.int().nonnegative(),
});
export type Placement = z.infer<typeof placementSchema>;

export const renderedClipSchema = z.object({
  job: z.string(),
  path: z.string(),
  name: z.string(),
  frames: z.int().positive(),
  rate: rateSchema,
  width: z.int().positive(),
  height: z.int().positive(),
  labels: z.record(z.string(), z.string()).default({}),
});
export type RenderedClip = z.infer<typeof renderedClipSchema>;

/** What the track showed when it was read back. */
export const placedSchema = z.object({
  outcome: z.enum(['placed', 'replaced', 'already-there', 'moved-by-user', 'downloaded']),
  track: z.int().nonnegative().optional(),
  range: frameRangeSchema.optional(),
});
export type Placed = z.infer<typeof placedSchema>;

export type Theme = {
  readonly dark: boolean;
  readonly background: string;
  readonly text: string;
  readonly accent: string;
  readonly fontSizePx: number;
};
