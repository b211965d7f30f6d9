import type { ClipInfo } from '#protocol/clip';
import { effectSchema } from '#protocol/effects';
import type { Preset } from '#protocol/preset';
import { workingSize, type Machine } from './size';
import { paintedSize } from './style';

/** Shares of the working size that are offered, the largest that fits first. */
const shares = [0.75, 0.5, 0.35, 0.25];
/** Fewer lines than this show blocks rather than strokes. */
const fewestLines = 90;

export type SmallerPreset = { readonly preset: Preset; readonly lines: number };

/** The same preset with fewer painted or dreamt lines; what the lines do not decide (length, upscaling) stays. */
export function smallerPresets(preset: Preset, clip: ClipInfo, machine: Machine): SmallerPreset[] {
  const painted = preset.effects.filter(effect => effect.effect === 'style' || effect.effect === 'dream');
  if (painted.length === 0) return [];
  const linesOf = (effect: (typeof painted)[number]) => {
    const { width, height } =
      effect.effect === 'style'
        ? paintedSize(effect.params, clip, clip.isStill, machine)
        : workingSize(clip, effect.params.workingHeight, machine);
    return Math.min(width, height);
  };
  const most = Math.max(...painted.map(linesOf));
  return shares
    .map(share => 2 * Math.round((most * share) / 2))
    .filter(lines => lines >= fewestLines)
    .map(lines => ({
      lines,
      preset: {
        ...preset,
        effects: preset.effects.map(effect =>
          effect.effect === 'style' || effect.effect === 'dream'
            ? effectSchema.parse({
                ...effect,
                params: { ...effect.params, workingHeight: Math.min(lines, linesOf(effect)) },
              })
            : effect,
        ),
      },
    }));
}
