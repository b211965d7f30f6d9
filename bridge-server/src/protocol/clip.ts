import { z } from 'zod';
import { rateSchema } from './time';

/** What ffprobe and a look at the timestamps say about a clip's picture, rotation already applied. */
export const clipInfoSchema = z.object({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  name: z.string().max(255),
  sizeBytes: z.int().nonnegative(),
  /** As shown: after rotation and sample aspect ratio (width is stretched, height kept). */
  width: z.int().positive(),
  height: z.int().positive(),
  /** As stored, before rotation and aspect. */
  codedWidth: z.int().positive(),
  codedHeight: z.int().positive(),
  rotation: z.union([z.literal(0), z.literal(90), z.literal(180), z.literal(270)]),
  sampleAspect: z.object({ num: z.int().positive(), den: z.int().positive() }),
  /** The constant rate that the frames are read at; a variable-rate clip is made constant at this rate. */
  rate: rateSchema,
  variableRate: z.boolean(),
  /** Frames at `rate`, counted by decoding or from the packet table, never guessed from the duration. */
  frames: z.int().positive(),
  codec: z.string(),
  pixelFormat: z.string(),
  bitDepth: z.int(),
  hasAlpha: z.boolean(),
  hasAudio: z.boolean(),
  /** Colour as tagged; "unknown" where the file says nothing (then BT.709 from 720 lines up, BT.601 below). */
  colour: z.object({ matrix: z.string(), primaries: z.string(), transfer: z.string(), range: z.enum(['tv', 'pc']) }),
  isStill: z.boolean(),
  /** Stored as fields; reading makes one whole picture of each pair. */
  interlaced: z.boolean().optional(),
});
export type ClipInfo = z.infer<typeof clipInfoSchema>;
