/** Fewer letters that two names begin with are chance. */
const tellingLetters = 3;

/** A name for a net, with the first file's ending: what the names of its files begin with, "magenta" for a pair of Magenta's. */
export function netName(files: readonly string[]): string {
  const [first, ...others] = files;
  const ending = /\.[^.]*$/.exec(first)?.[0] ?? '';
  const stem = first.slice(0, first.length - ending.length);
  let length = stem.length;
  for (const other of others) while (!other.startsWith(stem.slice(0, length))) length--;
  const common = stem.slice(0, length).replace(/[^\p{L}\p{N}]+$/u, '');
  return `${common.length >= tellingLetters ? common : stem}${ending}`;
}
