import { createContext, runInContext, type Context } from 'node:vm';

/** Everything that ECMAScript 3 knows; what came later is taken away before the script runs. */
const es3Globals = [
  'Object',
  'Function',
  'Array',
  'String',
  'Boolean',
  'Number',
  'Date',
  'RegExp',
  'Error',
  'Math',
  'NaN',
  'Infinity',
  'undefined',
  'parseInt',
  'parseFloat',
  'isNaN',
  'isFinite',
  'eval',
  'TypeError',
  'RangeError',
  'SyntaxError',
  'EvalError',
  'ReferenceError',
  'URIError',
  'decodeURI',
  'decodeURIComponent',
  'encodeURI',
  'encodeURIComponent',
];

/** An engine of ECMAScript 3's built-ins and the host's own globals, in which the built host script runs. */
export function createEs3Engine(globals: Record<string, unknown>): Context {
  const context = createContext({ $: {}, ...globals });
  runInContext(
    `(function (keep) {
      var names = Object.getOwnPropertyNames(this), i;
      for (i = 0; i < names.length; i++) if (keep.indexOf(names[i]) < 0) delete this[names[i]];
      var late = { Array: ['isArray', 'from', 'of'], Object: ['keys', 'create', 'defineProperty', 'defineProperties', 'freeze', 'assign', 'entries', 'getOwnPropertyNames'], Date: ['now'] };
      for (var name in late) for (i = 0; i < late[name].length; i++) delete this[name][late[name][i]];
      var methods = ['indexOf', 'forEach', 'map', 'filter', 'reduce', 'some', 'every', 'find', 'includes', 'lastIndexOf', 'fill', 'flat'];
      for (i = 0; i < methods.length; i++) delete Array.prototype[methods[i]];
      var texts = ['trim', 'padStart', 'startsWith', 'endsWith', 'includes', 'repeat'];
      for (i = 0; i < texts.length; i++) delete String.prototype[texts[i]];
      delete Function.prototype.bind;
    })(${JSON.stringify([...es3Globals, '$', ...Object.keys(globals)])})`,
    context,
  );
  return context;
}
