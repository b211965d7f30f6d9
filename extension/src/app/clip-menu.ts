import type { Preset } from '#protocol/preset';
import type { MenuItem } from '../host/host';
import type { PresetEntry } from './state';

const stylizeItem = 'stylize';
const presetItem = 'preset:';

const usesOnly = ({ effects }: Preset, ...names: readonly string[]) =>
  effects.length > 0 && effects.every(({ effect }) => names.includes(effect));
const uses = ({ effects }: Preset, name: string) => effects.some(({ effect }) => effect === name);

export type ClipMenuLabels = {
  readonly stylize: string;
  readonly stylizeWith: string;
  readonly dream: string;
  readonly upscale: string;
  readonly zoom: string;
};

/**
 * What a right-click on a clip offers: Stylize with the chosen preset or another, Dream with a preset, Upscale, Zoom.
 * The words name kinds of presets, so what a person saved joins its kind.
 */
export function clipMenu(
  presets: readonly PresetEntry[],
  labels: ClipMenuLabels,
  title: (entry: PresetEntry) => string,
): MenuItem[] {
  const group = (id: string, label: string, entries: readonly PresetEntry[]): MenuItem[] =>
    entries.length === 0
      ? []
      : [{ id, label, items: entries.map(entry => ({ id: presetItem + entry.preset.name, label: title(entry) })) }];
  const single = (label: string, found: PresetEntry | undefined): MenuItem[] =>
    found ? [{ id: presetItem + found.preset.name, label }] : [];
  const dreams = presets.filter(({ preset }) => uses(preset, 'dream') && !uses(preset, 'style'));
  return [
    { id: stylizeItem, label: labels.stylize },
    ...group(
      'with',
      labels.stylizeWith,
      presets.filter(entry => !dreams.includes(entry)),
    ),
    ...group('dream', labels.dream, dreams),
    ...single(
      labels.upscale,
      presets.find(({ preset }) => usesOnly(preset, 'upscale')),
    ),
    ...single(
      labels.zoom,
      presets.find(({ preset }) => uses(preset, 'zoom') && usesOnly(preset, 'zoom', 'retime')),
    ),
  ];
}

/** The preset that a picked item stands for; undefined: the one that is chosen already. */
export function presetOfItem(id: string): string | undefined {
  return id.startsWith(presetItem) ? id.slice(presetItem.length) : undefined;
}
