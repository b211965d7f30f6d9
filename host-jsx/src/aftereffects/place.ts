import type { AfterEffectsCalls, PlacedLayerFacts } from '#protocol/host-facts';
import { fail } from '../failure';
import { isInside } from '../premiere/timeline';
import {
  asOneStep,
  firstChanged,
  itemsOfPath,
  layersOf,
  layersOfPath,
  openComposition,
  openProject,
  pathOfLayer,
  snapshot,
  toFrames,
  toSeconds,
} from './composition';
import type { AeApp, AeComposition, AeLayer, AeProperty, AeSource } from './dom';

/** Every layer that shows a file of `folder`. */
export function findPlacedLayers(
  app: AeApp,
  params: AfterEffectsCalls['findPlaced']['params'],
): AfterEffectsCalls['findPlaced']['value'] {
  var composition = openComposition(app, params.composition);
  var all = layersOf(composition);
  var placed: PlacedLayerFacts[] = [];
  for (var i = 0; i < all.length; i++) {
    var path = pathOfLayer(all[i]);
    if (path !== '' && isInside(path, params.folder)) placed.push(factsOf(composition, all[i], path));
  }
  return { placed: placed };
}

function factsOf(composition: AeComposition, layer: AeLayer, path: string): PlacedLayerFacts {
  var source = layer.source;
  return {
    index: Number(layer.index),
    track: composition.numLayers - Number(layer.index),
    first: toFrames(composition, layer.inPoint),
    end: toFrames(composition, layer.outPoint),
    locked: Boolean(layer.locked),
    path: path,
    // A person may write over a layer's comment; the item's is the second place.
    labels: [String(layer.comment || ''), String((source && source.comment) || '')],
  };
}

/**
 * Puts an imported file as a layer right above its source, as a picture only, with in and out of the source. What the
 * calls return is not looked at: the layers are. A second call for a file that is a layer already changes nothing.
 */
export function placeLayer(
  app: AeApp,
  params: AfterEffectsCalls['place']['params'],
): AfterEffectsCalls['place']['value'] {
  var composition = openComposition(app, params.composition);
  var there = layersOfPath(composition, params.path);
  if (there.length > 0) return { layer: factsOf(composition, there[0], params.path), already: true };
  var target = findTarget(composition, params);
  var items = itemsOfPath(openProject(app), params.path);
  if (items.length === 0) return fail('IMPORT_FAILED', { path: params.path });
  return asOneStep(app, 'place a result', function () {
    var before = snapshot(composition, params.path);
    var selected = selectedLayers(composition);
    var problem = lay(composition, items[0], target, params);
    select(composition, selected);
    var changed = firstChanged(composition, params.path, before);
    if (problem === '' && !changed) {
      for (var i = 0; i < params.outdated.length; i++) {
        takeAway(composition, params.outdated[i]);
        if (layersOfPath(composition, params.outdated[i]).length > 0) return fail('REMOVE_FAILED', {});
      }
      return { layer: factsOf(composition, layersOfPath(composition, params.path)[0], params.path), already: false };
    }
    takeAway(composition, params.path);
    var still = firstChanged(composition, params.path, before);
    if (still) return fail('TIMELINE_CHANGED', { clip: still, track: String(composition.name) });
    return fail('NOT_PLACED', {
      problem: (problem || 'it would have changed layer "' + String(changed) + '"') + ', and was taken away again',
    });
  });
}

/** The layer that the result goes above; undefined: on top of all. */
function findTarget(composition: AeComposition, params: AfterEffectsCalls['place']['params']): AeLayer | undefined {
  if (!params.above) return undefined;
  var target = composition.layer(params.above.index);
  if (!target || String(target.name) !== params.above.name)
    return fail('NOT_PLACED', { problem: 'the layers were changed meanwhile' });
  // A track matte belongs to the layer below it: nothing may come between the two.
  while (target.index > 1 && target.hasTrackMatte && composition.layer(target.index - 1).isTrackMatte)
    target = composition.layer(target.index - 1);
  return target;
}

/** @returns what went wrong, '' for nothing */
function lay(
  composition: AeComposition,
  item: AeSource,
  target: AeLayer | undefined,
  params: AfterEffectsCalls['place']['params'],
): string {
  try {
    composition.layers.add(item);
    var found = layersOfPath(composition, params.path);
    if (found.length !== 1)
      return found.length === 0
        ? 'the application said yes and the composition shows nothing'
        : 'it became more than one layer';
    var layer = found[0];
    layer.startTime = toSeconds(composition, params.first);
    layer.inPoint = toSeconds(composition, params.first);
    layer.outPoint = toSeconds(composition, params.end);
    layer.comment = params.label;
    if (layer.hasAudio) layer.audioEnabled = false;
    if (params.fit && !fit(composition, layer, item)) return 'it could not be fitted to the composition';
    if (target) layer.moveBefore(target);
  } catch (thrown) {
    return String((thrown as Error).message || thrown);
  }
  var read = layersOfPath(composition, params.path);
  if (read.length !== 1) return 'it was there and is not any more';
  if (target && read[0].index !== target.index - 1) return 'it is not right above its source';
  if (
    toFrames(composition, read[0].startTime) !== params.first ||
    toFrames(composition, read[0].inPoint) !== params.first
  )
    return 'it begins at another time';
  if (toFrames(composition, read[0].outPoint) !== params.end)
    return 'it could not be trimmed to the length of the source';
  if (read[0].hasAudio && read[0].audioEnabled) return 'its sound could not be switched off';
  return '';
}

/** After Effects does not scale a layer to its composition by itself. */
function fit(composition: AeComposition, layer: AeLayer, item: AeSource): boolean {
  var transform = layer.property('ADBE Transform Group') as AeProperty | null;
  var scale = transform && transform.property ? (transform.property('ADBE Scale') as AeProperty | null) : null;
  if (!scale || !scale.setValue) return false;
  var width = (Number(item.width) * (Number(item.pixelAspect) || 1)) / (Number(composition.pixelAspect) || 1);
  var wanted = [(100 * composition.width) / width, (100 * composition.height) / Number(item.height)];
  scale.setValue(wanted);
  var value = scale.value as number[];
  return Math.abs(value[0] - wanted[0]) < 0.01 && Math.abs(value[1] - wanted[1]) < 0.01;
}

function selectedLayers(composition: AeComposition): AeLayer[] {
  var all = layersOf(composition);
  var out: AeLayer[] = [];
  for (var i = 0; i < all.length; i++) if (all[i].selected) out.push(all[i]);
  return out;
}

/** A new layer is selected when it is added; the person's selection stays theirs. */
function select(composition: AeComposition, wanted: AeLayer[]): void {
  var all = layersOf(composition);
  for (var i = 0; i < all.length; i++) if (all[i].selected) all[i].selected = false;
  for (var k = 0; k < wanted.length; k++) wanted[k].selected = true;
}

function takeAway(composition: AeComposition, path: string): number {
  var found = layersOfPath(composition, path);
  for (var i = found.length - 1; i >= 0; i--) if (!found[i].locked) found[i].remove();
  return found.length;
}

/** Takes every layer of the file out of the composition and leaves the item in its folder. */
export function removeLayers(
  app: AeApp,
  params: AfterEffectsCalls['remove']['params'],
): AfterEffectsCalls['remove']['value'] {
  var composition = openComposition(app, params.composition);
  return asOneStep(app, 'remove a result', function () {
    var count = takeAway(composition, params.path);
    if (layersOfPath(composition, params.path).length > 0) return fail('REMOVE_FAILED', {});
    return { removed: count };
  });
}
