import type { MarkerFacts, PremiereClipFacts, PremiereFacts } from '#protocol/host-facts';
import { fail } from '../failure';
import type {
  PremiereApp,
  PremiereClip,
  PremiereItem,
  PremiereMarker,
  PremiereMarkers,
  PremiereSequence,
  PremiereTrack,
} from './dom';
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
    markers: readMarkers(sequence.markers),
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
    markers: item ? readWishes(item) : [],
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

/** Only what begins with "stylize:": the finding of cuts leaves hundreds of markers on a source. */
function readWishes(item: PremiereItem): MarkerFacts[] {
  var out: MarkerFacts[] = [];
  var all: MarkerFacts[];
  try {
    all = readMarkers(item.getMarkers ? item.getMarkers() : undefined);
  } catch (thrown) {
    // What the application draws itself has no markers, and some versions say so by an error.
    return out;
  }
  for (var i = 0; i < all.length; i++) if (/^\s*stylize\s*:/i.test(all[i].name)) out.push(all[i]);
  return out;
}

function readMarkers(markers: PremiereMarkers | undefined): MarkerFacts[] {
  var out: MarkerFacts[] = [];
  if (!markers || !markers.numMarkers) return out;
  var marker: PremiereMarker | undefined = markers.getFirstMarker();
  // Bounded: a host that hands out the same marker again must not hang its own interface.
  for (var i = 0; marker && i < markers.numMarkers; i++) {
    var last = out.length > 0 ? out[out.length - 1] : undefined;
    if (last && last.name === String(marker.name) && last.start === String(marker.start.ticks)) break;
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

/** Where the playhead was when it was last asked for, and the clips under it when it last rested. */
var playhead = '';
var resting = '';

/**
 * While it moves, what lies under it is not news: a timeline that plays would be read again at every cut, in the thread
 * that plays it.
 */
function underPlayhead(sequence: PremiereSequence): string {
  var at = String(sequence.getPlayerPosition().ticks);
  var moved = playhead !== '' && at !== playhead;
  playhead = at;
  if (moved) return resting;
  var parts: string[] = [];
  for (var t = 0; t < sequence.videoTracks.numTracks; t++) {
    var clip = clipAt(sequence.videoTracks[t], Number(at));
    if (clip) parts.push(t + ':' + String(clip.start.ticks) + ':' + String(clip.end.ticks));
  }
  resting = parts.join(' ');
  return resting;
}

/** The clips of a track lie in the order of time: a few looks find one among hundreds. */
function clipAt(track: PremiereTrack, ticks: number): PremiereClip | undefined {
  var low = 0;
  var high = track.clips.numItems - 1;
  while (low <= high) {
    var middle = Math.floor((low + high) / 2);
    var clip = track.clips[middle];
    if (ticks < Number(clip.start.ticks)) high = middle - 1;
    else if (ticks >= Number(clip.end.ticks)) low = middle + 1;
    else return clip;
  }
  return undefined;
}

/**
 * A text that changes when the selection, the range, the markers or the open sequence do, or where nothing is selected
 * the clips under the playhead: cheap enough to be asked each second.
 */
export function readStamp(app: PremiereApp): { stamp: string } {
  var sequence = app.project ? app.project.activeSequence : null;
  if (!sequence) return { stamp: '' };
  var parts = [
    String(sequence.sequenceID),
    String(sequence.getInPoint()),
    String(sequence.getOutPoint()),
    String(sequence.end),
  ];
  var selected: string[] = [];
  for (var t = 0; t < sequence.videoTracks.numTracks; t++) {
    var clips = sequence.videoTracks[t].clips;
    for (var i = 0; i < clips.numItems; i++) {
      var clip = clips[i];
      if (typeof clip.isSelected !== 'function' || !clip.isSelected()) continue;
      selected.push(t + ':' + String(clip.start.ticks) + ':' + String(clip.end.ticks));
      if (clip.projectItem) addMarkers(selected, readWishes(clip.projectItem));
    }
  }
  if (selected.length === 0) selected.push(underPlayhead(sequence));
  addMarkers(parts, readMarkers(sequence.markers));
  return { stamp: parts.concat(selected).join(' ') };
}

function addMarkers(parts: string[], markers: MarkerFacts[]): void {
  for (var i = 0; i < markers.length; i++) parts.push(markers[i].name + ':' + markers[i].start + ':' + markers[i].end);
}
