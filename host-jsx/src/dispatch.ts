import type { HostAnswer, HostCall, PremiereCalls } from '#protocol/host-facts';
import { readAfterEffects } from './aftereffects/read';
import type { AfterEffectsApp } from './aftereffects/dom';
import { parse, stringify } from './es3/json';
import { asFailure, fail } from './failure';
import { exportExtension, exportRange } from './premiere/export';
import { importFile, replace } from './premiere/import';
import { writeMarkers } from './premiere/markers';
import { addTrack, findPlaced, place, remove } from './premiere/place';
import { readPremiere, readStamp } from './premiere/read';
import type { HostGlobals, PremiereApp } from './premiere/dom';

/** Raised with every change of what a call takes or answers; the panel compares it in its first call. */
export var scriptVersion = 2;

type Methods = { [name: string]: (params: unknown) => unknown };
type PremiereMethods = {
  [Name in keyof PremiereCalls]: (params: PremiereCalls[Name]['params']) => PremiereCalls[Name]['value'];
};

function premiereMethods(app: PremiereApp, globals: HostGlobals): PremiereMethods {
  return {
    stamp: function () {
      return readStamp(app);
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

function isPremiere(app: unknown): boolean {
  return (
    String((app as { name?: string }).name).indexOf('Premiere') >= 0 || Boolean((app as { encoder?: unknown }).encoder)
  );
}

export function makeDispatch(app: unknown, globals: HostGlobals): (text: string) => string {
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
      return isPremiere(app)
        ? readPremiere(app as PremiereApp, (params as { sequence?: string }).sequence)
        : readAfterEffects(app as AfterEffectsApp);
    },
  };
  if (isPremiere(app)) {
    var more = premiereMethods(app as PremiereApp, globals) as unknown as Methods;
    for (var name in more) if (Object.prototype.hasOwnProperty.call(more, name)) methods[name] = more[name];
  }
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
