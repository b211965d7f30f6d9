import type { AfterEffectsCalls } from '#protocol/host-facts';
import { asFailure, fail } from '../failure';
import { samePath } from '../premiere/timeline';
import { asOneStep, layersOf, openComposition, openProject, toFrames, toSeconds, withoutDialogs } from './composition';
import type { AeApp, AeComposition, AeFile, AeGlobals, AeLayer, AeProject, AeQueueItem } from './dom';

/** Files that hold no film: sound, and single pictures (whose names hold the place of a number). */
var noFilm = /\.(wav|aif|aiff|mp3|png|jpg|jpeg|tif|tiff|exr|dpx|psd|tga|sgi|iff|cin|hdr)$/i;

/** Names of the output module templates. An item is put into the queue for it and taken out again where none is there. */
export function readTemplates(
  app: AeApp,
  params: AfterEffectsCalls['templates']['params'],
): AfterEffectsCalls['templates']['value'] {
  var composition = openComposition(app, params.composition);
  var queue = openProject(app).renderQueue;
  if (queue.numItems > 0) return { templates: namesOf(queue.item(1)) };
  return asOneStep(app, 'read the output templates', function () {
    var item = queue.items.add(composition);
    try {
      return { templates: namesOf(item) };
    } finally {
      item.remove();
    }
  });
}

/** Names that begin with "_HIDDEN" are the application's own. */
function namesOf(item: AeQueueItem): string[] {
  var all = item.outputModule(1).templates;
  var out: string[] = [];
  for (var i = 0; i < all.length; i++) if (String(all[i]).indexOf('_HIDDEN') !== 0) out.push(String(all[i]));
  return out;
}

/**
 * Renders frames `first` to `end` (excluded) of a composition by the render queue, with some layers hidden, and puts
 * everything back as it was. One call, so that a panel that is closed meanwhile leaves nothing changed behind.
 * Undo groups are closed before the render: one that is open while it runs is reported as a mismatch.
 */
export function exportComposition(
  app: AeApp,
  globals: AeGlobals,
  params: AfterEffectsCalls['exportRange']['params'],
): AfterEffectsCalls['exportRange']['value'] {
  var composition = openComposition(app, params.composition);
  var project = openProject(app);
  if (project.renderQueue.rendering)
    fail('EXPORT_FAILED', { path: params.path, problem: 'the render queue is at work' });
  var hidden: AeLayer[] = [];
  var paused: AeQueueItem[] = [];
  var failure: unknown;
  var item: AeQueueItem | undefined;
  var path = params.path;
  var sizeBytes = 0;
  try {
    asOneStep(app, 'export', function () {
      hideLayers(composition, params, hidden);
      pauseOthers(project, params.path, paused);
      item = project.renderQueue.items.add(composition);
      path = prepare(composition, item, globals, params);
    });
    withoutDialogs(app, function () {
      project.renderQueue.render();
    });
    var status = item ? item.status : -1;
    var file = new globals.File(path);
    if (status !== globals.RQItemStatus.DONE) {
      // What was written until then is no film of that range.
      if (file.exists) file.remove();
      fail('EXPORT_FAILED', { path: path, problem: 'the render did not end well (status ' + status + ')' });
    }
    if (!file.exists || file.length === 0) fail('EXPORT_FAILED', { path: path, problem: 'no file was written' });
    sizeBytes = Number(file.length);
  } catch (thrown) {
    failure = thrown;
  }
  var left = asOneStep(app, 'export done', function () {
    return restore(project, item, hidden, paused);
  });
  if (failure && left !== '') {
    var known = asFailure(failure);
    fail('EXPORT_FAILED', {
      path: path,
      problem: String(known.details.problem || known.code) + '; and not everything is as it was: ' + left,
    });
  }
  if (failure) throw failure;
  return { path: path, sizeBytes: sizeBytes, left: left };
}

/** Layers are named by index, name and start, so that a composition that changed meanwhile is noticed. */
function hideLayers(
  composition: AeComposition,
  params: AfterEffectsCalls['exportRange']['params'],
  hidden: AeLayer[],
): void {
  var all = layersOf(composition);
  for (var i = 0; i < params.hide.length; i++) {
    var wanted = params.hide[i];
    var layer = all[wanted.index - 1];
    if (!layer || String(layer.name) !== wanted.name)
      return fail('EXPORT_FAILED', { path: params.path, problem: 'the layers were changed meanwhile' });
    if (!layer.enabled) continue;
    hidden.push(layer);
    setEnabled(layer, false);
    if (layer.enabled)
      fail('EXPORT_FAILED', { path: params.path, problem: 'layer "' + String(layer.name) + '" cannot be hidden' });
  }
}

/** A locked layer takes no change: it is unlocked for the moment. */
function setEnabled(layer: AeLayer, on: boolean): void {
  var locked = layer.locked;
  if (locked) layer.locked = false;
  try {
    layer.enabled = on;
  } finally {
    if (locked) layer.locked = true;
  }
}

/** Every queued item is rendered when the queue is started; ours alone is meant. */
function pauseOthers(project: AeProject, path: string, paused: AeQueueItem[]): void {
  var queue = project.renderQueue;
  for (var i = 1; i <= queue.numItems; i++) {
    var item = queue.item(i);
    // One that is done cannot be set, and need not be.
    if (!item.render) continue;
    paused.push(item);
    item.render = false;
    if (item.render)
      fail('EXPORT_FAILED', { path: path, problem: 'item ' + i + ' of the render queue cannot be held back' });
  }
}

/** @returns the path with the extension that the template decides */
function prepare(
  composition: AeComposition,
  item: AeQueueItem,
  globals: AeGlobals,
  params: AfterEffectsCalls['exportRange']['params'],
): string {
  var failed = function (problem: string): never {
    return fail('EXPORT_FAILED', { path: params.path, problem: problem });
  };
  if (item.setSettings) {
    try {
      item.setSettings({ Quality: 'Best', Resolution: 'Full' });
    } catch (thrown) {
      // The words may be translated; a picture of the wrong size is refused when it arrives.
    }
  }
  item.timeSpanStart = toSeconds(composition, params.first);
  item.timeSpanDuration = toSeconds(composition, params.end - params.first);
  if (
    toFrames(composition, item.timeSpanStart) !== params.first ||
    toFrames(composition, item.timeSpanDuration) !== params.end - params.first
  )
    fail('HOST_RANGE_IGNORED', {});
  item.outputModule(1).applyTemplate(params.template);
  // Fetched again: the module that settings were made on is another afterwards.
  var module = item.outputModule(1);
  if (String(module.name) !== params.template) failed('the output template "' + params.template + '" was not taken');
  var usual = module.file ? decodeURI(String(module.file.name)) : 'film.mov';
  if (/\[#+\]/.test(usual) || noFilm.test(usual))
    failed('the output template "' + params.template + '" writes no film');
  var ending = /\.[A-Za-z0-9]+$/.exec(usual);
  var path = params.path + (ending ? ending[0] : '.mov');
  var file = new globals.File(path);
  // A file that lay there before would read as success, and a question whether to replace it would block.
  if (file.exists) file.remove();
  file = new globals.File(path);
  if (file.exists) failed('an older file of that name cannot be removed');
  module.file = file;
  module.postRenderAction = globals.PostRenderAction.NONE;
  module = item.outputModule(1);
  var taken: AeFile | null = module.file;
  if (!taken || !samePath(String(taken.fsName), String(file.fsName))) failed('the file name was not taken');
  if (module.postRenderAction !== globals.PostRenderAction.NONE) failed('the output template imports what it renders');
  if (!item.render) {
    item.render = true;
    if (!item.render) failed('the item of the render queue is not ready');
  }
  return String(file.fsName);
}

/** One that fails must not keep the others from being put back. @returns what could not be, '' for nothing */
function restore(project: AeProject, item: AeQueueItem | undefined, hidden: AeLayer[], paused: AeQueueItem[]): string {
  var left: string[] = [];
  var attempt = function (what: string, work: () => boolean): void {
    var done = false;
    try {
      done = work();
    } catch (thrown) {
      done = false;
    }
    if (!done) left.push(what);
  };
  var show = function (layer: AeLayer): void {
    attempt('layer "' + String(layer.name) + '"', function () {
      setEnabled(layer, true);
      return layer.enabled;
    });
  };
  for (var i = 0; i < hidden.length; i++) show(hidden[i]);
  var queue = function (other: AeQueueItem): void {
    attempt('render queue', function () {
      other.render = true;
      return other.render;
    });
  };
  for (var k = 0; k < paused.length; k++) queue(paused[k]);
  if (item) {
    var own = item;
    attempt('render queue', function () {
      var before = project.renderQueue.numItems;
      own.remove();
      return project.renderQueue.numItems === before - 1;
    });
  }
  return left.join(', ');
}
