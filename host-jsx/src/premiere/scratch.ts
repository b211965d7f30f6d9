import type { PremiereScriptCalls } from '#protocol/host-facts';
import { fail } from '../failure';
import type { HostGlobals, PremiereApp, PremiereSequence, Time } from './dom';
import { findItem, isNear, makeTime, openSequence } from './timeline';

type Project = NonNullable<PremiereApp['project']>;

function openProject(app: PremiereApp): Project {
  return app.project || fail('NO_SEQUENCE', {});
}

function idsOf(project: Project): string[] {
  var out: string[] = [];
  for (var i = 0; project.sequences && i < project.sequences.numSequences; i++)
    out.push(String(project.sequences[i].sequenceID));
  return out;
}

/** A sequence of one imported file, made for the checks alone and opened; the person's own is only named. */
export function openScratch(
  app: PremiereApp,
  params: PremiereScriptCalls['openScratch']['params'],
): PremiereScriptCalls['openScratch']['value'] {
  var project = openProject(app);
  var before = project.activeSequence ? String(project.activeSequence.sequenceID) : '';
  var known = idsOf(project).join('\n');
  var items = findItem(project.rootItem, params.path);
  if (items.length === 0) return fail('IMPORT_FAILED', { path: params.path });
  if (!project.createNewSequenceFromClips)
    return fail('HOST_FAILED', { problem: 'this version makes no sequence from clips' });
  project.createNewSequenceFromClips(params.name, [items[0]], project.rootItem);
  // Read back, not taken from the call.
  var made = idsOf(project);
  var fresh = '';
  for (var i = 0; i < made.length; i++) if (('\n' + known + '\n').indexOf('\n' + made[i] + '\n') < 0) fresh = made[i];
  if (fresh === '') return fail('HOST_FAILED', { problem: 'no sequence was made' });
  if (project.openSequence) project.openSequence(fresh);
  return { sequence: fresh, before: before };
}

/** Takes away what the checks made, nothing else, and opens the person's sequence again. */
export function closeScratch(
  app: PremiereApp,
  params: PremiereScriptCalls['closeScratch']['params'],
): PremiereScriptCalls['closeScratch']['value'] {
  var project = openProject(app);
  if (params.before !== '' && project.openSequence) project.openSequence(params.before);
  // Found by its number only now, and named as the checks name theirs: nothing else may be deleted.
  var scratch = openSequence(app, params.sequence);
  if (String(scratch.sequenceID) !== params.sequence || String(scratch.name) !== params.bin)
    return fail('HOST_FAILED', { problem: 'the scratch sequence is not found again' });
  if (project.deleteSequence) project.deleteSequence(scratch);
  var left = ('\n' + idsOf(project).join('\n') + '\n').indexOf('\n' + params.sequence + '\n') >= 0;
  var children = project.rootItem.children;
  for (var i = children ? children.numItems - 1 : -1; children && i >= 0; i--) {
    var item = children[i];
    // The bin has this name, and holds the checks' own films only.
    if (item.type === 2 && String(item.name) === params.bin && item.deleteBin) item.deleteBin();
  }
  var active = project.activeSequence ? String(project.activeSequence.sequenceID) : '';
  return { removed: !left, restored: active === params.before };
}

function readPoint(sequence: PremiereSequence): string {
  return String(sequence.getInPointAsTime().ticks);
}

/** Which forms of a time `setInPoint` takes, and whether the point can be unset again. */
export function probeRange(
  app: PremiereApp,
  globals: HostGlobals,
  params: PremiereScriptCalls['probeRange']['params'],
): PremiereScriptCalls['probeRange']['value'] {
  var sequence = openSequence(app, params.sequence);
  var takes = function (form: (time: Time) => number | string | Time, frame: number): boolean {
    var time = makeTime(globals, String(frame * Number(sequence.timebase)));
    try {
      sequence.setInPoint(form(time));
      return isNear(sequence, readPoint(sequence), time.ticks);
    } catch (thrown) {
      return false;
    }
  };
  // Each form with a frame of its own, so that none is credited with what another did.
  var seconds = takes(function (time) {
    return time.seconds;
  }, 2);
  var asTime = takes(function (time) {
    return time;
  }, 3);
  var ticks = takes(function (time) {
    return time.ticks;
  }, 4);
  sequence.setInPoint(-400000);
  return { seconds: seconds, time: asTime, ticks: ticks, unset: Number(sequence.getInPoint()) < 0 };
}

/** What a direct export says. The file is looked at by whoever asks. */
export function probeExport(
  app: PremiereApp,
  globals: HostGlobals,
  params: PremiereScriptCalls['probeExport']['params'],
): PremiereScriptCalls['probeExport']['value'] {
  var sequence = openSequence(app, params.sequence);
  var file = new globals.File(params.path);
  var said = String(sequence.exportAsMediaDirect(file.fsName, params.preset, 0));
  file = new globals.File(params.path);
  return { said: said, sizeBytes: file.exists ? Number(file.length) : 0 };
}

/** Which forms of a time `overwriteClip` takes, on the top track, each at a second of its own behind all that lies there. */
export function probeOverwrite(
  app: PremiereApp,
  globals: HostGlobals,
  params: PremiereScriptCalls['probeOverwrite']['params'],
): PremiereScriptCalls['probeOverwrite']['value'] {
  var sequence = openSequence(app, params.sequence);
  var items = app.project ? findItem(app.project.rootItem, params.path) : [];
  var track = sequence.videoTracks[sequence.videoTracks.numTracks - 1];
  if (!track || items.length === 0) return fail('IMPORT_FAILED', { path: params.path });
  var takes = function (form: (time: Time) => unknown, second: number): boolean {
    var time = makeTime(globals, String(second * 254016000000));
    try {
      (track as { overwriteClip(item: unknown, time: unknown): unknown }).overwriteClip(items[0], form(time));
    } catch (thrown) {
      return false;
    }
    for (var i = 0; i < track.clips.numItems; i++)
      if (isNear(sequence, track.clips[i].start.ticks, time.ticks)) return true;
    return false;
  };
  return {
    time: takes(function (time) {
      return time;
    }, 60),
    seconds: takes(function (time) {
      return time.seconds;
    }, 120),
    ticks: takes(function (time) {
      return time.ticks;
    }, 180),
  };
}
