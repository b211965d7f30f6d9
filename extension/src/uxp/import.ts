import type { Action, ClipProjectItem, FolderItem, Project, ProjectItem } from '@adobe/premierepro';
import { AppError } from '#protocol/errors';
import type { PremiereCalls } from '#protocol/host-facts';
import type { HostTimes, Premiere } from './modules';
import { asFolder, findItems, openSequence, pathOf, samePath } from './timeline';
import { transact } from './transaction';

type Calls = PremiereCalls;
type Found = { readonly item: ProjectItem; readonly clip: ClipProjectItem };

const field = 'Reverie.Result';

/** Imports a file once: an item that shows it already is taken, wherever the user has put it. Labelled when placed. */
export async function importFile(
  ppro: Premiere,
  { path, bin, label }: Calls['importFile']['params'],
  { pollMs, importMs }: HostTimes,
): Promise<Calls['importFile']['value']> {
  const { project } = await openSequence(ppro);
  let items = await findItems(ppro, project, path);
  if (items.length === 0) {
    const target = await openBin(ppro, project, bin);
    // What is answered proves nothing, and it gives no item: the project is searched again.
    await project.importFiles([path], true, ppro.ProjectItem.cast(target), false);
    for (let waited = 0; items.length === 0 && waited < importMs; waited += pollMs) {
      if (waited > 0) await new Promise(resolve => setTimeout(resolve, pollMs));
      items = await findItems(ppro, project, path);
    }
    if (items.length === 0) throw new AppError('IMPORT_FAILED', { path });
  }
  return {
    path: await pathOf(items[0].clip),
    copies: items.length,
    labelled: (await readLabel(ppro, items[0].item)) === label,
  };
}

/** Shows another file in an item, so that every clip of it keeps its place, trim and effects. Cannot be undone in UXP. */
export async function replace(
  ppro: Premiere,
  { from, to, label }: Calls['replace']['params'],
): Promise<Calls['replace']['value']> {
  const { project } = await openSequence(ppro);
  const failed = (problem: string) => new AppError('REPLACE_FAILED', { path: from, problem });
  const older = await findItems(ppro, project, from);
  for (const { clip } of older) {
    if (!(await clip.canChangeMediaPath())) throw failed('the item does not let its file be changed');
    await clip.changeMediaFilePath(to, true);
    if (!samePath(await pathOf(clip), to)) throw failed('the item still shows the older file');
    await clip.refreshMedia();
  }
  // None of the older file: sent again after an answer that got lost.
  const items = await findItems(ppro, project, to);
  if (items.length === 0)
    throw failed(older.length === 0 ? 'it is not in the project any more' : 'the item still shows the older file');
  const labels = await Promise.all(items.map(each => prepareLabel(ppro, each, label)));
  transact(project, 'Reverie: label result', () => labels.flatMap(make => make()));
  return { path: await pathOf(items[0].clip), labelled: (await readLabel(ppro, items[0].item)) === label };
}

async function openBin(ppro: Premiere, project: Project, name: string): Promise<FolderItem> {
  const root = await project.getRootItem();
  const find = async () => {
    const folders = (await root.getItems()).map(item => asFolder(ppro, item));
    return folders.find(folder => folder?.name === name);
  };
  const there = await find();
  if (there) return there;
  const { problem = 'it does not appear' } = transact(project, `Reverie: bin "${name}"`, () => [
    root.createBinAction(name, false),
  ]);
  const made = await find();
  if (!made) throw new AppError('HOST_FAILED', { problem: `the bin "${name}" could not be made: ${problem}` });
  return made;
}

/** XMP writes a property as an element or as an attribute. */
export async function readLabel({ Metadata }: Premiere, item: ProjectItem): Promise<string> {
  return /Reverie\.Result(?:="|>)([^"<]*)/.exec((await Metadata.getProjectMetadata(item)) || '')?.[1] ?? '';
}

/**
 * The label is a word of letters, digits and `%._~-` only, so it needs no escaping in XML.
 * @returns makes the actions, inside the lock; none where the item has the label
 */
export async function prepareLabel(ppro: Premiere, { item }: Found, label: string): Promise<() => readonly Action[]> {
  const { Metadata } = ppro;
  if ((await readLabel(ppro, item)) === label) return () => [];
  await Metadata.addPropertyToProjectMetadataSchema(field, field, Metadata.METADATA_TYPE_TEXT);
  const metadata =
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">' +
    '<rdf:Description rdf:about="" xmlns:premierePrivateProjectMetaData="http://ns.adobe.com/premierePrivateProjectMetaData/1.0/">' +
    `<premierePrivateProjectMetaData:${field}>${label}</premierePrivateProjectMetaData:${field}></rdf:Description></rdf:RDF></x:xmpmeta>`;
  return () => [Metadata.createSetProjectMetadataAction(item, metadata, [field])];
}
