import type { EventManagerStatic } from '@adobe/premierepro';
import type { Premiere } from './modules';

/** Premiere's events that mean another selection or sequence. Where a version has none, the page asks every second. */
export function watchHost({ EventManager, Constants }: Premiere, onChange: () => void): void {
  const { SequenceEvent, ProjectEvent } = Constants;
  const listen = (EventManager as Partial<EventManagerStatic>).addGlobalEventListener;
  for (const name of [SequenceEvent.SELECTION_CHANGED, SequenceEvent.ACTIVATED, ProjectEvent.ACTIVATED]) {
    listen?.call(EventManager, name, onChange);
  }
}
