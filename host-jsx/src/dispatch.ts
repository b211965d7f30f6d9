import type { AfterEffectsScriptCalls, HostAnswer, HostCall, PremiereScriptCalls } from '#protocol/host-facts';
import type { AeApp, AeGlobals } from './aftereffects/dom';
import { exportComposition, readTemplates } from './aftereffects/export';
import { importFootage, replaceFootage } from './aftereffects/import';
import { writeCompositionMarkers } from './aftereffects/markers';
import { findPlacedLayers, placeLayer, removeLayers } from './aftereffects/place';
import { readAfterEffects, readCompositionStamp } from './aftereffects/read';
import { closeScratchComposition, openScratchComposition } from './aftereffects/scratch';
import { parse, stringify } from './es3/json';
import { asFailure, fail } from './failure';
import { followEvents } from './premiere/events';
import { exportExtension, exportRange } from './premiere/export';
import { importFile, replace } from './premiere/import';
import { writeMarkers } from './premiere/markers';
import { addTrack, findPlaced, place, remove } from './premiere/place';
import { probePlaces } from './premiere/places';
import { closeScratch, openScratch, probeExport, probeOverwrite, probeRange } from './premiere/scratch';
import { readPremiere, readStamp } from './premiere/read';
import type { HostGlobals, PremiereApp } from './premiere/dom';

/** Raised with every change of what a call takes or answers; the panel compares it in its first call. */
export var scriptVersion = 4;

type Methods = { [name: string]: (params: unknown) => unknown };
/** Answered by both, below. */
type CommonName = 'handshake' | 'readTimeline';
type PremiereMethods = {
  [Name in Exclude<keyof PremiereScriptCalls, CommonName>]: (
    params: PremiereScriptCalls[Name]['params'],
  ) => PremiereScriptCalls[Name]['value'];
};

function premiereMethods(app: PremiereApp, globals: HostGlobals): PremiereMethods {
  return {
    stamp: function () {
      return readStamp(app);
    },
    followEvents: function () {
      return followEvents(app);
    },
    openScratch: function (params) {
      return openScratch(app, params);
    },
    closeScratch: function (params) {
      return closeScratch(app, params);
    },
    probePlaces: function () {
      return probePlaces(app);
    },
    probeRange: function (params) {
      return probeRange(app, globals, params);
    },
    probeExport: function (params) {
      return probeExport(app, globals, params);
    },
    probeOverwrite: function (params) {
      return probeOverwrite(app, globals, params);
    },
    exportExtension: function (params) {
      return exportExtension(app, params);
    },
    exportRange: function (params) {
      return exportRange(app, globals, params);
    },
    findPlaced: function (params) {
      return findPlaced(app, params);
    },
    writeMarkers: function (params) {
      return writeMarkers(app, globals, params);
    },
    addTrack: function (params) {
      return addTrack(app, params);
    },
    importFile: function (params) {
      return importFile(app, params);
    },
    place: function (params) {
      return place(app, globals, params);
    },
    replace: function (params) {
      return replace(app, params);
    },
    remove: function (params) {
      return remove(app, params);
    },
  };
}

type AfterEffectsMethods = {
  [Name in Exclude<keyof AfterEffectsScriptCalls, CommonName>]: (
    params: AfterEffectsScriptCalls[Name]['params'],
  ) => AfterEffectsScriptCalls[Name]['value'];
};

function afterEffectsMethods(app: AeApp, globals: AeGlobals): AfterEffectsMethods {
  return {
    stamp: function () {
      return readCompositionStamp(app);
    },
    openScratch: function (params) {
      return openScratchComposition(app, params);
    },
    closeScratch: function (params) {
      return closeScratchComposition(app, params);
    },
    templates: function (params) {
      return readTemplates(app, params);
    },
    exportRange: function (params) {
      return exportComposition(app, globals, params);
    },
    findPlaced: function (params) {
      return findPlacedLayers(app, params);
    },
    importFile: function (params) {
      return importFootage(app, globals, params);
    },
    place: function (params) {
      return placeLayer(app, params);
    },
    replace: function (params) {
      return replaceFootage(app, globals, params);
    },
    writeMarkers: function (params) {
      return writeCompositionMarkers(app, globals, params);
    },
    remove: function (params) {
      return removeLayers(app, params);
    },
  };
}

function isPremiere(app: unknown): boolean {
  return (
    String((app as { name?: string }).name).indexOf('Premiere') >= 0 || Boolean((app as { encoder?: unknown }).encoder)
  );
}

export function makeDispatch(app: unknown, globals: HostGlobals & AeGlobals): (text: string) => string {
  var methods: Methods = {
    handshake: function () {
      return {
        script: scriptVersion,
        host: isPremiere(app) ? 'premiere' : 'aftereffects',
        version: String((app as { version: unknown }).version),
        path: String((app as { path?: unknown }).path || ''),
      };
    },
    readTimeline: function (params) {
      var id = (params as { sequence?: string }).sequence;
      return isPremiere(app) ? readPremiere(app as PremiereApp, id) : readAfterEffects(app as AeApp, globals, id);
    },
  };
  var more = (isPremiere(app)
    ? premiereMethods(app as PremiereApp, globals)
    : afterEffectsMethods(app as AeApp, globals)) as unknown as Methods;
  for (var name in more) if (Object.prototype.hasOwnProperty.call(more, name)) methods[name] = more[name];
  /** One call, one answer, both JSON text. Never throws: an error in the host's engine would be the bare text "EvalScript error.". */
  return function (text: string): string {
    var id = 0;
    var answer: HostAnswer;
    try {
      var call = parse(text) as HostCall;
      id = Number(call.id);
      if (!Object.prototype.hasOwnProperty.call(methods, call.method))
        fail('HOST_FAILED', { problem: 'there is no call ' + call.method });
      answer = { id: id, ok: true, value: methods[call.method](call.params) };
    } catch (thrown) {
      var failure = asFailure(thrown);
      answer = { id: id, ok: false, error: { code: failure.code, details: failure.details } };
    }
    return stringify(answer);
  };
}
