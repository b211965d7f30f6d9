import type { AfterEffectsFacts, AfterEffectsLayerFacts } from '#protocol/host-facts';
import { fail } from '../failure';
import { isComposition, layersOf, openComposition, pathOfLayer, toFrames } from './composition';
import type { AeApp, AeComposition, AeGlobals, AeLayer, AeProperty } from './dom';

/** Reads a composition, the active one if none is named. Changes nothing. */
export function readAfterEffects(app: AeApp, globals: AeGlobals, id: string | undefined): AfterEffectsFacts {
  var item = id ? openComposition(app, id) : app.project ? app.project.activeItem : null;
  if (!isComposition(item)) return fail('NO_SEQUENCE', {});
  var composition = item;
  var all = layersOf(composition);
  var layers: AfterEffectsLayerFacts[] = [];
  for (var i = 0; i < all.length; i++) layers.push(readLayer(composition, all[i], globals));
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
    markers: readMarkers(composition),
  };
}

function readMarkers(composition: AeComposition): AfterEffectsFacts['markers'] {
  var out: { key: number; comment: string; frame: number; frames: number; label: number }[] = [];
  var keys = composition.markerProperty;
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

function readLayer(composition: AeComposition, layer: AeLayer, globals: AeGlobals): AfterEffectsLayerFacts {
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
    generated: Boolean(layer.hasVideo) && !nested && path === '',
    missing: Boolean(source && source.footageMissing),
    mediaPath: path,
    sourceFps: source && !isStill(layer) ? Number(source.frameRate) || 0 : 0,
    sourceWidth: source ? Number(source.width) || 0 : 0,
    sourceHeight: source ? Number(source.height) || 0 : 0,
    effects: countOf(layer, 'ADBE Effect Parade') + countOf(layer, 'ADBE Mask Parade'),
    untouched: isUntouched(composition, layer, globals),
    comment: String(layer.comment || ''),
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

/** A text that changes when the selection, the work area or the open composition does: cheap enough to be asked each second. */
export function readCompositionStamp(app: AeApp): { stamp: string } {
  var item = app.project ? app.project.activeItem : null;
  if (!isComposition(item)) return { stamp: '' };
  var parts = [String(item.id), String(item.workAreaStart), String(item.workAreaDuration), String(item.duration)];
  for (var i = 1; i <= item.numLayers; i++) {
    var layer = item.layer(i);
    if (layer.selected) parts.push(i + ':' + layer.inPoint + ':' + layer.outPoint);
  }
  return { stamp: parts.join(' ') };
}
