/** The part of Premiere's scripting objects that Reverie uses (types-for-adobe, Premiere 24.0; adobe-hosts reference 2). */
export type Time = { ticks: string; seconds: number };

export type PremiereItem = {
  nodeId: string;
  name: string;
  /** CLIP 1, BIN 2, ROOT 3, FILE 4. */
  type: number;
  children?: { numItems: number; [index: number]: PremiereItem };
  createBin(name: string): PremiereItem | undefined;
  deleteBin?(): unknown;
  getMediaPath(): string;
  canChangeMediaPath?(): boolean;
  changeMediaPath?(path: string, overrideChecks: boolean): boolean | number;
  refreshMedia?(): unknown;
  setScaleToFrameSize?(): unknown;
  getProjectMetadata(): string;
  setProjectMetadata(packet: string, fields: string[]): unknown;
  getFootageInterpretation?(): { frameRate: number } | undefined;
  /** In the guide, not in the published types: asked for before it is called. */
  isOffline?(): boolean;
  isSequence(): boolean;
  isMulticamClip?(): boolean;
  isMergedClip(): boolean;
  getMarkers?(): PremiereMarkers | undefined;
};

export type PremiereClip = {
  nodeId: string;
  name: string;
  start: Time;
  end: Time;
  inPoint: Time;
  disabled: boolean;
  /** Missing on some generated items. */
  projectItem?: PremiereItem;
  components: {
    numItems: number;
    [index: number]: {
      matchName: string;
      properties: { numItems: number; [index: number]: { isTimeVarying(): boolean; getValue?(): unknown } };
    };
  };
  isSelected(): boolean;
  /** Missing or "Audio" on what is not a picture. */
  mediaType?: string;
  remove(ripple: boolean, alignToVideo: boolean): unknown;
  isAdjustmentLayer(): boolean;
  getSpeed(): number;
  isSpeedReversed(): number;
};

export type PremiereMarker = {
  guid: string;
  name: string;
  comments: string;
  start: Time;
  end: Time;
  getColorByIndex(): number;
  setColorByIndex?(index: number): unknown;
};

export type PremiereMarkers = {
  numMarkers: number;
  getFirstMarker(): PremiereMarker | undefined;
  getNextMarker(marker: PremiereMarker): PremiereMarker | undefined;
};

export type PremiereTrack = {
  clips: { numItems: number; [index: number]: PremiereClip };
  isLocked?(): boolean;
  isMuted(): boolean;
  setMute(muted: number): unknown;
  overwriteClip(item: PremiereItem, time: number | Time): unknown;
};

export type PremiereSequence = {
  sequenceID: string;
  name: string;
  timebase: string;
  end: string;
  frameSizeHorizontal: number;
  frameSizeVertical: number;
  videoTracks: { numTracks: number; [index: number]: PremiereTrack };
  audioTracks?: { numTracks: number; [index: number]: PremiereTrack };
  markers?: PremiereMarkers & { createMarker?(seconds: number): PremiereMarker | undefined };
  getInPoint(): string;
  getOutPoint(): string;
  getInPointAsTime(): Time;
  getOutPointAsTime(): Time;
  getPlayerPosition(): Time;
  setInPoint(at: number | string | Time): unknown;
  setOutPoint(at: number | string | Time): unknown;
  exportAsMediaDirect(path: string, preset: string, workAreaType: number): unknown;
  getExportFileExtension?(preset: string): string;
};

export type PremiereApp = {
  version: string;
  path?: string;
  project?: {
    activeSequence?: PremiereSequence | null;
    sequences?: { numSequences: number; [index: number]: PremiereSequence };
    rootItem: PremiereItem;
    importFiles(paths: string[], suppressUI: boolean, bin: PremiereItem, numberedStills: boolean): unknown;
    createNewSequenceFromClips?(name: string, items: PremiereItem[], bin: PremiereItem): unknown;
    openSequence?(id: string): unknown;
    deleteSequence?(sequence: PremiereSequence): unknown;
    addPropertyToProjectMetadataSchema?(name: string, label: string, type: number): unknown;
  };
  enableQE?(): unknown;
  bind?(event: string, handler: () => void): unknown;
};

/** ExtendScript's file; `name` is escaped like an address, `fsName` is not. */
export type HostFile = { exists: boolean; length: number; fsName: string; remove(): boolean };
export type HostGlobals = { File: new (path: string) => HostFile; Time: new () => Time };
