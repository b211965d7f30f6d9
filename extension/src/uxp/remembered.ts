import type { PlugInFiles } from './files';

/** What the panel remembers, as a file in the plug-in's own folder: local pages of a web view have no `localStorage`. */
export async function openRemembered(files: PlugInFiles, path: string) {
  let known: Record<string, string> = {};
  try {
    const read: unknown = JSON.parse((await files.readText(path)) ?? '{}');
    if (typeof read === 'object' && read !== null)
      known = Object.fromEntries(Object.entries(read).filter(([, value]) => typeof value === 'string')) as Record<
        string,
        string
      >;
  } catch {
    // Half written when the application was quit: the panel begins anew.
  }
  let writing: Promise<void> = Promise.resolve();
  return {
    all: () => known,
    set(key: string, value: string): Promise<void> {
      known = { ...known, [key]: value };
      // One after the other: the last one written is the last one set.
      writing = writing.catch(() => undefined).then(() => files.writeText(path, JSON.stringify(known)));
      return writing;
    },
  };
}
