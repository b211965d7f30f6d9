import type { MarkerFacts, PremiereClipFacts, PremiereFacts } from '#protocol/host-facts';
import { fail } from '../failure';
import type { PremiereApp, PremiereClip, PremiereMarker, PremiereSequence } from './dom';
import { openSequence } from './timeline';

/** Reads what is on the video tracks of a sequence, the active one if none is named. Changes nothing. */
export function readPremiere(app: PremiereApp, id: string | undefined): PremiereFacts {
  var sequence = id ? openSequence(app, id) : app.project ? app.project.activeSequence : null;
  if (!sequence) return fail('NO_SEQUENCE', {});
  return {
    host: 'premiere',
    version: String(app.version),
    sequence: {
      id: String(sequence.sequenceID),
      name: String(sequence.name),
      width: Number(sequence.frameSizeHorizontal),
      height: Number(sequence.frameSizeVertical),
      timebase: String(sequence.timebase),
      end: String(sequence.end),
      inPoint: setPoint(sequence, 'getInPointAsTime', 'getInPoint'),
      outPoint: setPoint(sequence, 'getOutPointAsTime', 'getOutPoint'),
      playhead: String(sequence.getPlayerPosition().ticks),
      videoTracks: Number(sequence.videoTracks.numTracks),
    },
    clips: readClips(sequence),
    markers: readMarkers(sequence),
  };
}

/** Ticks of an in or out point, or undefined when none is set: an unset one reads as some -400000 seconds. */
function setPoint(
  sequence: PremiereSequence,
  asTime: 'getInPointAsTime' | 'getOutPointAsTime',
  inSeconds: 'getInPoint' | 'getOutPoint',
): string | undefined {
  if (Number(sequence[inSeconds]()) < 0) return undefined;
  var time = sequence[asTime]();
  return time ? String(time.ticks) : undefined;
}

function readClips(sequence: PremiereSequence): PremiereClipFacts[] {
  var out: PremiereClipFacts[] = [];
  for (var t = 0; t < sequence.videoTracks.numTracks; t++) {
    var clips = sequence.videoTracks[t].clips;
    for (var i = 0; i < clips.numItems; i++) {
      // A transition that a host lists among the clips has neither speed nor source.
      if (typeof clips[i].getSpeed === 'function' && clips[i].mediaType !== 'Audio') out.push(readClip(clips[i], t));
    }
  }
  return out;
}

function readClip(clip: PremiereClip, track: number): PremiereClipFacts {
  var item = clip.projectItem;
  return {
    track: track,
    nodeId: String(clip.nodeId),
    name: String(clip.name),
    start: String(clip.start.ticks),
    end: String(clip.end.ticks),
    sourceIn: String(clip.inPoint.ticks),
    selected: Boolean(clip.isSelected()),
    disabled: Boolean(clip.disabled),
    adjustmentLayer: Boolean(clip.isAdjustmentLayer()),
    speed: Number(clip.getSpeed()),
    reversed: Number(clip.isSpeedReversed()) === 1,
    remapped: hasTimeKeys(clip),
    mediaPath: item ? String(item.getMediaPath() || '') : '',
    offline: item && item.isOffline ? Boolean(item.isOffline()) : false,
    effects: countEffects(clip),
    untouched: isUntouched(clip),
    sourceFps: item ? readFps(item) : 0,
    nested: item ? Boolean(item.isSequence()) || Boolean(item.isMulticamClip && item.isMulticamClip()) : false,
    merged: item ? Boolean(item.isMergedClip()) : false,
  };
}

/** Display names are translated; match names are not. */
function hasTimeKeys(clip: PremiereClip): boolean {
  for (var i = 0; i < clip.components.numItems; i++) {
    var component = clip.components[i];
    if (String(component.matchName).indexOf('Time Remap') < 0) continue;
    for (var p = 0; p < component.properties.numItems; p++) {
      if (component.properties[p].isTimeVarying()) return true;
    }
  }
  return false;
}

var ownComponents = ['ADBE Motion', 'ADBE Opacity', 'Time Remap'];

function isOwn(matchName: string): boolean {
  for (var i = 0; i < ownComponents.length; i++) if (matchName.indexOf(ownComponents[i]) >= 0) return true;
  return false;
}

/** Effects that somebody put on the clip; every clip has motion, opacity and time remapping. */
function countEffects(clip: PremiereClip): number {
  var count = 0;
  for (var i = 0; i < clip.components.numItems; i++) if (!isOwn(String(clip.components[i].matchName))) count++;
  return count;
}

/** Whether motion and opacity are as a new clip has them: scale 100, rotation 0, opacity 100, no keys. */
function isUntouched(clip: PremiereClip): boolean {
  for (var i = 0; i < clip.components.numItems; i++) {
    var component = clip.components[i];
    var name = String(component.matchName);
    var motion = name.indexOf('ADBE Motion') >= 0;
    if (!motion && name.indexOf('ADBE Opacity') < 0) continue;
    for (var p = 0; p < component.properties.numItems; p++) {
      var property = component.properties[p];
      if (property.isTimeVarying()) return false;
      var value = property.getValue ? property.getValue() : undefined;
      // Order of motion's properties: position, scale, scale width, uniform, rotation; of opacity's: opacity.
      var usual = motion ? (p === 1 ? 100 : p === 4 ? 0 : undefined) : p === 0 ? 100 : undefined;
      if (usual !== undefined && value !== undefined && Number(value) !== usual) return false;
      if (motion && p === 0 && value !== undefined && String(value) !== '0.5,0.5') return false;
    }
  }
  return true;
}

function readFps(item: NonNullable<PremiereClip['projectItem']>): number {
  var interpretation = item.getFootageInterpretation ? item.getFootageInterpretation() : undefined;
  return interpretation ? Number(interpretation.frameRate) || 0 : 0;
}

function readMarkers(sequence: PremiereSequence): MarkerFacts[] {
  var out: MarkerFacts[] = [];
  var markers = sequence.markers;
  if (!markers || markers.numMarkers === 0) return out;
  var marker: PremiereMarker | undefined = markers.getFirstMarker();
  // Bounded: a host that hands out the same marker again must not hang its own interface.
  for (var i = 0; marker && i < markers.numMarkers; i++) {
    out.push({
      guid: String(marker.guid),
      name: String(marker.name),
      comment: String(marker.comments),
      start: String(marker.start.ticks),
      end: String(marker.end.ticks),
      colour: Number(marker.getColorByIndex()),
    });
    marker = markers.getNextMarker(marker);
  }
  return out;
}

/** A text that changes when the selection, the range or the open sequence does: cheap enough to be asked each second. */
export function readStamp(app: PremiereApp): { stamp: string } {
  var sequence = app.project ? app.project.activeSequence : null;
  if (!sequence) return { stamp: '' };
  var parts = [
    String(sequence.sequenceID),
    String(sequence.getInPoint()),
    String(sequence.getOutPoint()),
    String(sequence.end),
  ];
  for (var t = 0; t < sequence.videoTracks.numTracks; t++) {
    var clips = sequence.videoTracks[t].clips;
    for (var i = 0; i < clips.numItems; i++) {
      var clip = clips[i];
      if (typeof clip.isSelected === 'function' && clip.isSelected())
        parts.push(t + ':' + String(clip.start.ticks) + ':' + String(clip.end.ticks));
    }
  }
  return { stamp: parts.join(' ') };
}
