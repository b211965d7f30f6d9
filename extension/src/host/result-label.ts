import type { FrameRange } from '#protocol/time';
import type { Placement, RenderedClip } from '#protocol/timeline';

/** What is written with a result, in the project and in a file beside it. */
export type ResultLabel = {
  readonly version: 1;
  readonly job: string;
  readonly sequence: string;
  readonly sourceKey: string;
  readonly section: string;
  readonly range: FrameRange;
};

/** The same label beside the result, for hosts whose metadata does not stay. */
export const labelFileOf = (result: string): string => `${result}.reverie`;

export function makeLabel(clip: RenderedClip, at: Placement): ResultLabel {
  return {
    version: 1,
    job: clip.job,
    sequence: at.sequence,
    sourceKey: at.sourceKey ?? '',
    section: clip.labels.section ?? '',
    range: at.range,
  };
}

/** One word without characters that XML escapes; the apostrophe is the one that `encodeURIComponent` leaves. */
export const writeLabel = (label: ResultLabel): string =>
  encodeURIComponent(JSON.stringify(label)).replace(/'/g, '%27');

/** @returns undefined for what we did not write */
export function readLabel(text: string): ResultLabel | undefined {
  try {
    const value = JSON.parse(decodeURIComponent(text)) as Partial<ResultLabel> | null;
    return value?.version === 1 && typeof value.job === 'string' && value.range ? (value as ResultLabel) : undefined;
  } catch {
    // Anybody can write into a project's metadata; what is not ours is no result.
    return undefined;
  }
}

/** A result of the same source and place, rendered again: it takes the older one's place. */
export function isSamePlace(a: ResultLabel, b: ResultLabel): boolean {
  return (
    a.sequence === b.sequence &&
    a.sourceKey === b.sourceKey &&
    a.section === b.section &&
    a.range.first === b.range.first &&
    a.range.last === b.range.last
  );
}
