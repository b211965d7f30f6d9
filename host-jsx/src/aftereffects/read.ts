import type { AfterEffectsFacts, AfterEffectsLayerFacts } from '#protocol/host-facts';
import { fail } from '../failure';
import type { AfterEffectsApp, Composition, Layer } from './dom';

/** A composition has layers and a frame duration; footage and folders have not. */
function isComposition(item: unknown): item is Composition {
  return (
    Boolean(item) &&
    typeof (item as Composition).numLayers === 'number' &&
    typeof (item as Composition).frameDuration === 'number'
  );
}

/** Reads the active composition. Changes nothing. Seconds become frames here: After Effects' are whole frames but for rounding. */
export function readAfterEffects(app: AfterEffectsApp): AfterEffectsFacts {
  var item = app.project ? app.project.activeItem : null;
  if (!isComposition(item)) return fail('NO_SEQUENCE', {});
  var composition = item;
  var frames = function (seconds: number): number {
    return Math.round(seconds / composition.frameDuration);
  };
  var layers: AfterEffectsLayerFacts[] = [];
  for (var i = 1; i <= composition.numLayers; i++) layers.push(readLayer(composition.layer(i), frames));
  var markers: { key: number; comment: string; frame: number; frames: number }[] = [];
  var keys = composition.markerProperty;
  if (keys) {
    for (var k = 1; k <= keys.numKeys; k++) {
      var value = keys.keyValue(k);
      markers.push({
        key: k,
        comment: String(value.comment),
        frame: frames(keys.keyTime(k)),
        frames: frames(value.duration),
      });
    }
  }
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
      frames: frames(composition.duration),
      workAreaFirst: frames(composition.workAreaStart),
      workAreaFrames: frames(composition.workAreaDuration),
      playhead: frames(composition.time),
    },
    layers: layers,
    markers: markers,
  };
}

function readLayer(layer: Layer, frames: (seconds: number) => number): AfterEffectsLayerFacts {
  var file = layer.source && layer.source.mainSource ? layer.source.mainSource.file : null;
  return {
    index: Number(layer.index),
    name: String(layer.name),
    inFrame: frames(layer.inPoint),
    outFrame: frames(layer.outPoint),
    startFrame: frames(layer.startTime),
    stretch: Number(layer.stretch),
    selected: Boolean(layer.selected),
    enabled: Boolean(layer.enabled),
    locked: Boolean(layer.locked),
    remapped: Boolean(layer.timeRemapEnabled),
    adjustmentLayer: Boolean(layer.adjustmentLayer),
    hasVideo: Boolean(layer.hasVideo),
    mediaPath: file ? String(file.fsName) : '',
    comment: String(layer.comment || ''),
  };
}
