import { AppError } from '#protocol/errors';
import type { PlacedFacts, PremiereClipFacts, PremiereFacts } from '#protocol/host-facts';
import type { FrameRange, Rate } from '#protocol/time';
import type { RenderedClip, StylizeMarker, TimelineClip, TimelineMarker, TimelineRange } from '#protocol/timeline';
import { classifyBy, type ClipReason } from './clip-reasons';
import { isSameRate, knownRate } from './decimal-rate';
import type { WantedRange } from './host';
import { isInside } from './host-path';
import type { ResultLabel } from './result-label';
import { clipWishes, sequenceWishes } from './stylize-markers';

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

/** Of a distance in ticks, which may lead backwards. */
function signedFrame(ticks: bigint, rate: Rate): number {
  return ticks < 0n ? -toFrame(String(-ticks), rate) : toFrame(String(ticks), rate);
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

/** All clips that `shows` lets through, topmost first. */
function clipsOf(facts: PremiereFacts, shows: (clip: PremiereClipFacts) => boolean): TimelineClip[] {
  const rate = rateOfTimebase(facts.sequence.timebase);
  return facts.clips
    .filter(shows)
    .map(clip => toTimelineClip(clip, rate))
    .filter(clip => clip !== undefined)
    .sort((a, b) => b.track - a.track || a.range.first - b.range.first);
}

const selectedClips = (facts: PremiereFacts) => clipsOf(facts, clip => clip.selected);

/**
 * The list that the panel mirrors: the selected clips, or where none is selected those under the playhead. Results of
 * ours are only listed where they are selected: what lies under them is what a person means.
 */
export function mirroredClips(facts: PremiereFacts, resultsFolder: string): TimelineClip[] {
  const selected = selectedClips(facts);
  if (selected.length > 0) return selected;
  const playhead = BigInt(facts.sequence.playhead);
  return clipsOf(
    facts,
    clip => BigInt(clip.start) <= playhead && playhead < BigInt(clip.end) && !isInside(clip.mediaPath, resultsFolder),
  );
}

function sequenceOf(facts: PremiereFacts): TimelineRange['sequence'] {
  const { id, name, width, height, end, timebase } = facts.sequence;
  const rate = rateOfTimebase(timebase);
  return { id, name, width, height, rate, frames: toFrame(end, rate) };
}

/** All that a range is read with, whichever range it is. */
function surroundings(facts: PremiereFacts): Pick<TimelineRange, 'sequence' | 'markers' | 'playhead'> {
  const sequence = sequenceOf(facts);
  const playhead = Math.max(0, toFrame(facts.sequence.playhead, sequence.rate));
  return { sequence, markers: toMarkers(facts), playhead };
}

/** What lies in a range, without results of ours: one that is rendered again takes the place of the older one. */
const clipsIn = (facts: PremiereFacts, range: FrameRange, resultsFolder: string) =>
  clipsOf(facts, clip => !isInside(clip.mediaPath, resultsFolder)).filter(clip => overlaps(clip.range, range));

/**
 * What is marked: the selected clips where they follow one another without a gap, else in and out.
 * @throws AppError NOTHING_MARKED, SELECTION_SCATTERED, SELECTION_REFUSED
 */
export function toTimelineRange(facts: PremiereFacts, resultsFolder: string): TimelineRange {
  const rest = surroundings(facts);
  const { rate, frames } = rest.sequence;
  const { inPoint, outPoint } = facts.sequence;
  const selected = selectedClips(facts);
  const usable = selected.filter(clip => clip.kind !== 'refused');
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
    return { ...rest, range, origin: 'in-out', clips: clipsIn(facts, range, resultsFolder) };
  }
  if (selected.length > 0) throw refusedClip(selected[0]);
  throw new AppError('NOTHING_MARKED');
}

const refusedClip = ({ name, reasons }: TimelineClip) =>
  new AppError('SELECTION_REFUSED', { name, why: reasons.join(', ') });

/** Wishes of markers named "stylize: <preset>", by their place: those of the sequence and those on its clips. */
export function stylizeMarkers(facts: PremiereFacts): StylizeMarker[] {
  const sequence = sequenceOf(facts);
  const { rate, id } = sequence;
  const onClips = facts.clips.flatMap(laid => {
    const clip = toTimelineClip(laid, rate);
    if (!clip) return [];
    const { first } = clip.range;
    // At another speed nobody says where the clip shows a moment of its source: a marker means the whole clip.
    const isPlain = laid.speed === 1 && !laid.reversed && !laid.remapped;
    const shownAt = (ticks: string) => first + signedFrame(BigInt(ticks) - BigInt(laid.sourceIn), rate);
    const markers = laid.markers.map(({ guid, name, start, end }) =>
      isPlain
        ? { id: guid, name, first: shownAt(start), length: Math.max(0, shownAt(end) - shownAt(start)) }
        : { id: guid, name, first, length: 0 },
    );
    return clipWishes(clip, markers, id);
  });
  return [...sequenceWishes(toMarkers(facts), sequence), ...onClips].sort((a, b) => a.range.first - b.range.first);
}

/** @throws AppError RANGE_GONE, SELECTION_REFUSED */
export function toWantedRange(facts: PremiereFacts, wanted: WantedRange, resultsFolder: string): TimelineRange {
  const rest = surroundings(facts);
  const marker = 'marker' in wanted ? stylizeMarkers(facts).find(each => each.id === wanted.marker) : undefined;
  if (marker && !marker.clip)
    return { ...rest, range: marker.range, origin: 'marker', clips: clipsIn(facts, marker.range, resultsFolder) };
  const key = 'clip' in wanted ? wanted.clip : marker?.clip?.key;
  const [clip] = clipsOf(facts, each => clipKey(each) === key);
  if (!clip) throw new AppError('RANGE_GONE');
  if (clip.kind === 'refused') throw refusedClip(clip);
  return { ...rest, range: marker?.range ?? clip.range, origin: 'selection', clips: [clip] };
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
