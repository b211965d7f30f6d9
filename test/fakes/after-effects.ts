import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { runInContext } from 'node:vm';
import type {
  AeApp,
  AeComposition,
  AeFile,
  AeGlobals,
  AeItem,
  AeLayer,
  AeQueueItem,
  AeSource,
} from '../../host-jsx/src/aftereffects/dom';
import { createEs3Engine } from './es3-engine';
import { createEvalScript } from './eval-script';

/** Every way in which a real After Effects was reported, or may be feared, to mislead a script; one name, one switch. */
export const afterEffectsMisbehaviours = [
  'span-ignored', // the time span of a render is accepted and ignored
  'template-ignored', // another output template stays
  'template-of-pictures', // the template writes numbered pictures
  'file-ignored', // the output file stays another
  'imports-itself', // the template's action after the render stays
  'render-nothing', // the render ends well, no file is written
  'render-stale', // an older file stays (it cannot be deleted) and nothing is written
  'render-whole', // the whole composition is written, whatever the time span says
  'render-small', // the picture is half the size
  'render-stopped', // somebody stops the render
  'render-throws',
  'queue-held', // other items of the queue cannot be held back
  'locked-refuses', // a locked layer takes no change
  'queue-item-stays', // our item stays in the queue
  'hide-ignored', // a layer cannot be hidden
  'hidden-for-good', // a hidden layer cannot be shown again
  'import-lies', // nothing is imported
  'import-throws',
  'import-refused', // the file cannot be imported as footage
  'import-doubles', // one import makes two items
  'import-rate', // the footage is read at another rate, and cannot be conformed
  'folder-lies', // no folder is made
  'comment-lost', // comments do not stay
  'add-lies', // no layer appears
  'add-throws',
  'add-doubles', // two layers appear
  'add-shifts', // another layer is moved in time
  'start-ignored', // a start time does not stay
  'in-ignored',
  'out-ignored',
  'move-ignored', // the layer stays on top
  'move-throws',
  'scale-ignored',
  'sound-stays', // the layer's sound cannot be switched off
  'replace-lies', // the item shows the older file
  'replace-trims', // the layers are trimmed
  'remove-lies', // a removed layer stays
  'marker-lies', // no marker is made
  'marker-length-lost',
  'composition-lies', // no composition is made
  'composition-stays', // a removed composition stays
  'reply-empty', // answers get lost
  'reply-error', // the engine's bare error text
  'modal', // a dialog: no call answers until it is closed
] as const;
export type AfterEffectsMisbehaviour = (typeof afterEffectsMisbehaviours)[number];

type Media = {
  frames: number;
  rate: { num: number; den: number };
  width: number;
  height: number;
  sound?: boolean;
  pixelAspect?: number;
};
type ItemState = {
  id: number;
  kind: 'footage' | 'folder' | 'composition';
  name: string;
  path: string;
  comment: string;
  parent: number;
  media: Media;
  missing: boolean;
  conformed?: number;
  /** Of a composition: its layers. */
  inner?: LayerState[];
};
export type LayerState = {
  id: number;
  name: string;
  item?: ItemState;
  startTime: number;
  inPoint: number;
  outPoint: number;
  stretch: number;
  selected: boolean;
  enabled: boolean;
  locked: boolean;
  comment: string;
  hasVideo: boolean;
  nullLayer: boolean;
  audioEnabled: boolean;
  adjustmentLayer: boolean;
  guideLayer: boolean;
  isTrackMatte: boolean;
  hasTrackMatte: boolean;
  remapped: boolean;
  effects: number;
  scale: number[];
  opacity: number;
  /** In seconds of the composition. */
  markers: { time: number; comment: string; duration: number; label: number }[];
};
type QueueState = {
  id: number;
  composition: number;
  render: boolean;
  status: number;
  start: number;
  duration: number;
  template: string;
  path: string;
  action: number;
};

const status = { QUEUED: 3015, USER_STOPPED: 3017, ERR_STOPPED: 3018, DONE: 3019 };
const actions = { NONE: 3612, IMPORT: 3613 };
const english = [
  'H.264 - Match Render Settings - 15 Mbps',
  'High Quality',
  'High Quality with Alpha',
  'Lossless',
  'AIFF 48kHz',
  '_HIDDEN X-Factor 8',
];
const french = [
  'H.264 - Selon les réglages de rendu - 15 Mbit/s',
  'Haute qualité',
  'Haute qualité avec couche alpha',
  'Sans perte',
  'AIFF 48 kHz',
];

export type FakeAfterEffectsOptions = {
  readonly script: string;
  readonly frameRate?: number;
  /** Frames of the composition. */
  readonly frames?: number;
  readonly misbehave?: readonly AfterEffectsMisbehaviour[];
  /** Translated template names. */
  readonly localised?: boolean;
  /** Windows' way of writing paths in what the host gives back. */
  readonly slashes?: 'forward' | 'back';
  /** Reads the rate of what it imports wrongly until it is told. */
  readonly importsAtThirty?: boolean;
  /** Versions before 22.0 have no layer ids. */
  readonly layerIds?: boolean;
  readonly version?: string;
  /** Writes the file of a render; without it a JSON note is written. */
  readonly writeFilm?: (path: string, first: number, frames: number) => void;
  readonly readFilm?: (path: string) => Media;
  readonly size?: { width: number; height: number };
  /** Width of a pixel of the composition; films have square ones unless their JSON says otherwise. */
  readonly pixelAspect?: number;
  /** Ids are counted anew in every project; the composition has the first one. */
  readonly firstId?: number;
};

export type FakeAfterEffects = ReturnType<typeof createFakeAfterEffects>;

/** A small After Effects that runs the built host script. Times of the test are frames; inside everything is seconds. */
export function createFakeAfterEffects(options: FakeAfterEffectsOptions) {
  let frameRate = options.frameRate ?? 25;
  let frameDuration = 1 / frameRate;
  const bad = new Set<AfterEffectsMisbehaviour>(options.misbehave ?? []);
  const seconds = (frame: number) => frame * frameDuration;
  const toFrame = (time: number) => Math.round(time / frameDuration);
  let ids = (options.firstId ?? 1) - 1;
  const films: { path: string; first: number; last: number; shown: string[] }[] = [];
  let imports = 0;
  let openGroups = 0;
  const steps: { name: string; layers: LayerState[]; items: ItemState[] }[] = [];
  let suppressed = 0;

  let composition = {
    id: ++ids,
    name: 'Song',
    frames: options.frames ?? 200,
    work: undefined as { first: number; frames: number } | undefined,
    playhead: 3,
  };
  let size = options.size ?? { width: 1280, height: 720 };
  /** From top to bottom. */
  let layers: LayerState[] = [];
  let items: ItemState[] = [];
  let queue: QueueState[] = [];
  let markers: { time: number; comment: string; duration: number; label: number }[] = [];
  let active: 'composition' | 'none' = 'composition';

  const native = (path: string) => (options.slashes === 'back' ? path.replace(/\//g, '\\') : path);
  const real = (path: string) => path.replace(/\\/g, '/');

  class File {
    constructor(readonly path: string) {}
    get exists() {
      return existsSync(real(this.path));
    }
    get length() {
      return this.exists ? statSync(real(this.path)).size : 0;
    }
    get fsName() {
      return native(this.path);
    }
    /** ExtendScript's names are escaped like addresses. */
    get name() {
      return encodeURI(real(this.path).split('/').pop() ?? '');
    }
    remove() {
      if (bad.has('render-stale')) return false;
      rmSync(real(this.path), { force: true });
      return true;
    }
  }
  class MarkerValue {
    duration = 0;
    label = 0;
    constructor(public comment: string) {}
  }
  class ImportOptions {
    importAs = 0;
    sequence = true;
    constructor(readonly file: File) {}
    canImportAs() {
      return !bad.has('import-refused');
    }
  }

  /** The fakes' files are JSON. */
  function mediaOf(path: string): Media {
    if (path && options.readFilm) return options.readFilm(real(path));
    const text = existsSync(real(path)) ? readFileSync(real(path), 'utf8') : '';
    const said = text.startsWith('{') ? (JSON.parse(text) as Partial<Media>) : {};
    return { frames: 5, rate: { num: 1, den: 1 }, width: 2 * size.width, height: 2 * size.height, ...said };
  }
  const makeItem = (kind: ItemState['kind'], name: string, path: string): ItemState => ({
    id: ++ids,
    kind,
    name,
    path,
    comment: '',
    parent: 0,
    media: mediaOf(path),
    missing: false,
  });

  function itemDom(item: ItemState): AeItem & Partial<AeSource> {
    const parent = items.find(each => each.id === item.parent);
    return {
      id: item.id,
      name: item.name,
      get comment() {
        return item.comment;
      },
      set comment(text: string) {
        if (!bad.has('comment-lost')) item.comment = text;
      },
      get parentFolder() {
        return { id: parent?.id ?? 0, name: parent?.name ?? 'Root' };
      },
      set parentFolder(folder) {
        item.parent = folder.id;
      },
      remove() {
        items = items.filter(each => each !== item && each.parent !== item.id);
      },
      ...(item.kind === 'folder' ? { items: {} } : {}),
      ...(item.inner
        ? { numLayers: item.inner.length, frameDuration, layer: (at: number) => layerDom(item.inner![at - 1]) }
        : {}),
      width: item.media.width,
      height: item.media.height,
      pixelAspect: item.media.pixelAspect ?? 1,
      get frameRate() {
        const read = bad.has('import-rate') || options.importsAtThirty ? 30 : item.media.rate.num / item.media.rate.den;
        return item.conformed ?? read;
      },
      hasAudio: item.media.sound === true,
      footageMissing: item.missing,
      get mainSource() {
        if (item.kind !== 'footage') return undefined;
        return {
          file: item.path ? new File(item.path) : null,
          isStill: false,
          set conformFrameRate(fps: number) {
            if (!bad.has('import-rate')) item.conformed = fps;
          },
        };
      },
      replace(file: { fsName: string }) {
        if (bad.has('replace-lies')) return;
        item.path = real(file.fsName);
        item.media = mediaOf(item.path);
        if (bad.has('replace-trims')) for (const layer of layers) if (layer.item === item) layer.outPoint -= seconds(2);
      },
    };
  }

  const property = (value: unknown, set?: (value: never) => void) => ({
    value,
    numKeys: 0,
    expressionEnabled: false,
    setValue: set ?? (() => undefined),
  });

  function layerDom(layer: LayerState): AeLayer & { state: LayerState } {
    const own = { state: layer };
    return {
      ...own,
      ...(options.layerIds === false ? {} : { id: layer.id }),
      get index() {
        return layers.indexOf(layer) + 1;
      },
      name: layer.name,
      get inPoint() {
        return layer.inPoint;
      },
      set inPoint(time: number) {
        if (!bad.has('in-ignored')) layer.inPoint = time + (bad.has('start-ignored') ? seconds(2) : 0);
      },
      get outPoint() {
        return layer.outPoint;
      },
      set outPoint(time: number) {
        const longest = layer.item
          ? layer.startTime + (layer.item.media.frames * layer.item.media.rate.den) / layer.item.media.rate.num
          : time;
        if (!bad.has('out-ignored')) layer.outPoint = Math.min(time, longest);
      },
      get startTime() {
        return layer.startTime;
      },
      set startTime(time: number) {
        if (bad.has('start-ignored')) return;
        const by = time - layer.startTime;
        layer.startTime = time;
        layer.inPoint += by;
        layer.outPoint += by;
        if (bad.has('in-ignored')) layer.inPoint = 0;
      },
      get stretch() {
        return layer.stretch;
      },
      get selected() {
        return layer.selected;
      },
      set selected(on: boolean) {
        layer.selected = on;
      },
      get enabled() {
        return layer.enabled;
      },
      set enabled(on: boolean) {
        if (layer.locked && bad.has('locked-refuses')) throw new Error('the layer is locked');
        if (bad.has(on ? 'hidden-for-good' : 'hide-ignored')) return;
        layer.enabled = on;
      },
      get locked() {
        return layer.locked;
      },
      set locked(on: boolean) {
        layer.locked = on;
      },
      get comment() {
        return layer.comment;
      },
      set comment(text: string) {
        if (!bad.has('comment-lost')) layer.comment = text;
      },
      nullLayer: layer.nullLayer,
      hasVideo: layer.hasVideo,
      hasAudio: layer.item?.media.sound === true,
      get audioEnabled() {
        return layer.audioEnabled;
      },
      set audioEnabled(on: boolean) {
        if (!bad.has('sound-stays')) layer.audioEnabled = on;
      },
      parent: null,
      threeDLayer: false,
      timeRemapEnabled: layer.remapped,
      adjustmentLayer: layer.adjustmentLayer,
      guideLayer: layer.guideLayer,
      isTrackMatte: layer.isTrackMatte,
      hasTrackMatte: layer.hasTrackMatte,
      preserveTransparency: false,
      blendingMode: 5212,
      source: layer.item ? (itemDom(layer.item) as AeSource) : null,
      property(name: string) {
        if (name === 'ADBE Effect Parade') return { numProperties: layer.effects };
        if (name === 'ADBE Mask Parade') return { numProperties: 0 };
        if (name === 'ADBE Marker')
          return {
            numKeys: layer.markers.length,
            keyTime: (at: number) => layer.markers[at - 1].time,
            keyValue: (at: number) => layer.markers[at - 1],
          };
        if (name === 'ADBE Layer Styles') return { isModified: false };
        if (name !== 'ADBE Transform Group') return null;
        const { width, height } = layer.item?.media ?? size;
        return {
          property(part: string) {
            if (part === 'ADBE Anchor Point') return property([width / 2, height / 2, 0]);
            if (part === 'ADBE Position') return property([size.width / 2, size.height / 2, 0]);
            if (part === 'ADBE Rotate Z') return property(0);
            if (part === 'ADBE Opacity') return property(layer.opacity);
            return {
              get value() {
                return layer.scale;
              },
              numKeys: 0,
              expressionEnabled: false,
              setValue: (value: number[]) => void (bad.has('scale-ignored') || (layer.scale = value)),
            };
          },
        };
      },
      moveBefore(other: AeLayer) {
        if (bad.has('move-throws')) throw new Error('Object is invalid');
        if (bad.has('move-ignored')) return;
        layers = layers.filter(each => each !== layer);
        layers.splice(layers.indexOf((other as AeLayer & typeof own).state), 0, layer);
      },
      remove() {
        if (layer.locked) throw new Error('the layer is locked');
        if (!bad.has('remove-lies')) layers = layers.filter(each => each !== layer);
      },
    };
  }

  function makeLayer(name: string, change: Partial<LayerState> = {}): LayerState {
    return {
      id: ++ids,
      name,
      startTime: 0,
      inPoint: 0,
      outPoint: seconds(composition.frames),
      stretch: 100,
      selected: false,
      enabled: true,
      locked: false,
      comment: '',
      hasVideo: true,
      nullLayer: false,
      audioEnabled: true,
      adjustmentLayer: false,
      guideLayer: false,
      isTrackMatte: false,
      hasTrackMatte: false,
      remapped: false,
      effects: 0,
      scale: [100, 100],
      opacity: 100,
      markers: [],
      ...change,
    };
  }

  function addLayer(source: AeSource): void {
    if (bad.has('add-lies')) return;
    if (bad.has('add-throws')) throw new Error('After Effects error: Unable to call "add"');
    const item = items.find(each => each.id === source.id)!;
    const length = (item.media.frames * item.media.rate.den) / item.media.rate.num;
    for (const layer of layers) layer.selected = false;
    for (let copy = 0; copy < (bad.has('add-doubles') ? 2 : 1); copy++) {
      // Put at the playhead, as a preference has it, and selected.
      const at = seconds(composition.playhead);
      layers.unshift(makeLayer(item.name, { item, startTime: at, inPoint: at, outPoint: at + length, selected: true }));
    }
    if (bad.has('add-shifts')) layers[layers.length - 1].startTime += seconds(10);
  }

  /** The person's composition while another one is worked on: it may be looked at, and nothing more. */
  let aside: object | undefined;
  let bringBack: (() => void) | undefined;
  function makeComposition(name: string, width: number, height: number, frames: number, rate: number): void {
    const kept = { composition, layers, markers, frameRate, frameDuration, size };
    const shown = layers.map(layer => Object.freeze({ ...layer, source: null }));
    const { id } = composition;
    aside = {
      id,
      name: composition.name,
      numLayers: shown.length,
      frameDuration,
      layer: (at: number) => shown[at - 1],
    };
    composition = { ...composition, id: ++ids, name, frames, work: undefined };
    [layers, markers, frameRate, frameDuration, size] = [[], [], rate, 1 / rate, { width, height }];
    bringBack = () => {
      if (bad.has('composition-stays')) return;
      ({ composition, layers, markers, frameRate, frameDuration, size } = kept);
      aside = bringBack = undefined;
    };
  }

  const compositionDom: AeComposition = {
    get id() {
      return composition.id;
    },
    get name() {
      return composition.name;
    },
    comment: '',
    parentFolder: { id: 0, name: 'Root' },
    remove: () => bringBack?.(),
    get width() {
      return size.width;
    },
    get height() {
      return size.height;
    },
    pixelAspect: options.pixelAspect ?? 1,
    get frameRate() {
      return frameRate;
    },
    get frameDuration() {
      return frameDuration;
    },
    get duration() {
      return seconds(composition.frames);
    },
    get workAreaStart() {
      return seconds(composition.work?.first ?? 0);
    },
    get workAreaDuration() {
      return seconds(composition.work?.frames ?? composition.frames);
    },
    get time() {
      return seconds(composition.playhead);
    },
    get numLayers() {
      return layers.length;
    },
    layer(index: number) {
      if (!layers[index - 1]) throw new Error('index out of range');
      return layerDom(layers[index - 1]);
    },
    layers: { add: addLayer },
    markerProperty: {
      get numKeys() {
        return markers.length;
      },
      keyTime: index => markers[index - 1].time,
      keyValue: index => ({ ...markers[index - 1] }),
      setValueAtTime(time, value) {
        if (bad.has('marker-lies')) return;
        // As After Effects does: one marker a time, the older one is gone.
        markers = [
          ...markers.filter(each => toFrame(each.time) !== toFrame(time)),
          {
            time,
            comment: value.comment,
            duration: bad.has('marker-length-lost') ? 0 : value.duration,
            label: value.label ?? 0,
          },
        ].sort((a, b) => a.time - b.time);
      },
    },
  };

  const templates = options.localised ? french : english;
  const endingOf = (template: string) =>
    /aiff/i.test(template)
      ? '.aif'
      : bad.has('template-of-pictures')
        ? '_[#####].tif'
        : /h\.264/i.test(template)
          ? '.mp4'
          : '.mov';

  function queueDom(item: QueueState): AeQueueItem {
    return {
      comp: { id: item.composition },
      get render() {
        return item.render;
      },
      set render(on: boolean) {
        if (item.status === status.DONE) throw new Error('the item is done');
        if (!on && bad.has('queue-held')) return;
        item.render = on;
      },
      get status() {
        return item.status;
      },
      get timeSpanStart() {
        return item.start;
      },
      set timeSpanStart(time: number) {
        if (!bad.has('span-ignored')) item.start = time;
      },
      get timeSpanDuration() {
        return item.duration;
      },
      set timeSpanDuration(time: number) {
        if (!bad.has('span-ignored')) item.duration = time;
      },
      setSettings() {
        if (options.localised) throw new Error('no such setting');
      },
      outputModule: () => ({
        get name() {
          return item.template;
        },
        templates,
        applyTemplate(name: string) {
          if (!templates.includes(name)) throw new Error('no such template');
          if (bad.has('template-ignored')) return;
          item.template = name;
          item.path = `/Users/someone/Desktop/Song${endingOf(name)}`;
        },
        get file() {
          return new File(item.path);
        },
        set file(file: AeFile | null) {
          if (!bad.has('file-ignored')) item.path = real(file?.fsName ?? '');
        },
        get postRenderAction() {
          return item.action;
        },
        set postRenderAction(action: number) {
          if (!bad.has('imports-itself')) item.action = action;
        },
      }),
      remove() {
        if (!bad.has('queue-item-stays')) queue = queue.filter(each => each !== item);
      },
    };
  }

  function renderAll(): void {
    if (openGroups > 0) throw new Error('Undo group mismatch');
    for (const item of queue.filter(each => each.render)) {
      const whole = bad.has('render-whole');
      const first = whole ? 0 : toFrame(item.start);
      const frames = whole ? composition.frames : toFrame(item.duration);
      films.push({
        path: item.path,
        first,
        last: first + frames - 1,
        shown: layers.filter(layer => layer.enabled).map(layer => layer.name),
      });
      item.render = false;
      if (bad.has('render-throws')) {
        item.status = status.ERR_STOPPED;
        throw new Error('After Effects error: rendering failed');
      }
      item.status = bad.has('render-stopped') ? status.USER_STOPPED : status.DONE;
      if (bad.has('render-nothing') || bad.has('render-stale')) continue;
      if (options.writeFilm) options.writeFilm(item.path, first, frames);
      else {
        const scale = bad.has('render-small') ? 2 : 1;
        writeFileSync(
          item.path,
          JSON.stringify({
            frames,
            rate: { num: frameRate * 1000, den: 1000 },
            width: size.width / scale,
            height: size.height / scale,
          }),
        );
      }
    }
  }

  const all = (): AeItem[] => [compositionDom, ...(aside ? [aside as AeItem] : []), ...items.map(itemDom)];
  const app: AeApp & { name?: string } = {
    version: options.version ?? '25.2x26',
    project: {
      get activeItem() {
        return active === 'composition' ? compositionDom : null;
      },
      get numItems() {
        return all().length;
      },
      item: index => all()[index - 1],
      items: {
        addFolder(name) {
          const folder = makeItem('folder', name, '');
          if (!bad.has('folder-lies')) items.push(folder);
          return itemDom(folder);
        },
        addComp(name, width, height, _aspect, duration, rate) {
          if (!bad.has('composition-lies')) makeComposition(name, width, height, Math.round(duration * rate), rate);
          return compositionDom;
        },
      },
      importFile(given) {
        imports++;
        if (suppressed === 0) throw new Error('a dialog would have opened');
        if (bad.has('import-throws')) throw new Error('After Effects error: file is damaged');
        if (bad.has('import-lies')) return undefined;
        const path = real((given as ImportOptions).file.path);
        for (let copy = 0; copy < (bad.has('import-doubles') ? 2 : 1); copy++)
          items.push(makeItem('footage', path.split('/').pop() ?? '', path));
        return undefined;
      },
      renderQueue: {
        get numItems() {
          return queue.length;
        },
        rendering: false,
        item: index => queueDom(queue[index - 1]),
        items: {
          add(comp) {
            const item: QueueState = {
              id: ++ids,
              composition: comp.id,
              render: true,
              status: status.QUEUED,
              start: 0,
              duration: seconds(composition.frames),
              template: 'Lossless',
              path: '/Users/someone/Desktop/Song.mov',
              action: actions.IMPORT,
            };
            queue.push(item);
            return queueDom(item);
          },
        },
        render: renderAll,
      },
    },
    beginUndoGroup(name) {
      openGroups++;
      // What the step may change: which layers there are, and what each one and its item say.
      steps.push({ name, layers: layers.map(layer => ({ ...layer })), items: items.map(item => ({ ...item })) });
    },
    endUndoGroup() {
      openGroups--;
      if (openGroups < 0) throw new Error('Undo group mismatch');
    },
    beginSuppressDialogs: () => void suppressed++,
    endSuppressDialogs: () => void suppressed--,
  };
  const globals = {
    File,
    ImportOptions,
    MarkerValue,
    ImportAsType: { FOOTAGE: 3813 },
    PostRenderAction: actions,
    RQItemStatus: status,
    BlendingMode: { NORMAL: 5212 },
  } as unknown as AeGlobals;
  const context = createEs3Engine({ app, ...globals });
  runInContext(options.script, context);

  return {
    ...createEvalScript(context, bad),
    misbehave: (...names: AfterEffectsMisbehaviour[]) => names.forEach(name => bad.add(name)),
    /** Adds a layer on top of all that are there. */
    addLayer(
      first: number,
      last: number,
      change: Partial<Omit<LayerState, 'item'>> & { path?: string; media?: Partial<Media>; missing?: boolean } = {},
    ): LayerState {
      const { path, media, missing, ...rest } = change;
      const name = rest.name ?? `layer ${ids}`;
      const item =
        path === ''
          ? undefined
          : { ...makeItem('footage', name, path ?? `/media/${name}.mov`), missing: missing ?? false };
      if (item) {
        item.media = { frames: 1000, rate: { num: frameRate * 1000, den: 1000 }, ...size, ...media };
        items.push(item);
      }
      const layer = makeLayer(name, {
        item,
        startTime: seconds(first),
        inPoint: seconds(first),
        outPoint: seconds(last + 1),
        ...rest,
      });
      layers.unshift(layer);
      return layer;
    },
    addMarker(comment: string, first: number, frames: number): void {
      markers.push({ time: seconds(first), comment, duration: seconds(frames), label: 0 });
    },
    addLayerMarker(layer: LayerState, comment: string, first: number, frames: number): void {
      layer.markers.push({ time: seconds(first), comment, duration: seconds(frames), label: 0 });
    },
    setWorkArea(first: number, last: number): void {
      composition.work = { first, frames: last - first + 1 };
    },
    /** Somebody else's item in the render queue. */
    queueOther(): QueueState {
      const item: QueueState = {
        id: ++ids,
        composition: 99,
        render: true,
        status: status.QUEUED,
        start: 0,
        duration: 1,
        template: 'Lossless',
        path: '/Users/someone/other.mov',
        action: actions.NONE,
      };
      queue.push(item, { ...item, id: ++ids, render: false, status: status.DONE });
      return item;
    },
    /** In the composition's settings: layers keep their seconds. */
    setFrameRate(fps: number): void {
      composition.frames = Math.round((composition.frames * fps) / frameRate);
      [frameRate, frameDuration] = [fps, 1 / fps];
    },
    closeComposition(): void {
      active = 'none';
    },
    move(id: number, frames: number): void {
      for (const layer of layers) {
        if (layer.id !== id) continue;
        for (const key of ['startTime', 'inPoint', 'outPoint'] as const) layer[key] += seconds(frames);
        for (const marker of layer.markers) marker.time += seconds(frames);
      }
    },
    /** Layer > Pre-compose: with its attributes it becomes a layer of the new composition, else only its source does. */
    precompose(layer: LayerState, attributes: 'moved' | 'left'): void {
      const item: ItemState = {
        ...makeItem('composition', `${layer.name} Comp 1`, ''),
        inner: [{ ...layer, id: ++ids }],
      };
      items.push(item);
      if (attributes === 'left') layer.item = item;
      else
        layers = layers.map(each =>
          each === layer
            ? makeLayer(item.name, { item, inPoint: layer.inPoint, outPoint: layer.outPoint, selected: layer.selected })
            : each,
        );
    },
    lock(id: number): void {
      for (const layer of layers) if (layer.id === id) layer.locked = true;
    },
    /** Drags a layer to the top. */
    raise(id: number): void {
      layers = [...layers.filter(layer => layer.id === id), ...layers.filter(layer => layer.id !== id)];
    },
    /** What a person sees, from bottom to top. */
    layers: () =>
      [...layers].reverse().map((layer, track) => ({
        id: layer.id,
        track,
        name: layer.name,
        path: layer.item?.path ?? '',
        first: toFrame(layer.inPoint),
        last: toFrame(layer.outPoint) - 1,
        start: toFrame(layer.startTime),
        enabled: layer.enabled,
        selected: layer.selected,
        scale: layer.scale,
        audible: layer.item?.media.sound === true && layer.audioEnabled,
      })),
    folders: () =>
      items
        .filter(item => item.kind === 'folder')
        .map(folder => ({
          name: folder.name,
          items: items.filter(item => item.parent === folder.id).map(item => item.path),
        })),
    compositionName: () => composition.name,
    queue: () => queue,
    markers: () =>
      markers.map(marker => ({ text: marker.comment, first: toFrame(marker.time), frames: toFrame(marker.duration) })),
    films,
    steps: () => steps.map(({ name }) => name),
    /** As a person does it: Edit > Undo. */
    undo(): string | undefined {
      const step = steps.pop();
      if (!step) return undefined;
      const of = (id: number) => step.items.find(item => item.id === id);
      layers = step.layers.map(layer => ({ ...layer, item: layer.item && of(layer.item.id) }));
      ({ items } = step);
      return step.name;
    },
    openGroups: () => openGroups,
    imports: () => imports,
  };
}
