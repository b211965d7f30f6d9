import { z } from 'zod';

/**
 * A parameter is written once, here and in the files beside this one, and drives the form, the command line's flag,
 * the check, the preset and the help. `label` is a key of the panel's text catalogue; `help` is English, one sentence.
 */
export type ParameterMeta = {
  readonly label: string;
  readonly help: string;
  readonly unit?: string;
  readonly control?:
    | 'slider'
    | 'number'
    | 'choice'
    | 'toggle'
    | 'layer'
    | 'net'
    | 'images'
    | 'image'
    | 'colour'
    | 'curve'
    | 'point'
    | 'shapes'
    | 'text';
  /** `simple` is shown at once, `more` behind "More", `hidden` only in files and flags. */
  readonly level?: 'simple' | 'more' | 'hidden';
  readonly step?: number;
};

export function numeric(min: number, max: number, initial: number, meta: ParameterMeta) {
  return z
    .number()
    .min(min)
    .max(max)
    .default(initial)
    .meta({ control: 'slider', level: 'more', ...meta });
}

export function whole(min: number, max: number, initial: number, meta: ParameterMeta) {
  return z
    .int()
    .min(min)
    .max(max)
    .default(initial)
    .meta({ control: 'slider', level: 'more', step: 1, ...meta });
}

export function choice<const T extends readonly [string, ...string[]]>(
  values: T,
  initial: T[number],
  meta: ParameterMeta,
) {
  return z
    .enum(values)
    .default(initial as never)
    .meta({ control: 'choice', level: 'more', ...meta });
}

export function toggle(initial: boolean, meta: ParameterMeta) {
  return z
    .boolean()
    .default(initial)
    .meta({ control: 'toggle', level: 'more', ...meta });
}

/** A picture that a client sent: known by its SHA-256, or (in presets that ship) by the name of a built-in painter. */
export const imageRefSchema = z.union([
  z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  z.object({ painter: z.string().regex(/^[a-z0-9-]{1,40}$/) }),
]);
export type ImageRef = z.infer<typeof imageRefSchema>;

/** A value over time: straight lines between keys at frames of the clip's range; constant before and after. */
export const curveSchema = z.array(z.object({ frame: z.int().nonnegative(), value: z.number() })).max(500);
export type Curve = z.infer<typeof curveSchema>;

export function curveAt(curve: Curve, frame: number, otherwise: number): number {
  if (curve.length === 0) return otherwise;
  const keys = [...curve].sort((a, b) => a.frame - b.frame);
  const after = keys.findIndex(key => key.frame > frame);
  if (after === 0) return keys[0].value;
  if (after === -1) return keys[keys.length - 1].value;
  const [left, right] = [keys[after - 1], keys[after]];
  return left.value + ((right.value - left.value) * (frame - left.frame)) / (right.frame - left.frame);
}
