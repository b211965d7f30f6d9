import type {
  AudioClipTrackItem,
  ClipProjectItem,
  FolderItem,
  Project,
  ProjectItem,
  Sequence,
  VideoClipTrackItem,
} from '@adobe/premierepro';
import { AppError } from '#protocol/errors';
import { normalPath } from '../host/host-path';
import type { Premiere } from './modules';

export type OpenSequence = { readonly project: Project; readonly sequence: Sequence };

/** Never kept: what was read before a change may be stale after it. @throws AppError NO_SEQUENCE */
export async function openSequence({ Project }: Premiere, id?: string): Promise<OpenSequence> {
  const project = (await Project.getActiveProject()) as Project | null | undefined;
  const active = (await project?.getActiveSequence()) as Sequence | null | undefined;
  if (!project) throw new AppError('NO_SEQUENCE');
  const all = id === undefined || active?.guid.toString() === id ? [active] : await project.getSequences();
  const sequence = all.find(each => each && (id === undefined || each.guid.toString() === id));
  if (!sequence) throw new AppError('NO_SEQUENCE');
  return { project, sequence };
}

type TrackItem = VideoClipTrackItem | AudioClipTrackItem;

async function itemsOf<Item extends TrackItem>(
  { Constants }: Premiere,
  count: number,
  track: (index: number) => Promise<{ getTrackItems(type: number, empty: boolean): Item[] }>,
): Promise<Item[][]> {
  const tracks = await Promise.all(Array.from({ length: count }, (_, index) => track(index)));
  return tracks.map(each => each.getTrackItems(Constants.TrackItemType.CLIP, false));
}

/** Clips of the video tracks, from the bottom. */
export async function videoItems(ppro: Premiere, sequence: Sequence): Promise<VideoClipTrackItem[][]> {
  return itemsOf(ppro, await sequence.getVideoTrackCount(), index => sequence.getVideoTrack(index));
}

export async function audioItems(ppro: Premiere, sequence: Sequence): Promise<AudioClipTrackItem[][]> {
  return itemsOf(ppro, await sequence.getAudioTrackCount(), index => sequence.getAudioTrack(index));
}

/** The clip in the project that a clip on a track shows; none for titles and the like, and for bins. */
export async function sourceOf(
  ppro: Premiere,
  item: TrackItem,
): Promise<{ item: ProjectItem; clip: ClipProjectItem } | undefined> {
  const of = (await item.getProjectItem()) as ProjectItem | null | undefined;
  return of ? asClip(ppro, of) : undefined;
}

export function asClip(ppro: Premiere, item: ProjectItem): { item: ProjectItem; clip: ClipProjectItem } | undefined {
  if (asFolder(ppro, item)) return undefined;
  const clip = ppro.ClipProjectItem.cast(item) as ClipProjectItem | null | undefined;
  return clip ? { item, clip } : undefined;
}

export function asFolder({ ProjectItem, FolderItem }: Premiere, item: ProjectItem): FolderItem | undefined {
  return item.type === ProjectItem.TYPE_BIN || item.type === ProjectItem.TYPE_ROOT ? FolderItem.cast(item) : undefined;
}

export const pathOf = async (clip: ClipProjectItem): Promise<string> => (await clip.getMediaFilePath()) || '';
export const samePath = (a: string, b: string) => normalPath(a) === normalPath(b);

/** Every clip of the project that shows the file, depth first. */
export async function findItems(
  ppro: Premiere,
  project: Project,
  path: string,
): Promise<{ item: ProjectItem; clip: ClipProjectItem }[]> {
  const found: { item: ProjectItem; clip: ClipProjectItem }[] = [];
  async function walk(folder: FolderItem): Promise<void> {
    for (const item of await folder.getItems()) {
      const inner = asFolder(ppro, item);
      const clip = inner ? undefined : asClip(ppro, item);
      if (inner) await walk(inner);
      else if (clip && samePath(await pathOf(clip.clip), path)) found.push(clip);
    }
  }
  await walk(await project.getRootItem());
  return found;
}

export type Laid = {
  readonly kind: 'V' | 'A';
  readonly track: number;
  readonly name: string;
  readonly start: string;
  readonly end: string;
  readonly path: string;
};

/** Where every clip lies, to be compared after a change that was meant to leave them alone. */
export async function snapshot(ppro: Premiere, sequence: Sequence): Promise<Laid[]> {
  const lay = (kind: Laid['kind'], tracks: readonly (readonly TrackItem[])[]) =>
    tracks.flatMap((items, track) =>
      items.map(async item => {
        const [name, start, end, source] = await Promise.all([
          item.getName(),
          item.getStartTime(),
          item.getEndTime(),
          sourceOf(ppro, item),
        ]);
        return { kind, track, name, start: start.ticks, end: end.ticks, path: source ? await pathOf(source.clip) : '' };
      }),
    );
  return Promise.all([...lay('V', await videoItems(ppro, sequence)), ...lay('A', await audioItems(ppro, sequence))]);
}

/** The first clip of `before` that is not where it was. Objects change with edits, so places count. */
export function firstChanged(before: readonly Laid[], after: readonly Laid[]): Laid | undefined {
  const key = ({ kind, track, name, start, end }: Laid) => JSON.stringify([kind, track, name, start, end]);
  const left = after.map(key);
  return before.find(each => {
    const at = left.indexOf(key(each));
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** Within half a frame, by which a placement may be off. */
export function isNear(a: string, b: string, timebase: string): boolean {
  const difference = BigInt(a) - BigInt(b);
  return (difference < 0n ? -difference : difference) * 2n < BigInt(timebase);
}
