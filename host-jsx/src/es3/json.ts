/**
 * JSON for an engine that has none (ExtendScript is ECMAScript 3). Imported, never patched onto a global: panels of
 * other makers share the engine. Reading is a parser of its own, because `eval` would run whatever it is given.
 */
var escapes: { [character: string]: string } = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

function quote(text: string): string {
  var out = '"';
  for (var i = 0; i < text.length; i++) {
    var character = text.charAt(i);
    var code = text.charCodeAt(i);
    if (escapes[character]) out += escapes[character];
    // Beyond ASCII too: the line separators U+2028 and U+2029 end a script's line, and encodings get lost on the way.
    else if (code < 32 || code > 126) out += '\\u' + ('0000' + code.toString(16)).slice(-4);
    else out += character;
  }
  return out + '"';
}

export function isArray(value: unknown): value is unknown[] {
  return Object.prototype.toString.call(value) === '[object Array]';
}

/** Numbers that are not finite become null, undefined members are left out, as JSON.stringify does. */
export function stringify(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value === 'number') return isFinite(value) ? String(value) : 'null';
  var parts: string[] = [];
  if (isArray(value)) {
    for (var i = 0; i < value.length; i++) parts.push(stringify(value[i]));
    return '[' + parts.join(',') + ']';
  }
  var members = value as { [name: string]: unknown };
  for (var name in members) {
    if (Object.prototype.hasOwnProperty.call(members, name) && members[name] !== undefined)
      parts.push(quote(name) + ':' + stringify(members[name]));
  }
  return '{' + parts.join(',') + '}';
}

/** @throws Error naming the position of what is not JSON */
export function parse(text: string): unknown {
  var at = 0;

  function fail(): never {
    throw new Error('not JSON at character ' + at);
  }
  function skip(): void {
    while (at < text.length && ' \t\r\n'.indexOf(text.charAt(at)) >= 0) at++;
  }
  function word(expected: string, value: unknown): unknown {
    if (text.substr(at, expected.length) !== expected) fail();
    at += expected.length;
    return value;
  }
  function readString(): string {
    var out = '';
    at++;
    while (at < text.length) {
      var character = text.charAt(at++);
      if (character === '"') return out;
      if (character !== '\\') {
        if (character < ' ') fail();
        out += character;
        continue;
      }
      var code = text.charAt(at++);
      if (code === 'u') {
        var hex = text.substr(at, 4);
        if (!/^[0-9a-fA-F]{4}$/.test(hex)) fail();
        out += String.fromCharCode(parseInt(hex, 16));
        at += 4;
      } else {
        var plain = '"\\/bfnrt'.indexOf(code);
        if (code === '' || plain < 0) fail();
        out += '"\\/\b\f\n\r\t'.charAt(plain);
      }
    }
    return fail();
  }
  function readNumber(): number {
    var match = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/.exec(text.substr(at, 40));
    if (!match) return fail();
    at += match[0].length;
    return Number(match[0]);
  }
  function readList(): unknown[] {
    var out: unknown[] = [];
    at++;
    skip();
    if (text.charAt(at) === ']') {
      at++;
      return out;
    }
    for (;;) {
      out.push(readValue());
      skip();
      var next = text.charAt(at++);
      if (next === ']') return out;
      if (next !== ',') fail();
    }
  }
  function readMembers(): unknown {
    var out: { [name: string]: unknown } = {};
    at++;
    skip();
    if (text.charAt(at) === '}') {
      at++;
      return out;
    }
    for (;;) {
      skip();
      if (text.charAt(at) !== '"') fail();
      var name = readString();
      skip();
      if (text.charAt(at++) !== ':') fail();
      out[name] = readValue();
      skip();
      var next = text.charAt(at++);
      if (next === '}') return out;
      if (next !== ',') fail();
    }
  }
  function readValue(): unknown {
    skip();
    var character = text.charAt(at);
    if (character === '{') return readMembers();
    if (character === '[') return readList();
    if (character === '"') return readString();
    if (character === 't') return word('true', true);
    if (character === 'f') return word('false', false);
    if (character === 'n') return word('null', null);
    return readNumber();
  }

  var value = readValue();
  skip();
  if (at < text.length) fail();
  return value;
}
