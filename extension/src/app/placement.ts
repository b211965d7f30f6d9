import type { Job } from '#protocol/job';
import type { FrameRange } from '#protocol/time';
import type { Placement, TimelineRange } from '#protocol/timeline';

/** Where a job's result belongs, kept in the job's labels so that it survives restarts of panel, bridge and host. */
export type PlaceLabels = Readonly<Record<string, string>>;

const longestLabel = 200;

export function toLabels(timeline: TimelineRange, section?: string): PlaceLabels {
  const { sequence, range } = timeline;
  const { clips, origin } = timeline;
  // Of what only lies in a range the topmost counts: the result shows all of it.
  const clip = (origin === 'selection' ? clips.find(each => each.selected) : undefined) ?? clips[0];
  const followed = origin === 'selection' && clips.length === 1 ? clip?.mediaPath : undefined;
  return {
    sequence: sequence.id.slice(0, longestLabel),
    sequenceName: sequence.name.slice(0, longestLabel),
    place: `${range.first}:${range.last}:${range.rate.num}/${range.rate.den}`,
    track: String(clip?.track ?? 0),
    ...(clip ? { sourceKey: clip.key.slice(0, longestLabel) } : {}),
    ...(followed && followed.length <= longestLabel ? { sourcePath: followed } : {}),
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
    ...(labels.sourcePath ? { sourcePath: labels.sourcePath } : {}),
    sourceTrack: Math.max(0, Number(labels.track) || 0),
  };
}

/**
 * Whether one of two renders stands for the other: they are of one section and overlap, or of one clip and one range
 * holds the other. By the same rule the hosts take the older one off the timeline when the newer one is placed.
 */
function isOfOnePlace({ labels: a }: Job['spec'], { labels: b }: Job['spec']): boolean {
  const [one, other] = [fromLabels(a)?.range, fromLabels(b)?.range];
  if (!one || !other || a.sequence !== b.sequence || a.section !== b.section) return false;
  const holds = (outer: FrameRange, inner: FrameRange) => outer.first <= inner.first && outer.last >= inner.last;
  if (a.section) return one.first <= other.last && other.first <= one.last;
  return a.sourceKey === b.sourceKey && (holds(one, other) || holds(other, one));
}

/** The newest finished job of each place, the oldest place first. @param jobs newest first */
export function newestOfEachPlace(jobs: readonly Job[]): Job[] {
  const newest: Job[] = [];
  for (const job of jobs) {
    if (job.status !== 'done' || !fromLabels(job.spec.labels)) continue;
    if (!newest.some(newer => isOfOnePlace(newer.spec, job.spec))) newest.push(job);
  }
  return newest.reverse();
}

export type SequenceJobs<T> = { readonly sequence?: string; readonly name: string; readonly entries: readonly T[] };

/** Jobs by the sequence that they belong to, in the order in which they come; those of none under no name. */
export function bySequence<T extends { readonly job: Job }>(entries: readonly T[]): SequenceJobs<T>[] {
  const groups = new Map<string, { sequence?: string; name: string; entries: T[] }>();
  for (const entry of entries) {
    const { labels } = entry.job.spec;
    const sequence = fromLabels(labels)?.sequence;
    const group = groups.get(sequence ?? '') ?? { sequence, name: labels.sequenceName ?? '', entries: [] };
    group.entries.push(entry);
    groups.set(sequence ?? '', group);
  }
  return [...groups.values()];
}
