import { makeDispatch } from './dispatch';

declare var $: { [namespace: string]: unknown };
declare var app: unknown;

// Nothing else is global: all panels of a host share one engine. Loading again simply puts the new one in its place.
$['org.reverie'] = { dispatch: makeDispatch(app) };
