import { AppError } from '#protocol/errors';
import type { PlacedFacts, PremiereFacts } from '#protocol/host-facts';
import type { FrameRange } from '#protocol/time';
import type { Placement } from '#protocol/timeline';
import { normalPath } from './host-path';
import { clipKey, isMoved, placedRange, toFrame, toTicks } from './premiere-plan';
import type { ResultLabel } from './result-label';

/** What became of timelines on which results lie already, or whose clips were moved since. Facts in, decisions out. */

/** A clip's key, read back: its track, its start and the source's frame there, in ticks. */
function readKey(key: string | undefined): { track: string; start: bigint; sourceIn: bigint } | undefined {
  const parts = /^(\d+):(-?\d+):(-?\d+)$/.exec(key ?? '');
  return parts ? { track: parts[1], start: BigInt(parts[2]), sourceIn: BigInt(parts[3]) } : undefined;
}

/**
 * Where a result belongs now. A clip that was moved since takes its result along; one that is shorter at its end gets
 * as much as it shows. Without a clip to follow, or where several would do, the place stays as it was.
 * @throws AppError SOURCE_TRIMMED for a clip that begins later in its source: the result would have to as well
 */
export function followSource(facts: PremiereFacts, at: Placement): Placement {
  const key = readKey(at.sourceKey);
  if (!at.sourcePath || !key) return at;
  const path = normalPath(at.sourcePath);
  const clips = facts.clips.filter(clip => normalPath(clip.mediaPath) === path && clip.speed === 1 && !clip.reversed);
  const same = clips.filter(clip => BigInt(clip.sourceIn) === key.sourceIn);
  const found = clips.find(clip => clipKey(clip) === at.sourceKey) ?? (same.length === 1 ? same[0] : undefined);
  const only = found ?? (clips.length === 1 ? clips[0] : undefined);
  if (!only) return at;
  const { rate } = at.range;
  const by = BigInt(only.start) - BigInt(only.sourceIn) - (key.start - key.sourceIn);
  const first = toFrame(String(BigInt(toTicks(at.range.first, rate)) + by), rate);
  const end = toFrame(String(BigInt(toTicks(at.range.last + 1, rate)) + by), rate);
  const shown = { first: toFrame(only.start, rate), end: toFrame(only.end, rate) };
  if (first < shown.first || first >= shown.end) throw new AppError('SOURCE_TRIMMED', { name: only.name });
  return {
    ...at,
    range: { first, last: Math.min(end, shown.end) - 1, rate },
    sourceKey: clipKey(only),
    sourceTrack: only.track,
  };
}

/** The same clip, wherever it has been moved and however its ends were trimmed: one distance to its source. */
function isSameSource(a: ResultLabel, b: ResultLabel): boolean {
  if (a.sourceKey === b.sourceKey) return true;
  const [keyA, keyB] = [readKey(a.sourceKey), readKey(b.sourceKey)];
  return keyA !== undefined && keyB !== undefined && keyA.start - keyA.sourceIn === keyB.start - keyB.sourceIn;
}

const contains = (a: FrameRange, b: FrameRange) => a.first <= b.first && a.last >= b.last;
const overlaps = (a: FrameRange, b: FrameRange) => a.first <= b.last && b.first <= a.last;

/** A result that was moved along with its source, which is now rendered again where both lie. */
export function liesWhereWanted(placed: PlacedFacts & { readonly of: ResultLabel }, wanted: ResultLabel): boolean {
  const now = placedRange(placed, wanted.range.rate);
  const sourceIn = (label: ResultLabel) => readKey(label.sourceKey)?.sourceIn;
  return (
    placed.of.sequence === wanted.sequence &&
    placed.of.section === wanted.section &&
    sourceIn(placed.of) === sourceIn(wanted) &&
    Math.abs(now.first - wanted.range.first) <= 1 &&
    Math.abs(now.last - wanted.range.last) <= 1
  );
}

/**
 * An older result of the same section or clip with other ends: the new one stands for it. One that a person has moved
 * is theirs.
 */
export function isOutdated(placed: PlacedFacts & { readonly of: ResultLabel }, wanted: ResultLabel): boolean {
  const { of } = placed;
  if (of.sequence !== wanted.sequence || of.section !== wanted.section || isMoved(placed, of)) return false;
  if (of.section !== '') return overlaps(of.range, wanted.range);
  return isSameSource(of, wanted) && (contains(of.range, wanted.range) || contains(wanted.range, of.range));
}
