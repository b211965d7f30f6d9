import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { runInContext } from 'node:vm';
import { createEs3Engine } from './es3-engine';
import { createEvalScript } from './eval-script';

/** Every way in which a real Premiere was reported to mislead a script; one name, one switch. */
export const premiereMisbehaviours = [
  'range-ignored', // set in and out points are accepted and ignored
  'range-never-unset', // an unset point cannot be set back
  'export-nothing', // success is reported, no file is written
  'export-stale', // an older file stays (it cannot be deleted) and nothing is written
  'export-whole', // the whole sequence is written, whatever in and out say
  'import-lies', // success is reported, no item appears
  'import-doubles', // one import makes two items
  'bin-lies', // no bin is made
  'metadata-lost', // metadata does not stay
  'overwrite-lies', // success is reported, nothing is placed
  'overwrite-throws',
  'overwrite-bottom', // placed on the bottom track, over what lies there
  'overwrite-late', // placed a second too late
  'overwrite-sound', // sound of the file is laid over what lies on the first audio track
  'trim-ignored', // an assigned end does not stay
  'tracks-shift', // new tracks come at the bottom and move all others up
  'tracks-shift-for-good', // the same, and there is no undo
  'tracks-nothing', // success is reported, no track appears
  'tracks-throw',
  'tracks-absent', // no QE
  'replace-lies', // the media path does not change
  'remove-lies', // a removed clip stays
  'marker-lies', // no marker is made
  'marker-length-lost', // a marker's end does not stay
  'markers-repeat', // the same marker is handed out again and again
  'clip-markers-throw', // the markers of a source cannot be asked for
  'sequence-lies', // no sequence is made
  'sequence-stays', // a deleted sequence stays
  'reply-empty', // answers get lost
  'reply-error', // the engine's bare error text
  'modal', // a dialog: no call answers until it is closed
] as const;
export type Misbehaviour = (typeof premiereMisbehaviours)[number];

export const ticksPerSecond = 254016000000n;

type ItemState = {
  id: string;
  type: number;
  name: string;
  path: string;
  metadata: string;
  children: ItemState[];
  offline: boolean;
  nested: boolean;
  merged: boolean;
  fps: number;
  markers: MarkerState[];
};
type MarkerState = { guid: string; name: string; comments: string; start: bigint; end: bigint; colour: number };
export type ClipState = {
  id: string;
  name: string;
  item?: ItemState;
  start: bigint;
  end: bigint;
  inPoint: bigint;
  selected: boolean;
  disabled: boolean;
  adjustment: boolean;
  speed: number;
  reversed: boolean;
  effects: string[];
  transition: boolean;
};
type Layout = { video: ClipState[][]; audio: ClipState[][] };

export type FakePremiereOptions = {
  readonly script: string;
  /** Ticks of a frame. */
  readonly timebase?: bigint;
  readonly misbehave?: readonly Misbehaviour[];
  /** The only form of time that `setInPoint` takes. */
  readonly rangeForm?: 'seconds' | 'time' | 'ticks';
  /** Translated display names. */
  readonly localised?: boolean;
  /** Windows' way of writing paths in what the host gives back. */
  readonly slashes?: 'forward' | 'back';
  readonly version?: string;
  /** Gets the events that the script sends to panels; without it the application has none. */
  readonly onEvent?: (type: string) => void;
  /** Writes the file of an export, and tells the length of one; without them files are JSON notes. */
  readonly writeFilm?: (path: string, first: number, frames: number) => void;
  readonly readFilm?: (path: string) => { frames: number; rate: { num: number; den: number } };
};

export type FakePremiere = ReturnType<typeof createFakePremiere>;

/** A small Premiere that runs the built host script. Times of the test are frames; inside everything is ticks. */
export function createFakePremiere(options: FakePremiereOptions) {
  const timebase = options.timebase ?? 10160640000n;
  const bad = new Set<Misbehaviour>(options.misbehave ?? []);
  const length = (frame: number) => BigInt(frame) * timebase;
  let ids = 0;
  const id = () => `node-${++ids}`;

  const root: ItemState = makeItem(3, 'Root', '');
  let layout: Layout = { video: [[], []], audio: [[], []] };
  let muted = new Set<number>();
  const locked = new Set<number>();
  let history: Layout[] = [];
  let inPoint: bigint | undefined;
  let outPoint: bigint | undefined;
  const exports: { path: string; first: number; last: number; muted: number[] }[] = [];
  let imports = 0;

  function makeItem(type: number, name: string, path: string): ItemState {
    return {
      id: id(),
      type,
      name,
      path,
      metadata: '<x:xmpmeta></x:xmpmeta>',
      children: [],
      offline: false,
      nested: false,
      merged: false,
      fps: Number(ticksPerSecond) / Number(timebase),
      markers: [],
    };
  }
  const remember = () =>
    history.push({
      video: layout.video.map(track => track.map(clip => ({ ...clip }))),
      audio: layout.audio.map(track => track.map(clip => ({ ...clip }))),
    });

  class Time {
    ticks = '0';
    get seconds() {
      return Number(this.ticks) / Number(ticksPerSecond);
    }
  }
  const time = (ticks: bigint) => Object.assign(new Time(), { ticks: String(ticks) });
  const list = <T>(items: T[], count: string) => Object.assign({ [count]: items.length }, items);

  class File {
    constructor(readonly path: string) {}
    get exists() {
      return existsSync(this.path);
    }
    get length() {
      return this.exists ? statSync(this.path).size : 0;
    }
    get fsName() {
      return this.path;
    }
    /** ExtendScript's names are escaped like addresses. */
    get name() {
      return encodeURI(this.path.split('/').pop() ?? '');
    }
    remove() {
      if (bad.has('export-stale')) return false;
      rmSync(this.path, { force: true });
      return true;
    }
  }

  /** Length of a file in ticks: the fakes' files are JSON. */
  function mediaTicks(path: string): bigint {
    const note = () => {
      const text = readFileSync(path, 'utf8');
      return text.startsWith('{')
        ? (JSON.parse(text) as { frames: number; rate: { num: number; den: number } })
        : { frames: 5, rate: { num: 1, den: 1 } };
    };
    const said = options.readFilm?.(path) ?? note();
    return (BigInt(said.frames) * BigInt(said.rate.den) * ticksPerSecond) / BigInt(said.rate.num);
  }

  function itemDom(item: ItemState): object {
    return {
      nodeId: item.id,
      name: options.localised && item.type === 2 ? item.name : item.name,
      type: item.type,
      get children() {
        return list(item.children.map(itemDom), 'numItems');
      },
      createBin(name: string) {
        if (!bad.has('bin-lies')) item.children.push(makeItem(2, name, ''));
        return undefined;
      },
      deleteBin: () => void root.children.splice(root.children.indexOf(item), 1),
      getMediaPath: () => (options.slashes === 'back' ? item.path.replace(/\//g, '\\') : item.path),
      canChangeMediaPath: () => true,
      changeMediaPath(path: string) {
        if (!bad.has('replace-lies')) item.path = path;
        return true;
      },
      getProjectMetadata: () => item.metadata,
      setProjectMetadata(packet: string) {
        if (!bad.has('metadata-lost')) item.metadata = packet;
      },
      setScaleToFrameSize: () => undefined,
      getFootageInterpretation: () => ({ frameRate: item.fps }),
      isOffline: () => item.offline,
      isSequence: () => item.nested,
      isMulticamClip: () => false,
      isMergedClip: () => item.merged,
      getMarkers() {
        if (bad.has('clip-markers-throw')) throw new Error('Illegal Parameter type');
        return markerList(item.markers);
      },
      state: item,
    };
  }
  const ofItem = (dom: object) => (dom as { state: ItemState }).state;

  function clipDom(clip: ClipState, tracks: ClipState[][], kind: 'Video' | 'Audio'): object {
    if (clip.transition)
      return {
        nodeId: clip.id,
        name: 'Überblendung',
        mediaType: 'Video',
        start: time(clip.start),
        end: time(clip.end),
      };
    const component = (matchName: string, displayName: string) => ({
      matchName,
      displayName: options.localised ? `[${displayName}]` : displayName,
      properties: list([{ isTimeVarying: () => false }], 'numItems'),
    });
    return {
      nodeId: clip.id,
      name: clip.name,
      mediaType: kind,
      get start() {
        return time(clip.start);
      },
      get end() {
        return time(clip.end);
      },
      set end(value: { ticks: string }) {
        remember();
        if (!bad.has('trim-ignored')) clip.end = BigInt(value.ticks);
      },
      get inPoint() {
        return time(clip.inPoint);
      },
      disabled: clip.disabled,
      projectItem: clip.item && itemDom(clip.item),
      components: list(
        [
          component('AE.ADBE Opacity', 'Opacity'),
          component('AE.ADBE Motion', 'Motion'),
          ...clip.effects.map(name => component(name, name)),
        ],
        'numItems',
      ),
      isSelected: () => clip.selected,
      isAdjustmentLayer: () => clip.adjustment,
      getSpeed: () => clip.speed,
      isSpeedReversed: () => (clip.reversed ? 1 : 0),
      remove() {
        remember();
        if (bad.has('remove-lies')) return true;
        for (const track of tracks) {
          const at = track.indexOf(clip);
          if (at >= 0) track.splice(at, 1);
        }
        return true;
      },
    };
  }

  function lay(track: ClipState[], item: ItemState, start: bigint, end: bigint): void {
    // As Premiere does: what lies in the stretch is cut away.
    for (const other of [...track]) {
      if (other.end <= start || other.start >= end) continue;
      track.splice(track.indexOf(other), 1);
      if (other.start < start) track.push({ ...other, id: id(), end: start });
      if (other.end > end) track.push({ ...other, id: id(), start: end });
    }
    track.push({
      id: id(),
      name: item.name,
      item,
      start,
      end,
      inPoint: 0n,
      selected: false,
      disabled: false,
      adjustment: false,
      speed: 1,
      reversed: false,
      effects: [],
      transition: false,
    });
    track.sort((a, b) => (a.start < b.start ? -1 : 1));
  }

  function trackDom(index: number, kind: 'Video' | 'Audio'): object {
    const tracks = () => (kind === 'Video' ? layout.video : layout.audio);
    return {
      name: options.localised ? `Piste ${index + 1}` : `${kind} ${index + 1}`,
      get clips() {
        return list(
          tracks()[index].map(clip => clipDom(clip, tracks(), kind)),
          'numItems',
        );
      },
      isLocked: () => kind === 'Video' && locked.has(index),
      isMuted: () => kind === 'Video' && muted.has(index),
      setMute(on: number) {
        if (on) muted.add(index);
        else muted.delete(index);
      },
      overwriteClip(dom: object, at: { ticks: string }) {
        remember();
        if (bad.has('overwrite-lies')) return true;
        if (bad.has('overwrite-throws')) throw new Error('Illegal Parameter type');
        const item = ofItem(dom);
        const start = BigInt(at.ticks) + (bad.has('overwrite-late') ? ticksPerSecond : 0n);
        const end = start + mediaTicks(item.path);
        lay(layout.video[bad.has('overwrite-bottom') ? 0 : index], item, start, end);
        if (bad.has('overwrite-sound')) lay(layout.audio[0], item, start, end);
        return true;
      },
    };
  }

  const points = {
    set(which: 'in' | 'out', value: unknown) {
      const form = typeof value === 'number' ? 'seconds' : typeof value === 'string' ? 'ticks' : 'time';
      if (bad.has('range-ignored') || (options.rangeForm && options.rangeForm !== form)) return;
      const ticks =
        form === 'seconds'
          ? BigInt(Math.round(((value as number) * Number(ticksPerSecond)) / Number(timebase))) * timebase
          : BigInt(form === 'ticks' ? (value as string) : (value as { ticks: string }).ticks);
      const next = ticks < 0n ? undefined : ticks;
      if (next === undefined && bad.has('range-never-unset')) return;
      if (which === 'in') inPoint = next;
      else outPoint = next;
    },
  };
  const end = () => layout.video.flat().reduce((last, clip) => (clip.end > last ? clip.end : last), 0n);
  let markers: MarkerState[] = [];
  let playhead = length(3);
  const nearest = (seconds: number) =>
    BigInt(Math.round((seconds * Number(ticksPerSecond)) / Number(timebase))) * timebase;
  const markerDom = (all: MarkerState[], at: number) => {
    const marker = all[at];
    return (
      marker && {
        guid: marker.guid,
        get name() {
          return marker.name;
        },
        set name(name: string) {
          marker.name = name;
        },
        get comments() {
          return marker.comments;
        },
        set comments(text: string) {
          marker.comments = text;
        },
        start: time(marker.start),
        get end(): unknown {
          return time(marker.end);
        },
        set end(seconds: unknown) {
          if (!bad.has('marker-length-lost')) marker.end = nearest(seconds as number);
        },
        getColorByIndex: () => marker.colour,
        setColorByIndex: (index: number) => void (marker.colour = index),
        at,
      }
    );
  };
  const markerList = (all: MarkerState[]) => ({
    get numMarkers() {
      return all.length;
    },
    getFirstMarker: () => markerDom(all, 0),
    getNextMarker: (marker: { at: number }) => markerDom(all, marker.at + (bad.has('markers-repeat') ? 0 : 1)),
  });
  const makeMarker = (name: string, start: bigint, end: bigint, comments = ''): MarkerState => ({
    guid: id(),
    name,
    comments,
    start,
    end,
    colour: 0,
  });
  /** The open sequence is all that is here; another one is set aside whole, and nothing may touch it meanwhile. */
  let open = { id: 'sequence-1', name: 'Song' };
  const others: { id: string; name: string; bringBack(): void }[] = [];
  function setAside(): void {
    const kept = { layout, muted, history, inPoint, outPoint, markers, open };
    others.push({
      ...open,
      bringBack: () => ({ layout, muted, history, inPoint, outPoint, markers, open } = kept),
    });
  }
  function openFresh(name: string, item: ItemState): void {
    setAside();
    open = { id: `sequence-${++ids}`, name };
    [layout, muted, history, inPoint, outPoint, markers] = [
      { video: [[], []], audio: [[]] },
      new Set(),
      [],
      undefined,
      undefined,
      [],
    ];
    lay(layout.video[0], item, 0n, mediaTicks(item.path));
  }
  /** In the lists of a project: asking anything but the name of a sequence that is not open is an error here. */
  const closedSequence = ({ id: sequenceID, name }: { id: string; name: string }) => ({ sequenceID, name });

  const sequence = {
    get sequenceID() {
      return open.id;
    },
    get name() {
      return open.name;
    },
    timebase: String(timebase),
    get end() {
      return String(end());
    },
    frameSizeHorizontal: 1280,
    frameSizeVertical: 720,
    get videoTracks() {
      return list(
        layout.video.map((_, index) => trackDom(index, 'Video')),
        'numTracks',
      );
    },
    get audioTracks() {
      return list(
        layout.audio.map((_, index) => trackDom(index, 'Audio')),
        'numTracks',
      );
    },
    get markers() {
      return {
        ...markerList(markers),
        numMarkers: markers.length,
        createMarker(seconds: number) {
          if (bad.has('marker-lies')) return undefined;
          markers.push(makeMarker('', nearest(seconds), nearest(seconds)));
          return markerDom(markers, markers.length - 1);
        },
      };
    },
    getInPoint: () => (inPoint === undefined ? '-400000' : String(Number(inPoint) / Number(ticksPerSecond))),
    getOutPoint: () => (outPoint === undefined ? '-400000' : String(Number(outPoint) / Number(ticksPerSecond))),
    getInPointAsTime: () => time(inPoint ?? -400000n * ticksPerSecond),
    getOutPointAsTime: () => time(outPoint ?? -400000n * ticksPerSecond),
    setInPoint: (value: unknown) => points.set('in', value),
    setOutPoint: (value: unknown) => points.set('out', value),
    getPlayerPosition: () => time(playhead),
    getExportFileExtension: () => 'mov',
    exportAsMediaDirect(path: string, _preset: string, workArea: number) {
      if (bad.has('export-nothing') || bad.has('export-stale')) return 'No Error';
      const whole = workArea !== 1 || bad.has('export-whole');
      const first = whole ? 0n : (inPoint ?? 0n);
      const last = whole ? end() : (outPoint ?? end());
      const frames = Number((last - first) / timebase);
      exports.push({ path, first: Number(first / timebase), last: Number(last / timebase) - 1, muted: [...muted] });
      const rate = { num: Number(ticksPerSecond), den: Number(timebase) };
      if (options.writeFilm) options.writeFilm(path, Number(first / timebase), frames);
      else writeFileSync(path, JSON.stringify({ frames, rate }));
      return 'No Error';
    },
  };
  const app = {
    name: 'Adobe Premiere Pro',
    version: options.version ?? '25.5.0',
    path: '/Applications/Adobe Premiere Pro 2025/',
    encoder: {},
    project: {
      activeSequence: sequence as typeof sequence | null,
      get sequences() {
        return list<object>([sequence, ...others.map(closedSequence)], 'numSequences');
      },
      createNewSequenceFromClips(name: string, items: object[]) {
        if (!bad.has('sequence-lies')) openFresh(name, ofItem(items[0]));
      },
      openSequence(wanted: string) {
        const other = others.find(each => each.id === wanted);
        if (!other) return false;
        others.splice(others.indexOf(other), 1);
        setAside();
        other.bringBack();
        return true;
      },
      deleteSequence(gone: { sequenceID: string }) {
        const at = others.findIndex(each => each.id === gone.sequenceID);
        if (at >= 0 && !bad.has('sequence-stays')) others.splice(at, 1);
      },
      get rootItem() {
        return itemDom(root);
      },
      importFiles(paths: string[], _quiet: boolean, bin: object) {
        imports++;
        if (bad.has('import-lies')) return true;
        for (let i = 0; i < paths.length; i++) {
          const name = decodeURIComponent(encodeURIComponent(paths[i].split('/').pop() ?? ''));
          for (let copy = 0; copy < (bad.has('import-doubles') ? 2 : 1); copy++)
            ofItem(bin).children.push(makeItem(1, name, paths[i]));
        }
        return true;
      },
      addPropertyToProjectMetadataSchema: () => true,
    },
    enableQE() {
      if (bad.has('tracks-absent')) return;
      context.qe = {
        project: {
          getActiveSequence: () => ({
            addTracks(count: number, index: number) {
              if (bad.has('tracks-throw')) throw new Error('not a function');
              if (bad.has('tracks-nothing')) return true;
              remember();
              const shift = bad.has('tracks-shift') || bad.has('tracks-shift-for-good');
              for (let i = 0; i < count; i++) layout.video.splice(shift ? 0 : index, 0, []);
              return true;
            },
          }),
          ...(bad.has('tracks-shift-for-good')
            ? {}
            : {
                undo() {
                  layout = history.pop() ?? layout;
                },
              }),
        },
      };
    },
  };
  const handlers: [string, () => void][] = [];
  const { onEvent } = options;
  class CSXSEvent {
    type = '';
    data = '';
    dispatch() {
      onEvent?.(this.type);
    }
  }
  const eventParts = onEvent
    ? {
        ExternalObject: class {
          constructor() {
            context.CSXSEvent = CSXSEvent;
          }
        },
      }
    : {};
  const bind = (name: string, handler: () => void) => void handlers.push([name, handler]);
  const withEvents = onEvent ? Object.assign(app, { bind }) : app;
  const context = createEs3Engine({ app: withEvents, File, Time, qe: undefined, CSXSEvent: undefined, ...eventParts });
  runInContext(options.script, context);

  return {
    ...createEvalScript(context, bad),
    misbehave(...names: Misbehaviour[]): void {
      for (const name of names) bad.add(name);
    },
    behave(): void {
      bad.clear();
    },
    addClip(
      track: number,
      first: number,
      last: number,
      change: Partial<Omit<ClipState, 'item'>> & {
        path?: string;
        kind?: 'Video' | 'Audio';
        item?: Partial<ItemState> | null;
      } = {},
    ): ClipState {
      const { path, kind = 'Video', item: about, ...rest } = change;
      const name = rest.name ?? `clip ${ids}`;
      const item = about === null ? undefined : { ...makeItem(1, name, path ?? `/media/${name}.mov`), ...about };
      if (item) root.children.push(item);
      const clip: ClipState = {
        id: id(),
        name,
        item,
        start: length(first),
        end: length(last + 1),
        inPoint: 0n,
        selected: false,
        disabled: false,
        adjustment: false,
        speed: 1,
        reversed: false,
        effects: [],
        transition: false,
        ...rest,
      };
      (kind === 'Video' ? layout.video : layout.audio)[track].push(clip);
      return clip;
    },
    addMarker(name: string, first: number, frames: number, comments = ''): void {
      markers.push(makeMarker(name, length(first), length(first + frames), comments));
    },
    /** On the clip's source; frames are the source's. */
    addClipMarker(clip: ClipState, name: string, first: number, frames: number): void {
      clip.item?.markers.push(makeMarker(name, length(first), length(first + frames)));
    },
    renameMarker(from: string, to: string): void {
      for (const marker of markers) if (marker.name === from) marker.name = to;
    },
    setPlayhead(frame: number): void {
      playhead = length(frame);
    },
    setRange(first: number | undefined, last: number | undefined): void {
      inPoint = first === undefined ? undefined : length(first);
      outPoint = last === undefined ? undefined : length(last + 1);
    },
    closeSequence(): void {
      app.project.activeSequence = null;
    },
    lock(track: number): void {
      locked.add(track);
    },
    move(clipId: string, frames: number): void {
      for (const clip of layout.video.flat())
        if (clip.id === clipId)
          Object.assign(clip, { start: clip.start + length(frames), end: clip.end + length(frames) });
    },
    /** What a person sees: per track the clips with name, first and last frame. */
    tracks: (kind: 'video' | 'audio' = 'video') =>
      layout[kind].map(track =>
        track.map(clip => ({
          id: clip.id,
          name: clip.name,
          path: clip.item?.path ?? '',
          first: Number(clip.start / timebase),
          last: Number((clip.end + timebase - 1n) / timebase) - 1,
          exact: clip.end % timebase === 0n,
        })),
      ),
    range: () => [inPoint, outPoint].map(point => (point === undefined ? undefined : Number(point / timebase))),
    muted: () => [...muted],
    bins: () =>
      root.children
        .filter(item => item.type === 2)
        .map(bin => ({ name: bin.name, items: bin.children.map(item => item.path) })),
    /** What the application does when a person changes something. */
    fire: (event: string) => handlers.forEach(([name, handler]) => name === event && handler()),
    /** Loads the script once more, as a panel does that is opened again. */
    reload: () => runInContext(options.script, context),
    exports,
    sequences: () => [open, ...others].map(({ id: sequence, name }) => ({ sequence, name })),
    imports: () => imports,
  };
}
