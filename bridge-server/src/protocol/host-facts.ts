/**
 * What the script inside Premiere Pro or After Effects reads, as plain JSON. Times of Premiere are ticks in strings
 * (254,016,000,000 a second; they pass 2^53 after ten hours), times of After Effects frames of the composition. All
 * decisions (what a clip needs, where a result goes) are taken outside, where they can be tested.
 */
export type PremiereClipFacts = {
  readonly track: number;
  readonly nodeId: string;
  readonly name: string;
  readonly start: string;
  readonly end: string;
  readonly sourceIn: string;
  readonly selected: boolean;
  readonly disabled: boolean;
  readonly adjustmentLayer: boolean;
  readonly speed: number;
  readonly reversed: boolean;
  /** Keys on time remapping, which `speed` does not show. */
  readonly remapped: boolean;
  readonly mediaPath: string;
  readonly offline: boolean;
  /** Sequences, multicam and merged clips are one kind to the script. */
  readonly nested: boolean;
  readonly merged: boolean;
  /** Effects beyond the motion, opacity and time remapping that every clip has. */
  readonly effects: number;
  /** Motion and opacity are as on a new clip. */
  readonly untouched: boolean;
  /** The source's rate as the host interprets it, a rounded decimal; 0 where it does not say. */
  readonly sourceFps: number;
  /** Markers on the source, in its time. */
  readonly markers: readonly MarkerFacts[];
};

export type MarkerFacts = {
  readonly guid: string;
  readonly name: string;
  readonly comment: string;
  readonly start: string;
  readonly end: string;
  readonly colour: number;
};

export type PremiereFacts = {
  readonly host: 'premiere';
  readonly version: string;
  readonly sequence: {
    readonly id: string;
    readonly name: string;
    readonly width: number;
    readonly height: number;
    /** Ticks of one frame: the exact rate. */
    readonly timebase: string;
    readonly end: string;
    /** Absent when not set: unset in and out points read as large negative numbers. */
    readonly inPoint?: string;
    readonly outPoint?: string;
    readonly playhead: string;
    readonly videoTracks: number;
  };
  readonly clips: readonly PremiereClipFacts[];
  readonly markers: readonly MarkerFacts[];
};

export type AfterEffectsLayerFacts = {
  /** Lasts as long as the layer; '' in versions before 22.0. */
  readonly id: string;
  /** From 1, at the top. */
  readonly index: number;
  readonly name: string;
  readonly inFrame: number;
  readonly outFrame: number;
  readonly startFrame: number;
  /** Per cent; 200 is half speed, below 0 is backwards. */
  readonly stretch: number;
  readonly selected: boolean;
  readonly enabled: boolean;
  readonly locked: boolean;
  readonly remapped: boolean;
  readonly adjustmentLayer: boolean;
  /** Has a picture: cameras, lights, sounds and null objects have none. */
  readonly hasVideo: boolean;
  readonly guide: boolean;
  /** Is the track matte of the layer below it, or of another. */
  readonly isMatte: boolean;
  readonly hasMatte: boolean;
  readonly nested: boolean;
  /** Files that a nested composition shows, at any depth; read where a composition is asked for by its id. */
  readonly contains: readonly string[];
  /** Drawn by the host: text, shapes, solids. */
  readonly generated: boolean;
  readonly missing: boolean;
  readonly mediaPath: string;
  /** 0 for stills and where there is no source. */
  readonly sourceFps: number;
  readonly sourceWidth: number;
  readonly sourceHeight: number;
  /** Effects and masks. */
  readonly effects: number;
  /** Lies as a new layer does: centred, whole, opaque, unblended. */
  readonly untouched: boolean;
  readonly comment: string;
  /** Those that begin with "stylize:", in frames of the composition. */
  readonly markers: readonly CompositionMarkerFacts[];
};

export type CompositionMarkerFacts = {
  readonly key: number;
  readonly comment: string;
  readonly frame: number;
  readonly frames: number;
  readonly label: number;
};

export type AfterEffectsFacts = {
  readonly host: 'aftereffects';
  readonly version: string;
  readonly composition: {
    readonly id: number;
    readonly name: string;
    readonly width: number;
    readonly height: number;
    readonly pixelAspect: number;
    readonly frameRate: number;
    readonly frames: number;
    readonly workAreaFirst: number;
    readonly workAreaFrames: number;
    readonly playhead: number;
  };
  readonly layers: readonly AfterEffectsLayerFacts[];
  readonly markers: readonly CompositionMarkerFacts[];
};

/** A clip on a video track that shows a file of ours, and the label that was written with it ('' when it did not stay). */
export type PlacedFacts = {
  readonly track: number;
  readonly nodeId: string;
  readonly start: string;
  readonly end: string;
  readonly path: string;
  readonly label: string;
};

/** What Premiere is asked. What changes something is small, reads back what it did and may be sent twice. */
export type PremiereCalls = {
  handshake: { params: Record<string, never>; value: HostHandshake };
  readTimeline: { params: { sequence?: string }; value: PremiereFacts };
  stamp: { params: Record<string, never>; value: { stamp: string } };
  exportExtension: { params: { sequence: string; preset: string }; value: { extension: string } };
  exportRange: {
    params: { sequence: string; preset: string; path: string; start: string; end: string; mute: readonly number[] };
    value: { path: string; sizeBytes: number; restored: boolean };
  };
  findPlaced: {
    params: { sequence: string; folder: string };
    value: { placed: readonly PlacedFacts[]; locked: readonly number[] };
  };
  /** `path` is an imported file: UXP adds a track only by laying something on it. */
  addTrack: { params: { sequence: string; path: string }; value: { videoTracks: number } };
  importFile: {
    params: { path: string; bin: string; label: string; scale: boolean };
    value: { path: string; copies: number; labelled: boolean };
  };
  place: {
    /** `label` and `scale` again for a host that writes them in the same undo step. */
    params: {
      sequence: string;
      path: string;
      track: number;
      start: string;
      end: string;
      free: string;
      label: string;
      scale: boolean;
    };
    value: { track: number; start: string; end: string; already: boolean };
  };
  replace: { params: { from: string; to: string; label: string }; value: { path: string; labelled: boolean } };
  writeMarkers: {
    params: {
      sequence: string;
      markers: readonly { name: string; comment: string; start: string; end: string; colour: number }[];
    };
    value: { written: number };
  };
  remove: { params: { sequence: string; path: string }; value: { removed: number } };
};

/** ExtendScript only: asks for an event whenever something changes; `events` is how many kinds the host has of them. */
export type PremiereScriptCalls = PremiereCalls & {
  followEvents: { params: Record<string, never>; value: { events: number } };
} & PremiereProbes;

/** The in-host self-test works on a sequence of its own. */
export type PremiereScratchCalls = {
  openScratch: { params: { path: string; name: string }; value: { sequence: string; before: string } };
  closeScratch: {
    params: { sequence: string; before: string; bin: string };
    value: { removed: boolean; restored: boolean };
  };
};

/** What it asks in ExtendScript only. */
export type PremiereProbes = PremiereScratchCalls & {
  probePlaces: { params: Record<string, never>; value: { path: string; startup: string; appPackage: string } };
  probeRange: {
    params: { sequence: string };
    value: { seconds: boolean; time: boolean; ticks: boolean; unset: boolean };
  };
  probeExport: {
    params: { sequence: string; preset: string; path: string };
    value: { said: string; sizeBytes: number };
  };
  probeOverwrite: {
    params: { sequence: string; path: string };
    value: { time: boolean; seconds: boolean; ticks: boolean };
  };
};

/** What it asks in UXP only. */
export type UxpProbes = {
  /** Names of calls that this version lacks. */
  probeCalls: { params: Record<string, never>; value: { missing: readonly string[] } };
  probePoints: {
    params: { sequence: string };
    value: { unset: { inPoint: string; outPoint: string }; taken: boolean; unsetAgain: boolean };
  };
  probeFull: { params: { sequence: string; preset: string; path: string }; value: { sizeBytes: number } };
  /** A clip laid past the last track, and one whose sound is given no track. */
  probeTracks: {
    params: { sequence: string; path: string };
    value: { above: LaidProbe; tracks: number; soundNowhere: LaidProbe };
  };
  probeProperties: { params: { sequence: string }; value: { kept: boolean; cleared: boolean; problem: string } };
  probeEvents: { params: { sequence: string }; value: { events: number } };
};
/** `laidOn`: "V2 A1", '' for nowhere; `changed`: another clip that is not where it was. */
export type LaidProbe = { readonly problem: string; readonly laidOn: string; readonly changed: string };

/** A layer that shows a file of ours, and the labels that were found with it (layer, item). */
export type PlacedLayerFacts = {
  readonly index: number;
  /** Counted from 0 at the bottom. */
  readonly track: number;
  readonly first: number;
  /** One past the last frame. */
  readonly end: number;
  readonly locked: boolean;
  readonly path: string;
  readonly labels: readonly string[];
};

/** A layer, named so that the script notices when the layers were changed meanwhile. */
export type LayerReference = { readonly index: number; readonly name: string };

/** What After Effects is asked, in frames of the composition. What changes something reads back what it did and may be sent twice. */
export type AfterEffectsCalls = {
  handshake: { params: Record<string, never>; value: HostHandshake };
  readTimeline: { params: { sequence?: string }; value: AfterEffectsFacts };
  stamp: { params: Record<string, never>; value: { stamp: string } };
  templates: { params: { composition: string }; value: { templates: readonly string[] } };
  exportRange: {
    /** `path` has no extension: the template decides it. */
    params: {
      composition: string;
      template: string;
      path: string;
      first: number;
      end: number;
      hide: readonly LayerReference[];
    };
    /** `left`: what could not be put back, '' for nothing. */
    value: { path: string; sizeBytes: number; left: string };
  };
  findPlaced: { params: { composition: string; folder: string }; value: { placed: readonly PlacedLayerFacts[] } };
  importFile: {
    params: { path: string; bin: string; label: string; fps: number };
    value: { path: string; copies: number; labelled: boolean };
  };
  place: {
    params: {
      composition: string;
      path: string;
      label: string;
      first: number;
      end: number;
      above?: LayerReference;
      fit: boolean;
      /** Older results that this one stands for: their layers go in the same step of undo. */
      outdated: readonly string[];
    };
    value: { layer: PlacedLayerFacts; already: boolean };
  };
  replace: { params: { from: string; to: string; label: string }; value: { path: string; labelled: boolean } };
  writeMarkers: {
    params: {
      composition: string;
      markers: readonly { name: string; comment: string; first: number; frames: number; colour: number }[];
    };
    value: { written: number };
  };
  remove: { params: { composition: string; path: string }; value: { removed: number } };
};

/** With what the in-host self-test asks, on a composition of its own. */
export type AfterEffectsScriptCalls = AfterEffectsCalls & {
  openScratch: {
    params: { name: string; width: number; height: number; frames: number; rate: number };
    value: { composition: string };
  };
  closeScratch: { params: { composition: string; bin: string }; value: { removed: boolean } };
};

/** What the script says of itself in its first answer. */
export type HostHandshake = {
  readonly script: number;
  readonly host: 'premiere' | 'aftereffects';
  readonly version: string;
  readonly path: string;
};

/** What every call into the host script is and answers, as JSON text. */
export type HostCall = { readonly id: number; readonly method: string; readonly params: unknown };
export type HostAnswer =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | {
      readonly id: number;
      readonly ok: false;
      readonly error: { readonly code: string; readonly details: Record<string, string | number> };
    };
