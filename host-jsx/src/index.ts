import { makeDispatch } from './dispatch';
import type { HostGlobals } from './premiere/dom';

declare var $: { [namespace: string]: unknown };
declare var app: unknown;
declare var File: HostGlobals['File'];
declare var Time: HostGlobals['Time'];

// After Effects has no Time of Premiere's; `typeof` asks without failing.
var globals = {
  File: typeof File === 'undefined' ? undefined : File,
  Time: typeof Time === 'undefined' ? undefined : Time,
} as HostGlobals;

// Nothing else is global: all panels of a host share one engine. Loading again simply puts the new one in its place.
$['org.reverie'] = { dispatch: makeDispatch(app, globals) };
