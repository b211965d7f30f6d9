import { z } from 'zod';
import { presetSchema } from '#protocol/preset';
import { sectionSchema, type Section } from './sections';
import { pages, type AppState } from './state';

/** What the panel remembers from one opening to the next. Jobs and presets live on the bridge. */
const savedSchema = z.object({
  version: z.literal(1),
  page: z.enum(pages).catch('render'),
  settings: z
    .object({
      language: z.enum(['auto', 'en', 'fr']),
      livePreview: z.boolean(),
      seed: z.int().nonnegative(),
      readSources: z.boolean(),
      openMore: z.record(z.string(), z.boolean()),
    })
    .partial()
    .catch({}),
  chosen: z.string(),
  draft: presetSchema.optional().catch(undefined),
  clip: z.object({ sha256: z.string(), name: z.string() }).optional(),
  range: z.object({ first: z.int(), last: z.int() }),
  playhead: z.int(),
});
export type Saved = z.infer<typeof savedSchema>;

export type Storage = { getItem(key: string): string | null; setItem(key: string, value: string): void };
const key = 'reverie.panel';
const sectionsKey = (sequence: string) => `reverie.sections.${sequence}`;

/** @returns undefined where nothing, or nothing readable, was saved: then the panel starts as new */
export function readSaved(storage: Storage): Saved | undefined {
  try {
    const parsed = savedSchema.safeParse(JSON.parse(storage.getItem(key) ?? 'null'));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

export function toSaved(state: AppState): Saved {
  return {
    version: 1,
    page: state.page,
    settings: { ...state.settings, openMore: { ...state.settings.openMore } },
    chosen: state.chosen,
    draft: state.draft,
    clip: state.source.phase === 'ready' ? { sha256: state.source.clip.sha256, name: state.source.name } : undefined,
    range: state.range,
    playhead: state.playhead,
  };
}

export function writeSaved(storage: Storage, saved: Saved): void {
  try {
    storage.setItem(key, JSON.stringify(saved));
  } catch {
    // A browser that keeps nothing (private window, full storage) forgets: the panel works all the same.
  }
}

/** @returns the sections that are kept with a sequence, in its frames, in order; none where nothing readable is kept */
export function readSections(storage: Storage, sequence: string): Section[] {
  try {
    const parsed = z.array(sectionSchema).safeParse(JSON.parse(storage.getItem(sectionsKey(sequence)) ?? '[]'));
    if (!parsed.success) return [];
    const { data } = parsed;
    const inOrder = data.every(
      (section, index) => section.last >= section.first && (index === 0 || section.first > data[index - 1].last),
    );
    return inOrder ? data : [];
  } catch {
    return [];
  }
}

export function writeSections(storage: Storage, sequence: string, sections: readonly Section[]): void {
  try {
    storage.setItem(sectionsKey(sequence), JSON.stringify(sections));
  } catch {
    // As in `writeSaved`: then they live as long as the page.
  }
}
