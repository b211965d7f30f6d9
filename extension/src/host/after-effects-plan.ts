import { AppError } from '#protocol/errors';
import type {
  AfterEffectsFacts,
  AfterEffectsLayerFacts,
  CompositionMarkerFacts,
  LayerReference,
  PlacedLayerFacts,
} from '#protocol/host-facts';
import type { FrameRange, Rate } from '#protocol/time';
import type { Placement, StylizeMarker, TimelineClip, TimelineMarker, TimelineRange } from '#protocol/timeline';
import { classifyBy } from './clip-reasons';
import { isSameRate, knownRate, rateOfDecimal } from './decimal-rate';
import type { WantedRange } from './host';
import { isInside, normalPath } from './host-path';
import { readLabel, type ResultLabel } from './result-label';
import { clipWishes, sequenceWishes } from './stylize-markers';

/** Decisions about a composition: facts in, plans out. No call, no file, no clock. Layers are tracks, the lowest is 0. */

export const rateOfComposition = (facts: AfterEffectsFacts): Rate => rateOfDecimal(facts.composition.frameRate);

const trackOf = (facts: AfterEffectsFacts, layer: AfterEffectsLayerFacts) => facts.layers.length - layer.index;

/** How a layer plays its source: its stretch in per cent, or that its time is remapped. */
const speedOf = ({ stretch, remapped }: AfterEffectsLayerFacts) => (remapped ? 'remapped' : String(stretch));

/**
 * The layer's own number where the version has one (indices change with every layer that is added), where its source
 * begins, so that a layer that is moved can be followed, and how it plays.
 */
const keyOf = (facts: AfterEffectsFacts, layer: AfterEffectsLayerFacts) =>
  `${layer.id === '' ? `at${trackOf(facts, layer)}` : `layer${layer.id}`}:${layer.startFrame}:${speedOf(layer)}`;

type LayerKey = { readonly layer: string; readonly start: number; readonly speed: string };
function readKey(key: string | undefined): LayerKey | undefined {
  const parts = /^(\w+):(-?\d+):(remapped|-?[\d.]+)$/.exec(key ?? '');
  return parts ? { layer: parts[1], start: Number(parts[2]), speed: parts[3] } : undefined;
}

export function classifyLayer(layer: AfterEffectsLayerFacts): Pick<TimelineClip, 'kind' | 'reasons'> {
  return classifyBy({
    adjustment: layer.adjustmentLayer,
    'no-picture': !layer.hasVideo,
    offline: layer.missing,
    disabled: !layer.enabled,
    guide: layer.guide,
    nested: layer.nested,
    generated: layer.generated,
    speed: Math.abs(layer.stretch) !== 100,
    reversed: layer.stretch < 0,
    remapped: layer.remapped,
    effects: layer.effects > 0,
    // What is drawn or nested lies where it lies; only of footage it matters.
    motion: layer.mediaPath !== '' && !layer.untouched,
    matte: layer.hasMatte,
  });
}

/** The part of a layer that the composition shows, or undefined where none is. */
function rangeOf(facts: AfterEffectsFacts, layer: AfterEffectsLayerFacts): FrameRange | undefined {
  const first = Math.max(0, layer.inFrame);
  const last = Math.min(facts.composition.frames, layer.outFrame) - 1;
  return last < first ? undefined : { first, last, rate: rateOfComposition(facts) };
}

function toTimelineClip(facts: AfterEffectsFacts, layer: AfterEffectsLayerFacts): TimelineClip | undefined {
  const range = rangeOf(facts, layer);
  if (!range) return undefined;
  const rate = knownRate(layer.sourceFps);
  const isPlainTime = layer.stretch === 100 && !layer.remapped;
  return {
    key: keyOf(facts, layer),
    name: layer.name,
    track: trackOf(facts, layer),
    range,
    ...(layer.mediaPath ? { mediaPath: layer.mediaPath } : {}),
    ...(rate && isPlainTime
      ? { sourceIn: { frame: sourceFrame(range.first - layer.startFrame, range.rate, rate), rate } }
      : {}),
    ...classifyLayer(layer),
    selected: layer.selected,
  };
}

function sourceFrame(frames: number, from: Rate, to: Rate): number {
  const top = BigInt(frames) * BigInt(from.den) * BigInt(to.num);
  const bottom = BigInt(from.num) * BigInt(to.den);
  return Number((2n * top + bottom) / (2n * bottom));
}

/** Name in the first line, comment in the second: a marker of After Effects has one text. */
const linesOf = ({ comment }: CompositionMarkerFacts) => comment.replace(/\r\n?/g, '\n').split('\n');

export function toCompositionMarkers(facts: AfterEffectsFacts): TimelineMarker[] {
  return facts.markers
    .filter(marker => marker.frame >= 0)
    .map(marker => {
      const [name, ...rest] = linesOf(marker);
      const { key, frame, frames, label } = marker;
      return {
        id: String(key),
        name,
        comment: rest.join('\n'),
        first: frame,
        length: Math.max(0, frames),
        ...(label >= 0 && label <= 15 ? { colour: label } : {}),
      };
    })
    .sort((a, b) => a.first - b.first);
}

const overlaps = (a: FrameRange, b: FrameRange) => a.first <= b.last && b.first <= a.last;
const topFirst = (a: TimelineClip, b: TimelineClip) => b.track - a.track;

/** All layers that `shows` lets through, topmost first. */
function clipsOf(facts: AfterEffectsFacts, shows: (layer: AfterEffectsLayerFacts) => boolean): TimelineClip[] {
  return facts.layers
    .filter(shows)
    .map(layer => toTimelineClip(facts, layer))
    .filter(clip => clip !== undefined)
    .sort(topFirst);
}

const selectedLayers = (facts: AfterEffectsFacts) => clipsOf(facts, layer => layer.selected);

/**
 * The list that the panel mirrors: the selected layers, or where none is selected those that are seen under the
 * playhead. Results of ours are only listed where they are selected.
 */
export function mirroredLayers(facts: AfterEffectsFacts, resultsFolder: string): TimelineClip[] {
  const selected = selectedLayers(facts);
  if (selected.length > 0) return selected;
  const { playhead } = facts.composition;
  return clipsOf(
    facts,
    layer =>
      layer.inFrame <= playhead &&
      playhead < layer.outFrame &&
      layer.hasVideo &&
      !isInside(layer.mediaPath, resultsFolder),
  );
}

function sequenceOf(facts: AfterEffectsFacts): TimelineRange['sequence'] {
  const { id, name, width, height, frames } = facts.composition;
  return { id: String(id), name, width, height, rate: rateOfComposition(facts), frames };
}

/** All that a range is read with, whichever range it is. */
function surroundings(facts: AfterEffectsFacts): Pick<TimelineRange, 'sequence' | 'markers' | 'playhead'> {
  const playhead = Math.max(0, facts.composition.playhead);
  return { sequence: sequenceOf(facts), markers: toCompositionMarkers(facts), playhead };
}

/** What lies in a range, without results of ours: one that is rendered again takes the place of the older one. */
const clipsIn = (facts: AfterEffectsFacts, range: FrameRange, resultsFolder: string) =>
  clipsOf(facts, layer => !isInside(layer.mediaPath, resultsFolder)).filter(clip => overlaps(clip.range, range));

const refusedClip = ({ name, reasons }: TimelineClip) =>
  new AppError('SELECTION_REFUSED', { name, why: reasons.join(', ') });

/**
 * What is marked: the selected layers where they follow one another without a gap, else the work area where it is set
 * to less than all.
 * @throws AppError NOTHING_MARKED, SELECTION_SCATTERED, SELECTION_REFUSED, RATE_WRONG
 */
export function toCompositionRange(facts: AfterEffectsFacts, resultsFolder: string): TimelineRange {
  const rest = surroundings(facts);
  const { rate, frames } = rest.sequence;
  const { workAreaFirst, workAreaFrames } = facts.composition;
  const selected = selectedLayers(facts);
  const usable = selected.filter(clip => clip.kind !== 'refused');
  if (usable.length > 0) {
    const byTime = [...usable].sort((a, b) => a.range.first - b.range.first);
    let { last } = byTime[0].range;
    for (const clip of byTime) {
      if (clip.range.first > last + 1) throw new AppError('SELECTION_SCATTERED', { frame: last + 1 });
      last = Math.max(last, clip.range.last);
    }
    return { ...rest, range: { first: byTime[0].range.first, last, rate }, origin: 'selection', clips: usable };
  }
  if (selected.length > 0) throw refusedClip(selected[0]);
  if (workAreaFirst <= 0 && workAreaFirst + workAreaFrames >= frames) throw new AppError('NOTHING_MARKED');
  const range = { first: workAreaFirst, last: Math.min(frames, workAreaFirst + workAreaFrames) - 1, rate };
  if (range.last < range.first) throw new AppError('RANGE_EMPTY', { text: `${range.first}:${range.last}` });
  return { ...rest, range, origin: 'in-out', clips: clipsIn(facts, range, resultsFolder) };
}

/** Wishes of markers named "stylize: <preset>", by their place: those of the composition and those on its layers. */
export function stylizeMarkers(facts: AfterEffectsFacts): StylizeMarker[] {
  const sequence = sequenceOf(facts);
  const onLayers = facts.layers.flatMap(layer => {
    const clip = toTimelineClip(facts, layer);
    if (!clip) return [];
    const markers = layer.markers.map(marker => ({
      id: String(marker.key),
      name: linesOf(marker)[0],
      first: marker.frame,
      length: Math.max(0, marker.frames),
    }));
    return clipWishes(clip, markers, sequence.id);
  });
  return [...sequenceWishes(toCompositionMarkers(facts), sequence), ...onLayers].sort(
    (a, b) => a.range.first - b.range.first,
  );
}

/** @throws AppError RANGE_GONE, SELECTION_REFUSED */
export function toWantedRange(facts: AfterEffectsFacts, wanted: WantedRange, resultsFolder: string): TimelineRange {
  const rest = surroundings(facts);
  const marker = 'marker' in wanted ? stylizeMarkers(facts).find(each => each.id === wanted.marker) : undefined;
  if (marker && !marker.clip)
    return { ...rest, range: marker.range, origin: 'marker', clips: clipsIn(facts, marker.range, resultsFolder) };
  const key = 'clip' in wanted ? wanted.clip : marker?.clip?.key;
  const [clip] = clipsOf(facts, layer => keyOf(facts, layer) === key);
  if (!clip) throw new AppError('RANGE_GONE');
  if (clip.kind === 'refused') throw refusedClip(clip);
  return { ...rest, range: marker?.range ?? clip.range, origin: 'selection', clips: [clip] };
}

/** Layers that are seen in the range; a matte is seen through the layer that it cuts out. */
function shownIn(facts: AfterEffectsFacts, range: FrameRange): AfterEffectsLayerFacts[] {
  return facts.layers.filter(layer => {
    const at = rangeOf(facts, layer);
    return at !== undefined && overlaps(at, range) && layer.enabled && layer.hasVideo && !layer.guide && !layer.isMatte;
  });
}

const toReference = ({ index, name }: AfterEffectsLayerFacts): LayerReference => ({ index, name });

/**
 * Layers that are hidden for an export: what lies above the selected ones (it would be burned in), and everywhere our
 * own results (they would be painted a second time). Cameras, lights and null objects stay: they shape what is below.
 */
export function layersToHide(
  facts: AfterEffectsFacts,
  timeline: TimelineRange,
  resultsFolder: string,
): LayerReference[] {
  const top = Math.max(...timeline.clips.map(clip => clip.track), 0);
  const chosen = new Set(timeline.origin === 'selection' ? timeline.clips.map(clip => clip.key) : []);
  return shownIn(facts, timeline.range)
    .filter(layer => {
      if (chosen.has(keyOf(facts, layer))) return false;
      const isAbove = timeline.origin === 'selection' && trackOf(facts, layer) > top;
      return isAbove || isInside(layer.mediaPath, resultsFolder);
    })
    .map(toReference);
}

/** The source file itself, where sending it is the same as rendering: one plain layer of the composition's size and rate, alone. */
export function exactLayerSource(
  facts: AfterEffectsFacts,
  range: FrameRange,
): { path: string; range: FrameRange } | undefined {
  const shown = shownIn(facts, range);
  if (shown.length !== 1 || facts.composition.pixelAspect !== 1) return undefined;
  const [layer] = shown;
  const at = rangeOf(facts, layer);
  const rate = knownRate(layer.sourceFps);
  const { width, height } = facts.composition;
  if (!at || !rate || !isSameRate(rate, range.rate) || classifyLayer(layer).kind !== 'plain') return undefined;
  if (at.first > range.first || at.last < range.last) return undefined;
  if (layer.sourceWidth !== width || layer.sourceHeight !== height || layer.mediaPath === '') return undefined;
  const first = range.first - layer.startFrame;
  return { path: layer.mediaPath, range: { first, last: first + range.last - range.first, rate } };
}

export type PlacedResult = PlacedLayerFacts & { readonly of: ResultLabel };

/**
 * Where a result belongs now, and the layer that it goes right above. A layer that was moved since takes its result
 * along; one that is shorter at its end gets as much as it shows. One that was moved into a composition of its own is
 * found there. Without the layer the place stays as it was, on top of all.
 * @throws AppError SOURCE_TRIMMED for a layer that begins later in its source: the result would have to as well;
 * SOURCE_CHANGED for one that shows other pictures; SEQUENCE_RATE_CHANGED: its frames are others
 */
export function followLayer(
  facts: AfterEffectsFacts,
  at: Placement,
): { readonly at: Placement; readonly above?: LayerReference } {
  const rate = rateOfComposition(facts);
  if (!isSameRate(rate, at.range.rate))
    throw new AppError('SEQUENCE_RATE_CHANGED', {
      now: rate.num / rate.den,
      before: at.range.rate.num / at.range.rate.den,
    });
  const key = readKey(at.sourceKey);
  const isSource = (path: string) => normalPath(path) === normalPath(at.sourcePath ?? '');
  const holdsSource = ({ contains }: AfterEffectsLayerFacts) => contains.some(isSource);
  const layer = key && facts.layers.find(each => readKey(keyOf(facts, each))?.layer === key.layer);
  if (!layer) {
    // Moved into a composition of its own, which stands where it stood.
    const around = facts.layers.filter(holdsSource);
    return around.length === 1 ? lieAbove(facts, around[0], at) : { at };
  }
  const shown = rangeOf(facts, layer);
  if (!shown) return { at };
  // A number that is none of the layer's own may by now stand for another layer: only an unmoved one is believed.
  if (layer.id === '' && layer.startFrame !== key.start) return { at };
  const isOther = at.sourcePath !== undefined && !isSource(layer.mediaPath) && !holdsSource(layer);
  if (isOther || speedOf(layer) !== key.speed) throw new AppError('SOURCE_CHANGED', { name: layer.name });
  const by = layer.startFrame - key.start;
  const [first, last] = [at.range.first + by, Math.min(at.range.last + by, shown.last)];
  if (first < shown.first || first > shown.last) throw new AppError('SOURCE_TRIMMED', { name: layer.name });
  return lieAbove(facts, layer, { ...at, range: { ...at.range, first, last } });
}

const lieAbove = (facts: AfterEffectsFacts, layer: AfterEffectsLayerFacts, at: Placement) => ({
  at: { ...at, sourceKey: keyOf(facts, layer), sourceTrack: trackOf(facts, layer) },
  above: toReference(layer),
});

/** Moved or trimmed by hand. */
export function isMovedLayer({ first, end }: PlacedLayerFacts, { range }: ResultLabel): boolean {
  return Math.abs(first - range.first) > 1 || Math.abs(end - 1 - range.last) > 1;
}

const isSameLayer = (a: ResultLabel, b: ResultLabel) =>
  a.sequence === b.sequence && a.section === b.section && readKey(a.sourceKey)?.layer === readKey(b.sourceKey)?.layer;

/** A result that was moved along with its source, which is now rendered again where both lie. */
export function liesWhereWanted(placed: PlacedResult, wanted: ResultLabel): boolean {
  return isSameLayer(placed.of, wanted) && !isMovedLayer(placed, wanted);
}

/** An older result of the same section or layer with other ends. One that a person has moved or locked is theirs. */
export function isOutdated(placed: PlacedResult, wanted: ResultLabel): boolean {
  const { of } = placed;
  if (placed.locked || of.sequence !== wanted.sequence || of.section !== wanted.section || isMovedLayer(placed, of))
    return false;
  const { range } = wanted;
  if (of.section !== '') return overlaps(of.range, range);
  const contains = (a: FrameRange, b: FrameRange) => a.first <= b.first && a.last >= b.last;
  return isSameLayer(of, wanted) && (contains(of.range, range) || contains(range, of.range));
}

/** The label of a layer: its own, its item's, or that of the file beside the result. */
export function labelOfLayer(labels: readonly (string | undefined)[]): ResultLabel | undefined {
  for (const text of labels) {
    const label = text ? readLabel(text) : undefined;
    if (label) return label;
  }
  return undefined;
}

/** Templates that write a film without loss, or with little; names are those of the languages that After Effects speaks. */
const wantedTemplates = [
  /prores/i,
  /^(high quality|haute qualité|hohe qualität|alta calidad|alta qualità|alta qualidade|高品質|高质量|고품질|высокое качество)/i,
  /^(lossless|sans perte|verlustfrei|sin pérdida|senza perdita|sem perda|ロスレス|无损|무손실|без потерь)/i,
  /h\.?264/i,
];

/** @throws AppError EXPORT_PRESET_MISSING */
export function pickTemplate(templates: readonly string[], remembered: string | undefined): string {
  if (remembered !== undefined && templates.includes(remembered)) return remembered;
  for (const wanted of wantedTemplates) {
    // The shortest: the longer ones are the same "with Alpha".
    const [found] = templates.filter(name => wanted.test(name)).sort((a, b) => a.length - b.length);
    if (found !== undefined) return found;
  }
  throw new AppError('EXPORT_PRESET_MISSING', { tried: templates.slice(0, 8).join(', ') });
}
