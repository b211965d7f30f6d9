import type { Placement, TimelineRange } from '#protocol/timeline';

/** Where a job's result belongs, kept in the job's labels so that it survives restarts of panel, bridge and host. */
export type PlaceLabels = Readonly<Record<string, string>>;

const longestLabel = 200;

export function toLabels(timeline: TimelineRange, section?: string): PlaceLabels {
  const { sequence, range } = timeline;
  const clip = timeline.clips.find(each => each.selected) ?? timeline.clips[0];
  return {
    sequence: sequence.id.slice(0, longestLabel),
    sequenceName: sequence.name.slice(0, longestLabel),
    place: `${range.first}:${range.last}:${range.rate.num}/${range.rate.den}`,
    track: String(clip?.track ?? 0),
    ...(clip ? { sourceKey: clip.key.slice(0, longestLabel) } : {}),
    ...(section ? { section: section.slice(0, longestLabel) } : {}),
  };
}

/** @returns undefined for a job that came from elsewhere (command line, another kind of host) */
export function fromLabels(labels: PlaceLabels): Placement | undefined {
  const place = /^(\d+):(\d+):(\d+)\/(\d+)$/.exec(labels.place ?? '');
  if (!place || !labels.sequence) return undefined;
  const [first, last, num, den] = place.slice(1).map(Number);
  if (last < first || num < 1 || den < 1) return undefined;
  return {
    sequence: labels.sequence,
    range: { first, last, rate: { num, den } },
    sourceKey: labels.sourceKey,
    sourceTrack: Math.max(0, Number(labels.track) || 0),
  };
}
