import type { PresetEntry } from './state';

/** Letters to add, drop or change, to make one word of the other (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length];
}

/** Case, accents, spaces and dashes are how a person happened to write it. */
const plain = (text: string) =>
  text
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '');

export type PresetMatch = { readonly entry: PresetEntry; readonly isExact: boolean };

/**
 * The preset that somebody meant, by its name or its titles; one that is not exact differs in at most half of its
 * letters. @param titleOf as the panel shows it
 */
export function nearestPreset(
  wish: string,
  presets: readonly PresetEntry[],
  titleOf: (entry: PresetEntry) => string,
): PresetMatch | undefined {
  const wanted = plain(wish);
  const rated = presets.map(entry => {
    const names = [entry.preset.name, entry.preset.title, titleOf(entry)].map(plain);
    const best = Math.min(...names.map(name => distance(wanted, name) / Math.max(1, wanted.length, name.length)));
    return { entry, best };
  });
  const [first] = rated.sort((a, b) => a.best - b.best);
  return first && first.best <= 0.5 ? { entry: first.entry, isExact: first.best === 0 } : undefined;
}
