import { z } from 'zod';
import { choice, toggle, whole } from './parameter';

/**
 * waifu2x families. Their nets are found by noise level and size ("cunet-noise1-scale2x"): "upconv7" and "cunet" come
 * with Reverie at every level, "upconv7-photo" can be pulled.
 */
export const upscaleFamilies = ['upconv7', 'cunet', 'upconv7-photo'] as const;

/** The family of a catalogue net, or undefined for any other net. */
export function upscaleFamilyOf(net: string): (typeof upscaleFamilies)[number] | undefined {
  return upscaleFamilies.find(family => new RegExp(`^${family}(-noise[0-3])?(-scale2x)?$`).test(net));
}

/** waifu2x (nagadomi, MIT) and other nets that enlarge. */
export const upscaleParams = z.object({
  net: z.string().max(100).default('auto').meta({
    label: 'upscale.net',
    help: 'The net that enlarges; "auto" is cunet for stills and upconv_7 for video on a CPU.',
    control: 'net',
    level: 'more',
  }),
  scale: choice(['1', '2', '4'], '2', {
    label: 'upscale.scale',
    help: 'How many times larger; 1 only removes noise.',
    level: 'simple',
  }),
  noise: whole(-1, 3, -1, {
    label: 'upscale.noise',
    help: 'Noise and compression artefacts to remove; -1 none. Painted frames need none.',
    level: 'simple',
  }),
  tta: toggle(false, {
    label: 'upscale.tta',
    help: 'Average over eight turned and mirrored copies: slightly better, eight times slower.',
  }),
  tilePx: whole(0, 4096, 0, {
    label: 'upscale.tile',
    help: 'Size of tiles; 0 chooses by memory. The result does not depend on it.',
    unit: 'px',
  }),
});
export type UpscaleParams = z.infer<typeof upscaleParams>;
