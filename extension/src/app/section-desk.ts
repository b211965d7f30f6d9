import { AppError, toAppError } from '#protocol/errors';
import type { Job, JobSpec } from '#protocol/job';
import { fromBlob } from '../bridge/bytes';
import type { Bridge } from '../bridge/client';
import type { Host } from '../host/host';
import type { JobDesk } from './job-desk';
import { readSections, writeSections, type Storage } from './saved';
import {
  atRate,
  fromMarkers,
  fromSequenceSections,
  fromSong,
  renderOrder,
  toMarkers,
  toSequenceSections,
  type Section,
} from './sections';
import { pieceOf, type Sections } from './state';
import type { Store } from './store';
import { toClipFrame, toSequenceFrame, type ReadySource } from './timeline-map';

type Parts = {
  readonly store: Store;
  readonly bridge: Bridge;
  readonly host: Host;
  readonly storage: Storage;
  readonly jobs: JobDesk;
  readonly run: (work: Promise<unknown>) => void;
};

/** Changes of one kind that follow one another so closely are one gesture: a drag, an arrow key held down, a word. */
const gestureMs = 500;
const mostUndo = 100;

/** Whether a job was made of exactly this order: then its result is what the section wants. */
function isSameOrder(a: JobSpec, b: JobSpec): boolean {
  const essence = ({ clip, range, preset, seed, labels }: JobSpec) =>
    JSON.stringify([clip, range, preset, seed, labels.place, labels.sequence]);
  return essence(a) === essence(b);
}

/** The sections of the clip at hand: heard, read from markers, changed by hand, kept with the sequence, rendered. */
export function createSectionDesk({ store, bridge, host, storage, jobs, run }: Parts) {
  const { connection } = bridge;
  let before: (readonly Section[])[] = [];
  let last = { gesture: '', at: 0 };

  function change(part: Partial<Sections>) {
    store.dispatch({ type: 'sections', sections: { ...store.get().sections, ...part } });
  }

  function keep(list: readonly Section[]) {
    const { source } = store.get();
    change({ list, untold: false, canUndo: before.length > 0 });
    if (source.phase !== 'ready') return;
    const { id } = source.timeline.sequence;
    writeSections(storage, id, toSequenceSections(source, list, readSections(storage, id)));
  }

  /** A change that can be taken back. */
  function setSections(list: readonly Section[], gesture = '') {
    const at = Date.now();
    const goesOn = gesture !== '' && gesture === last.gesture && at - last.at <= gestureMs;
    if (!goesOn) before = [...before, store.get().sections.list].slice(-mostUndo);
    last = { gesture, at };
    keep(list);
  }

  function inClip(source: ReadySource, markers: ReadySource['timeline']['markers']) {
    const placed = markers.map(marker => ({ ...marker, first: toClipFrame(source, marker.first) }));
    return placed.filter(marker => marker.first >= 0 && marker.first < source.clip.frames);
  }

  /** Another clip has other sections: those kept with its sequence, else its markers, else one that is all of it. */
  function followClip() {
    const { source, sections } = store.get();
    if (source.phase !== 'ready' || sections.clip === source.clip.sha256) return;
    const { sha256, frames } = source.clip;
    const pieceBefore = pieceOf({ source: { phase: 'none' }, sections });
    before = [];
    // What was made of a song before there was a clip is meant for this clip.
    const { song, sound, listening } = sections.clip === undefined ? sections : {};
    const ofSong = song && pieceBefore ? atRate(sections.list, pieceBefore.rate, source.clip.rate, frames) : undefined;
    const kept = fromSequenceSections(source, readSections(storage, source.timeline.sequence.id));
    const markers = inClip(source, source.timeline.markers);
    const told = ofSong ?? kept ?? (markers.length > 0 ? fromMarkers(markers, 0, frames) : undefined);
    store.dispatch({
      type: 'sections',
      sections: {
        clip: sha256,
        list: told ?? [{ label: 'A', first: 0, last: frames - 1 }],
        untold: told === undefined,
        canUndo: false,
        song,
        sound: song && sound,
        listening: song !== undefined && listening === true,
      },
    });
  }

  /** The song that somebody chose, else the clip's own sound. */
  function soundAtHand(): string | undefined {
    const { source, sections } = store.get();
    return sections.song?.sha256 ?? (source.phase === 'ready' && source.clip.hasAudio ? source.clip.sha256 : undefined);
  }

  /** Hears what is at hand; the sections that are heard are taken where they are wanted, or where there are no others. */
  function hear(wanted: boolean) {
    const heard = soundAtHand();
    if (heard === undefined || store.get().sections.listening) return;
    change({ listening: true, error: undefined });
    connection
      .request('sections', { clip: heard })
      .then(found => {
        if (soundAtHand() !== heard) return;
        const { song } = store.get().sections;
        const seconds = found.sections[found.sections.length - 1]?.endSeconds;
        change({
          listening: false,
          sound: { waveform: found.waveform, beats: found.beats },
          song: song && { ...song, seconds },
        });
        const piece = pieceOf(store.get());
        if (!piece) return change({ error: new AppError('NO_SOUND', { path: song?.name ?? '' }).toJSON() });
        const list = fromSong(found, piece.rate, piece.frames);
        if (wanted) setSections(list);
        else if (store.get().sections.untold) change({ list });
      })
      .catch(thrown => {
        if (soundAtHand() === heard) change({ listening: false, error: toAppError(thrown).toJSON() });
      });
  }

  /** Sends a sound file and listens to it from now on. */
  async function openSong(file: File) {
    if (store.get().sections.listening) return;
    change({ listening: true, error: undefined });
    try {
      const { sha256 } = await bridge.upload(fromBlob(file, file.name), 'sound');
      change({ listening: false, song: { sha256, name: file.name }, sound: undefined });
      hear(true);
    } catch (thrown) {
      change({ listening: false, error: toAppError(thrown).toJSON() });
    }
  }

  async function renderOne(section: Section): Promise<void> {
    const { presets, jobs: known } = store.get();
    const preset = presets.find(each => each.preset.name === section.preset)?.preset;
    if (!preset)
      throw new AppError('PRESET_NOT_FOUND', {
        name: section.preset ?? '',
        known: presets.map(each => each.preset.name).join(', '),
      });
    const spec = jobs.specOf(preset, section.first, section.last, section.label);
    if (!spec) return;
    const last: Job | undefined = section.job ? known[section.job]?.job : undefined;
    if (last && isSameOrder(last.spec, spec)) {
      if (last.status === 'failed' || last.status === 'paused' || last.status === 'cancelled')
        await connection.request('resume', { job: last.id });
      return;
    }
    const job = await jobs.submit(spec);
    // Sections may have been moved while the bridge answered: the mark goes to the one that was submitted.
    const isSame = (each: Section) => each.first === section.first && each.last === section.last;
    keep(store.get().sections.list.map(each => (isSame(each) ? { ...each, job: job.id } : each)));
  }

  return {
    followClip,
    /** The sound is drawn; sections that somebody has set stay as they are. */
    listen() {
      const { source, sections } = store.get();
      if (source.phase === 'ready' && source.clip.hasAudio && !sections.sound && !sections.error) hear(false);
    },
    find: () => hear(true),
    openSong: (file: File) => void openSong(file),
    /** Back to the clip's own sound. */
    closeSong() {
      change({ song: undefined, sound: undefined, error: undefined });
      if (soundAtHand() !== undefined) hear(false);
    },
    fromMarkers() {
      const { source } = store.get();
      if (source.phase !== 'ready') return;
      const read = host.readMarkers?.() ?? Promise.resolve(source.timeline.markers);
      run(read.then(markers => setSections(fromMarkers(inClip(source, [...markers]), 0, source.clip.frames))));
    },
    toMarkers() {
      const { source, sections } = store.get();
      if (source.phase !== 'ready' || !host.writeMarkers) return;
      const markers = toMarkers(sections.list, 0).map(marker => {
        const first = toSequenceFrame(source, marker.first);
        return { ...marker, first, length: toSequenceFrame(source, marker.first + marker.length) - first };
      });
      run(host.writeMarkers(markers));
    },
    change: (edit: (sections: readonly Section[]) => readonly Section[]) =>
      setSections(edit(store.get().sections.list)),
    undo() {
      const list = before[before.length - 1];
      if (!list) return;
      before = before.slice(0, -1);
      last = { gesture: '', at: 0 };
      keep(list);
    },
    render() {
      const submitAll = async () => {
        const { list } = store.get().sections;
        // One after the other: the bridge renders in the order in which it was asked.
        for (const index of renderOrder(list)) await renderOne(list[index]);
      };
      run(submitAll());
    },
  };
}
