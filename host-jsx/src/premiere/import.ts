import type { PremiereCalls } from '#protocol/host-facts';
import { fail } from '../failure';
import type { PremiereApp, PremiereItem } from './dom';
import { findItem } from './timeline';

var field = 'Reverie.Result';
var textType = 2;
var binType = 2;

/** Imports a file once: an item that shows it already is taken, wherever the user has put it. */
export function importFile(
  app: PremiereApp,
  params: PremiereCalls['importFile']['params'],
): PremiereCalls['importFile']['value'] {
  var project = app.project;
  if (!project) return fail('NO_SEQUENCE', {});
  var items = findItem(project.rootItem, params.path);
  if (items.length === 0) {
    // What `importFiles` returns proves nothing, and it gives no item: the project is searched again.
    project.importFiles([params.path], true, openBin(project.rootItem, params.bin), false);
    items = findItem(project.rootItem, params.path);
    if (items.length === 0) return fail('IMPORT_FAILED', { path: params.path });
    if (params.scale && items[0].setScaleToFrameSize) items[0].setScaleToFrameSize();
  }
  return {
    path: String(items[0].getMediaPath()),
    copies: items.length,
    labelled: writeLabel(app, items[0], params.label),
  };
}

/** Shows another file in an item, so that every clip of it keeps its place, trim and effects. */
export function replace(
  app: PremiereApp,
  params: PremiereCalls['replace']['params'],
): PremiereCalls['replace']['value'] {
  var project = app.project;
  if (!project) return fail('NO_SEQUENCE', {});
  var items = findItem(project.rootItem, params.from);
  if (items.length === 0) {
    // Sent again after an answer that got lost: done already.
    items = findItem(project.rootItem, params.to);
    if (items.length === 0)
      return fail('REPLACE_FAILED', { path: params.from, problem: 'it is not in the project any more' });
  }
  for (var i = 0; i < items.length; i++) {
    var item = items[i];
    if (item.canChangeMediaPath && !item.canChangeMediaPath())
      fail('REPLACE_FAILED', { path: params.from, problem: 'the item does not let its file be changed' });
    if (!item.changeMediaPath)
      fail('REPLACE_FAILED', { path: params.from, problem: 'this version cannot change the file of an item' });
    else item.changeMediaPath(params.to, true);
    if (findItem(project.rootItem, params.to).length <= i)
      fail('REPLACE_FAILED', { path: params.from, problem: 'the item still shows the older file' });
    if (item.refreshMedia) item.refreshMedia();
  }
  return { path: String(items[0].getMediaPath()), labelled: writeLabel(app, items[0], params.label) };
}

function openBin(root: PremiereItem, name: string): PremiereItem {
  var found = findBin(root, name);
  if (found) return found;
  root.createBin(name);
  // Read back, not taken from the call: some versions return nothing.
  return findBin(root, name) || fail('HOST_FAILED', { problem: 'the bin "' + name + '" could not be made' });
}

function findBin(root: PremiereItem, name: string): PremiereItem | undefined {
  var children = root.children;
  for (var i = 0; children && i < children.numItems; i++)
    if (children[i].type === binType && String(children[i].name) === name) return children[i];
  return undefined;
}

/** The label is a word of letters, digits and `%._~-` only (encodeURIComponent outside), so it needs no escaping in XML. */
function writeLabel(app: PremiereApp, item: PremiereItem, label: string): boolean {
  if (readLabel(item) === label) return true;
  var project = app.project;
  if (project && project.addPropertyToProjectMetadataSchema)
    project.addPropertyToProjectMetadataSchema(field, field, textType);
  item.setProjectMetadata(
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">' +
      '<rdf:Description rdf:about="" xmlns:premierePrivateProjectMetaData="http://ns.adobe.com/premierePrivateProjectMetaData/1.0/">' +
      '<premierePrivateProjectMetaData:' +
      field +
      '>' +
      label +
      '</premierePrivateProjectMetaData:' +
      field +
      '></rdf:Description></rdf:RDF></x:xmpmeta>',
    [field],
  );
  return readLabel(item) === label;
}

/** XMP writes a property as an element or as an attribute. */
export function readLabel(item: PremiereItem): string {
  var match = /Reverie\.Result(?:="|>)([^"<]*)/.exec(String(item.getProjectMetadata() || ''));
  return match ? match[1] : '';
}
