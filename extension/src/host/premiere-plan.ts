import { AppError } from '#protocol/errors';
import type { PlacedFacts, PremiereClipFacts, PremiereFacts } from '#protocol/host-facts';
import type { FrameRange, Rate } from '#protocol/time';
import type { RenderedClip, TimelineClip, TimelineMarker, TimelineRange } from '#protocol/timeline';
import { classifyBy, type ClipReason } from './clip-reasons';
import { isSameRate, knownRate } from './decimal-rate';
import { isInside } from './host-path';
import type { ResultLabel } from './result-label';

/** Decisions about Premiere's timeline: facts in, plans out. No call, no file, no clock. */

const ticksPerSecond = 254016000000n;

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b);
}

/** "8475667200" ticks a frame are 30000/1001 frames a second, exactly. @throws AppError RATE_WRONG */
export function rateOfTimebase(timebase: string): Rate {
  if (!/^[1-9]\d{0,15}$/.test(timebase)) throw new AppError('RATE_WRONG', { text: timebase });
  const frame = BigInt(timebase);
  const divisor = gcd(ticksPerSecond, frame);
  const [num, den] = [Number(ticksPerSecond / divisor), Number(frame / divisor)];
  if (num > 1_000_000_000 || den > 1_000_000_000) throw new AppError('RATE_WRONG', { text: `${num}/${den}` });
  return { num, den };
}

/** Ticks at which frame `frame` begins, rounded down to whole ticks (exact at every rate of broadcast). */
export function toTicks(frame: number, rate: Rate): string {
  return String((BigInt(frame) * BigInt(rate.den) * ticksPerSecond) / BigInt(rate.num));
}

/** The nearest frame: placements are off by less than a frame at times. */
export function toFrame(ticks: string, rate: Rate): number {
  const top = BigInt(ticks) * BigInt(rate.num);
  const bottom = ticksPerSecond * BigInt(rate.den);
  return Number((2n * top + bottom) / (2n * bottom));
}

export function classify(clip: PremiereClipFacts): { kind: TimelineClip['kind']; reasons: ClipReason[] } {
  return classifyBy({
    adjustment: clip.adjustmentLayer,
    'no-media': clip.mediaPath === '' && !clip.nested && !clip.merged && !clip.adjustmentLayer,
    offline: clip.offline,
    disabled: clip.disabled,
    nested: clip.nested,
    merged: clip.merged,
    speed: clip.speed !== 1,
    reversed: clip.reversed,
    remapped: clip.remapped,
    effects: clip.effects > 0,
    motion: !clip.untouched,
  });
}

/** Track, start and source in point: node ids last for one session only. */
export const clipKey = (clip: PremiereClipFacts): string => `${clip.track}:${clip.start}:${clip.sourceIn}`;

function toTimelineClip(clip: PremiereClipFacts, rate: Rate): TimelineClip | undefined {
  const range = rangeOf(clip, rate);
  if (!range) return undefined;
  const sourceRate = knownRate(clip.sourceFps);
  return {
    key: clipKey(clip),
    name: clip.name,
    track: clip.track,
    range,
    ...(clip.mediaPath ? { mediaPath: clip.mediaPath } : {}),
    ...(sourceRate ? { sourceIn: { frame: toFrame(clip.sourceIn, sourceRate), rate: sourceRate } } : {}),
    ...classify(clip),
    selected: clip.selected,
  };
}

function rangeOf(clip: { start: string; end: string }, rate: Rate): FrameRange | undefined {
  const [first, end] = [toFrame(clip.start, rate), toFrame(clip.end, rate)];
  return first >= 0 && end > first ? { first, last: end - 1, rate } : undefined;
}

export function toMarkers(facts: PremiereFacts): TimelineMarker[] {
  const rate = rateOfTimebase(facts.sequence.timebase);
  return facts.markers
    .map(({ guid, name, comment, start, end, colour }) => {
      const first = toFrame(start, rate);
      return { id: guid, name, comment, first, length: Math.max(0, toFrame(end, rate) - first), colour };
    })
    .sort((a, b) => a.first - b.first);
}

const overlaps = (a: FrameRange, b: FrameRange) => a.first <= b.last && b.first <= a.last;

/** The selected clips, topmost first: the list that the panel mirrors. */
export function selectedClips(facts: PremiereFacts): TimelineClip[] {
  const rate = rateOfTimebase(facts.sequence.timebase);
  return facts.clips
    .filter(clip => clip.selected)
    .map(clip => toTimelineClip(clip, rate))
    .filter(clip => clip !== undefined)
    .sort((a, b) => b.track - a.track || a.range.first - b.range.first);
}

/**
 * What is marked: the selected clips where they follow one another without a gap, else in and out.
 * @throws AppError NOTHING_MARKED, SELECTION_SCATTERED, SELECTION_REFUSED
 */
export function toTimelineRange(facts: PremiereFacts): TimelineRange {
  const rate = rateOfTimebase(facts.sequence.timebase);
  const { id, name, width, height, inPoint, outPoint } = facts.sequence;
  const frames = toFrame(facts.sequence.end, rate);
  const selected = selectedClips(facts);
  const usable = selected.filter(clip => clip.kind !== 'refused');
  const sequence = { id, name, width, height, rate, frames };
  const rest = { sequence, markers: toMarkers(facts), playhead: Math.max(0, toFrame(facts.sequence.playhead, rate)) };
  if (usable.length > 0) {
    const byTime = [...usable].sort((a, b) => a.range.first - b.range.first);
    let last = byTime[0].range.last;
    for (const clip of byTime) {
      if (clip.range.first > last + 1) throw new AppError('SELECTION_SCATTERED', { frame: last + 1 });
      last = Math.max(last, clip.range.last);
    }
    return { ...rest, range: { first: byTime[0].range.first, last, rate }, origin: 'selection', clips: usable };
  }
  if (inPoint !== undefined || outPoint !== undefined) {
    const first = inPoint === undefined ? 0 : toFrame(inPoint, rate);
    // Points may lie behind the last clip, where there is nothing to send.
    const last = Math.min(frames, outPoint === undefined ? frames : toFrame(outPoint, rate)) - 1;
    if (last < first) throw new AppError('RANGE_EMPTY', { text: `${first}:${last}` });
    const range = { first, last, rate };
    const shown = facts.clips
      .map(clip => toTimelineClip(clip, rate))
      .filter(clip => clip !== undefined)
      .filter(clip => overlaps(clip.range, range))
      .sort((a, b) => b.track - a.track || a.range.first - b.range.first);
    return { ...rest, range, origin: 'in-out', clips: shown };
  }
  if (selected.length > 0)
    throw new AppError('SELECTION_REFUSED', { name: selected[0].name, why: selected[0].reasons.join(', ') });
  throw new AppError('NOTHING_MARKED');
}

function overlapping(facts: PremiereFacts, range: FrameRange): PremiereClipFacts[] {
  return facts.clips.filter(clip => {
    const at = rangeOf(clip, range.rate);
    return at !== undefined && overlaps(at, range) && !clip.disabled;
  });
}

/**
 * The source file itself, where sending it is the same as exporting: one plain clip at the sequence's rate, unmoved
 * and without effects, with nothing above or below it. (Its size may differ from the sequence's.)
 */
export function exactSource(facts: PremiereFacts, range: FrameRange): { path: string; range: FrameRange } | undefined {
  const clips = overlapping(facts, range);
  if (clips.length !== 1 || clips[0].track < 0) return undefined;
  const [clip] = clips;
  const at = rangeOf(clip, range.rate);
  const rate = knownRate(clip.sourceFps);
  if (!at || !rate || classify(clip).kind !== 'plain' || at.first > range.first || at.last < range.last)
    return undefined;
  if (!isSameRate(rate, range.rate)) return undefined;
  const first = toFrame(clip.sourceIn, rate) + range.first - at.first;
  return { path: clip.mediaPath, range: { first, last: first + range.last - range.first, rate } };
}

/**
 * Tracks that are silenced for an export: what lies above a selected clip (it would be burned in), and everywhere
 * tracks that show nothing but our own results (they would be painted a second time).
 */
export function tracksToMute(facts: PremiereFacts, timeline: TimelineRange, resultsFolder: string): number[] {
  const clips = overlapping(facts, timeline.range);
  const top = Math.max(...timeline.clips.map(clip => clip.track), 0);
  return [...new Set(clips.map(clip => clip.track))]
    .filter(track => {
      const isAbove = timeline.origin === 'selection' && track > top;
      return (
        isAbove || clips.filter(clip => clip.track === track).every(clip => isInside(clip.mediaPath, resultsFolder))
      );
    })
    .sort((a, b) => a - b);
}

/** Where a result goes: in and out of the source, and how far the untrimmed file reaches while it is being placed. */
export function placeTimes(
  clip: Pick<RenderedClip, 'frames' | 'rate'>,
  range: FrameRange,
): { start: string; end: string; free: string } {
  const start = BigInt(toTicks(range.first, range.rate));
  const end = BigInt(toTicks(range.last + 1, range.rate));
  const whole =
    start +
    (BigInt(clip.frames) * BigInt(clip.rate.den) * ticksPerSecond + BigInt(clip.rate.num) - 1n) / BigInt(clip.rate.num);
  return { start: String(start), end: String(end), free: String(whole > end ? whole : end) };
}

/** The first video track above the source where nothing lies between `start` and `free`; undefined: one must be added. */
export function freeTrack(
  facts: PremiereFacts,
  sourceTrack: number,
  times: { start: string; free: string },
  locked: readonly number[],
): number | undefined {
  for (let track = sourceTrack + 1; track < facts.sequence.videoTracks; track++) {
    const isTaken = facts.clips.some(
      clip => clip.track === track && BigInt(clip.start) < BigInt(times.free) && BigInt(clip.end) > BigInt(times.start),
    );
    if (!isTaken && !locked.includes(track)) return track;
  }
  return undefined;
}

/** Moved or trimmed by more than the frame that a host may be off by. */
export function isMoved(placed: Pick<PlacedFacts, 'start' | 'end'>, label: ResultLabel): boolean {
  const { first, last, rate } = label.range;
  return Math.abs(toFrame(placed.start, rate) - first) > 1 || Math.abs(toFrame(placed.end, rate) - last - 1) > 1;
}

export function placedRange(placed: Pick<PlacedFacts, 'start' | 'end'>, rate: Rate): FrameRange {
  const first = toFrame(placed.start, rate);
  return { first, last: Math.max(first, toFrame(placed.end, rate) - 1), rate };
}
