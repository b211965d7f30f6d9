/** Bytes as text, for messages that carry JSON only. Written out: UXP is not known to have `btoa`. */
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const codes = Uint8Array.from(letters, letter => letter.charCodeAt(0));
const values = new Uint8Array(128);
codes.forEach((code, value) => (values[code] = value));
const padding = '='.charCodeAt(0);
/** A call takes some ten thousand arguments, not a million. */
const lettersAtOnce = 8192;

export function toBase64(bytes: Uint8Array): string {
  const out = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  for (let from = 0, to = 0; from < bytes.length; from += 3) {
    // Past the end `undefined`, which counts as 0 here.
    const word = (bytes[from] << 16) | (bytes[from + 1] << 8) | bytes[from + 2];
    out[to++] = codes[word >> 18];
    out[to++] = codes[(word >> 12) & 63];
    out[to++] = codes[(word >> 6) & 63];
    out[to++] = codes[word & 63];
  }
  out.fill(padding, out.length - ((3 - (bytes.length % 3)) % 3));
  let text = '';
  for (let at = 0; at < out.length; at += lettersAtOnce) {
    text += String.fromCharCode(...out.subarray(at, at + lettersAtOnce));
  }
  return text;
}

/** The inverse of `toBase64`; whatever else is given makes bytes that mean nothing, never a failure. */
export function fromBase64(text: string): Uint8Array {
  const length = text.replace(/=+$/, '').length;
  const bytes = new Uint8Array(Math.floor((length * 3) / 4));
  const value = (at: number) => values[text.charCodeAt(at) & 127];
  for (let at = 0, out = 0; out < bytes.length; at += 4) {
    const word = (value(at) << 18) | (value(at + 1) << 12) | (value(at + 2) << 6) | value(at + 3);
    bytes[out++] = word >> 16;
    if (out < bytes.length) bytes[out++] = word >> 8;
    if (out < bytes.length) bytes[out++] = word;
  }
  return bytes;
}
