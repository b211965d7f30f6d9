import type { PremiereCalls } from '#protocol/host-facts';
import { fail } from '../failure';
import type { HostGlobals, PremiereApp, PremiereSequence } from './dom';
import { isNear, makeTime, openSequence } from './timeline';

/** Seconds that Premiere itself gives for a point that is not set. */
var unset = -400000;
var inToOut = 1;

export function exportExtension(
  app: PremiereApp,
  params: PremiereCalls['exportExtension']['params'],
): PremiereCalls['exportExtension']['value'] {
  var sequence = openSequence(app, params.sequence);
  var extension = sequence.getExportFileExtension ? String(sequence.getExportFileExtension(params.preset) || '') : '';
  return { extension: extension.replace(/^\./, '') };
}

/**
 * Sets in and out, reads them back, exports, and puts everything back as it was. One call, so that a panel that is
 * closed meanwhile leaves nothing changed behind.
 */
export function exportRange(
  app: PremiereApp,
  globals: HostGlobals,
  params: PremiereCalls['exportRange']['params'],
): PremiereCalls['exportRange']['value'] {
  var sequence = openSequence(app, params.sequence);
  var before = { inPoint: readPoint(sequence, 'In'), outPoint: readPoint(sequence, 'Out') };
  var muted: number[] = [];
  var failure: unknown;
  var sizeBytes = 0;
  var file = new globals.File(params.path);
  try {
    setRange(sequence, globals, params.start, params.end);
    for (var i = 0; i < params.mute.length; i++) {
      var track = sequence.videoTracks[params.mute[i]];
      if (!track || track.isMuted()) continue;
      track.setMute(1);
      muted.push(params.mute[i]);
      if (!track.isMuted())
        fail('EXPORT_FAILED', {
          path: params.path,
          problem: 'video track ' + (params.mute[i] + 1) + ' cannot be muted',
        });
    }
    // A file that lay there before would read as success.
    if (file.exists) file.remove();
    file = new globals.File(params.path);
    if (file.exists)
      fail('EXPORT_FAILED', { path: params.path, problem: 'an older file of that name cannot be removed' });
    var said = sequence.exportAsMediaDirect(file.fsName, params.preset, inToOut);
    file = new globals.File(params.path);
    if (!file.exists || file.length === 0)
      fail('EXPORT_FAILED', { path: params.path, problem: 'no file was written (' + String(said) + ')' });
    sizeBytes = Number(file.length);
  } catch (thrown) {
    failure = thrown;
  }
  var restored = restore(sequence, globals, before, muted);
  if (failure) throw failure;
  return { path: String(file.fsName), sizeBytes: sizeBytes, restored: restored };
}

function readPoint(sequence: PremiereSequence, which: 'In' | 'Out'): string | undefined {
  var seconds = which === 'In' ? sequence.getInPoint() : sequence.getOutPoint();
  if (Number(seconds) < 0) return undefined;
  return String((which === 'In' ? sequence.getInPointAsTime() : sequence.getOutPointAsTime()).ticks);
}

function isAt(sequence: PremiereSequence, which: 'In' | 'Out', ticks: string): boolean {
  var now = readPoint(sequence, which);
  return now !== undefined && isNear(sequence, now, ticks);
}

/** Builds differ in what they take, and one that they do not take is accepted and ignored: tried in turn and read back. */
function setPoint(sequence: PremiereSequence, globals: HostGlobals, which: 'In' | 'Out', ticks: string): void {
  var time = makeTime(globals, ticks);
  var forms: (number | string | typeof time)[] = [time.seconds, time, ticks];
  for (var i = 0; i < forms.length && !isAt(sequence, which, ticks); i++) {
    try {
      if (which === 'In') sequence.setInPoint(forms[i]);
      else sequence.setOutPoint(forms[i]);
    } catch (thrown) {
      // This build refuses the form; the next one is tried, and what counts is read back by the caller.
      continue;
    }
  }
}

function setRange(sequence: PremiereSequence, globals: HostGlobals, start: string, end: string): void {
  // Twice: a new in point behind the old out point moves that one.
  for (var i = 0; i < 2; i++) {
    setPoint(sequence, globals, 'In', start);
    setPoint(sequence, globals, 'Out', end);
    if (isAt(sequence, 'In', start) && isAt(sequence, 'Out', end)) return;
  }
  fail('HOST_RANGE_IGNORED', {});
}

/** @returns whether in, out and the muted tracks read as before */
function restore(
  sequence: PremiereSequence,
  globals: HostGlobals,
  before: { inPoint?: string; outPoint?: string },
  muted: number[],
): boolean {
  var whole = true;
  for (var i = 0; i < muted.length; i++) {
    sequence.videoTracks[muted[i]].setMute(0);
    if (sequence.videoTracks[muted[i]].isMuted()) whole = false;
  }
  for (var round = 0; round < 2; round++) {
    restorePoint(sequence, globals, 'In', before.inPoint);
    restorePoint(sequence, globals, 'Out', before.outPoint);
  }
  return whole && isRestored(sequence, 'In', before.inPoint) && isRestored(sequence, 'Out', before.outPoint);
}

function isRestored(sequence: PremiereSequence, which: 'In' | 'Out', ticks: string | undefined): boolean {
  return ticks === undefined ? readPoint(sequence, which) === undefined : isAt(sequence, which, ticks);
}

function restorePoint(
  sequence: PremiereSequence,
  globals: HostGlobals,
  which: 'In' | 'Out',
  ticks: string | undefined,
): void {
  if (isRestored(sequence, which, ticks)) return;
  if (ticks !== undefined) return setPoint(sequence, globals, which, ticks);
  if (which === 'In') sequence.setInPoint(unset);
  else sequence.setOutPoint(unset);
}
