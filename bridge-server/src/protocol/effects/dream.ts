import { z } from 'zod';
import { choice, curveSchema, imageRefSchema, numeric, toggle, whole } from './parameter';

/** As many as fit, unless fewer are asked for. */
export const dreamOctaves = (initial: number) =>
  whole(1, 10, initial, {
    label: 'dream.octaves',
    help: 'Sizes at which the dream is made, as far as they fit: more gives larger forms, also in plain skies.',
    level: 'simple',
  });

/** DeepDream (google/deepdream, 2015): raises what a layer of a net sees in the picture. */
export const dreamParams = z.object({
  net: z
    .string()
    .max(100)
    .default('openimages')
    .meta({ label: 'dream.net', help: 'The net that dreams.', control: 'net', level: 'more' }),
  objectives: z
    .array(
      z.object({
        layer: z.string().max(200),
        /** Inclusive range of channels; absent means all. */
        channels: z.tuple([z.int().nonnegative(), z.int().nonnegative()]).optional(),
        weight: z.number().min(-10).max(10).default(1),
      }),
    )
    .min(1)
    .max(8)
    .default([{ layer: 'ec10/expand', weight: 1 }])
    .meta({ label: 'dream.objectives', help: 'Layers, channels and weights.', control: 'layer', level: 'simple' }),
  strength: numeric(0, 100, 100, {
    label: 'dream.strength',
    help: 'How much of the dream is laid over the picture.',
    unit: '%',
    level: 'simple',
  }),
  strengthCurve: curveSchema.default([]).meta({
    label: 'dream.strengthCurve',
    help: 'Strength over time (frame and per cent), instead of one value.',
    control: 'curve',
    level: 'more',
  }),
  mask: imageRefSchema.optional().meta({
    label: 'dream.mask',
    help: 'Dream where this picture is white, not at all where it is black.',
    control: 'image',
    level: 'more',
  }),
  octaves: dreamOctaves(10),
  octaveScale: numeric(1.1, 2, 1.4, { label: 'dream.octaveScale', help: 'Ratio of one size to the next.' }),
  iterations: whole(1, 200, 10, { label: 'dream.iterations', help: 'Steps per octave.' }),
  stepSize: numeric(0.1, 20, 1.7, {
    label: 'dream.stepSize',
    help: 'Mean change of a pixel per step.',
    unit: 'grey levels',
  }),
  jitter: whole(0, 64, 16, {
    label: 'dream.jitter',
    help: "Random shift against the net's grid at each step.",
    unit: 'px',
  }),
  smoothing: choice(['laplacian', 'none', 'blur'], 'laplacian', {
    label: 'dream.smoothing',
    help: 'How the gradient is evened out.',
  }),
  keepLowest: toggle(false, { label: 'dream.keepLowest', help: 'Let the dream also change large areas of colour.' }),
  picture: choice(['pixels', 'fourier'], 'pixels', {
    label: 'dream.picture',
    help: 'What is changed: pixels, or frequencies in decorrelated colours (calmer, with larger forms).',
  }),
  robust: toggle(false, {
    label: 'dream.robust',
    help: 'Look through small random turns and enlargements at each step: less noise, clearer forms.',
  }),
  guide: imageRefSchema
    .optional()
    .meta({ label: 'dream.guide', help: 'Dream of what is in this picture.', control: 'image', level: 'more' }),
  normaliseChannels: toggle(false, {
    label: 'dream.normaliseChannels',
    help: 'Give rare channels the same say as common ones.',
  }),
  carry: numeric(0, 1, 1, {
    label: 'dream.carry',
    help: "How much of the last frame's dream is carried along by the motion.",
  }),
  workingHeight: whole(0, 4320, 0, {
    label: 'dream.workingHeight',
    help: 'Lines that are dreamt; the rest is scaled up. 0: all of a picture, and of a film what suits the machine.',
    unit: 'px',
  }),
  tilePx: whole(0, 4096, 0, {
    label: 'dream.tile',
    help: 'Side of the tiles that a large picture is dreamt in; 0 takes tiles above full HD.',
    unit: 'px',
  }),
});
export type DreamParams = z.infer<typeof dreamParams>;

/** Dream steps per octave of a frame that goes on with the dream of the one before, where that is missing. */
export function laterIterations({ iterations }: Pick<DreamParams, 'iterations'>): number {
  return Math.max(1, Math.round(0.4 * iterations));
}

/** Larger pictures are dreamt in tiles when nobody says: a full HD frame still goes whole, in about 4 GB. */
const wholePixels = 2.2e6;
const usualTilePx = 768;

/** Side of the tiles in which a picture of this size is dreamt; 0 when it goes whole. */
export function dreamTilePx(
  { tilePx }: Pick<DreamParams, 'tilePx'>,
  size: { readonly width: number; readonly height: number },
): number {
  if (tilePx > 0) return Math.max(size.width, size.height) > tilePx ? tilePx : 0;
  return size.width * size.height > wholePixels ? usualTilePx : 0;
}
