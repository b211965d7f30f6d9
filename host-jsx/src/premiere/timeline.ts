import { fail } from '../failure';
import type {
  HostGlobals,
  PremiereApp,
  PremiereClip,
  PremiereItem,
  PremiereSequence,
  PremiereTrack,
  Time,
} from './dom';

/** `getSequenceByID` is missing in some versions, so the list is walked. */
export function openSequence(app: PremiereApp, id: string): PremiereSequence {
  var project = app.project;
  var active = project ? project.activeSequence : null;
  if (active && String(active.sequenceID) === id) return active;
  var all = project ? project.sequences : undefined;
  for (var i = 0; all && i < all.numSequences; i++) if (String(all[i].sequenceID) === id) return all[i];
  return fail('NO_SEQUENCE', {});
}

export function makeTime(globals: HostGlobals, ticks: string): Time {
  var time = new globals.Time();
  time.ticks = ticks;
  return time;
}

/**
 * Within half a frame. Ticks as numbers are exact to 9.8 hours and wrong by two ticks beyond, which does not matter here.
 */
export function isNear(sequence: PremiereSequence, a: string, b: string): boolean {
  return Math.abs(Number(a) - Number(b)) < Number(sequence.timebase) / 2;
}

/** One kind of slash, and no case where the file system has none (a drive letter says Windows). */
export function samePath(a: string, b: string): boolean {
  return normal(a) === normal(b);
}

function normal(path: string): string {
  var slashes = String(path).replace(/\\/g, '/');
  return /^[A-Za-z]:\//.test(slashes) || slashes.substr(0, 2) === '//' ? slashes.toLowerCase() : slashes;
}

export function isInside(path: string, folder: string): boolean {
  var inside = normal(folder).replace(/\/*$/, '/');
  return normal(path).substr(0, inside.length) === inside;
}

export function mediaPathOf(clip: PremiereClip): string {
  return clip.projectItem ? String(clip.projectItem.getMediaPath() || '') : '';
}

export type Laid = { audio: boolean; track: number; key: string; start: string; end: string; name: string };

/** Where every clip lies, to be compared after a change that was meant to leave them alone. */
export function snapshot(sequence: PremiereSequence): Laid[] {
  var out: Laid[] = [];
  addTracks(out, sequence.videoTracks, false);
  if (sequence.audioTracks) addTracks(out, sequence.audioTracks, true);
  return out;
}

function addTracks(out: Laid[], tracks: { numTracks: number; [index: number]: PremiereTrack }, audio: boolean): void {
  for (var t = 0; t < tracks.numTracks; t++) {
    var clips = tracks[t].clips;
    for (var i = 0; i < clips.numItems; i++) {
      var clip = clips[i];
      out.push({
        audio: audio,
        track: t,
        key: String(clip.nodeId),
        start: String(clip.start.ticks),
        end: String(clip.end.ticks),
        name: String(clip.name),
      });
    }
  }
}

/** The first clip of `before` that is not where it was, or undefined. Node ids change with edits, so places count. */
export function firstChanged(sequence: PremiereSequence, before: Laid[]): Laid | undefined {
  var after = snapshot(sequence);
  for (var i = 0; i < before.length; i++) {
    var found = false;
    for (var k = 0; k < after.length && !found; k++) {
      found =
        after[k].audio === before[i].audio &&
        after[k].track === before[i].track &&
        after[k].name === before[i].name &&
        after[k].start === before[i].start &&
        after[k].end === before[i].end;
    }
    if (!found) return before[i];
  }
  return undefined;
}

/** Depth first. */
export function findItem(parent: PremiereItem, path: string): PremiereItem[] {
  var out: PremiereItem[] = [];
  var children = parent.children;
  for (var i = 0; children && i < children.numItems; i++) {
    var child = children[i];
    if (child.type === 2) out = out.concat(findItem(child, path));
    else if (samePath(String(child.getMediaPath() || ''), path)) out.push(child);
  }
  return out;
}
