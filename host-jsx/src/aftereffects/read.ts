import type { AfterEffectsFacts, AfterEffectsLayerFacts, CompositionMarkerFacts } from '#protocol/host-facts';
import { fail } from '../failure';
import { isComposition, layersOf, openComposition, pathOfLayer, toFrames } from './composition';
import type { AeApp, AeComposition, AeGlobals, AeLayer, AeMarkers, AeProperty } from './dom';

/** Reads a composition, the active one if none is named. Changes nothing. */
export function readAfterEffects(app: AeApp, globals: AeGlobals, id: string | undefined): AfterEffectsFacts {
  var item = id ? openComposition(app, id) : app.project ? app.project.activeItem : null;
  if (!isComposition(item)) return fail('NO_SEQUENCE', {});
  var composition = item;
  var all = layersOf(composition);
  var layers: AfterEffectsLayerFacts[] = [];
  for (var i = 0; i < all.length; i++) layers.push(readLayer(composition, all[i], globals, id !== undefined));
  return {
    host: 'aftereffects',
    version: String(app.version),
    composition: {
      id: Number(composition.id),
      name: String(composition.name),
      width: Number(composition.width),
      height: Number(composition.height),
      pixelAspect: Number(composition.pixelAspect),
      frameRate: Number(composition.frameRate),
      frames: toFrames(composition, composition.duration),
      workAreaFirst: toFrames(composition, composition.workAreaStart),
      workAreaFrames: toFrames(composition, composition.workAreaDuration),
      playhead: toFrames(composition, composition.time),
    },
    layers: layers,
    markers: readMarkers(composition, composition.markerProperty),
  };
}

function readMarkers(composition: AeComposition, keys: AeMarkers | null | undefined): CompositionMarkerFacts[] {
  var out: CompositionMarkerFacts[] = [];
  for (var k = 1; keys && k <= keys.numKeys; k++) {
    var value = keys.keyValue(k);
    out.push({
      key: k,
      comment: String(value.comment),
      frame: toFrames(composition, keys.keyTime(k)),
      frames: toFrames(composition, value.duration),
      label: Number(value.label) || 0,
    });
  }
  return out;
}

/** Of a layer's markers only what begins with "stylize:": beats and words of a song leave hundreds. */
function readWishes(composition: AeComposition, layer: AeLayer): CompositionMarkerFacts[] {
  var all = readMarkers(composition, layer.property('ADBE Marker') as AeMarkers | null);
  var out: CompositionMarkerFacts[] = [];
  for (var i = 0; i < all.length; i++) if (/^\s*stylize\s*:/i.test(all[i].comment)) out.push(all[i]);
  return out;
}

/** Compositions cannot hold themselves: this ends. */
function filesIn(source: unknown, out: string[]): string[] {
  if (!isComposition(source)) return out;
  var all = layersOf(source);
  for (var i = 0; i < all.length; i++) {
    var path = pathOfLayer(all[i]);
    if (path !== '') out.push(path);
    filesIn(all[i].source, out);
  }
  return out;
}

function readLayer(
  composition: AeComposition,
  layer: AeLayer,
  globals: AeGlobals,
  deep: boolean,
): AfterEffectsLayerFacts {
  var source = layer.source;
  var path = pathOfLayer(layer);
  var nested = isComposition(source);
  // A layer that plays backwards has its in point behind its out point.
  var ends = [toFrames(composition, layer.inPoint), toFrames(composition, layer.outPoint)];
  return {
    id: layer.id === undefined ? '' : String(layer.id),
    index: Number(layer.index),
    name: String(layer.name),
    inFrame: Math.min(ends[0], ends[1]),
    outFrame: Math.max(ends[0], ends[1]),
    startFrame: toFrames(composition, layer.startTime),
    stretch: Number(layer.stretch),
    selected: Boolean(layer.selected),
    enabled: Boolean(layer.enabled),
    locked: Boolean(layer.locked),
    remapped: Boolean(layer.timeRemapEnabled),
    adjustmentLayer: Boolean(layer.adjustmentLayer),
    hasVideo: Boolean(layer.hasVideo) && !layer.nullLayer,
    guide: Boolean(layer.guideLayer),
    isMatte: Boolean(layer.isTrackMatte),
    hasMatte: Boolean(layer.hasTrackMatte),
    nested: nested,
    contains: deep ? filesIn(source, []) : [],
    generated: Boolean(layer.hasVideo) && !nested && path === '',
    missing: Boolean(source && source.footageMissing),
    mediaPath: path,
    sourceFps: source && !isStill(layer) ? Number(source.frameRate) || 0 : 0,
    sourceWidth: source ? Number(source.width) || 0 : 0,
    sourceHeight: source ? Number(source.height) || 0 : 0,
    effects: countOf(layer, 'ADBE Effect Parade') + countOf(layer, 'ADBE Mask Parade'),
    untouched: isUntouched(composition, layer, globals),
    comment: String(layer.comment || ''),
    markers: readWishes(composition, layer),
  };
}

function isStill(layer: AeLayer): boolean {
  return Boolean(layer.source && layer.source.mainSource && layer.source.mainSource.isStill);
}

function countOf(layer: AeLayer, group: string): number {
  var found = layer.property(group) as AeProperty | null;
  return found ? Number(found.numProperties) || 0 : 0;
}

/** Whether the layer lies as a new one does: in the middle, whole, opaque, unblended, with no keys or expressions. */
function isUntouched(composition: AeComposition, layer: AeLayer, globals: AeGlobals): boolean {
  var source = layer.source;
  if (layer.parent || layer.threeDLayer || layer.preserveTransparency || !source) return false;
  if (layer.blendingMode !== undefined && layer.blendingMode !== globals.BlendingMode.NORMAL) return false;
  var styles = layer.property('ADBE Layer Styles') as AeProperty | null;
  if (styles && styles.isModified) return false;
  var transform = layer.property('ADBE Transform Group') as AeProperty | null;
  if (!transform || !transform.property) return false;
  return (
    holds(transform, 'ADBE Anchor Point', [Number(source.width) / 2, Number(source.height) / 2]) &&
    holds(transform, 'ADBE Position', [composition.width / 2, composition.height / 2]) &&
    holds(transform, 'ADBE Scale', [100, 100]) &&
    holds(transform, 'ADBE Rotate Z', [0]) &&
    holds(transform, 'ADBE Opacity', [100])
  );
}

/** A position whose dimensions are separated has no value of its own here and counts as touched. */
function holds(group: AeProperty, name: string, expected: number[]): boolean {
  var property = group.property ? (group.property(name) as AeProperty | null) : null;
  if (!property || (property.numKeys || 0) > 0 || property.expressionEnabled) return false;
  var value = expected.length === 1 ? [property.value] : (property.value as unknown[]);
  if (!value) return false;
  for (var i = 0; i < expected.length; i++) if (!(Math.abs(Number(value[i]) - expected[i]) < 0.001)) return false;
  return true;
}

/** Where the playhead was when it was last asked for, and the layers under it when it last rested. */
var playhead = '';
var resting = '';

/** While it moves, what lies under it is not news: a preview would be read again and again. */
function underPlayhead(composition: AeComposition): string {
  var at = composition.id + ':' + composition.time;
  var moved = at !== playhead;
  playhead = at;
  if (moved) return resting;
  var parts: string[] = [];
  for (var i = 1; i <= composition.numLayers; i++) {
    var layer = composition.layer(i);
    if (layer.inPoint <= composition.time && composition.time < layer.outPoint)
      parts.push(i + ':' + layer.inPoint + ':' + layer.outPoint);
  }
  resting = parts.join(' ');
  return resting;
}

/**
 * A text that changes when the selection, the work area, the markers or the open composition do, or where nothing is
 * selected the layers under the playhead: cheap enough to be asked each second.
 */
export function readCompositionStamp(app: AeApp): { stamp: string } {
  var item = app.project ? app.project.activeItem : null;
  if (!isComposition(item)) return { stamp: '' };
  var parts = [String(item.id), String(item.workAreaStart), String(item.workAreaDuration), String(item.duration)];
  var selected: string[] = [];
  for (var i = 1; i <= item.numLayers; i++) {
    var layer = item.layer(i);
    if (!layer.selected) continue;
    selected.push(i + ':' + layer.inPoint + ':' + layer.outPoint);
    addMarkers(selected, readWishes(item, layer));
  }
  if (selected.length === 0) selected.push(underPlayhead(item));
  addMarkers(parts, readMarkers(item, item.markerProperty));
  return { stamp: parts.concat(selected).join(' ') };
}

function addMarkers(parts: string[], markers: CompositionMarkerFacts[]): void {
  for (var i = 0; i < markers.length; i++)
    parts.push(markers[i].comment + ':' + markers[i].frame + ':' + markers[i].frames);
}
