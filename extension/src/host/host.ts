import type { ClipInfo } from '#protocol/clip';
import type {
  ExportedClip,
  Placed,
  Placement,
  RenderedClip,
  StylizeMarker,
  Theme,
  TimelineClip,
  TimelineMarker,
  TimelineRange,
} from '#protocol/timeline';
import type { ByteSink, ByteSource } from '../bridge/bytes';

export type Unsubscribe = () => void;

export type TaskContext = {
  readonly signal: AbortSignal;
  /** 0 to 1, or undefined while the length is unknown; `step` names a text of the catalogue. */
  report(done: number | undefined, step: HostStep): void;
};
/** What a host can be busy with; each has a text `hostStep.…`. */
export const hostSteps = ['reading', 'exporting', 'encoding', 'importing', 'placing', 'saving'] as const;
export type HostStep = (typeof hostSteps)[number];

/** Everything that differs between hosts and that the screens must know. */
export type HostCapabilities = {
  /**
   * `clip`: a person picks a file and the range lies in it (browser). `timeline`: the host has a sequence or composition
   * with a selection and in and out points.
   */
  readonly range: 'clip' | 'timeline';
  /** `place`: results go back on the track above the source. `save`: a person saves the file. */
  readonly result: 'place' | 'save';
  /** The panel can write files, so results come over the socket (`openSink`); otherwise the browser saves over HTTP. */
  readonly disk: boolean;
  /** Markers of the sequence can be read (`readMarkers`) and written (`writeMarkers`). */
  readonly markers: boolean;
  /** A right-click on a mirrored clip opens the host's own menu (`offerMenu`); otherwise the panel draws one. */
  readonly nativeMenu: boolean;
  /** Can hand over the source itself where it shows the same as an export; a person switches it on. */
  readonly sources?: boolean;
};

/** A part of the timeline other than what is marked: one clip by its key, or the range of a `stylize:` marker. */
export type WantedRange = { readonly clip: string } | { readonly marker: string };

export type MenuItem = {
  readonly id: string;
  readonly label: string;
  readonly enabled?: boolean;
  readonly items?: readonly MenuItem[];
};
export type HostCheck = {
  readonly what: string;
  readonly ok: boolean;
  readonly found: string;
  readonly remedy?: string;
};

/** What the host can export with: preset files in Premiere, output module templates in After Effects. */
export type ExportPresets = {
  readonly found: readonly { readonly id: string; readonly label: string }[];
  /** The one that the next export takes; undefined where there is none. */
  readonly used?: string;
  /** The person chose it; otherwise it is the best of what was found. */
  readonly isChosen: boolean;
};

/** What only a real host can answer; each has a text `setup.probe.question.…`. */
export const hostQuestions = [
  'places',
  'import',
  'scratch',
  'in-out',
  'direct-export',
  'export-range',
  'add-track',
  'place',
  'label',
  'order',
  'replace',
  'remove',
  'overwrite-forms',
  'markers',
  'events',
  'calls',
  'properties',
  'unknown-tracks',
  'composition',
  'templates',
  'render',
  'close',
] as const;
export type HostQuestion = (typeof hostQuestions)[number];

/** One question, and what the host answered. */
export type HostProbe = {
  readonly question: HostQuestion;
  readonly answer: 'as-expected' | 'otherwise' | 'failed';
  readonly details: string;
};
export type HostReport = {
  readonly host: string;
  readonly version: string;
  readonly system: string;
  readonly probes: readonly HostProbe[];
  /** Where the report was saved. */
  readonly path: string;
};

/**
 * The application that the panel lives in. Four verbs, JSON only; the rest is optional and announced by `capabilities`.
 * All failures are AppErrors. One conformance suite (`test/conformance/host.ts`) runs on every implementation.
 */
export interface Host {
  readonly name: 'file' | 'premiere-cep' | 'aftereffects-cep' | 'premiere-uxp';
  readonly capabilities: HostCapabilities;

  /**
   * What the user marked, in frames of a rational rate, or another part of the timeline.
   * @throws AppError when nothing is marked; RANGE_GONE when that part is not there any more
   */
  readRange(wanted?: WantedRange): Promise<TimelineRange>;
  /** A file that holds the range. Its bytes are read with `openBytes`. */
  exportRange(range: TimelineRange, context: TaskContext): Promise<ExportedClip>;
  /** Says what was read back from the track, never what was merely asked for. Idempotent by `clip.job`. */
  importClip(clip: RenderedClip, at: Placement, context: TaskContext): Promise<Placed>;
  watchTheme(onChange: (theme: Theme) => void): Unsubscribe;

  /** The bytes of an exported clip. */
  openBytes(clip: ExportedClip): Promise<ByteSource>;

  /** `range: 'clip'` only: takes the file that a person picked or dropped, and later what the bridge found in it. */
  takeFile?(file: File): void;
  learnClip?(info: ClipInfo): void;

  /** `disk` only: where a result is written before it is imported; `finish` returns its path, `discard` removes it. */
  openSink?(fileName: string): Promise<ByteSink & { finish(): Promise<string>; discard(): Promise<void> }>;
  /** Removes the exported file when it is not needed any more; never a source. */
  releaseExport?(clip: ExportedClip): Promise<void>;

  /**
   * The clips that are selected, or where none is those under the playhead, topmost first, with what is marked and the
   * `stylize:` markers; again at each change.
   */
  watchSelection?(
    onChange: (
      clips: readonly TimelineClip[],
      range: TimelineRange | undefined,
      markers?: readonly StylizeMarker[],
    ) => void,
  ): Unsubscribe;
  /** How a job's result lies on the timeline now, undefined where it does not; asked before it is fetched again. */
  findResult?(job: string, at: Placement): Promise<Placed | undefined>;
  /** Takes a placed result off the track again. @returns false when it was not there any more */
  removeResult?(job: string, at: Placement): Promise<boolean>;
  readMarkers?(): Promise<readonly TimelineMarker[]>;
  writeMarkers?(markers: readonly Omit<TimelineMarker, 'id'>[]): Promise<void>;
  /** `nativeMenu` only: from now until it is let go, a right-click on the panel opens this menu. */
  offerMenu?(items: readonly MenuItem[], onPick: (id: string) => void): Unsubscribe;
  listExportPresets?(): Promise<ExportPresets>;
  /** Remembered; undefined: the best of what is found. */
  chooseExportPreset?(id: string | undefined): void;
  /** The host's own file dialog. @returns undefined where the person chose none @throws AppError EXPORT_PRESET_UNFIT */
  browseExportPreset?(): Promise<string | undefined>;
  /** Tries what only a real host can answer, on a scratch sequence or composition of its own, and saves a report. */
  runHostChecks?(context: TaskContext): Promise<HostReport>;
  /** What the set-up page shows beside the bridge's own checks. */
  checkSetup?(): Promise<readonly HostCheck[]>;
  /** Starts the bridge on this machine, where the host can start programs. */
  startBridge?(): Promise<void>;
}
