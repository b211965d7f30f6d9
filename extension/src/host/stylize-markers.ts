import type { StylizeMarker, TimelineClip, TimelineMarker, TimelineRange } from '#protocol/timeline';

/** What follows "stylize:" in a marker's name; undefined for a marker that wishes nothing. */
export function wishOf(name: string): string | undefined {
  const wish = /^\s*stylize\s*:\s*(.*?)\s*$/i.exec(name)?.[1];
  return wish === '' ? undefined : wish;
}

type Sequence = Pick<TimelineRange['sequence'], 'id' | 'rate' | 'frames'>;

/**
 * Wishes on the sequence. Where a host gives its markers no ids of their own, their places tell them apart. A marker without length reaches to the next marker, or to the end: as sections do.
 * @param markers by their first frame
 */
export function sequenceWishes(markers: readonly TimelineMarker[], sequence: Sequence): StylizeMarker[] {
  return markers.flatMap(({ id, name, first, length }) => {
    const preset = wishOf(name);
    if (preset === undefined) return [];
    const next = markers.find(other => other.first > first)?.first ?? sequence.frames;
    const last = Math.min(length > 0 ? first + length : next, sequence.frames) - 1;
    return last < first
      ? []
      : [{ id: `${id}@${first}`, sequence: sequence.id, preset, range: { first, last, rate: sequence.rate } }];
  });
}

/** A marker of a clip's source; `first` is the frame of the sequence at which the clip would show it. */
export type ClipMarker = {
  readonly id: string;
  readonly name: string;
  readonly first: number;
  readonly length: number;
};

/**
 * Wishes on a clip, as far as it shows them. Markers without length share the clip: each reaches to the next one, and the
 * first one back to the clip's start, so that a lone one stands for the whole clip.
 */
export function clipWishes(clip: TimelineClip, markers: readonly ClipMarker[], sequence: string): StylizeMarker[] {
  const { first, last, rate } = clip.range;
  const wishes = markers
    .flatMap(marker => {
      const preset = wishOf(marker.name);
      return preset === undefined || marker.first > last || marker.first + Math.max(1, marker.length) <= first
        ? []
        : [{ ...marker, preset }];
    })
    .sort((a, b) => a.first - b.first);
  const points = wishes.filter(wish => wish.length === 0);
  return wishes.map(wish => {
    const at = points.indexOf(wish);
    const from = at === 0 ? first : Math.max(first, wish.first);
    const to = at < 0 ? wish.first + wish.length - 1 : (points[at + 1]?.first ?? last + 1) - 1;
    return {
      // One source may lie in several clips.
      id: `${wish.id}@${wish.first}@${clip.key}`,
      sequence,
      preset: wish.preset,
      range: { first: from, last: Math.max(from, Math.min(to, last)), rate },
      clip: { key: clip.key, name: clip.name },
    };
  });
}
