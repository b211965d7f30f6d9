import { AppError, toAppError, type ErrorJson } from '#protocol/errors';
import type { JobId } from '#protocol/job';
import type { ServerMessage } from '#protocol/messages';
import type { Preset } from '#protocol/preset';
import { fromBlob } from '../bridge/bytes';
import type { Bridge } from '../bridge/client';
import type { UploadOptions } from '../bridge/upload';
import type { Host, HostCheck, Unsubscribe, WantedRange } from '../host/host';
import { createAtlasViewer } from './atlas';
import { createAttention } from './attention';
import { createClipReader } from './clip-reader';
import { createGlimpser } from './glimpses';
import { createJobDesk, type JobVerb, type TimelinePart } from './job-desk';
import { netName } from './net-name';
import { createPreviewer } from './preview';
import { readSaved, toSaved, writeSaved, type Storage } from './saved';
import { createSectionDesk } from './section-desk';
import type { Section } from './sections';
import type { Page, Settings } from './state';
import type { Store } from './store';

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
  /** One file, or the two of which some nets are made. */
  importNet(files: readonly File[]): void;
  /** @returns the clip's SHA-256 (a matte), or undefined after a message */
  sendClip(file: File): Promise<string | undefined>;

  stylize(): void;
  /** What is marked in the timeline now, whatever was read before: read, exported, sent and submitted in one go. */
  stylizeSelection(): void;
  /** A clip of the timeline, with the preset at hand. */
  stylizePart(wanted: WantedRange): void;
  /** Parts of the timeline, each with a preset of its own. */
  stylizeParts(parts: readonly TimelinePart[]): void;
  job(verb: JobVerb, id: JobId): void;
  loadReport(id: JobId): void;
  /** Saves the result (browser) or places it on the track. */
  takeResult(id: JobId): void;
  /** Takes a placed result off the timeline again; the file stays. */
  removeResult(id: JobId): void;
  /** Places what is finished, in one sequence or in all. */
  takeAllResults(sequence?: string): void;

  showAtlas(net: string, channelsOf?: string): void;
  stopAtlas(): void;
  /** Listens to the clip: waveform, beats, and sections where nobody has set any. */
  listen(): void;
  /** The sections become those that are heard. */
  findSections(): void;
  /** A sound file is listened to in place of the clip's own sound, also before there is a clip. */
  openSong(file: File): void;
  closeSong(): void;
  undoSections(): void;
  sectionsFromMarkers(): void;
  markersFromSections(): void;
  /** @param gesture changes of the same one that follow closely are taken back together */
  changeSections(change: (sections: readonly Section[]) => readonly Section[], gesture?: string): void;
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
  readonly storage: Storage;
  /** Tells when a person turns to the panel. */
  readonly watchAttention?: (onAttention: () => void) => Unsubscribe;
};

const isSong = ({ type, name }: File) =>
  type.startsWith('audio/') || /\.(mp3|wav|flac|m4a|aac|aiff?|ogg|opus)$/i.test(name);

export function createSession({ store, bridge, host, storage, watchAttention }: SessionParts): Session {
  const { connection } = bridge;
  const atlas = createAtlasViewer(store, connection);
  const previewer = createPreviewer(store, connection);
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

  const reader = createClipReader({ store, bridge, host });
  const desk = createJobDesk({ store, bridge, host, reader, fail });
  const attention = createAttention({ store, connection, host });
  const glimpser = createGlimpser(store, connection);
  const sections = createSectionDesk({ store, bridge, host, storage, jobs: desk, run });

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
    atlas.resume();
    attention.tell();
    glimpser.again();
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
        run(
          connection.request('trigger-take', { ticket: message.ticket }).then(({ granted }) => {
            if (!granted) return;
            if (message.preset) store.dispatch({ type: 'choose', name: message.preset });
            if (message.action === 'place-finished') desk.takeAllResults();
            else desk.stylizeSelection();
          }),
        );
        break;
      case 'measured':
        previewer.estimateAgain();
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
    host.watchSelection?.((clips, range, markers = []) => {
      store.dispatch({ type: 'selection', selection: { clips, range, markers } });
      attention.tell();
    }) ?? (() => {}),
    watchAttention?.(attention.tell) ?? (() => {}),
    store.subscribe(() => {
      previewer.follow();
      glimpser.follow();
      attention.follow();
      sections.followClip();
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
    openFile(file) {
      if (!isSong(file)) return reader.openFile(file);
      // Without a picture there is nothing to paint, but a song can be cut into sections.
      store.dispatch({ type: 'page', page: 'sections' });
      sections.openSong(file);
    },
    readTimeline: () => void reader.readTimeline(),
    stopReading: reader.stop,
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
    importNet(files) {
      const bring = async () => {
        if (files.length > 2) throw new AppError('TOO_MANY', { what: 'files', limit: 2 });
        const sendFile = (file: File, name: string, pair: UploadOptions['pair']) =>
          bridge.upload(fromBlob(file, name), 'net', {
            pair,
            onProgress: ({ phase, doneBytes, totalBytes }) =>
              store.dispatch({
                type: 'net-coming',
                name: file.name,
                done: phase === 'sending' ? doneBytes / totalBytes : undefined,
              }),
          });
        try {
          const [main, other] = files;
          const sent = other && (await sendFile(other, other.name, { waits: true }));
          const beside = sent && { sha256: sent.sha256, name: other.name };
          await sendFile(main, netName(files.map(file => file.name)), beside && { beside });
          await loadNets();
          // Some presets come with a net.
          await loadPresets();
        } finally {
          store.dispatch({ type: 'net-coming', name: undefined });
        }
      };
      run(bring());
    },

    stylize: desk.stylize,
    stylizeSelection: desk.stylizeSelection,
    stylizePart(wanted) {
      const { draft } = store.get();
      if (draft) void desk.stylizeParts([{ wanted, preset: draft }]);
    },
    stylizeParts: parts => void desk.stylizeParts(parts),
    job: desk.ask,
    loadReport(id) {
      run(
        connection
          .request('report', { job: id })
          .then(({ report }) => store.dispatch({ type: 'job-report', job: id, report })),
      );
    },
    takeResult: id => void desk.takeResult(id),
    removeResult: id => void desk.removeResult(id),
    takeAllResults: desk.takeAllResults,

    showAtlas: atlas.show,
    stopAtlas: atlas.stop,
    listen: sections.listen,
    findSections: sections.find,
    openSong: sections.openSong,
    closeSong: sections.closeSong,
    undoSections: sections.undo,
    sectionsFromMarkers: sections.fromMarkers,
    markersFromSections: sections.toMarkers,
    changeSections: sections.change,
    renderSections: sections.render,
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
      reader.stop();
      clearTimeout(saveTimer);
      previewer.close();
      for (const stop of stops) stop();
      connection.close();
    },
  };
}
