/** A word that must not leave this machine, and what stands in its place. */
export type Secret = { readonly text: string; readonly as: string };

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** What may follow a drive, a home or a share in a path; spaces are taken only where a separator follows. */
const rest = String.raw`(?:[^\s"'<>|:*?\\/]+(?: [^\s"'<>|:*?\\/]+)*[\\/]+)*[^\s"'<>|:*?\\/,;)]*`;
/** Absolute paths of every system, whatever they name: "/Users/…", "C:\…" (also as JSON writes it), "\\server\share\…". */
const paths = [
  new RegExp(String.raw`\bfile:\/\/[^\s"'<>]*`, 'g'),
  new RegExp(String.raw`\b[A-Za-z]:[\\/]+${rest}`, 'g'),
  new RegExp(String.raw`\\\\+[^\s"'<>|:*?\\/]+[\\/]+${rest}`, 'g'),
  new RegExp(String.raw`(?<![\w.<>:/])\/(?:[^\s"'<>|:*?\\/]+(?: [^\s"'<>|:*?\\/]+)*\/)+[^\s"'<>|:*?\\/,;)]*`, 'g'),
];

export type Private = {
  /** A folder whose inside may be shown: paths in it are told from there on. */
  readonly folder?: string;
  /** Names of files and things; they may stand in paths. */
  readonly names?: readonly Secret[];
  /** Of people and machines. */
  readonly words?: readonly Secret[];
};

/** In JSON a backslash is written twice. */
const formsOf = (text: string) => [...new Set([text, text.replace(/\\/g, '\\\\')])];

/** Longest first; what begins or ends with a letter is replaced as a whole word only: "al" is not torn out of "metal". */
function createReplacer(secrets: readonly Secret[]): (text: string) => string {
  const rules = secrets
    .flatMap(({ text, as }) => formsOf(text).map(form => ({ text: form, as })))
    .filter(({ text }) => text.length >= 2)
    .sort((a, b) => b.text.length - a.text.length)
    .map(({ text, as }) => {
      const before = /^[\p{L}\p{N}_]/u.test(text) ? '(?<![\\p{L}\\p{N}_])' : '';
      const after = /[\p{L}\p{N}_]$/u.test(text) ? '(?![\\p{L}\\p{N}_])' : '';
      return { pattern: new RegExp(`${before}${escaped(text)}${after}`, 'giu'), as };
    });
  return text => rules.reduce((clean, { pattern, as }) => clean.replace(pattern, as), text);
}

/** Takes names, absolute paths and words out of a text, in this order: a name with spaces would tear a path apart. */
export function createScrubber({ folder, names = [], words = [] }: Private): (text: string) => string {
  const withoutNames = createReplacer(names);
  const withoutWords = createReplacer(words);
  const roots = folder === undefined ? [] : formsOf(folder);
  return text => {
    let clean = roots.reduce((rooted, root) => rooted.split(root).join('<reverie>'), text);
    clean = withoutNames(clean);
    for (const pattern of paths) clean = clean.replace(pattern, '<path>');
    return withoutWords(clean);
  };
}
