import { z } from 'zod';
import type { Reply } from '#protocol/messages';
import type { TimelineMarker } from '#protocol/timeline';
import type { Rate } from '#protocol/time';
import { toClipFrame, toSequenceStart, type ReadySource } from './timeline-map';

/**
 * Parts of a song or sequence, each with a preset. They lie edge to edge in frames of the clip and cover it whole: a
 * boundary is one number, and moving it moves the end of one section and the start of the next.
 */
export const sectionSchema = z.object({
  label: z.string().max(80),
  first: z.int().nonnegative(),
  last: z.int().nonnegative(),
  preset: z.string().max(60).optional(),
  job: z.string().optional(),
});
export type Section = z.infer<typeof sectionSchema>;

/** A file that a person can read, keep beside the project and send on. Frames are those of `rate`. */
export const sectionsFileSchema = z.object({
  version: z.literal(1),
  rate: z.object({ num: z.int().positive(), den: z.int().positive() }),
  sections: z.array(sectionSchema).min(1).max(500),
});
export type SectionsFile = z.infer<typeof sectionsFileSchema>;

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Makes sections of boundaries: sorted, inside the clip, none empty, the whole clip covered. */
function cover(
  starts: readonly {
    readonly first: number;
    readonly label: string;
    readonly preset?: string;
    readonly job?: string;
  }[],
  frames: number,
): Section[] {
  const inside = starts
    .map(start => ({ ...start, first: Math.max(0, Math.round(start.first)) }))
    .filter(start => start.first < frames)
    .sort((a, b) => a.first - b.first)
    .filter((start, index, all) => index === all.length - 1 || all[index + 1].first !== start.first);
  const whole =
    inside.length > 0 && inside[0].first === 0
      ? inside
      : [{ first: 0, label: inside.length > 0 ? '' : 'A' }, ...inside];
  return whole.map((start, index) => ({
    label: start.label || letters[index % letters.length],
    first: start.first,
    last: (index + 1 < whole.length ? whole[index + 1].first : frames) - 1,
    ...('preset' in start && start.preset ? { preset: start.preset } : {}),
    ...('job' in start && start.job ? { job: start.job } : {}),
  }));
}

export function fromSong(song: Reply<'sections'>, rate: Rate, frames: number): Section[] {
  return cover(
    song.sections.map(section => ({ first: (section.startSeconds * rate.num) / rate.den, label: section.label })),
    frames,
  );
}

/** A marker begins a section; one named "stylize: <preset>" also gives its preset. @param start sequence frame at which the clip begins */
export function fromMarkers(markers: readonly TimelineMarker[], start: number, frames: number): Section[] {
  const inside = markers.filter(marker => marker.first >= start && marker.first < start + frames);
  return cover(
    inside.map(marker => {
      const preset = /^\s*stylize:\s*([a-z0-9][a-z0-9-]*)/i.exec(marker.name)?.[1]?.toLowerCase();
      return { first: marker.first - start, label: preset ? marker.comment : marker.name, preset };
    }),
    frames,
  );
}

export function toMarkers(sections: readonly Section[], start: number): Omit<TimelineMarker, 'id'>[] {
  return sections.map(section => ({
    name: section.preset ? `stylize: ${section.preset}` : section.label,
    comment: section.preset ? section.label : '',
    first: section.first + start,
    length: section.last - section.first + 1,
  }));
}

/** The frame of the nearest beat, where one lies at most `reach` frames away. */
export function snapToBeat(frame: number, beats: readonly number[], rate: Rate, reach: number): number {
  const frames = beats.map(beat => Math.round((beat * rate.num) / rate.den));
  const nearest = frames.reduce(
    (best, beat) => (Math.abs(beat - frame) < Math.abs(best - frame) ? beat : best),
    Infinity,
  );
  return Math.abs(nearest - frame) <= reach ? nearest : frame;
}

/** The frame of the next beat after `frame`, or of the one before it. */
export function beatBeside(frame: number, beats: readonly number[], rate: Rate, step: 1 | -1): number | undefined {
  const frames = beats.map(beat => Math.round((beat * rate.num) / rate.den));
  return step > 0 ? frames.find(beat => beat > frame) : [...frames].reverse().find(beat => beat < frame);
}

/**
 * Sections as they are kept with a sequence: in its frames. What was kept of the rest of the sequence stays, and is cut
 * where it reaches into the clip.
 * @param kept in frames of the sequence
 */
export function toSequenceSections(source: ReadySource, list: readonly Section[], kept: readonly Section[]): Section[] {
  const { range } = source.timeline;
  const own = list
    .map(section => ({
      ...section,
      first: Math.max(range.first, toSequenceStart(source, section.first)),
      last: Math.min(range.last, toSequenceStart(source, section.last + 1) - 1),
    }))
    .filter(section => section.last >= section.first);
  const { first, last } = range;
  return [
    ...kept
      .filter(section => section.first < first)
      .map(section => (section.last < first ? section : { ...section, last: first - 1, job: undefined })),
    ...own,
    ...kept
      .filter(section => section.last > last)
      .map(section => (section.first > last ? section : { ...section, first: last + 1, job: undefined })),
  ];
}

/** The kept sections that show in the clip, cut to it; undefined where none does. */
export function fromSequenceSections(source: ReadySource, kept: readonly Section[]): Section[] | undefined {
  const { clip, timeline } = source;
  const { first, last } = timeline.range;
  const shown = kept.filter(section => section.last >= first && section.first <= last);
  if (shown.length === 0) return undefined;
  return cover(
    shown.map(section => ({
      ...section,
      first: toClipFrame(source, Math.max(first, section.first)),
      job: section.first >= first && section.last <= last ? section.job : undefined,
    })),
    clip.frames,
  );
}

/** Moves the boundary before section `index` (1 and up); both sides keep at least one frame. A moved section's job is another's. */
export function moveBoundary(sections: readonly Section[], index: number, frame: number): Section[] {
  const [before, after] = [sections[index - 1], sections[index]];
  if (!before || !after) return [...sections];
  const at = Math.max(before.first + 1, Math.min(after.last, Math.round(frame)));
  if (at === after.first) return [...sections];
  return sections.map((section, each) =>
    each === index - 1
      ? { ...section, last: at - 1, job: undefined }
      : each === index
        ? { ...section, first: at, job: undefined }
        : section,
  );
}

/** Cuts the section under `frame` in two; nothing happens at a boundary. */
export function splitAt(sections: readonly Section[], frame: number): Section[] {
  return sections.flatMap(section =>
    frame > section.first && frame <= section.last
      ? [
          { ...section, last: frame - 1, job: undefined },
          { ...section, first: frame, job: undefined },
        ]
      : [section],
  );
}

export function mergeWithNext(sections: readonly Section[], index: number): Section[] {
  const next = sections[index + 1];
  if (!next) return [...sections];
  return sections.flatMap((section, each) =>
    each === index ? [{ ...section, last: next.last, job: undefined }] : each === index + 1 ? [] : [section],
  );
}

export function changeSection(
  sections: readonly Section[],
  index: number,
  part: Partial<Pick<Section, 'label' | 'preset' | 'job'>>,
): Section[] {
  return sections.map((section, each) => (each === index ? { ...section, ...part } : section));
}

/** Which to render first: the shortest, so that something can be seen soon. Those without a preset are left out. */
export function renderOrder(sections: readonly Section[]): number[] {
  return sections
    .map((section, index) => ({ index, length: section.last - section.first, wanted: section.preset !== undefined }))
    .filter(each => each.wanted)
    .sort((a, b) => a.length - b.length || a.index - b.index)
    .map(each => each.index);
}

export function toFile(sections: readonly Section[], rate: Rate): SectionsFile {
  return {
    version: 1,
    rate,
    sections: sections.map(({ label, first, last, preset }) => ({ label, first, last, ...(preset ? { preset } : {}) })),
  };
}

/** @returns the file's sections in frames of this clip, or what is wrong with the file */
export function readFile(
  text: string,
  rate: Rate,
  frames: number,
): { readonly sections: Section[] } | { readonly problem: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (thrown) {
    return { problem: thrown instanceof Error ? thrown.message : String(thrown) };
  }
  const parsed = sectionsFileSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { problem: `${issue?.path.join('.') || 'file'}: ${issue?.message ?? ''}` };
  }
  return { sections: atRate(parsed.data.sections, parsed.data.rate, rate, frames) };
}

/** The same sections in another piece, which counts its frames at another rate. */
export function atRate(sections: readonly Section[], from: Rate, to: Rate, frames: number): Section[] {
  const scale = (frame: number) => (frame * from.den * to.num) / (from.num * to.den);
  return cover(
    sections.map(({ first, label, preset }) => ({ first: scale(first), label, preset })),
    frames,
  );
}
