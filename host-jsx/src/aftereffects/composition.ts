import { fail } from '../failure';
import { samePath } from '../premiere/timeline';
import type { AeApp, AeComposition, AeItem, AeLayer, AeProject, AeSource } from './dom';

/** A composition has layers and a frame duration; footage and folders have not. */
export function isComposition(item: unknown): item is AeComposition {
  return (
    Boolean(item) &&
    typeof (item as AeComposition).numLayers === 'number' &&
    typeof (item as AeComposition).frameDuration === 'number'
  );
}

export function openProject(app: AeApp): AeProject {
  return app.project || fail('NO_SEQUENCE', {});
}

export function openComposition(app: AeApp, id: string): AeComposition {
  var project = openProject(app);
  for (var i = 1; i <= project.numItems; i++) {
    var item: unknown = project.item(i);
    if (isComposition(item) && String(item.id) === id) return item;
  }
  return fail('NO_SEQUENCE', {});
}

/** Seconds of After Effects are whole frames but for rounding. */
export function toFrames(composition: AeComposition, seconds: number): number {
  return Math.round(seconds / composition.frameDuration);
}

export function toSeconds(composition: AeComposition, frame: number): number {
  return frame * composition.frameDuration;
}

export function layersOf(composition: AeComposition): AeLayer[] {
  var out: AeLayer[] = [];
  for (var i = 1; i <= composition.numLayers; i++) out.push(composition.layer(i));
  return out;
}

export function pathOfItem(item: unknown): string {
  var source = item as AeSource | null | undefined;
  var file = source && source.mainSource ? source.mainSource.file : null;
  return file ? String(file.fsName) : '';
}

export function pathOfLayer(layer: AeLayer): string {
  return pathOfItem(layer.source);
}

export function layersOfPath(composition: AeComposition, path: string): AeLayer[] {
  var all = layersOf(composition);
  var out: AeLayer[] = [];
  for (var i = 0; i < all.length; i++) if (samePath(pathOfLayer(all[i]), path)) out.push(all[i]);
  return out;
}

export function itemsOfPath(project: AeProject, path: string): AeSource[] {
  var out: AeSource[] = [];
  for (var i = 1; i <= project.numItems; i++) {
    var item: AeItem = project.item(i);
    if (samePath(pathOfItem(item), path)) out.push(item as AeSource);
  }
  return out;
}

/** One line a layer, those of `path` left out, from top to bottom: what a change of ours must leave as it is. */
export function snapshot(composition: AeComposition, path: string): { name: string; line: string }[] {
  var all = layersOf(composition);
  var out: { name: string; line: string }[] = [];
  for (var i = 0; i < all.length; i++) {
    var layer = all[i];
    if (path !== '' && samePath(pathOfLayer(layer), path)) continue;
    var line = [
      layer.name,
      toFrames(composition, layer.inPoint),
      toFrames(composition, layer.outPoint),
      toFrames(composition, layer.startTime),
      layer.enabled,
      layer.locked,
    ].join('|');
    out.push({ name: String(layer.name), line: line });
  }
  return out;
}

/** Name of the first layer that is not as it was, or undefined. */
export function firstChanged(
  composition: AeComposition,
  path: string,
  before: { name: string; line: string }[],
): string | undefined {
  var after = snapshot(composition, path);
  for (var i = 0; i < before.length; i++) if (!after[i] || after[i].line !== before[i].line) return before[i].name;
  return after.length > before.length ? after[before.length].name : undefined;
}

/** All that `work` does is one step of the application's undo. The group is closed whatever happens. */
export function asOneStep<T>(app: AeApp, name: string, work: () => T): T {
  if (app.beginUndoGroup) app.beginUndoGroup('Reverie: ' + name);
  try {
    return work();
  } finally {
    if (app.endUndoGroup) app.endUndoGroup();
  }
}

/** Missing fonts, fields and alpha channels would open dialogs that block every later call. */
export function withoutDialogs<T>(app: AeApp, work: () => T): T {
  if (app.beginSuppressDialogs) app.beginSuppressDialogs();
  try {
    return work();
  } finally {
    if (app.endSuppressDialogs) app.endSuppressDialogs(false);
  }
}
