import type { PremiereScriptCalls } from '#protocol/host-facts';
import type { PremiereApp } from './dom';

declare var ExternalObject: (new (library: string) => unknown) | undefined;
declare var CSXSEvent: (new () => { type: string; data: string; dispatch(): void }) | undefined;
declare var $: { [namespace: string]: { bound?: boolean } };

/** What the panel listens to. */
var eventType = 'org.reverie.changed';
var names = [
  'onSequenceActivated',
  'onActiveSequenceChanged',
  'onActiveSequenceSelectionChanged',
  'onActiveSequenceTrackItemAdded',
  'onActiveSequenceTrackItemRemoved',
  'onActiveSequenceStructureChanged',
];

function tell(): void {
  if (typeof CSXSEvent === 'undefined') return;
  var event = new CSXSEvent();
  event.type = eventType;
  event.data = '';
  event.dispatch();
}

/**
 * Has the application tell the panel when the selection or the sequence changes. Once for as long as the engine lives:
 * a binding cannot be taken back, and a panel that was opened again listens to the first one.
 */
export function followEvents(app: PremiereApp): PremiereScriptCalls['followEvents']['value'] {
  var own = $['org.reverie'];
  if (own.bound) return { events: names.length };
  if (!app.bind || typeof ExternalObject === 'undefined') return { events: 0 };
  // Loading it defines CSXSEvent.
  new ExternalObject('lib:PlugPlugExternalObject');
  var count = 0;
  for (var i = 0; i < names.length; i++) {
    try {
      app.bind(names[i], tell);
      count++;
    } catch (thrown) {
      // A version without this event: the panel asks every second all the same.
      continue;
    }
  }
  own.bound = count > 0;
  return { events: count };
}
