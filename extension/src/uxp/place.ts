import type { Action, Sequence, VideoClipTrackItem } from '@adobe/premierepro';
import { AppError } from '#protocol/errors';
import type { PlacedFacts, PremiereCalls } from '#protocol/host-facts';
import { isInside } from '../host/host-path';
import { prepareLabel, readLabel } from './import';
import type { Premiere } from './modules';
import {
  findItems,
  firstChanged,
  isNear,
  openSequence,
  pathOf,
  samePath,
  snapshot,
  sourceOf,
  videoItems,
  audioItems,
  type OpenSequence,
} from './timeline';
import { transact } from './transaction';

type Calls = PremiereCalls;
/** Results have no sound; which index would mean "no audio track" is not documented. */
const audioTrack = 0;

type Lying = {
  readonly item: VideoClipTrackItem;
  readonly track: number;
  readonly start: string;
  readonly end: string;
};

async function clipsOfPath(ppro: Premiere, sequence: Sequence, path: string): Promise<Lying[]> {
  const found: Lying[] = [];
  for (const [track, items] of (await videoItems(ppro, sequence)).entries()) {
    for (const item of items) {
      const source = await sourceOf(ppro, item);
      if (!source || !samePath(await pathOf(source.clip), path)) continue;
      const [start, end] = await Promise.all([item.getStartTime(), item.getEndTime()]);
      found.push({ item, track, start: start.ticks, end: end.ticks });
    }
  }
  return found;
}

/** Every clip on a video track that shows a file of `folder`. Locked tracks are not told by UXP. */
export async function findPlaced(
  ppro: Premiere,
  { sequence: id, folder }: Calls['findPlaced']['params'],
): Promise<Calls['findPlaced']['value']> {
  const { sequence } = await openSequence(ppro, id);
  const placed: PlacedFacts[] = [];
  for (const [track, items] of (await videoItems(ppro, sequence)).entries()) {
    for (const [index, item] of items.entries()) {
      const source = await sourceOf(ppro, item);
      const path = source ? await pathOf(source.clip) : '';
      if (!source || !isInside(path, folder)) continue;
      const [start, end, label] = await Promise.all([
        item.getStartTime(),
        item.getEndTime(),
        readLabel(ppro, source.item),
      ]);
      placed.push({ track, nodeId: `${track}:${index}`, start: start.ticks, end: end.ticks, path, label });
    }
  }
  return { placed, locked: [] };
}

/**
 * Puts an imported file on a free stretch of an existing track and trims it: one undo step, or two where the host does
 * not trim along. What the calls return is not looked at: the tracks are. A second call for a file that lies on the
 * timeline already changes nothing.
 */
export async function place(ppro: Premiere, params: Calls['place']['params']): Promise<Calls['place']['value']> {
  const { path, track, start, end, free } = params;
  const open = await openSequence(ppro, params.sequence);
  const { project, sequence } = open;
  const there = (await clipsOfPath(ppro, sequence, path))[0];
  if (there) return { track: there.track, start: there.start, end: there.end, already: true };
  await checkFree(ppro, sequence, track, start, free);
  const found = (await findItems(ppro, project, path))[0];
  if (!found) throw new AppError('IMPORT_FAILED', { path });

  const timebase = await sequence.getTimebase();
  const before = await snapshot(ppro, sequence);
  const label = await prepareLabel(ppro, found, params.label);
  const { SequenceEditor, TickTime } = ppro;
  const length = TickTime.createWithTicks(String(BigInt(end) - BigInt(start)));
  const { problem } = transact(project, 'Reverie: place result', () => [
    ...label(),
    ...(params.scale ? [found.clip.createSetScaleToFrameSizeAction()] : []),
    ...(free === end ? [] : optionally(() => found.clip.createSetInOutPointsAction(TickTime.TIME_ZERO, length))),
    SequenceEditor.getEditor(sequence).createOverwriteItemAction(
      found.item,
      TickTime.createWithTicks(start),
      track,
      audioTrack,
    ),
  ]);

  const changed = firstChanged(before, await snapshot(ppro, sequence));
  if (changed)
    throw new AppError('TIMELINE_CHANGED', { clip: changed.name, track: `${changed.kind}${changed.track + 1}` });
  let lying = await clipsOfPath(ppro, sequence, path);
  if (lying.length === 0)
    throw new AppError('NOT_PLACED', { problem: problem ?? 'the application said yes and the track shows nothing' });
  if (lying.length > 1 || lying[0].track !== track || !isNear(lying[0].start, start, timebase))
    throw await takenAway(ppro, open, path, 'it was put on another track or at another time');
  if (BigInt(lying[0].end) > BigInt(end)) {
    const [{ item }] = lying;
    transact(project, 'Reverie: trim result', () => [item.createSetEndAction(TickTime.createWithTicks(end))]);
    lying = await clipsOfPath(ppro, sequence, path);
  }
  // Half a frame of a result that is short by its own rounding, and never more.
  const isTrimmed = lying.length === 1 && differ(lying[0].end, end) <= BigInt(timebase);
  if (!isTrimmed || !isNear(lying[0].start, start, timebase))
    throw await takenAway(ppro, open, path, 'it could not be trimmed to the length of the source');
  if ((await soundOfPath(ppro, sequence, path)) > 0)
    throw await takenAway(ppro, open, path, 'it brought a sound along');
  return { track, start: lying[0].start, end: lying[0].end, already: false };
}

const differ = (a: string, b: string) => (BigInt(a) > BigInt(b) ? BigInt(a) - BigInt(b) : BigInt(b) - BigInt(a));

/** An action that some versions cannot make: what it would have done is read back and made up for. */
function optionally(make: () => Action): readonly Action[] {
  try {
    return [make()];
  } catch {
    return [];
  }
}

async function checkFree(
  ppro: Premiere,
  sequence: Sequence,
  track: number,
  start: string,
  free: string,
): Promise<void> {
  const items = (await videoItems(ppro, sequence))[track];
  if (!items) throw new AppError('NOT_PLACED', { problem: `there is no video track ${track + 1}` });
  for (const item of items) {
    const [from, to, name] = await Promise.all([item.getStartTime(), item.getEndTime(), item.getName()]);
    if (BigInt(from.ticks) < BigInt(free) && BigInt(to.ticks) > BigInt(start))
      throw new AppError('NOT_PLACED', { problem: `"${name}" lies there on video track ${track + 1}` });
  }
}

async function soundOfPath(ppro: Premiere, sequence: Sequence, path: string): Promise<number> {
  const sources = await Promise.all((await audioItems(ppro, sequence)).flat().map(item => sourceOf(ppro, item)));
  const paths = await Promise.all(sources.map(source => (source ? pathOf(source.clip) : '')));
  return paths.filter(each => samePath(each, path)).length;
}

/** Takes what was placed wrongly off again, and says how that went. */
async function takenAway(ppro: Premiere, open: OpenSequence, path: string, problem: string): Promise<AppError> {
  const left = await takeAway(ppro, open, path);
  return new AppError('NOT_PLACED', {
    problem: `${problem}, and ${left === 0 ? 'was taken away again' : 'could not be taken away'}`,
  });
}

/** @returns how many clips of the file are still there */
async function takeAway(ppro: Premiere, { project, sequence }: OpenSequence, path: string): Promise<number> {
  const { SequenceEditor, TrackItemSelection, Constants } = ppro;
  const lying = await clipsOfPath(ppro, sequence, path);
  if (lying.length === 0) return 0;
  transact(project, 'Reverie: remove result', () => {
    const actions: Action[] = [];
    TrackItemSelection.createEmptySelection(selection => {
      for (const { item } of lying) selection.addItem(item);
      actions.push(
        SequenceEditor.getEditor(sequence).createRemoveItemsAction(selection, false, Constants.MediaType.ANY, false),
      );
    });
    return actions;
  });
  return (await clipsOfPath(ppro, sequence, path)).length + (await soundOfPath(ppro, sequence, path));
}

/** Takes every clip of the file off the timeline, closes no gap, and leaves the item in its bin. */
export async function remove(
  ppro: Premiere,
  { sequence, path }: Calls['remove']['params'],
): Promise<Calls['remove']['value']> {
  const open = await openSequence(ppro, sequence);
  const count = (await clipsOfPath(ppro, open.sequence, path)).length;
  if ((await takeAway(ppro, open, path)) > 0) throw new AppError('REMOVE_FAILED');
  return { removed: count };
}

/**
 * A new video track on top. No call adds one: inserting above the last track does, and an insert moves what lies behind
 * it. So the file is inserted at the very end, where nothing can be moved, and taken off again; proved by the count and
 * by every clip lying where it lay.
 */
export async function addTrack(
  ppro: Premiere,
  { sequence: id, path }: Calls['addTrack']['params'],
): Promise<Calls['addTrack']['value']> {
  const open = await openSequence(ppro, id);
  const { project, sequence } = open;
  const found = (await findItems(ppro, project, path))[0];
  if (!found) throw new AppError('IMPORT_FAILED', { path });
  const count = await sequence.getVideoTrackCount();
  const before = await snapshot(ppro, sequence);
  const atEnd = await sequence.getEndTime();
  const { problem } = transact(project, 'Reverie: add a track', () => [
    ppro.SequenceEditor.getEditor(sequence).createInsertProjectItemAction(found.item, atEnd, count, audioTrack, true),
  ]);
  const left = await takeAway(ppro, open, path);
  const moved = firstChanged(before, await snapshot(ppro, sequence));
  if (moved) throw new AppError('TRACKS_SHIFTED', { clip: moved.name });
  if (left > 0)
    throw new AppError('NO_FREE_TRACK', { problem: 'what was laid there to make one could not be taken away' });
  if ((await sequence.getVideoTrackCount()) !== count + 1)
    throw new AppError('NO_FREE_TRACK', { problem: problem ?? 'this version adds none by script' });
  return { videoTracks: count + 1 };
}
