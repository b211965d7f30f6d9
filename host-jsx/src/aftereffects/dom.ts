/**
 * The part of After Effects' scripting objects that Reverie uses (types-for-adobe, After Effects 22.0 and later;
 * adobe-hosts reference 4). A test holds every type here against the published ones.
 */
import type { HostFile } from '../premiere/dom';

export type AeFile = HostFile & { name: string };

export type AeProperty = {
  numProperties?: number;
  isModified?: boolean;
  numKeys?: number;
  expressionEnabled?: boolean;
  value?: unknown;
  property?(name: string): unknown;
  setValue?(value: unknown): unknown;
};

export type AeItem = {
  id: number;
  name: string;
  comment: string;
  parentFolder: { id: number; name: string };
  remove(): void;
};

export type AeSource = AeItem & {
  width?: number;
  height?: number;
  pixelAspect?: number;
  frameRate?: number;
  hasAudio?: boolean;
  footageMissing?: boolean;
  file?: AeFile | null;
  mainSource?: { file?: AeFile | null; isStill?: boolean; conformFrameRate?: number };
  replace?(file: AeFile): void;
  /** On compositions. */
  numLayers?: number;
};

export type AeLayer = {
  id?: number;
  index: number;
  name: string;
  inPoint: number;
  outPoint: number;
  startTime: number;
  stretch: number;
  selected: boolean;
  enabled: boolean;
  locked: boolean;
  comment: string;
  nullLayer?: boolean;
  hasVideo?: boolean;
  hasAudio?: boolean;
  audioEnabled?: boolean;
  parent?: unknown;
  threeDLayer?: boolean;
  timeRemapEnabled?: boolean;
  adjustmentLayer?: boolean;
  guideLayer?: boolean;
  isTrackMatte?: boolean;
  hasTrackMatte?: boolean;
  preserveTransparency?: boolean;
  blendingMode?: number;
  source?: AeSource | null;
  property(name: string): unknown;
  moveBefore(layer: AeLayer): void;
  remove(): void;
};

export type AeMarker = { comment: string; duration: number; label?: number };

export type AeMarkers = {
  numKeys: number;
  keyTime(index: number): number;
  keyValue(index: number): AeMarker;
  setValueAtTime(time: number, value: AeMarker): void;
};

export type AeComposition = AeItem & {
  width: number;
  height: number;
  pixelAspect: number;
  frameRate: number;
  frameDuration: number;
  duration: number;
  workAreaStart: number;
  workAreaDuration: number;
  time: number;
  numLayers: number;
  layer(index: number): AeLayer;
  layers: { add(item: AeSource): unknown };
  markerProperty?: AeMarkers;
};

export type AeOutputModule = {
  name: string;
  templates: string[];
  file: AeFile | null;
  postRenderAction: number;
  applyTemplate(name: string): void;
};

export type AeQueueItem = {
  comp: { id: number };
  render: boolean;
  status: number;
  timeSpanStart: number;
  timeSpanDuration: number;
  setSettings?(settings: { [name: string]: string }): void;
  outputModule(index: number): AeOutputModule;
  remove(): void;
};

export type AeQueue = {
  numItems: number;
  rendering?: boolean;
  item(index: number): AeQueueItem;
  items: { add(comp: AeComposition): AeQueueItem };
  render(): void;
};

export type AeProject = {
  activeItem?: unknown;
  numItems: number;
  item(index: number): AeItem;
  items: {
    addFolder(name: string): AeItem;
    addComp(
      name: string,
      width: number,
      height: number,
      pixelAspect: number,
      duration: number,
      frameRate: number,
    ): AeComposition;
  };
  importFile(options: unknown): unknown;
  renderQueue: AeQueue;
};

export type AeApp = {
  version: string;
  project?: AeProject;
  beginUndoGroup?(name: string): void;
  endUndoGroup?(): void;
  beginSuppressDialogs?(): void;
  endSuppressDialogs?(alert: boolean): void;
};

export type AeGlobals = {
  File: new (path: string) => AeFile;
  ImportOptions: new (file: AeFile) => { importAs: number; sequence: boolean; canImportAs(type: number): boolean };
  MarkerValue: new (comment: string) => AeMarker;
  ImportAsType: { FOOTAGE: number };
  PostRenderAction: { NONE: number };
  RQItemStatus: { DONE: number };
  BlendingMode: { NORMAL: number };
};
