import { effectNames, effectSchema, type Effect, type EffectName } from '#protocol/effects';
import type { ImageRef } from '#protocol/effects/parameter';
import type { StyleParams } from '#protocol/effects/style';
import { presetSchema, type Output, type Preset } from '#protocol/preset';

/** Changes to the preset that is being worked on. All pure; the result is always a valid preset. */

export type Path = readonly (string | number)[];

export function setParam(preset: Preset, effect: number, path: Path, value: unknown): Preset {
  const effects = preset.effects.map((each, index) =>
    index === effect ? ({ ...each, params: setIn(each.params, path, value) } as Effect) : each,
  );
  return { ...preset, effects };
}

function setIn(target: unknown, [key, ...rest]: Path, value: unknown): unknown {
  const copy: Record<string | number, unknown> = { ...(target as Record<string, unknown>) };
  const next = rest.length === 0 ? value : setIn(copy[key], rest, value);
  if (next === undefined) delete copy[key];
  else copy[key] = next;
  return copy;
}

export function setOutput(preset: Preset, output: Partial<Output>): Preset {
  return { ...preset, output: { ...preset.output, ...output } };
}

/** A new effect takes its usual place in the order of work. */
export function addEffect(preset: Preset, name: EffectName): Preset {
  const added = effectSchema.parse({ effect: name });
  const place = preset.effects.findIndex(each => effectNames.indexOf(each.effect) > effectNames.indexOf(name));
  const effects = [...preset.effects];
  effects.splice(place === -1 ? effects.length : place, 0, added);
  return { ...preset, effects };
}

export function removeEffect(preset: Preset, index: number): Preset {
  if (preset.effects.length === 1) return preset;
  return { ...preset, effects: preset.effects.filter((_, at) => at !== index) };
}

export type StyleEntry = StyleParams['styles'][number];
export const mostStyles = 8;

/** A person's first own picture takes the place of the built-in painter; later ones join it. */
export function addStyle(styles: readonly StyleEntry[], image: ImageRef): readonly StyleEntry[] {
  if (styles.some(each => sameImage(each.image, image))) return styles;
  const own = styles.some(each => 'sha256' in each.image);
  if ('sha256' in image && !own) return [{ image, weight: 1 }];
  return [...styles, { image, weight: 1 }].slice(-mostStyles);
}

export function sameImage(a: ImageRef, b: ImageRef): boolean {
  return 'sha256' in a ? 'sha256' in b && a.sha256 === b.sha256 : 'painter' in b && a.painter === b.painter;
}

/** Whether two presets make the same picture: names and words aside. */
export function samePicture(a: Preset, b: Preset): boolean {
  return JSON.stringify([a.effects, a.output]) === JSON.stringify([b.effects, b.output]);
}

/** A file name and preset name out of what a person typed: "Café, night" becomes "cafe-night". */
export function presetName(title: string): string {
  const plain = title
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return (plain || 'preset').slice(0, 60).replace(/-+$/, '');
}

/** The painters that the built-in presets know, in their order. */
export function paintersOf(presets: readonly { readonly preset: Preset }[]): readonly string[] {
  const names = new Set<string>();
  for (const { preset } of presets) {
    for (const effect of preset.effects) {
      if (effect.effect !== 'style') continue;
      for (const style of effect.params.styles) if ('painter' in style.image) names.add(style.image.painter);
    }
  }
  return [...names];
}

/** The picture that stands for a preset, if it paints like one. */
export function swatchOf(preset: Preset): ImageRef | undefined {
  for (const effect of preset.effects) if (effect.effect === 'style') return effect.params.styles[0]?.image;
  return undefined;
}

/** @returns the presets in a file that a person chose, or the first thing that is wrong with it */
export function readPresetFile(text: string): { readonly presets: readonly Preset[] } | { readonly problem: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (thrown) {
    return { problem: thrown instanceof Error ? thrown.message : String(thrown) };
  }
  const found: Preset[] = [];
  for (const one of Array.isArray(json) ? json : [json]) {
    const parsed = presetSchema.safeParse(one);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      return { problem: `${issue?.path.join('.') || 'preset'}: ${issue?.message ?? ''}` };
    }
    found.push(parsed.data);
  }
  return found.length > 0 ? { presets: found } : { problem: 'preset: []' };
}
