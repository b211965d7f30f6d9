/** The part of After Effects' scripting objects that Reverie reads (types-for-adobe, After Effects; adobe-hosts reference 4). */
export type Layer = {
  index: number;
  name: string;
  inPoint: number;
  outPoint: number;
  startTime: number;
  stretch: number;
  selected: boolean;
  enabled: boolean;
  locked: boolean;
  timeRemapEnabled: boolean;
  adjustmentLayer: boolean;
  hasVideo: boolean;
  comment: string;
  source?: { mainSource?: { file?: { fsName: string } | null } } | null;
};

export type Composition = {
  id: number;
  name: string;
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
  layer(index: number): Layer;
  markerProperty?: {
    numKeys: number;
    keyTime(index: number): number;
    keyValue(index: number): { comment: string; duration: number };
  };
};

export type AfterEffectsApp = { version: string; project?: { activeItem?: unknown } };
