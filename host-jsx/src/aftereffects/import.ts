import type { AfterEffectsCalls } from '#protocol/host-facts';
import { fail } from '../failure';
import {
  asOneStep,
  isComposition,
  itemsOfPath,
  layersOf,
  openProject,
  pathOfItem,
  pathOfLayer,
  snapshot,
  withoutDialogs,
} from './composition';
import type { AeApp, AeComposition, AeGlobals, AeItem, AeProject, AeSource } from './dom';
import { samePath } from '../premiere/timeline';

/** Imports a file once: an item that shows it already is taken, wherever the user has put it. */
export function importFootage(
  app: AeApp,
  globals: AeGlobals,
  params: AfterEffectsCalls['importFile']['params'],
): AfterEffectsCalls['importFile']['value'] {
  var project = openProject(app);
  return asOneStep(app, 'import', function () {
    var items = itemsOfPath(project, params.path);
    if (items.length === 0) {
      var file = new globals.File(params.path);
      if (!file.exists) fail('IMPORT_FAILED', { path: params.path });
      var options = new globals.ImportOptions(file);
      if (!options.canImportAs(globals.ImportAsType.FOOTAGE)) fail('IMPORT_FAILED', { path: params.path });
      options.importAs = globals.ImportAsType.FOOTAGE;
      options.sequence = false;
      withoutDialogs(app, function () {
        project.importFile(options);
      });
      items = itemsOfPath(project, params.path);
      if (items.length === 0) return fail('IMPORT_FAILED', { path: params.path });
      items[0].parentFolder = openFolder(project, params.bin);
      conform(items[0], params.fps, params.path);
    }
    items[0].comment = params.label;
    return { path: pathOfItem(items[0]), copies: items.length, labelled: String(items[0].comment) === params.label };
  });
}

/** The rate that the file was rendered at, where the application reads another. */
function conform(item: AeSource, fps: number, path: string): void {
  if (Math.abs(Number(item.frameRate) - fps) < 0.01 || !item.mainSource) return;
  item.mainSource.conformFrameRate = fps;
  if (Math.abs(Number(item.frameRate) - fps) >= 0.01) {
    var read = Number(item.frameRate);
    item.remove();
    fail('HOST_FAILED', { problem: path + ' is read at ' + read + ' instead of ' + fps + ' frames a second' });
  }
}

/** Folders have items and no frames. */
function findFolder(project: AeProject, name: string): AeItem | undefined {
  for (var i = 1; i <= project.numItems; i++) {
    var item = project.item(i) as AeItem & { items?: unknown; numLayers?: number };
    if (item.items !== undefined && item.numLayers === undefined && String(item.name) === name) return item;
  }
  return undefined;
}

function openFolder(project: AeProject, name: string): AeItem {
  var found = findFolder(project, name);
  if (found) return found;
  project.items.addFolder(name);
  return findFolder(project, name) || fail('HOST_FAILED', { problem: 'the folder "' + name + '" could not be made' });
}

function compositionsWith(project: AeProject, path: string): AeComposition[] {
  var out: AeComposition[] = [];
  for (var i = 1; i <= project.numItems; i++) {
    var item: unknown = project.item(i);
    if (!isComposition(item)) continue;
    var layers = layersOf(item);
    for (var k = 0; k < layers.length; k++) {
      if (!samePath(pathOfLayer(layers[k]), path)) continue;
      out.push(item);
      break;
    }
  }
  return out;
}

function linesOf(compositions: AeComposition[]): string {
  var out: string[] = [];
  for (var i = 0; i < compositions.length; i++) {
    var lines = snapshot(compositions[i], '');
    // A layer without a name of its own is called after its file, which is what changes.
    for (var k = 0; k < lines.length; k++) out.push(lines[k].line.substr(lines[k].name.length));
  }
  return out.join('\n');
}

/** Shows another file in an item, so that every layer of it keeps its place, trim and effects. */
export function replaceFootage(
  app: AeApp,
  globals: AeGlobals,
  params: AfterEffectsCalls['replace']['params'],
): AfterEffectsCalls['replace']['value'] {
  var project = openProject(app);
  return asOneStep(app, 'replace a result', function () {
    var items = itemsOfPath(project, params.from);
    if (items.length === 0) {
      // Sent again after an answer that got lost: done already.
      items = itemsOfPath(project, params.to);
      if (items.length === 0)
        return fail('REPLACE_FAILED', { path: params.from, problem: 'it is not in the project any more' });
    }
    var where = compositionsWith(project, pathOfItem(items[0]));
    var before = linesOf(where);
    for (var i = 0; i < items.length; i++) {
      var item = items[i];
      if (!item.replace)
        return fail('REPLACE_FAILED', { path: params.from, problem: 'the item does not let its file be changed' });
      var show = item.replace;
      withoutDialogs(app, function () {
        show.call(item, new globals.File(params.to));
      });
      if (!samePath(pathOfItem(item), params.to))
        fail('REPLACE_FAILED', { path: params.from, problem: 'the item still shows the older file' });
      if (linesOf(where) !== before) {
        show.call(item, new globals.File(params.from));
        fail('REPLACE_FAILED', {
          path: params.from,
          problem: 'its layers would not have kept their in and out points',
        });
      }
      item.comment = params.label;
    }
    var labelled = true;
    for (var c = 0; c < where.length; c++) {
      var layers = layersOf(where[c]);
      for (var k = 0; k < layers.length; k++) {
        if (!samePath(pathOfLayer(layers[k]), params.to)) continue;
        layers[k].comment = params.label;
        labelled = labelled && String(layers[k].comment) === params.label;
      }
    }
    return { path: pathOfItem(items[0]), labelled: labelled };
  });
}
