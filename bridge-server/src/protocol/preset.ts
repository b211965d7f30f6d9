import { z } from 'zod';
import { effectSchema } from './effects';
import { rateSchema } from './time';

export const codecNames = ['prores422hq', 'prores4444', 'dnxhr', 'h264', 'png'] as const;
export type CodecName = (typeof codecNames)[number];

export const outputSchema = z.object({
  codec: z.enum(codecNames).default('prores422hq'),
  /** The constant rate of the result; "source" keeps the clip's own. */
  rate: z.union([rateSchema, z.literal('source')]).default({ num: 50, den: 1 }),
  /** Final size; "source" is the clip's (after an upscale effect: that effect's), or width and height in pixels. */
  size: z
    .union([z.literal('source'), z.object({ width: z.int().min(16).max(8192), height: z.int().min(16).max(8192) })])
    .default('source'),
});
export type Output = z.infer<typeof outputSchema>;

/** A named, versioned list of effects plus an output. Saved documents step up through `upgradePreset`. */
export const presetSchema = z.object({
  version: z.literal(1),
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,59}$/),
  /** What a person reads; English for built-in ones (the panel translates by name). */
  title: z.string().max(80),
  description: z.string().max(300).default(''),
  effects: z.array(effectSchema).min(1).max(8),
  output: outputSchema.prefault({}),
});
export type Preset = z.infer<typeof presetSchema>;
