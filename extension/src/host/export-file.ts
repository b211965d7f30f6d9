import type { FrameRange, Rate } from '#protocol/time';
import type { TimelineRange } from '#protocol/timeline';

/**
 * Name without extension, which the host's preset decides. Track, first and last frame are in it: two cuts that overlap
 * in a dissolve share an in point.
 */
export function exportStem(timeline: TimelineRange, unique: string): string {
  const name =
    timeline.sequence.name
      .replace(/[^\p{L}\p{N}]+/gu, '-')
      .replace(/^-|-$/g, '')
      .slice(0, 40) || 'range';
  const track = timeline.clips[0]?.track ?? 0;
  return `${name}-v${track + 1}-${timeline.range.first}-${timeline.range.last}-${unique}`;
}

/** Whether an exported file is as long as what was to be exported, to a frame of the sequence. */
export function isExpectedLength(range: FrameRange, frames: number, rate: Rate): boolean {
  const wanted = BigInt(range.last - range.first + 1) * BigInt(range.rate.den) * BigInt(rate.num);
  const actual = BigInt(frames) * BigInt(rate.den) * BigInt(range.rate.num);
  const oneFrame = BigInt(range.rate.den) * BigInt(rate.num);
  const difference = wanted > actual ? wanted - actual : actual - wanted;
  return difference <= oneFrame;
}
