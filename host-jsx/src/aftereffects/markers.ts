import type { AfterEffectsCalls } from '#protocol/host-facts';
import { fail } from '../failure';
import { asOneStep, openComposition, toFrames, toSeconds } from './composition';
import type { AeApp, AeComposition, AeGlobals, AeMarkers } from './dom';

type Wanted = AfterEffectsCalls['writeMarkers']['params']['markers'][number];

/** A marker of After Effects has one text: name in the first line, comment in the second. */
function textOf(wanted: Wanted): string {
  return wanted.comment ? wanted.name + '\n' + wanted.comment : wanted.name;
}

function linesOf(text: string): string[] {
  return String(text).replace(/\r\n?/g, '\n').split('\n');
}

function findKey(composition: AeComposition, markers: AeMarkers, frame: number): number {
  for (var k = 1; k <= markers.numKeys; k++) if (toFrames(composition, markers.keyTime(k)) === frame) return k;
  return 0;
}

/** Ours, or the person's own marker of that section, whose text is kept as the comment. */
function mayChange(text: string, wanted: Wanted): boolean {
  var lines = linesOf(text);
  return lines[0] === wanted.name || (wanted.comment !== '' && lines.length === 1 && lines[0] === wanted.comment);
}

/**
 * Adds markers. Two do not fit at one time: what stands there under the same name is brought up to date, and where
 * another one stands nothing at all is written.
 */
export function writeCompositionMarkers(
  app: AeApp,
  globals: AeGlobals,
  params: AfterEffectsCalls['writeMarkers']['params'],
): AfterEffectsCalls['writeMarkers']['value'] {
  var composition = openComposition(app, params.composition);
  var markers = composition.markerProperty;
  if (!markers) return fail('HOST_FAILED', { problem: 'this version has no markers on compositions' });
  var keys = markers;
  for (var i = 0; i < params.markers.length; i++) {
    var at = findKey(composition, keys, params.markers[i].first);
    if (at > 0 && !mayChange(keys.keyValue(at).comment, params.markers[i]))
      fail('MARKER_TAKEN', { name: linesOf(keys.keyValue(at).comment)[0], frame: params.markers[i].first });
  }
  return asOneStep(app, 'write markers', function () {
    for (var k = 0; k < params.markers.length; k++) {
      var wanted = params.markers[k];
      var value = new globals.MarkerValue(textOf(wanted));
      value.duration = toSeconds(composition, wanted.frames);
      if (wanted.colour >= 0) value.label = wanted.colour;
      keys.setValueAtTime(toSeconds(composition, wanted.first), value);
      var made = findKey(composition, keys, wanted.first);
      if (made === 0 || linesOf(keys.keyValue(made).comment)[0] !== wanted.name)
        return fail('HOST_FAILED', { problem: 'the marker "' + wanted.name + '" was not made' });
      if (toFrames(composition, keys.keyValue(made).duration) !== wanted.frames)
        return fail('HOST_FAILED', { problem: 'the marker "' + wanted.name + '" did not take its length' });
    }
    return { written: params.markers.length };
  });
}
