import { findBeats } from './beats';
import { contrastOf, findBoundaries, type Stretch } from './boundaries';
import { blockSeconds, createLikeness, type Likeness } from './likeness';
import { hopSeconds, melBands, type SoundFrames } from './sound-frames';

export type SongSection = { readonly startSeconds: number; readonly endSeconds: number; readonly label: string };
export type Song = {
  readonly beats: readonly number[];
  readonly sections: readonly SongSection[];
  /** Largest magnitudes of equal parts of the sound, 0 to 1. */
  readonly waveform: readonly number[];
};

/** As many points as a wide screen has pixels, and a message can hold. */
const waveformPoints = 2000;
/** A boundary is moved to a beat so near, to the one where the sound changes most. */
const snapSeconds = 2;
const changeSeconds = 1.5;
/** Two sections that differ by less are the same part of the song again. */
const sameLabel = 0.16;

function waveformOf({ peaks }: SoundFrames): number[] {
  const points = Math.min(waveformPoints, peaks.length);
  return Array.from({ length: points }, (_, point) => {
    const part = peaks.subarray(
      Math.floor((point * peaks.length) / points),
      Math.floor(((point + 1) * peaks.length) / points),
    );
    return Math.round(Math.max(...part) * 1000) / 1000;
  });
}

/** How much the mean spectrum after a moment differs from that before it. */
function changeAt({ mel }: SoundFrames, seconds: number): number {
  const hops = mel.length / melBands;
  const here = Math.round(seconds / hopSeconds);
  const reach = Math.round(changeSeconds / hopSeconds);
  const meanOf = (from: number, to: number, band: number) => {
    let sum = 0;
    for (let hop = Math.max(0, from); hop < Math.min(hops, to); hop++) sum += mel[hop * melBands + band];
    return 10 * Math.log10(sum / reach + 1e-12);
  };
  let sum = 0;
  for (let band = 0; band < melBands; band++)
    sum += (meanOf(here, here + reach, band) - meanOf(here - reach, here, band)) ** 2;
  return sum;
}

function snap(frames: SoundFrames, seconds: number, beats: readonly number[]): number {
  const near = beats.filter(beat => Math.abs(beat - seconds) <= snapSeconds);
  const changes = near.map(beat => changeAt(frames, beat));
  return near.length === 0 ? seconds : near[changes.indexOf(Math.max(...changes))];
}

/** "A", "B" … "Z", "A2" …: sections that sound alike have one letter. */
function labelsOf(likeness: Likeness, stretches: readonly Stretch[]): string[] {
  const groups: Stretch[][] = [];
  return stretches.map(stretch => {
    const distances = groups.map(group => Math.max(...group.map(other => contrastOf(likeness, stretch, other))));
    const nearest = distances.indexOf(Math.min(...distances));
    const index = nearest >= 0 && distances[nearest] < sameLabel ? nearest : groups.length;
    (groups[index] ??= []).push(stretch);
    return `${String.fromCharCode(65 + (index % 26))}${index < 26 ? '' : Math.floor(index / 26) + 1}`;
  });
}

/**
 * Beats and sections of a sound. One section, of the whole, where it is silent, short or the same throughout; none where
 * there is no sound at all.
 */
export function findSong(frames: SoundFrames): Song {
  const { seconds } = frames;
  const beats = findBeats(frames);
  const likeness = createLikeness(frames);
  const blocks = findBoundaries(likeness);
  const labels = labelsOf(
    likeness,
    blocks.map((first, index) => ({ first, end: blocks[index + 1] ?? likeness.blocks })),
  );
  const starts = blocks.map((block, index) => (index === 0 ? 0 : snap(frames, block * blockSeconds, beats)));
  const rounded = (value: number) => Math.round(value * 1000) / 1000;
  const sections = starts.map((start, index) => ({
    startSeconds: rounded(start),
    endSeconds: rounded(starts[index + 1] ?? seconds),
    label: labels[index],
  }));
  return { beats: beats.map(rounded), sections: seconds > 0 ? sections : [], waveform: waveformOf(frames) };
}
