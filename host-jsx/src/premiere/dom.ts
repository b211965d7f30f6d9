/** The part of Premiere's scripting objects that Reverie reads (types-for-adobe, Premiere 24.0; adobe-hosts reference 2). */
export type Time = { ticks: string; seconds: number };

export type PremiereItem = {
  getMediaPath(): string;
  isOffline(): boolean;
  isSequence(): boolean;
  isMulticamClip(): boolean;
  isMergedClip(): boolean;
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
  components: { numItems: number; [index: number]: { matchName: string; properties: { numItems: number; [index: number]: { isTimeVarying(): boolean } } } };
  isSelected(): boolean;
  isAdjustmentLayer(): boolean;
  getSpeed(): number;
  isSpeedReversed(): number;
};

export type PremiereMarker = { guid: string; name: string; comments: string; start: Time; end: Time; getColorByIndex(): number };

export type PremiereSequence = {
  sequenceID: string;
  name: string;
  timebase: string;
  end: string;
  frameSizeHorizontal: number;
  frameSizeVertical: number;
  videoTracks: { numTracks: number; [index: number]: { clips: { numItems: number; [index: number]: PremiereClip } } };
  markers?: { numMarkers: number; getFirstMarker(): PremiereMarker | undefined; getNextMarker(marker: PremiereMarker): PremiereMarker | undefined };
  getInPoint(): string;
  getOutPoint(): string;
  getInPointAsTime(): Time;
  getOutPointAsTime(): Time;
  getPlayerPosition(): Time;
};

export type PremiereApp = { version: string; project?: { activeSequence?: PremiereSequence | null } };
