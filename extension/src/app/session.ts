import { AppError, toAppError, type ErrorJson } from '#protocol/errors';
import type { JobId, JobSpec } from '#protocol/job';
import type { ServerMessage } from '#protocol/messages';
import type { Preset } from '#protocol/preset';
import type { ExportedClip, TimelineRange } from '#protocol/timeline';
import type { Bridge } from '../bridge/client';
import type { Host, HostCheck, HostStep } from '../host/host';
import { fromBlob } from '../bridge/bytes';
import { createAtlasViewer } from './atlas';
import { fromLabels, toLabels } from './placement';
import { createPreviewer } from './preview';
import { readSaved, readSections, toSaved, writeSaved, writeSections } from './saved';
import { fromMarkers, fromSong, renderOrder, toMarkers, type Section } from './sections';
import type { Page, Settings } from './state';
import type { Store } from './store';

type JobVerb = 'cancel' | 'pause' | 'resume' | 'delete';

/** What a person can do. Screens call these and show the store; nothing else leaves the page. */
export type Session = {
  go(page: Page): void;
  changeSettings(settings: Partial<Settings>): void;
  dismiss(message: number): void;
  say(error: ErrorJson): void;
  retryConnection(): void;

  /** `range: 'clip'`: a person chose or dropped a file. */
  openFile(file: File): void;
  /** `range: 'timeline'`: reads what is marked, exports and sends it. */
  readTimeline(): void;
  stopReading(): void;
  setRange(first: number, last: number): void;
  setPlayhead(frame: number): void;

  choosePreset(name: string): void;
  /** Changes the preset as it is when the change arrives, which may be after an upload. */
  changeDraft(change: (draft: Preset) => Preset): void;
  paintStill(): void;
  /** Takes up the preset of an earlier job. */
  useSettings(preset: Preset): void;
  savePreset(name: string, title: string): void;
  deletePreset(name: string): void;
  importPresets(presets: readonly Preset[]): void;
  /** Sends pictures one after the other and tells each one's SHA-256 as it arrives; failures become messages. */
  sendPictures(files: readonly File[], onSent: (sha256: string) => void): Promise<void>;
  /** @returns the picture's SHA-256, or undefined after a message */
  sendPicture(file: File): Promise<string | undefined>;
  importNet(file: File): void;
  /** @returns the clip's SHA-256 (a matte), or undefined after a message */
  sendClip(file: File): Promise<string | undefined>;

  stylize(): void;
  /** What is marked in the timeline now, whatever was read before: read, exported, sent and submitted in one go. */
  stylizeSelection(): void;
  job(verb: JobVerb, id: JobId): void;
  loadReport(id: JobId): void;
  /** Saves the result (browser) or places it on the track. */
  takeResult(id: JobId): void;
  takeAllResults(): void;

  showAtlas(net: string, channelsOf?: string): void;
  stopAtlas(): void;
  /** Listens to the clip: waveform, beats, and sections where there are none yet. */
  findSections(): void;
  sectionsFromMarkers(): void;
  markersFromSections(): void;
  changeSections(change: (sections: readonly Section[]) => readonly Section[]): void;
  /** Submits every section that has a preset, the shortest first. */
  renderSections(): void;
  checkSetup(): void;
  startBridge(): void;
  /** Address of something that the bridge serves. */
  url(path: string, width?: number): string;
  canStartBridge: boolean;
  host: Host;
  close(): void;
};

export type SessionParts = {
  readonly store: Store;
  readonly bridge: Bridge;
  readonly host: Host;
  readonly storage: { getItem(key: string): string | null; setItem(key: string, value: string): void };
};

export function createSession({ store, bridge, host, storage }: SessionParts): Session {
  const { connection } = bridge;
  const atlas = createAtlasViewer(store, connection);
  const previewer = createPreviewer(store, connection, atlas.resume);
  let reading: AbortController | undefined;
  let saveTimer: ReturnType<typeof setTimeout> | undefined;

  const saved = readSaved(storage);
  if (saved) {
    store.dispatch({ type: 'page', page: saved.page });
    store.dispatch({ type: 'settings', settings: saved.settings });
    if (saved.draft) store.dispatch({ type: 'draft', draft: saved.draft });
  }
  let restore = saved?.clip ? { ...saved.clip, range: saved.range, playhead: saved.playhead } : undefined;
  let chosenBefore = saved?.chosen;

  function say(error: ErrorJson) {
    // A lost connection has its own line at the top, and everything is asked again when it is back.
    if (error.code === 'CANCELLED' || error.code === 'CONNECTION_LOST') return;
    store.dispatch({ type: 'say', message: { error } });
  }
  const fail = (thrown: unknown) => say(toAppError(thrown).toJSON());
  const run = (work: Promise<unknown>) => void work.catch(fail);

  async function loadPresets() {
    const { presets } = await connection.request('presets', {});
    store.dispatch({ type: 'presets', presets });
    if (chosenBefore !== undefined) {
      const draft = saved?.draft;
      store.dispatch({ type: 'choose', name: chosenBefore });
      if (draft) store.dispatch({ type: 'draft', draft });
      chosenBefore = undefined;
    }
  }

  async function loadNets() {
    const { nets } = await connection.request('nets', {});
    store.dispatch({ type: 'nets', nets });
  }

  async function loadJobs() {
    const { jobs, seqs } = await connection.request('jobs', {});
    store.dispatch({ type: 'jobs', jobs, seqs });
    const since = Object.fromEntries(Object.entries(store.get().jobs).map(([id, entry]) => [id, entry.seq]));
    await connection.request('watch', { since });
  }

  async function restoreClip() {
    if (!restore || store.get().source.phase !== 'none') return;
    const { sha256, name, range, playhead } = restore;
    restore = undefined;
    if (host.capabilities.range !== 'clip') return;
    const { clip } = await connection.request('clip-info', { clip: sha256 });
    host.learnClip?.(clip);
    const timeline = await host.readRange();
    store.dispatch({
      type: 'source',
      source: { phase: 'ready', name, clip, timeline, exported: { name, isSource: true, handle: 0 } },
    });
    store.dispatch({ type: 'range', first: range.first, last: range.last });
    store.dispatch({ type: 'playhead', frame: playhead });
  }

  function onOpen() {
    run(loadPresets());
    run(loadNets());
    run(loadJobs());
    // A clip that the bridge has cleared away since is simply not there: the panel begins with an empty monitor.
    restoreClip().catch(thrown => toAppError(thrown).code !== 'CLIP_NOT_FOUND' && fail(thrown));
    previewer.again();
    if (!previewer.isPainting()) atlas.resume();
  }

  function onMessage(message: ServerMessage) {
    switch (message.type) {
      case 'event':
        if (store.get().jobs[message.job]) {
          store.dispatch({
            type: 'job-event',
            job: message.job,
            seq: message.seq,
            at: message.at,
            event: message.event,
          });
        }
        break;
      case 'job':
        store.dispatch({ type: 'job', job: message.job });
        break;
      case 'still':
        previewer.onStill(message);
        break;
      case 'atlas-tile':
        atlas.onTile(message);
        break;
      case 'error':
        if (message.id === undefined) say(message.error as ErrorJson);
        else {
          previewer.onError(message.id, message.error as ErrorJson);
          atlas.onError(message.id, message.error as ErrorJson);
        }
        break;
      case 'trigger':
        if (message.preset) store.dispatch({ type: 'choose', name: message.preset });
        if (message.action === 'place-finished') takeAllResults();
        else stylizeSelection();
        break;
      case 'reply':
      case 'credit':
        break;
    }
  }

  const stops = [
    connection.onState(state => {
      store.dispatch({ type: 'connection', connection: state });
      if (state.status === 'open') onOpen();
    }),
    connection.onMessage(onMessage),
    host.watchTheme(theme => store.dispatch({ type: 'theme', theme })),
    host.watchSelection?.((clips, range) => store.dispatch({ type: 'selection', clips, range })) ?? (() => {}),
    store.subscribe(() => {
      previewer.follow();
      followClip();
      clearTimeout(saveTimer);
      saveTimer = setTimeout(save, 300);
    }),
  ];
  store.dispatch({ type: 'connection', connection: connection.state() });
  if (connection.state().status === 'open') onOpen();

  function save() {
    const state = store.get();
    // Before the first answer of the bridge there is less to save than was saved.
    if (state.presets.length > 0) writeSaved(storage, toSaved(state));
  }

  /** Exports what is marked (or takes the file), sends it, and learns what it is. */
  async function prepare(name: string, read: () => Promise<TimelineRange> | undefined): Promise<void> {
    reading?.abort();
    const mine = (reading = new AbortController());
    const { signal } = mine;
    const busy = (
      step: HostStep | 'hashing' | 'sending' | 'checking',
      rest: { done?: number; doneBytes?: number; totalBytes?: number } = {},
    ) => {
      if (!signal.aborted) store.dispatch({ type: 'source', source: { phase: 'busy', step, name, ...rest } });
    };
    try {
      busy('reading');
      let timeline = await read();
      const exported: ExportedClip = timeline
        ? await host.exportRange(timeline, { signal, report: (done, step) => busy(step, { done }) })
        : { name, isSource: true, handle: 0 };
      const bytes = await host.openBytes(exported);
      const { clip } = await bridge.upload(bytes, 'clip', {
        signal,
        onProgress: ({ phase, doneBytes, totalBytes }) =>
          busy(phase, { done: doneBytes / totalBytes, doneBytes, totalBytes }),
      });
      if (!exported.isSource) await host.releaseExport?.(exported);
      if (!clip) throw new AppError('NOT_MEDIA', { path: name });
      if (signal.aborted) return;
      host.learnClip?.(clip);
      timeline ??= await host.readRange();
      store.dispatch({ type: 'source', source: { phase: 'ready', name, clip, timeline, exported } });
    } catch (thrown) {
      const error = toAppError(thrown).toJSON();
      if (mine !== reading) return;
      store.dispatch({
        type: 'source',
        source: error.code === 'CANCELLED' ? { phase: 'none' } : { phase: 'failed', name, error },
      });
    }
  }

  function openFile(file: File) {
    host.takeFile?.(file);
    void prepare(file.name, () => undefined);
  }

  function readTimeline() {
    const name = store.get().selection.range?.sequence.name ?? '';
    void prepare(name, () => host.readRange());
  }

  function specOf(
    preset: Preset,
    first: number,
    last: number,
    labels: Readonly<Record<string, string>>,
  ): JobSpec | undefined {
    const { source, settings } = store.get();
    if (source.phase !== 'ready') return undefined;
    const { clip } = source;
    const whole = first === 0 && last === clip.frames - 1;
    return {
      clip: clip.sha256,
      clipName: source.name.slice(0, 255),
      range: whole ? undefined : { first, last, rate: clip.rate },
      preset,
      seed: settings.seed,
      provider: 'auto',
      priority: 5,
      labels: { ...labels },
    };
  }

  function labelsFor(first: number, last: number, section?: string) {
    const { source } = store.get();
    if (source.phase !== 'ready') return {};
    const { timeline, exported } = source;
    if (host.capabilities.result !== 'place') return section ? { section } : {};
    // The sent file begins at the sequence's range; a part of it lies as far in.
    const start = exported.range?.first ?? 0;
    const range = {
      ...timeline.range,
      first: timeline.range.first + first - start,
      last: timeline.range.first + last - start,
    };
    return toLabels({ ...timeline, range }, section);
  }

  async function submit(spec: JobSpec) {
    const { job } = await connection.request('submit', { spec });
    store.dispatch({ type: 'job', job });
    return job;
  }

  function stylize() {
    const { source, draft, range, submitting } = store.get();
    if (submitting || !draft) return;
    if (source.phase !== 'ready') {
      if (source.phase !== 'busy') stylizeSelection();
      return;
    }
    const spec = specOf(draft, range.first, range.last, labelsFor(range.first, range.last));
    if (!spec) return;
    store.dispatch({ type: 'submitting', submitting: true });
    submit(spec)
      .then(() => store.dispatch({ type: 'page', page: 'jobs' }))
      .catch(fail)
      .finally(() => store.dispatch({ type: 'submitting', submitting: false }));
  }

  function stylizeSelection() {
    if (host.capabilities.range !== 'timeline') {
      if (store.get().source.phase === 'ready') stylize();
      return;
    }
    const name = store.get().selection.range?.sequence.name ?? '';
    run(
      prepare(name, () => host.readRange()).then(() => {
        if (store.get().source.phase === 'ready') stylize();
      }),
    );
  }

  async function takeResult(id: JobId) {
    const entry = store.get().jobs[id];
    const result = entry?.job.result;
    if (!entry || !result || entry.fetching !== undefined) return;
    const controller = new AbortController();
    const context = { signal: controller.signal, report: () => undefined };
    try {
      let path = '';
      if (host.capabilities.disk && host.openSink) {
        store.dispatch({ type: 'job-fetching', job: id, done: 0 });
        const sink = await host.openSink(result.fileName);
        try {
          await bridge.download(id, sink, {
            onProgress: (done, total) =>
              store.dispatch({ type: 'job-fetching', job: id, done: total > 0 ? done / total : 0 }),
          });
          path = await sink.finish();
        } catch (thrown) {
          await sink.discard();
          throw thrown;
        }
      }
      const { job } = entry;
      const output = job.spec.preset.output;
      const rendered = {
        job: id,
        path,
        name: result.fileName,
        frames: result.frames,
        rate: output.rate === 'source' ? job.clip.rate : output.rate,
        width: result.width,
        height: result.height,
        labels: job.spec.labels,
      };
      const whole = { first: 0, last: job.clip.frames - 1, rate: job.clip.rate };
      const at = fromLabels(job.spec.labels) ?? {
        sequence: job.clip.sha256,
        range: job.spec.range ?? whole,
        sourceTrack: 0,
      };
      const placed = await host.importClip(rendered, at, context);
      store.dispatch({ type: 'job-placed', job: id, placed });
    } catch (thrown) {
      store.dispatch({ type: 'job-problem', job: id, problem: toAppError(thrown).toJSON() });
    }
  }

  function takeAllResults() {
    const finished = Object.values(store.get().jobs).filter(
      entry => entry.job.status === 'done' && fromLabels(entry.job.spec.labels),
    );
    // One after the other: a host's timeline is not changed from two sides at once.
    void finished.reduce((before, entry) => before.then(() => takeResult(entry.job.id)), Promise.resolve());
  }

  function askJob(verb: JobVerb, id: JobId) {
    connection
      .request(verb, { job: id })
      .then(() =>
        store.dispatch(
          verb === 'delete' ? { type: 'job-gone', job: id } : { type: 'job-problem', job: id, problem: undefined },
        ),
      )
      .catch(thrown => {
        const problem = toAppError(thrown).toJSON();
        if (problem.code === 'JOB_NOT_FOUND' && verb === 'delete') store.dispatch({ type: 'job-gone', job: id });
        else store.dispatch({ type: 'job-problem', job: id, problem });
      });
  }

  async function send(file: File, kind: 'image' | 'clip') {
    store.dispatch({ type: 'pictures', change: 1 });
    try {
      return (await bridge.upload(fromBlob(file, file.name), kind)).sha256;
    } catch (thrown) {
      fail(thrown);
      return undefined;
    } finally {
      store.dispatch({ type: 'pictures', change: -1 });
    }
  }

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
    host,
    canStartBridge: host.startBridge !== undefined,
    url: bridge.url,
    go(page) {
      store.dispatch({ type: 'page', page });
    },
    changeSettings(settings) {
      store.dispatch({ type: 'settings', settings });
    },
    dismiss(id) {
      store.dispatch({ type: 'unsay', id });
    },
    say,
    retryConnection: () => connection.retryNow(),
    openFile,
    readTimeline,
    stopReading: () => reading?.abort(),
    setRange: (first, last) => store.dispatch({ type: 'range', first, last }),
    setPlayhead: frame => store.dispatch({ type: 'playhead', frame }),

    choosePreset: name => store.dispatch({ type: 'choose', name }),
    changeDraft(change) {
      const { draft } = store.get();
      if (draft) store.dispatch({ type: 'draft', draft: change(draft) });
    },
    paintStill: previewer.askNow,
    useSettings(preset) {
      store.dispatch({ type: 'choose', name: preset.name });
      store.dispatch({ type: 'draft', draft: preset });
      store.dispatch({ type: 'page', page: 'render' });
    },
    savePreset(name, title) {
      const { draft } = store.get();
      if (!draft) return;
      const preset = { ...draft, name, title };
      run(
        connection.request('preset-save', { preset }).then(async () => {
          await loadPresets();
          store.dispatch({ type: 'choose', name });
        }),
      );
    },
    deletePreset(name) {
      run(connection.request('preset-delete', { name }).then(loadPresets));
    },
    importPresets(presets) {
      const save = async () => {
        for (const preset of presets) await connection.request('preset-save', { preset });
        await loadPresets();
        store.dispatch({ type: 'choose', name: presets[presets.length - 1].name });
      };
      run(save());
    },
    async sendPictures(files, onSent) {
      for (const file of files) {
        const sha256 = await send(file, 'image');
        if (sha256) onSent(sha256);
      }
    },
    sendPicture: file => send(file, 'image'),
    sendClip: file => send(file, 'clip'),
    importNet(file) {
      const bring = async () => {
        store.dispatch({ type: 'net-coming', name: file.name, done: 0 });
        try {
          await bridge.upload(fromBlob(file, file.name), 'net', {
            onProgress: ({ phase, doneBytes, totalBytes }) =>
              store.dispatch({
                type: 'net-coming',
                name: file.name,
                done: phase === 'sending' ? doneBytes / totalBytes : undefined,
              }),
          });
          await loadNets();
        } finally {
          store.dispatch({ type: 'net-coming', name: undefined });
        }
      };
      run(bring());
    },

    stylize,
    stylizeSelection,
    job: askJob,
    loadReport(id) {
      run(
        connection
          .request('report', { job: id })
          .then(({ report }) => store.dispatch({ type: 'job-report', job: id, report })),
      );
    },
    takeResult: id => void takeResult(id),
    takeAllResults,

    showAtlas: atlas.show,
    stopAtlas: atlas.stop,
    findSections() {
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
    sectionsFromMarkers() {
      const { source } = store.get();
      if (source.phase !== 'ready') return;
      const { timeline, clip } = source;
      const read = host.readMarkers?.() ?? Promise.resolve(timeline.markers);
      run(read.then(markers => setSections(fromMarkers(markers, timeline.range.first, clip.frames))));
    },
    markersFromSections() {
      const { source, sections } = store.get();
      if (source.phase === 'ready' && host.writeMarkers)
        run(host.writeMarkers(toMarkers(sections.list, source.timeline.range.first)));
    },
    changeSections: change => setSections(change(store.get().sections.list)),
    renderSections() {
      const submitAll = async () => {
        for (const index of renderOrder(store.get().sections.list)) {
          const { sections, presets } = store.get();
          const section = sections.list[index];
          const preset = presets.find(each => each.preset.name === section?.preset)?.preset;
          const spec =
            section &&
            preset &&
            specOf(preset, section.first, section.last, labelsFor(section.first, section.last, section.label));
          if (!spec) continue;
          const job = await submit(spec);
          // Sections may have been moved while the bridge answered: the mark goes to the one that was submitted.
          setSections(
            store
              .get()
              .sections.list.map(each =>
                each.first === section.first && each.last === section.last ? { ...each, job: job.id } : each,
              ),
          );
        }
      };
      run(submitAll());
    },
    checkSetup() {
      const { setup } = store.get();
      const last = setup.phase === 'known' || setup.phase === 'asked' ? setup.last : undefined;
      store.dispatch({ type: 'setup', setup: { phase: 'asked', last } });
      const ask = async () => {
        const ofHost: readonly HostCheck[] = (await host.checkSetup?.()) ?? [];
        const { checks } = await connection.request('doctor', {});
        store.dispatch({ type: 'setup', setup: { phase: 'known', last: { bridge: checks, host: ofHost } } });
      };
      ask().catch(thrown =>
        store.dispatch({ type: 'setup', setup: { phase: 'failed', error: toAppError(thrown).toJSON() } }),
      );
    },
    startBridge() {
      run((host.startBridge?.() ?? Promise.resolve()).then(() => connection.retryNow()));
    },
    close() {
      reading?.abort();
      clearTimeout(saveTimer);
      previewer.close();
      for (const stop of stops) stop();
      connection.close();
    },
  };
}
