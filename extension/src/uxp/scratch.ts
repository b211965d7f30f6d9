import type { Project, Sequence } from '@adobe/premierepro';
import { AppError } from '#protocol/errors';
import type { PremiereScratchCalls, UxpProbes } from '#protocol/host-facts';
import type { PlugInFiles } from './files';
import type { HostTimes, Premiere } from './modules';
import { runExport } from './export';
import { readPoints } from './read';
import { asFolder, findItems, firstChanged, isNear, openSequence, snapshot } from './timeline';
import { transact } from './transaction';

/** What the checks of a host need of Premiere beside the usual calls, on a sequence that they made. */
type Calls = PremiereScratchCalls & UxpProbes;

const idsOf = async (project: Project) => (await project.getSequences()).map(each => each.guid.toString());
const activeId = async (project: Project) =>
  ((await project.getActiveSequence()) as Sequence | null | undefined)?.guid.toString() ?? '';

async function openProject({ Project }: Premiere): Promise<Project> {
  const project = (await Project.getActiveProject()) as Project | null | undefined;
  if (!project) throw new AppError('NO_SEQUENCE');
  return project;
}

/** A sequence of one imported file, made for the checks alone and opened; the person's own is only named. */
export async function openScratch(
  ppro: Premiere,
  { path, name }: Calls['openScratch']['params'],
): Promise<Calls['openScratch']['value']> {
  const project = await openProject(ppro);
  const before = await activeId(project);
  const known = await idsOf(project);
  const [found] = await findItems(ppro, project, path);
  if (!found) throw new AppError('IMPORT_FAILED', { path });
  await project.createSequenceFromMedia(name, [found.clip], ppro.ProjectItem.cast(await project.getRootItem()));
  // Read back, not taken from the call.
  const made = (await project.getSequences()).find(each => !known.includes(each.guid.toString()));
  if (!made) throw new AppError('HOST_FAILED', { problem: 'no sequence was made' });
  await project.openSequence(made);
  return { sequence: made.guid.toString(), before };
}

/** Takes away what the checks made, nothing else, and opens the person's sequence again. */
export async function closeScratch(
  ppro: Premiere,
  { sequence: id, before, bin }: Calls['closeScratch']['params'],
): Promise<Calls['closeScratch']['value']> {
  const { project, sequence } = await openSequence(ppro, id);
  // Named as the checks name theirs: nothing else may be deleted.
  if (sequence.name !== bin) throw new AppError('HOST_FAILED', { problem: 'the scratch sequence is not found again' });
  if (before !== '') await project.openSequence((await openSequence(ppro, before)).sequence);
  await project.deleteSequence(sequence);
  const root = await project.getRootItem();
  const bins = (await root.getItems()).filter(item => asFolder(ppro, item)?.name === bin);
  transact(project, 'Reverie: host checks done', () => bins.map(item => root.createRemoveItemAction(item)));
  const left = (await root.getItems()).some(item => asFolder(ppro, item)?.name === bin);
  return {
    removed: !left && !(await idsOf(project)).includes(id),
    restored: (await activeId(project)) === before,
  };
}

/** Which of the calls that came after 25.6, or that no release documents, are there. */
export async function probeCalls(ppro: Premiere): Promise<Calls['probeCalls']['value']> {
  const { project, sequence } = await openSequence(ppro);
  const owners: Record<string, readonly [object, readonly string[]]> = {
    project: [project, ['createSequenceFromMedia', 'deleteSequence', 'lockedAccess', 'executeTransaction']],
    sequence: [sequence, ['createSetInPointAction', 'createSetOutPointAction', 'getSelection', 'setSelection']],
    editor: [
      ppro.SequenceEditor.getEditor(sequence),
      ['createOverwriteItemAction', 'createInsertProjectItemAction', 'createRemoveItemsAction'],
    ],
    encoder: [ppro.EncoderManager.getManager(), ['exportSequence', 'setSidecarXMPEnabled']],
    events: [ppro.EventManager, ['addEventListener', 'addGlobalEventListener']],
    properties: [ppro.Properties ?? {}, ['getProperties']],
  };
  const missing = Object.entries(owners).flatMap(([owner, [object, names]]) =>
    names
      .filter(name => typeof (object as Record<string, unknown>)[name] !== 'function')
      .map(name => `${owner}.${name}`),
  );
  return { missing };
}

/** What points that are not set read as, whether they take a time, and whether they can be unset again. */
export async function probePoints(
  ppro: Premiere,
  { sequence: id }: Calls['probePoints']['params'],
): Promise<Calls['probePoints']['value']> {
  const { project, sequence } = await openSequence(ppro, id);
  const { TickTime } = ppro;
  const timebase = await sequence.getTimebase();
  const read = async () => ({
    inPoint: (await sequence.getInPoint()).ticks,
    outPoint: (await sequence.getOutPoint()).ticks,
  });
  const set = (inPoint: string, outPoint: string) =>
    transact(project, 'Reverie: host check', () => [
      sequence.createSetInPointAction(TickTime.createWithTicks(inPoint)),
      sequence.createSetOutPointAction(TickTime.createWithTicks(outPoint)),
    ]);
  const unset = await read();
  const wanted = { inPoint: String(2n * BigInt(timebase)), outPoint: String(7n * BigInt(timebase)) };
  set(wanted.inPoint, wanted.outPoint);
  const now = await read();
  set(unset.inPoint, unset.outPoint);
  const again = await readPoints(sequence);
  return {
    unset,
    taken: isNear(now.inPoint, wanted.inPoint, timebase) && isNear(now.outPoint, wanted.outPoint, timebase),
    unsetAgain: again.inPoint === undefined && again.outPoint === undefined,
  };
}

/** Exports the whole sequence: beside an export of a range, the size tells what `exportFull` means. */
export async function probeFull(
  ppro: Premiere,
  files: PlugInFiles,
  { sequence: id, preset, path }: Calls['probeFull']['params'],
  times: HostTimes,
): Promise<Calls['probeFull']['value']> {
  const open = await openSequence(ppro, id);
  return { sizeBytes: await runExport(ppro, files, open, { preset, path, whole: true }, times) };
}

/**
 * Lays a file past the last track, and on the last one with a track number below zero for its sound: neither is
 * documented. Whatever comes of it is taken off by closing the scratch sequence.
 */
export async function probeTracks(
  ppro: Premiere,
  { sequence: id, path }: Calls['probeTracks']['params'],
): Promise<Calls['probeTracks']['value']> {
  const { project, sequence } = await openSequence(ppro, id);
  const [found] = await findItems(ppro, project, path);
  if (!found) throw new AppError('IMPORT_FAILED', { path });
  const lay = async (track: number, audio: number) => {
    const before = await snapshot(ppro, sequence);
    const end = await sequence.getEndTime();
    const { problem = '' } = transact(project, 'Reverie: host check', () => [
      ppro.SequenceEditor.getEditor(sequence).createOverwriteItemAction(found.item, end, track, audio),
    ]);
    const after = await snapshot(ppro, sequence);
    const laid = after.filter(({ start }) => BigInt(start) >= BigInt(end.ticks));
    return {
      problem,
      laidOn: laid.map(({ kind, track: at }) => `${kind}${at + 1}`).join(' '),
      changed: firstChanged(before, after)?.name ?? '',
    };
  };
  const count = await sequence.getVideoTrackCount();
  const above = await lay(count, 0);
  return { above, tracks: (await sequence.getVideoTrackCount()) - count, soundNowhere: await lay(count - 1, -1) };
}

/** Whether a value that is meant to be saved with the sequence is there when it is read again, and can be cleared. */
export async function probeProperties(
  ppro: Premiere,
  { sequence: id }: Calls['probeProperties']['params'],
): Promise<Calls['probeProperties']['value']> {
  const { project, sequence } = await openSequence(ppro, id);
  const name = 'reverie.host-check';
  const read = async () => {
    const kept = await ppro.Properties.getProperties(sequence);
    return kept.hasValue(name) ? kept.getValue(name) : '';
  };
  const properties = await ppro.Properties.getProperties(sequence);
  const set = transact(project, 'Reverie: host check', () => [
    properties.createSetValueAction(name, 'é 1', ppro.Constants.PropertyType.PERSISTENT),
  ]);
  const kept = (await read()) === 'é 1';
  transact(project, 'Reverie: host check', () => [properties.createClearValueAction(name)]);
  return { kept, cleared: (await read()) === '', problem: set.problem ?? '' };
}

/** How many events come when the one clip of a sequence is selected and let go. */
export async function probeEvents(
  ppro: Premiere,
  { sequence: id }: Calls['probeEvents']['params'],
  { pollMs }: HostTimes,
): Promise<Calls['probeEvents']['value']> {
  const { sequence } = await openSequence(ppro, id);
  const { EventManager, Constants, TrackItemSelection } = ppro;
  let events = 0;
  const count = () => void events++;
  EventManager.addEventListener(sequence, Constants.SequenceEvent.SELECTION_CHANGED, count);
  const item = (await sequence.getVideoTrack(0)).getTrackItems(Constants.TrackItemType.CLIP, false)[0];
  for (const isSelected of [true, false]) {
    TrackItemSelection.createEmptySelection(selection => {
      if (isSelected) selection.addItem(item);
      sequence.setSelection(selection);
    });
    await new Promise(resolve => setTimeout(resolve, pollMs));
  }
  EventManager.removeEventListener(sequence, Constants.SequenceEvent.SELECTION_CHANGED, count);
  return { events };
}
