import type { Preset } from '#protocol/preset';
import type { StylizeMarker } from '#protocol/timeline';
import { listJobs, type JobEntry, type Jobs } from './jobs';

const work = ({ effects, output }: Preset) => JSON.stringify([effects, output]);

/** The newest job that was made of a marker's range with its preset as it is now. */
export function jobOfMarker(
  jobs: Jobs,
  { sequence, range, clip }: StylizeMarker,
  preset: Preset,
): JobEntry | undefined {
  const place = `${range.first}:${range.last}:${range.rate.num}/${range.rate.den}`;
  return listJobs(jobs).find(({ job: { spec } }) => {
    const { labels } = spec;
    const isSamePlace = labels.sequence === sequence && labels.place === place;
    return isSamePlace && (!clip || labels.sourceKey === clip.key) && work(spec.preset) === work(preset);
  });
}
