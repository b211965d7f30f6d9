import type {
  AudioClipTrackItem,
  ClipProjectItem,
  ComponentParam,
  Marker,
  Sequence,
  TickTime,
  VideoClipTrackItem,
} from '@adobe/premierepro';
import { toAppError } from '#protocol/errors';
import type { MarkerFacts, PremiereClipFacts, PremiereFacts } from '#protocol/host-facts';
import type { Premiere } from './modules';
import { openSequence, pathOf, sourceOf, videoItems } from './timeline';

/** Reads what is on the video tracks of a sequence, the active one if none is named. Changes nothing. */
export async function readTimeline(ppro: Premiere, version: string, id?: string): Promise<PremiereFacts> {
  const { sequence } = await openSequence(ppro, id);
  const [size, timebase, end, points, playhead, tracks] = await Promise.all([
    sequence.getFrameSize(),
    sequence.getTimebase(),
    sequence.getEndTime(),
    readPoints(sequence),
    sequence.getPlayerPosition(),
    videoItems(ppro, sequence),
  ]);
  const clips = tracks.flatMap((items, track) => items.map((item, index) => readClip(ppro, item, track, index)));
  return {
    host: 'premiere',
    version,
    sequence: {
      id: sequence.guid.toString(),
      name: sequence.name,
      width: Math.round(size.width),
      height: Math.round(size.height),
      timebase: String(timebase),
      end: end.ticks,
      ...points,
      playhead: playhead.ticks,
      videoTracks: tracks.length,
    },
    clips: await Promise.all(clips),
    markers: await readMarkers(ppro, sequence),
  };
}

/**
 * In and out where somebody set them. What an unset point reads as is not documented: below zero, as in ExtendScript, or
 * the whole sequence. A whole sequence that was marked on purpose is taken for unmarked, too.
 */
export async function readPoints(sequence: Sequence): Promise<{ inPoint?: string; outPoint?: string }> {
  const [first, last, end] = (
    await Promise.all([sequence.getInPoint(), sequence.getOutPoint(), sequence.getEndTime()])
  ).map(time => BigInt((time as TickTime | undefined)?.ticks ?? '-1'));
  const isWhole = first <= 0n && (last <= 0n || last >= end);
  return {
    ...(first >= 0n && !isWhole ? { inPoint: String(first) } : {}),
    ...(last > 0n && last > first && !isWhole ? { outPoint: String(last) } : {}),
  };
}

async function readClip(
  ppro: Premiere,
  item: VideoClipTrackItem,
  track: number,
  index: number,
): Promise<PremiereClipFacts> {
  const [name, start, end, sourceIn, selected, disabled, adjustmentLayer, speed, reversed, source, look] =
    await Promise.all([
      item.getName(),
      item.getStartTime(),
      item.getEndTime(),
      item.getInPoint(),
      item.getIsSelected(),
      item.isDisabled(),
      item.isAdjustmentLayer(),
      item.getSpeed(),
      item.isSpeedReversed(),
      sourceOf(ppro, item),
      readLook(item),
    ]);
  const clip = source?.clip;
  const [mediaPath, offline, isSequence, isMulticam, merged, interpretation, markers] = await Promise.all([
    clip ? pathOf(clip) : '',
    clip?.isOffline() ?? false,
    clip?.isSequence() ?? false,
    clip?.isMulticamClip() ?? false,
    clip?.isMergedClip() ?? false,
    clip?.getFootageInterpretation(),
    clip ? readWishes(ppro, clip) : [],
  ]);
  return {
    track,
    nodeId: `${track}:${index}`,
    name,
    start: start.ticks,
    end: end.ticks,
    sourceIn: sourceIn.ticks,
    selected,
    disabled,
    adjustmentLayer,
    speed,
    reversed: Number(reversed) === 1,
    mediaPath,
    offline,
    nested: isSequence || isMulticam,
    merged,
    sourceFps: interpretation?.getFrameRate() ?? 0,
    markers,
    ...look,
  };
}

const ownComponents = ['ADBE Motion', 'ADBE Opacity', 'Time Remap'];
/** Values of a new clip by index, in the order of ExtendScript: position, scale, scale width, uniform, rotation; opacity. */
const usual: Record<string, Readonly<Record<number, unknown>>> = {
  'ADBE Motion': { 0: [0.5, 0.5], 1: 100, 4: 0 },
  'ADBE Opacity': { 0: 100 },
};

/** Effects beyond the three that every clip has, and whether those three have keys or somebody changed them. */
async function readLook(
  item: VideoClipTrackItem,
): Promise<Pick<PremiereClipFacts, 'effects' | 'remapped' | 'untouched'>> {
  const chain = await item.getComponentChain();
  const looks = Array.from({ length: chain.getComponentCount() }, async (_, index) => {
    const component = chain.getComponentAtIndex(index);
    const name = await component.getMatchName();
    const own = ownComponents.find(each => name.includes(each));
    if (!own) return { own, hasKeys: false, isUsual: true };
    const params = Array.from({ length: component.getParamCount() }, (__, at) => component.getParam(at));
    const isUsual = params.map(async (param, at) => {
      const wanted = usual[own]?.[at];
      return wanted === undefined || String(await valueOf(param)) === String(wanted);
    });
    return {
      own,
      hasKeys: params.some(param => param.isTimeVarying()),
      isUsual: (await Promise.all(isUsual)).every(Boolean),
    };
  });
  const all = await Promise.all(looks);
  return {
    effects: all.filter(({ own }) => own === undefined).length,
    remapped: all.some(({ own, hasKeys }) => own === 'Time Remap' && hasKeys),
    untouched: all.every(({ own, hasKeys, isUsual }) => own === 'Time Remap' || (!hasKeys && isUsual)),
  };
}

async function valueOf(param: ComponentParam): Promise<unknown> {
  const { value } = (await param.getStartValue()).value;
  const { x, y } = value as { x?: number; y?: number };
  return x === undefined ? value : [x, y];
}

/** Only what begins with "stylize:": the finding of cuts leaves hundreds of markers on a source. */
async function readWishes(ppro: Premiere, clip: ClipProjectItem): Promise<MarkerFacts[]> {
  // What the application draws itself has no markers, and some versions say so by an error.
  const all = await readMarkers(ppro, clip).catch(() => []);
  return all.filter(({ name }) => /^\s*stylize\s*:/i.test(name));
}

async function readMarkers({ Markers }: Premiere, owner: Sequence | ClipProjectItem): Promise<MarkerFacts[]> {
  const markers = (await Markers.getMarkers(owner)).getMarkers();
  return markers.map((marker, index) => {
    const start = marker.getStart().ticks;
    return {
      guid: guidOf(marker) ?? `${marker.getName()}@${start}#${index}`,
      name: marker.getName(),
      comment: marker.getComments(),
      start,
      end: String(BigInt(start) + BigInt(marker.getDuration().ticks)),
      colour: Number(marker.getColorIndex()),
    };
  });
}

/** Markers have ids since 26.3. */
const guidOf = (marker: Marker): string | undefined => (marker as Partial<Marker>).guid?.toString();

/** Whatever a change of it must be told for, in short. */
const placeOf = async (item: VideoClipTrackItem | AudioClipTrackItem) => {
  const [track, start, end] = await Promise.all([item.getTrackIndex(), item.getStartTime(), item.getEndTime()]);
  return { start: BigInt(start.ticks), end: BigInt(end.ticks), text: `${track}:${start.ticks}:${end.ticks}` };
};
const markerText = ({ name, start, end }: MarkerFacts) => `${name}:${start}:${end}`;

/**
 * Reads a text that changes when the selection, the range, the markers or the open sequence do, or where nothing is
 * selected the clips under the playhead: cheap enough to be asked each second.
 */
export function createStampReader(ppro: Premiere): () => Promise<string> {
  let playhead = '';
  let resting = '';

  /** While it moves, what lies under it is not news: a timeline that plays would be read again at every cut. */
  async function underPlayhead(sequence: Sequence): Promise<string> {
    const { ticks } = await sequence.getPlayerPosition();
    const moved = ticks !== playhead;
    playhead = ticks;
    if (moved) return resting;
    const places = await Promise.all((await videoItems(ppro, sequence)).flat().map(placeOf));
    const at = BigInt(ticks);
    resting = places
      .filter(({ start, end }) => start <= at && at < end)
      .map(({ text }) => text)
      .join(' ');
    return resting;
  }

  return async () => {
    const open = await openSequence(ppro).catch(thrown => {
      if (toAppError(thrown).code !== 'NO_SEQUENCE') throw thrown;
      return undefined;
    });
    if (!open) return '';
    const { sequence } = open;
    const [points, end, selection, markers] = await Promise.all([
      readPoints(sequence),
      sequence.getEndTime(),
      sequence.getSelection(),
      readMarkers(ppro, sequence),
    ]);
    const items = await selection.getTrackItems();
    const selected = items.map(async item => {
      const source = await sourceOf(ppro, item);
      const wishes = source ? await readWishes(ppro, source.clip) : [];
      return [(await placeOf(item)).text, ...wishes.map(markerText)].join(' ');
    });
    return [
      sequence.guid.toString(),
      points.inPoint,
      points.outPoint,
      end.ticks,
      ...markers.map(markerText),
      ...(items.length > 0 ? await Promise.all(selected) : [await underPlayhead(sequence)]),
    ].join(' ');
  };
}
