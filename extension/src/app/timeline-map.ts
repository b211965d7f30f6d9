import { frameAt, framesToCover, type FrameRange } from '#protocol/time';
import type { Source } from './state';

export type ReadySource = Extract<Source, { phase: 'ready' }>;

/**
 * The clip on the bridge and the timeline that it came from count frames at rates and from starts of their own: the
 * clip's frame `exported.range.first` shows at the timeline's frame `timeline.range.first`.
 */
function startOf({ exported }: ReadySource): number {
  return exported.range?.first ?? 0;
}

export function toClipFrame(source: ReadySource, sequenceFrame: number): number {
  const { timeline, clip } = source;
  return startOf(source) + frameAt(sequenceFrame - timeline.range.first, timeline.range.rate, clip.rate);
}

export function toSequenceFrame(source: ReadySource, clipFrame: number): number {
  const { timeline, clip } = source;
  return timeline.range.first + frameAt(clipFrame - startOf(source), clip.rate, timeline.range.rate);
}

/** The timeline's first frame that shows nothing of what comes before a frame of the clip; `toClipFrame` leads back. */
export function toSequenceStart(source: ReadySource, clipFrame: number): number {
  const { timeline, clip } = source;
  return timeline.range.first + framesToCover(clipFrame - startOf(source), clip.rate, timeline.range.rate);
}

/** Where a part of the clip lies in the sequence; all that was marked is exactly what was marked. */
export function toSequenceRange(source: ReadySource, first: number, last: number): FrameRange {
  const { timeline, clip, exported } = source;
  const lastOfExport = exported.range?.last ?? clip.frames - 1;
  if (first <= startOf(source) && last >= lastOfExport) return timeline.range;
  const from = toSequenceFrame(source, first);
  const length = framesToCover(last - first + 1, clip.rate, timeline.range.rate);
  return {
    first: from,
    last: Math.max(from, Math.min(timeline.range.last, from + length - 1)),
    rate: timeline.range.rate,
  };
}
