import type { Command } from 'commander';
import { effectNames, type EffectName } from '#protocol/effects';
import { collect, type RenderFlags } from './command';
import { addEffectFlags } from './effect-flags';
import type { RenderWishes } from './job-spec';

/** `--style` takes pictures and `--style-styles` would mean the same; the rest of each table becomes flags. */
const taken = new Set(['style-styles', 'dream-guide', 'zoom-dream', 'retime-rate']);

export type PresetFlags = RenderFlags & {
  readonly preset: string;
  readonly style: string[];
  readonly guide?: string;
  readonly size?: string;
};

/**
 * Adds what can be said about a preset: which, the pictures and the size, and one flag for each parameter of its effects.
 * @returns a function that reads the given flags back as wishes, leaving out what was not given
 */
export function addPresetFlags(
  command: Command,
  effects: readonly EffectName[] = effectNames,
): (flags: PresetFlags) => Pick<RenderWishes, 'styles' | 'guide' | 'size' | 'changes'> {
  command
    .option('--preset <name|file>', 'a built-in or saved preset, or a preset file', 'default')
    .option('--style <image>', 'paint like this picture (again for more pictures)', collect, [])
    .option('--guide <image>', 'dream of what is in this picture')
    .option('--size <size>', 'WxH, source, 2x or 4x');
  const readers = effects.map(effect => [effect, addEffectFlags(command, effect, effect, taken)] as const);
  return flags => ({
    styles: flags.style,
    guide: flags.guide,
    size: flags.size,
    changes: Object.fromEntries(readers.map(([effect, read]) => [effect, read(flags)])),
  });
}
