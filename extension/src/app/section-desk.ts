import { toAppError } from '#protocol/errors';
import type { Bridge } from '../bridge/client';
import type { Host } from '../host/host';
import type { JobDesk } from './job-desk';
import { readSections, writeSections, type Storage } from './saved';
import { fromMarkers, fromSong, renderOrder, toMarkers, type Section } from './sections';
import type { Store } from './store';
import { toClipFrame, toSequenceFrame } from './timeline-map';

type Parts = {
  readonly store: Store;
  readonly bridge: Bridge;
  readonly host: Host;
  readonly storage: Storage;
  readonly jobs: JobDesk;
  readonly run: (work: Promise<unknown>) => void;
};

/** The sections of the clip at hand: heard, read from markers, changed by hand, kept with the clip, rendered. */
export function createSectionDesk({ store, bridge, host, storage, jobs, run }: Parts) {
  const { connection } = bridge;

  function setSections(list: readonly Section[]) {
    const { sections } = store.get();
    store.dispatch({ type: 'sections', sections: { ...sections, list } });
    if (sections.clip) writeSections(storage, sections.clip, list);
  }

  /** Another clip has other sections: those that were left with it, or one that is all of it. */
  function followClip() {
    const { source, sections } = store.get();
    if (source.phase !== 'ready' || sections.clip === source.clip.sha256) return;
    const { sha256, frames } = source.clip;
    const list = readSections(storage, sha256, frames) ?? [{ label: 'A', first: 0, last: frames - 1 }];
    store.dispatch({ type: 'sections', sections: { clip: sha256, list, listening: false } });
  }

  return {
    followClip,
    find() {
      const { source, sections } = store.get();
      if (source.phase !== 'ready') return;
      const { sha256, rate, frames } = source.clip;
      store.dispatch({ type: 'sections', sections: { ...sections, listening: true, error: undefined } });
      connection
        .request('sections', { clip: sha256 })
        .then(song => {
          const now = store.get().sections;
          if (now.clip !== sha256) return;
          const sound = { waveform: song.waveform, beats: song.beats };
          store.dispatch({
            type: 'sections',
            sections: { ...now, listening: false, sound, list: fromSong(song, rate, frames) },
          });
        })
        .catch(thrown => {
          const now = store.get().sections;
          if (now.clip === sha256)
            store.dispatch({
              type: 'sections',
              sections: { ...now, listening: false, error: toAppError(thrown).toJSON() },
            });
        });
    },
    fromMarkers() {
      const { source } = store.get();
      if (source.phase !== 'ready') return;
      const read = host.readMarkers?.() ?? Promise.resolve(source.timeline.markers);
      run(
        read.then(markers => {
          const inClip = markers.map(marker => ({ ...marker, first: toClipFrame(source, marker.first) }));
          setSections(fromMarkers(inClip, 0, source.clip.frames));
        }),
      );
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
    change: (change: (sections: readonly Section[]) => readonly Section[]) =>
      setSections(change(store.get().sections.list)),
    render() {
      const submitAll = async () => {
        for (const index of renderOrder(store.get().sections.list)) {
          const { sections, presets } = store.get();
          const section = sections.list[index];
          const preset = presets.find(each => each.preset.name === section?.preset)?.preset;
          const spec = section && preset && jobs.specOf(preset, section.first, section.last, section.label);
          if (!spec) continue;
          const job = await jobs.submit(spec);
          // Sections may have been moved while the bridge answered: the mark goes to the one that was submitted.
          const isSame = (each: Section) => each.first === section.first && each.last === section.last;
          setSections(store.get().sections.list.map(each => (isSame(each) ? { ...each, job: job.id } : each)));
        }
      };
      run(submitAll());
    },
  };
}
