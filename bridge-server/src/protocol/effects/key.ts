import { z } from 'zod';
import { choice, imageRefSchema, numeric, toggle } from './parameter';

const point = z.tuple([z.number().min(0).max(1), z.number().min(0).max(1)]);

/** A green or blue screen taken away, so that a subject is stylised without its background. */
export const keyParams = z.object({
  source: choice(['colour', 'matte'], 'colour', {
    label: 'key.source',
    help: 'Key by colour, or use a supplied matte clip.',
    level: 'simple',
  }),
  colour: z
    .union([z.literal('auto'), z.string().regex(/^#[0-9a-fA-F]{6}$/)])
    .default('auto')
    .meta({ label: 'key.colour', help: 'Colour of the screen; "auto" finds it.', control: 'colour', level: 'simple' }),
  matteClip: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional()
    .meta({ label: 'key.matteClip', help: 'The matte, as a clip of the same length.', level: 'more' }),
  tolerance: numeric(0, 100, 50, {
    label: 'key.tolerance',
    help: "How far from the screen's colour still counts as screen.",
    unit: '%',
    level: 'simple',
  }),
  softness: numeric(0, 100, 55, {
    label: 'key.softness',
    help: 'Width of the soft edge: hair, smoke, motion blur.',
    unit: '%',
    level: 'simple',
  }),
  spill: numeric(0, 100, 100, {
    label: 'key.spill',
    help: "How much of the screen's tint is taken out of the subject.",
    unit: '%',
  }),
  erodePx: numeric(-20, 20, 0, { label: 'key.erode', help: 'Shrinks (or grows) the matte.', unit: 'px' }),
  featherPx: numeric(0, 40, 0, { label: 'key.feather', help: 'Softens the matte.', unit: 'px' }),
  garbage: z
    .array(z.array(point).min(3).max(64))
    .max(16)
    .default([])
    .meta({ label: 'key.garbage', help: 'Shapes that are always background.', control: 'shapes', level: 'more' }),
  holdout: z
    .array(z.array(point).min(3).max(64))
    .max(16)
    .default([])
    .meta({ label: 'key.holdout', help: 'Shapes that are always subject.', control: 'shapes', level: 'more' }),
  apply: choice(['subject', 'background'], 'subject', {
    label: 'key.apply',
    help: 'What the later effects paint.',
    level: 'simple',
  }),
  over: choice(['alpha', 'source', 'colour', 'image', 'clip'], 'alpha', {
    label: 'key.over',
    help: 'What lies behind in the result: nothing (alpha), the untouched footage, a colour, a picture or a clip.',
    level: 'simple',
  }),
  plateColour: z
    .string()
    .regex(/^#[0-9a-fA-F]{6}$/)
    .default('#000000')
    .meta({ label: 'key.plateColour', help: 'The colour behind.', control: 'colour', level: 'more' }),
  plateImage: imageRefSchema
    .optional()
    .meta({ label: 'key.plateImage', help: 'The picture behind.', control: 'image', level: 'more' }),
  plateClip: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional()
    .meta({
      label: 'key.plateClip',
      help: 'The clip behind, frame by frame from its beginning; a shorter one begins again.',
      level: 'more',
    }),
  view: choice(['result', 'matte'], 'result', { label: 'key.view', help: 'Show the result or the matte.' }),
  despeckle: toggle(true, { label: 'key.despeckle', help: 'Remove single wrong pixels from the matte.' }),
});
export type KeyParams = z.infer<typeof keyParams>;
