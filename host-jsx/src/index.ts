import type { AeGlobals } from './aftereffects/dom';
import { makeDispatch } from './dispatch';
import type { HostGlobals } from './premiere/dom';

declare var $: { [namespace: string]: { dispatch?: unknown; bound?: boolean } | undefined };
declare var app: unknown;
declare var File: HostGlobals['File'] & AeGlobals['File'];
declare var Time: HostGlobals['Time'];
declare var ImportOptions: AeGlobals['ImportOptions'];
declare var MarkerValue: AeGlobals['MarkerValue'];
declare var ImportAsType: AeGlobals['ImportAsType'];
declare var PostRenderAction: AeGlobals['PostRenderAction'];
declare var RQItemStatus: AeGlobals['RQItemStatus'];
declare var BlendingMode: AeGlobals['BlendingMode'];

// Each host has globals that the other has not; `typeof` asks without failing.
var globals = {
  File: typeof File === 'undefined' ? undefined : File,
  Time: typeof Time === 'undefined' ? undefined : Time,
  ImportOptions: typeof ImportOptions === 'undefined' ? undefined : ImportOptions,
  MarkerValue: typeof MarkerValue === 'undefined' ? undefined : MarkerValue,
  ImportAsType: typeof ImportAsType === 'undefined' ? undefined : ImportAsType,
  PostRenderAction: typeof PostRenderAction === 'undefined' ? undefined : PostRenderAction,
  RQItemStatus: typeof RQItemStatus === 'undefined' ? undefined : RQItemStatus,
  BlendingMode: typeof BlendingMode === 'undefined' ? undefined : BlendingMode,
} as unknown as HostGlobals & AeGlobals;

// Nothing else is global: all panels of a host share one engine. Loading again simply puts the new one in its place.
var earlier = $['org.reverie'];
$['org.reverie'] = { dispatch: makeDispatch(app, globals), bound: Boolean(earlier && earlier.bound) };
