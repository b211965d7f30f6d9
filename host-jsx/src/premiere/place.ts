import type { PlacedFacts, PremiereCalls } from '#protocol/host-facts';
import { fail } from '../failure';
import type { HostGlobals, PremiereApp, PremiereClip, PremiereSequence } from './dom';
import { readLabel } from './import';
import {
  findItem,
  firstChanged,
  isInside,
  isNear,
  makeTime,
  mediaPathOf,
  openSequence,
  samePath,
  snapshot,
} from './timeline';

type Found = { clip: PremiereClip; track: number };

function clipsOfPath(sequence: PremiereSequence, path: string): Found[] {
  var out: Found[] = [];
  for (var t = 0; t < sequence.videoTracks.numTracks; t++) {
    var clips = sequence.videoTracks[t].clips;
    for (var i = 0; i < clips.numItems; i++)
      if (samePath(mediaPathOf(clips[i]), path)) out.push({ clip: clips[i], track: t });
  }
  return out;
}

/** Every clip on a video track that shows a file of `folder`, and the tracks that may not be touched. */
export function findPlaced(
  app: PremiereApp,
  params: PremiereCalls['findPlaced']['params'],
): PremiereCalls['findPlaced']['value'] {
  var sequence = openSequence(app, params.sequence);
  var placed: PlacedFacts[] = [];
  var locked: number[] = [];
  for (var t = 0; t < sequence.videoTracks.numTracks; t++) {
    var track = sequence.videoTracks[t];
    if (track.isLocked && track.isLocked()) locked.push(t);
    for (var i = 0; i < track.clips.numItems; i++) {
      var clip = track.clips[i];
      var path = mediaPathOf(clip);
      if (path === '' || !isInside(path, params.folder)) continue;
      placed.push({
        track: t,
        nodeId: String(clip.nodeId),
        start: String(clip.start.ticks),
        end: String(clip.end.ticks),
        path: path,
        label: clip.projectItem ? readLabel(clip.projectItem) : '',
      });
    }
  }
  return { placed: placed, locked: locked };
}

/**
 * Puts an imported file on a free stretch of an existing track, as a picture only, and trims it. What the calls return
 * is not looked at: the track is. A second call for a file that lies on the timeline already changes nothing.
 */
export function place(
  app: PremiereApp,
  globals: HostGlobals,
  params: PremiereCalls['place']['params'],
): PremiereCalls['place']['value'] {
  var sequence = openSequence(app, params.sequence);
  var there = clipsOfPath(sequence, params.path);
  if (there.length > 0) return answer(there[0], true);
  var track = sequence.videoTracks[params.track];
  // A call on a track that does not exist is answered with success and places nothing.
  if (!track || params.track >= sequence.videoTracks.numTracks)
    return fail('NOT_PLACED', { problem: 'there is no video track ' + (params.track + 1) });
  if (track.isLocked && track.isLocked())
    return fail('NOT_PLACED', { problem: 'video track ' + (params.track + 1) + ' is locked' });
  for (var i = 0; i < track.clips.numItems; i++) {
    var other = track.clips[i];
    if (Number(other.start.ticks) < Number(params.free) && Number(other.end.ticks) > Number(params.start))
      return fail('NOT_PLACED', {
        problem: '"' + String(other.name) + '" lies there on video track ' + (params.track + 1),
      });
  }
  var items = app.project ? findItem(app.project.rootItem, params.path) : [];
  if (items.length === 0) return fail('IMPORT_FAILED', { path: params.path });
  var before = snapshot(sequence);
  track.overwriteClip(items[0], makeTime(globals, params.start));
  var changed = firstChanged(sequence, before);
  if (changed) {
    undoOnce(app);
    if (!firstChanged(sequence, before))
      return fail('NOT_PLACED', { problem: 'it would have changed "' + changed.name + '", which was undone' });
    return fail('TIMELINE_CHANGED', { clip: changed.name, track: (changed.audio ? 'A' : 'V') + (changed.track + 1) });
  }
  dropAudio(sequence, params.path);
  var found = clipsOfPath(sequence, params.path);
  if (found.length === 0)
    return fail('NOT_PLACED', { problem: 'the application said yes and the track shows nothing' });
  if (
    found.length > 1 ||
    found[0].track !== params.track ||
    !isNear(sequence, found[0].clip.start.ticks, params.start)
  ) {
    takeAway(sequence, params.path);
    return fail('NOT_PLACED', { problem: 'it was put on another track or at another time, and was taken away again' });
  }
  var clip = found[0].clip;
  if (clip.end.ticks !== params.end && Number(clip.end.ticks) > Number(params.end))
    clip.end = makeTime(globals, params.end);
  found = clipsOfPath(sequence, params.path);
  if (
    found.length !== 1 ||
    Math.abs(Number(found[0].clip.end.ticks) - Number(params.end)) > Number(sequence.timebase)
  ) {
    takeAway(sequence, params.path);
    return fail('NOT_PLACED', {
      problem: 'it could not be trimmed to the length of the source, and was taken away again',
    });
  }
  return answer(found[0], false);
}

function answer(found: Found, already: boolean): PremiereCalls['place']['value'] {
  return {
    track: found.track,
    start: String(found.clip.start.ticks),
    end: String(found.clip.end.ticks),
    already: already,
  };
}

/** Sound that came along with the picture; only clips of our own file. */
function dropAudio(sequence: PremiereSequence, path: string): void {
  var tracks = sequence.audioTracks;
  for (var t = 0; tracks && t < tracks.numTracks; t++) {
    for (var i = tracks[t].clips.numItems - 1; i >= 0; i--) {
      if (samePath(mediaPathOf(tracks[t].clips[i]), path)) tracks[t].clips[i].remove(false, false);
    }
  }
}

function takeAway(sequence: PremiereSequence, path: string): number {
  var found = clipsOfPath(sequence, path);
  for (var i = found.length - 1; i >= 0; i--) found[i].clip.remove(false, false);
  dropAudio(sequence, path);
  return found.length;
}

/** Takes every clip of the file off the timeline, closes no gap, and leaves the item in its bin. */
export function remove(app: PremiereApp, params: PremiereCalls['remove']['params']): PremiereCalls['remove']['value'] {
  var sequence = openSequence(app, params.sequence);
  var count = takeAway(sequence, params.path);
  if (clipsOfPath(sequence, params.path).length > 0) return fail('REMOVE_FAILED', {});
  return { removed: count };
}

type QeSequence = {
  addTracks(
    video: number,
    videoIndex: number,
    audio: number,
    audioType: number,
    audioIndex: number,
    submix: number,
    submixType: number,
  ): unknown;
};
type Qe = { project: { getActiveSequence(): QeSequence | undefined; undo?(): unknown } };
declare var qe: Qe | undefined;

function openQe(app: PremiereApp): Qe | undefined {
  if (app.enableQE) app.enableQE();
  return typeof qe !== 'undefined' ? qe : undefined;
}

/** One step of the application's own undo. The caller looks whether it helped. */
function undoOnce(app: PremiereApp): void {
  var objects = openQe(app);
  if (objects && objects.project.undo) objects.project.undo();
}

/**
 * A new video track on top, by the undocumented QE objects: the only way there is. Proved by the count and by every
 * clip lying where it lay; tracks that moved are moved back by one undo step, which is proved in the same way.
 */
export function addTrack(
  app: PremiereApp,
  params: PremiereCalls['addTrack']['params'],
): PremiereCalls['addTrack']['value'] {
  var sequence = openSequence(app, params.sequence);
  var active = app.project ? app.project.activeSequence : null;
  if (!active || String(active.sequenceID) !== params.sequence)
    return fail('NO_FREE_TRACK', { problem: 'the sequence is not the open one' });
  var count = sequence.videoTracks.numTracks;
  var before = snapshot(sequence);
  var problem = 'this version adds none by script';
  try {
    var objects = openQe(app);
    var target = objects ? objects.project.getActiveSequence() : undefined;
    if (target) target.addTracks(1, count, 0, 1, sequence.audioTracks ? sequence.audioTracks.numTracks : 0, 0, 0);
  } catch (thrown) {
    problem = String((thrown as Error).message || thrown);
  }
  if (firstChanged(sequence, before)) {
    undoOnce(app);
    var still = firstChanged(sequence, before);
    if (still) return fail('TRACKS_SHIFTED', { clip: still.name });
    return fail('NO_FREE_TRACK', { problem: 'this version adds tracks at the bottom, which was undone' });
  }
  if (sequence.videoTracks.numTracks !== count + 1) return fail('NO_FREE_TRACK', { problem: problem });
  return { videoTracks: count + 1 };
}
