import type { PremiereCalls } from '#protocol/host-facts';
import { fail } from '../failure';
import type { HostGlobals, PremiereApp, PremiereMarker, PremiereSequence } from './dom';
import { isNear, makeTime, openSequence } from './timeline';

function findMarker(sequence: PremiereSequence, name: string, start: string): PremiereMarker | undefined {
  var markers = sequence.markers;
  if (!markers || markers.numMarkers === 0) return undefined;
  var marker: PremiereMarker | undefined = markers.getFirstMarker();
  // Bounded: a host that hands out the same marker again must not hang its own interface.
  for (var i = 0; marker && i < markers.numMarkers; i++) {
    if (String(marker.name) === name && isNear(sequence, marker.start.ticks, start)) return marker;
    marker = markers.getNextMarker(marker);
  }
  return undefined;
}

/** Adds markers. One that stands there under the same name is brought up to date, so that a second call adds nothing. */
export function writeMarkers(
  app: PremiereApp,
  globals: HostGlobals,
  params: PremiereCalls['writeMarkers']['params'],
): PremiereCalls['writeMarkers']['value'] {
  var sequence = openSequence(app, params.sequence);
  for (var i = 0; i < params.markers.length; i++) {
    var wanted = params.markers[i];
    var marker = findMarker(sequence, wanted.name, wanted.start);
    if (!marker && sequence.markers && sequence.markers.createMarker) {
      var made = sequence.markers.createMarker(makeTime(globals, wanted.start).seconds);
      if (made) made.name = wanted.name;
      marker = findMarker(sequence, wanted.name, wanted.start);
    }
    if (!marker) return fail('HOST_FAILED', { problem: 'the marker "' + wanted.name + '" was not made' });
    marker.comments = wanted.comment;
    // The published types say Time; a number of seconds is what is taken.
    if (!isNear(sequence, marker.end.ticks, wanted.end))
      (marker as { end: unknown }).end = makeTime(globals, wanted.end).seconds;
    if (wanted.colour >= 0 && marker.setColorByIndex) marker.setColorByIndex(wanted.colour);
    marker = findMarker(sequence, wanted.name, wanted.start);
    if (!marker || !isNear(sequence, marker.end.ticks, wanted.end))
      return fail('HOST_FAILED', { problem: 'the marker "' + wanted.name + '" did not take its length' });
  }
  return { written: params.markers.length };
}
