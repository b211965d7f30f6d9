import { z } from 'zod';
import { dreamParams } from './effects/dream';
import { keyParams } from './effects/key';
import { retimeParams } from './effects/retime';
import { styleParams } from './effects/style';
import { upscaleParams } from './effects/upscale';
import { zoomParams } from './effects/zoom';

/** The effects that a person picks, in their usual order. An added effect is one row here. */
export const effectTable = {
  key: keyParams,
  style: styleParams,
  dream: dreamParams,
  zoom: zoomParams,
  upscale: upscaleParams,
  retime: retimeParams,
} as const;

export type EffectName = keyof typeof effectTable;
export const effectNames = Object.keys(effectTable) as EffectName[];

/** `{ effect: 'style', params: {...} }`; missing parameters take their defaults, unknown ones are refused. */
export const effectSchema = z.discriminatedUnion('effect', [
  z.object({ effect: z.literal('key'), params: z.strictObject(keyParams.shape).prefault({}) }),
  z.object({ effect: z.literal('style'), params: z.strictObject(styleParams.shape).prefault({}) }),
  z.object({ effect: z.literal('dream'), params: z.strictObject(dreamParams.shape).prefault({}) }),
  z.object({ effect: z.literal('zoom'), params: z.strictObject(zoomParams.shape).prefault({}) }),
  z.object({ effect: z.literal('upscale'), params: z.strictObject(upscaleParams.shape).prefault({}) }),
  z.object({ effect: z.literal('retime'), params: z.strictObject(retimeParams.shape).prefault({}) }),
]);
export type Effect = z.infer<typeof effectSchema>;
