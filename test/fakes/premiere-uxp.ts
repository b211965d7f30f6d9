import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type {
  Action,
  ClipProjectItem,
  Component,
  ComponentParam,
  CompoundAction,
  EncoderManager,
  FolderItem,
  FootageInterpretation,
  Guid,
  Keyframe,
  Marker,
  Markers,
  premierepro,
  Project,
  ProjectItem,
  Properties,
  RectF,
  Sequence,
  SequenceEditor,
  TickTime,
  TrackItemSelection,
  VideoClipTrackItem,
  VideoComponentChain,
  VideoTrack,
} from '@adobe/premierepro';

/** Every way in which Premiere's UXP was reported to mislead a plug-in, or may by what is not documented. */
export const uxpMisbehaviours = [
  'transaction-refused', // answered with false, nothing is done
  'transaction-throws',
  'transaction-lies', // answered with true, nothing is done
  'action-refused', // an action is not taken up
  'stale-objects', // what was read before a change throws after it
  'overwrite-ignored', // the action is taken and does nothing
  'overwrite-bottom', // placed on the bottom track, over what lies there
  'overwrite-late', // placed a second too late
  'overwrite-sound', // the file's sound is laid over what lies on the first audio track
  'overwrite-twice',
  'in-out-throws', // the action for the item's in and out cannot be made (before 26.5)
  'in-out-ignored',
  'trim-ignored',
  'insert-no-track', // an insert above the last track does nothing
  'insert-top', // it goes to the last track instead of a new one
  'insert-bottom', // the new track comes at the bottom and moves all others up
  'remove-ignored',
  'import-lies', // success is answered, no item appears
  'import-late', // the item appears some time after the answer
  'import-doubles',
  'bin-ignored',
  'metadata-lost',
  'range-ignored',
  'range-never-unset', // an unset point cannot be set back
  'export-refused', // answered with false
  'export-throws',
  'export-nothing', // success is answered and told, no file is written
  'export-stale', // an older file cannot be deleted and stays
  'export-whole', // the whole sequence, whatever in and out say
  'export-fails', // the event says failed
  'export-silent', // the file is written and no event comes
  'export-slow', // answered at once, the file grows for a while
  'mute-ignored',
  'replace-ignored',
  'marker-ignored',
  'marker-length-lost',
  'sequence-lies', // no sequence is made
  'sequence-stays', // a removed sequence stays
  'properties-lost', // a value that is kept with a sequence is not there when it is read
  'events-silent', // nothing is told of the selection
  'old-version', // what came after 25.6 is absent
  'modal', // a dialog: no call is answered until it is closed
] as const;
export type UxpMisbehaviour = (typeof uxpMisbehaviours)[number];

export const ticksPerSecond = 254016000000n;

type ItemState = {
  readonly kind: 'clip' | 'bin' | 'root';
  readonly id: string;
  name: string;
  path: string;
  metadata: string;
  readonly children: ItemState[];
  first: bigint;
  length?: bigint;
  scaled: boolean;
  markers: MarkerState[];
};
export type UxpClip = {
  readonly name: string;
  readonly item?: ItemState;
  start: bigint;
  end: bigint;
  inPoint: bigint;
  selected: boolean;
  disabled: boolean;
  adjustment: boolean;
  speed: number;
  scale?: number;
  effects?: readonly string[];
};
type MarkerState = {
  name: string;
  start: bigint;
  length: bigint;
  comment: string;
  colour: number;
  readonly guid: string;
};
type World = { video: UxpClip[][]; audio: UxpClip[][]; markers: MarkerState[]; inPoint?: bigint; outPoint?: bigint };

export type FakePremiereUxpOptions = {
  /** Ticks of a frame. */
  readonly timebase?: bigint;
  readonly misbehave?: readonly UxpMisbehaviour[];
  /** What points that are not set read as. */
  readonly unset?: 'negative' | 'whole' | 'zero';
  /** Frames and rate of a file that is imported; the tests' files are JSON that says so. */
  readonly mediaOf?: (path: string) => { frames: number; rate: { num: number; den: number } };
  /** Writes an export; else a JSON that says what was exported. */
  readonly render?: (path: string, first: number, last: number) => void;
};
export type FakePremiereUxp = ReturnType<typeof createFakePremiereUxp>;

/** The members of a published type, without that it can be called or constructed. */
type Members<T> = { [Key in keyof T]: T[Key] };
/** A fake object, checked against the published type member by member; only what the plug-in uses is there. */
const asType = <T>(members: Partial<Members<T>>) => members as T;

/** A small Premiere as UXP shows it. Times of the test are frames; inside everything is ticks. */
export function createFakePremiereUxp(options: FakePremiereUxpOptions = {}) {
  const timebase = options.timebase ?? 10160640000n;
  const bad = new Set<UxpMisbehaviour>(options.misbehave ?? []);
  const length = (frames: number) => BigInt(frames) * timebase;
  const frameOf = (ticks: bigint) => Number((2n * ticks + timebase) / (2n * timebase));

  let ids = 0;
  const properties = new Map<string, string>();
  const root = makeItem('root', 'Root', '');
  let world: World = { video: [[], []], audio: [[]], markers: [] };
  /** Counts changes; an object remembers the one it was read at. */
  let age = 0;
  let isLocked = false;
  const steps: { title: string; before: World }[] = [];
  const muted = new Set<number>();
  const exports: { path: string; first: number; last: number; muted: number[]; full: boolean }[] = [];
  const listeners = new Set<{ name: unknown; listener: (event?: object) => void }>();
  const scriptErrors: string[] = [];
  let closeDialog: (() => void) | undefined;
  let imports = 0;

  function makeItem(kind: ItemState['kind'], name: string, path: string): ItemState {
    return { kind, id: `item-${++ids}`, name, path, metadata: '', children: [], first: 0n, scaled: false, markers: [] };
  }
  const copy = (from: World): World => ({
    ...from,
    video: from.video.map(track => track.map(clip => ({ ...clip }))),
    audio: from.audio.map(track => track.map(clip => ({ ...clip }))),
    markers: from.markers.map(marker => ({ ...marker })),
  });
  const endOf = () =>
    [...world.video, ...world.audio].flat().reduce((end, clip) => (clip.end > end ? clip.end : end), 0n);

  /** What is given back of asynchronous calls; a dialog holds all of them up. */
  const dialog = bad.has('modal') ? new Promise<void>(resolve => (closeDialog = resolve)) : undefined;
  async function later<T>(make: () => T): Promise<T> {
    await dialog;
    return make();
  }

  /** Actions are opaque; the fake keeps beside each what it does. */
  const deeds = new Map<Action, (now: World) => void>();
  function action(deed: (now: World) => void): Action {
    if (!isLocked) throw new Error('Actions must be created within lockedAccess');
    const made: Action = {};
    deeds.set(made, deed);
    return made;
  }
  /** Guards an object that was read from the timeline. */
  function fresh(read = age): () => void {
    return () => {
      if (bad.has('stale-objects') && read !== age) throw new Error('The object is no longer valid');
    };
  }

  const tick = (ticks: bigint) =>
    asType<TickTime>({
      ticks: String(ticks),
      seconds: Number(ticks) / Number(ticksPerSecond),
      ticksNumber: Number(ticks),
    });
  const guid = (text: string) => asType<Guid>({ toString: () => text });

  function mediaTicks(item: ItemState): bigint {
    const { frames, rate } = (options.mediaOf ?? readJsonMedia)(item.path);
    return (BigInt(frames) * BigInt(rate.den) * ticksPerSecond) / BigInt(rate.num);
  }

  const itemStates = new WeakMap<object, ItemState>();
  const stateOf = (item: ProjectItem | ClipProjectItem | FolderItem): ItemState => itemStates.get(item)!;
  function withState<T extends object>(object: T, state: ItemState): T {
    itemStates.set(object, state);
    return object;
  }
  const types = { clip: 1, bin: 2, root: 3 };
  const projectItem = (state: ItemState) =>
    withState(asType<ProjectItem>({ type: types[state.kind], name: state.name, getId: () => state.id }), state);
  const folderItem = (state: ItemState) =>
    withState(
      asType<FolderItem>({
        type: types[state.kind],
        name: state.name,
        getItems: () => later(() => state.children.map(projectItem)),
        createBinAction: name =>
          action(() => void (bad.has('bin-ignored') || state.children.push(makeItem('bin', name, '')))),
        createRemoveItemAction: item =>
          action(() => void state.children.splice(state.children.indexOf(stateOf(item)), 1)),
      }),
      state,
    );
  const clipItem = (state: ItemState) =>
    withState(
      asType<ClipProjectItem>({
        type: 1,
        name: state.name,
        getMediaFilePath: () => later(() => state.path),
        isOffline: () => later(() => false),
        isSequence: () => later(() => false),
        isMulticamClip: () => later(() => false),
        isMergedClip: () => later(() => false),
        canChangeMediaPath: () => later(() => true),
        changeMediaFilePath: path =>
          later(() => {
            if (!bad.has('replace-ignored')) state.path = path;
            return true;
          }),
        refreshMedia: () => later(() => true),
        getFootageInterpretation: () =>
          later(() => asType<FootageInterpretation>({ getFrameRate: () => Number(ticksPerSecond) / Number(timebase) })),
        createSetScaleToFrameSizeAction: () => action(() => (state.scaled = true)),
        createSetInOutPointsAction(first, last) {
          if (bad.has('in-out-throws')) throw new Error('Illegal Parameter type');
          return action(() => {
            if (!bad.has('in-out-ignored')) state.length = BigInt(last.ticks) - BigInt(first.ticks);
          });
        },
      }),
      state,
    );

  const component = (matchName: string, values: readonly unknown[] = []) =>
    asType<Component>({
      getMatchName: () => later(() => matchName),
      getParamCount: () => values.length,
      getParam: (at = 0) =>
        asType<ComponentParam>({
          isTimeVarying: () => false,
          getStartValue: () => later(() => asType<Keyframe>({ value: { value: values[at] as number } })),
        }),
    });

  const clipStates = new WeakMap<object, UxpClip>();
  function trackItem(state: UxpClip, kind: 'video' | 'audio', track: number): VideoClipTrackItem {
    const check = fresh();
    const ask = <T>(make: () => T) =>
      later(() => {
        check();
        return make();
      });
    const item = asType<VideoClipTrackItem>({
      getName: () => ask(() => state.name),
      getIsSelected: () => ask(() => state.selected),
      getStartTime: () => ask(() => tick(state.start)),
      getEndTime: () => ask(() => tick(state.end)),
      getInPoint: () => ask(() => tick(state.inPoint)),
      getSpeed: () => ask(() => state.speed),
      isSpeedReversed: () => ask(() => 0),
      isAdjustmentLayer: () => ask(() => state.adjustment),
      isDisabled: () => ask(() => state.disabled),
      getTrackIndex: () => ask(() => track),
      getProjectItem: () => ask(() => (state.item ? projectItem(state.item) : null) as ProjectItem),
      getComponentChain: () =>
        ask(() => {
          const own = [
            component('AE.ADBE Opacity', [100]),
            component('AE.ADBE Motion', [{ x: 0.5, y: 0.5 }, state.scale ?? 100, 100, true, 0]),
            ...(state.effects ?? []).map(name => component(name)),
          ];
          return asType<VideoComponentChain>({
            getComponentCount: () => own.length,
            getComponentAtIndex: at => own[at],
          });
        }),
      createSetEndAction(time) {
        check();
        return action(now => {
          if (!bad.has('trim-ignored')) same(now[kind], track, state).end = BigInt(time.ticks);
        });
      },
    });
    clipStates.set(item, state);
    return item;
  }
  /** The clip in the world that a transaction works on. */
  const same = (tracks: UxpClip[][], track: number, state: UxpClip) =>
    tracks[track].find(clip => clip.start === state.start && clip.name === state.name)!;

  const videoTrack = (index: number) =>
    asType<VideoTrack>({
      name: `Video ${index + 1}`,
      getTrackItems: () => world.video[index].map(clip => trackItem(clip, 'video', index)),
      isMuted: () => later(() => muted.has(index)),
      setMute: mute =>
        later(() => {
          if (!mute) muted.delete(index);
          else if (!bad.has('mute-ignored')) muted.add(index);
          return true;
        }),
    });

  function cut(tracks: UxpClip[][], track: number, start: bigint, end: bigint): void {
    tracks[track] = tracks[track].filter(clip => clip.end <= start || clip.start >= end);
  }
  function lay(now: World, state: ItemState, track: number, start: bigint): void {
    const clip: UxpClip = {
      name: state.name,
      item: state,
      start,
      end: start + (state.length ?? mediaTicks(state)),
      inPoint: state.first,
      selected: false,
      disabled: false,
      adjustment: false,
      speed: 1,
    };
    now.video[track].push(clip);
  }
  function overwrite(now: World, item: ProjectItem, time: bigint, wanted: number): void {
    if (bad.has('overwrite-ignored')) return;
    const state = stateOf(item);
    const track = bad.has('overwrite-bottom') ? 0 : wanted;
    const start = bad.has('overwrite-late') ? time + ticksPerSecond : time;
    // A track that does not exist is passed over in silence.
    if (!now.video[track]) return;
    const end = start + (state.length ?? mediaTicks(state));
    cut(now.video, track, start, end);
    lay(now, state, track, start);
    if (bad.has('overwrite-twice')) lay(now, state, track, end);
    if (bad.has('overwrite-sound')) {
      cut(now.audio, 0, start, end);
      now.audio[0].push({ ...now.video[track][now.video[track].length - 1] });
    }
  }
  function insert(now: World, item: ProjectItem, time: bigint, wanted: number): void {
    if (bad.has('insert-no-track')) return;
    const isNew = wanted >= now.video.length && !bad.has('insert-top');
    if (isNew && bad.has('insert-bottom')) now.video.unshift([]);
    else if (isNew) now.video.push([]);
    const track = isNew
      ? bad.has('insert-bottom')
        ? 0
        : now.video.length - 1
      : Math.min(wanted, now.video.length - 1);
    const gap = mediaTicks(stateOf(item));
    // An insert makes room: everything behind it moves, on all tracks.
    for (const clip of [...now.video, ...now.audio].flat()) {
      if (clip.start < time) continue;
      clip.start += gap;
      clip.end += gap;
    }
    lay(now, stateOf(item), track, time);
  }

  const editor = asType<SequenceEditor>({
    createOverwriteItemAction: (item, time, track) => action(now => overwrite(now, item, BigInt(time.ticks), track)),
    createInsertProjectItemAction: (item, time, track) => action(now => insert(now, item, BigInt(time.ticks), track)),
    createRemoveItemsAction(selection) {
      const states = selected.get(selection)!.map(item => clipStates.get(item)!);
      return action(now => {
        if (bad.has('remove-ignored')) return;
        const isGone = (clip: UxpClip) =>
          states.some(state => state.item === clip.item && state.start === clip.start && state.name === clip.name);
        now.video = now.video.map(track => track.filter(clip => !isGone(clip)));
        now.audio = now.audio.map(track => track.filter(clip => !isGone(clip)));
      });
    },
  });
  const selected = new WeakMap<TrackItemSelection, object[]>();
  function selection(items: object[]): TrackItemSelection {
    const made = asType<TrackItemSelection>({
      addItem(item) {
        items.push(item);
        return true;
      },
      getTrackItems: () => later(() => items as VideoClipTrackItem[]),
    });
    selected.set(made, items);
    return made;
  }

  function marker(state: MarkerState): Marker {
    const of = (now: World) => now.markers.find(each => each.guid === state.guid)!;
    return asType<Marker>({
      ...(bad.has('old-version') ? {} : { guid: guid(state.guid) }),
      getName: () => state.name,
      getComments: () => state.comment,
      getStart: () => tick(state.start),
      getDuration: () => tick(state.length),
      getColorIndex: () => state.colour,
      createSetColorByIndexAction: colour => action(now => (of(now).colour = colour)),
      createSetCommentsAction: comment => action(now => (of(now).comment = comment)),
      createSetDurationAction: time =>
        action(now => {
          if (!bad.has('marker-length-lost')) of(now).length = BigInt(time.ticks);
        }),
    });
  }
  const markers = asType<Markers>({
    getMarkers: () => world.markers.map(marker),
    createAddMarkerAction: (name, _type, start, duration, comment = '') =>
      action(now => {
        if (bad.has('marker-ignored')) return;
        const long = bad.has('marker-length-lost') ? 0n : BigInt(duration?.ticks ?? 0);
        now.markers.push({
          name,
          start: BigInt(start?.ticks ?? 0),
          length: long,
          comment,
          colour: 0,
          guid: `marker-${++ids}`,
        });
      }),
  });

  const unsetValues = {
    negative: [-400000n * ticksPerSecond, -400000n * ticksPerSecond],
    whole: [0n, undefined],
    zero: [0n, 0n],
  };
  const [unsetIn, unsetOut] = unsetValues[options.unset ?? 'negative'];
  function pointAction(name: 'inPoint' | 'outPoint', time: bigint): Action {
    return action(now => {
      const isUnset = time < 0n || (options.unset === 'zero' && name === 'outPoint' && time === 0n);
      if (bad.has('range-ignored') || (isUnset && bad.has('range-never-unset'))) return;
      now[name] = isUnset ? undefined : time;
    });
  }
  /** The person's sequence while another one is worked on: it is there, and its world is kept. */
  let own = { id: 'sequence-1', name: 'Song – Mix' };
  let aside: { own: typeof own; world: World; isOpen: boolean } | undefined;
  const sequence = asType<Sequence>({
    get guid() {
      return guid(own.id);
    },
    get name() {
      return own.name;
    },
    setSelection(wanted) {
      const states = selected.get(wanted)!.map(item => clipStates.get(item)!);
      for (const clip of world.video.flat()) clip.selected = states.includes(clip);
      if (!bad.has('events-silent')) tell(constants.SequenceEvent.SELECTION_CHANGED);
      return true;
    },
    getFrameSize: () => later(() => asType<RectF>({ width: 640, height: 360 })),
    getTimebase: () => later(() => String(timebase)),
    getEndTime: () => later(() => tick(endOf())),
    getInPoint: () => later(() => tick(world.inPoint ?? unsetIn!)),
    getOutPoint: () => later(() => tick(world.outPoint ?? unsetOut ?? endOf())),
    getPlayerPosition: () => later(() => tick(0n)),
    getVideoTrackCount: () => later(() => world.video.length),
    getAudioTrackCount: () => later(() => world.audio.length),
    getVideoTrack: index => later(() => videoTrack(index)),
    getAudioTrack: index =>
      later(() => ({ getTrackItems: () => world.audio[index].map(clip => trackItem(clip, 'audio', index)) }) as never),
    getSelection: () =>
      later(() =>
        selection(
          world.video.flatMap((track, at) =>
            track.filter(clip => clip.selected).map(clip => trackItem(clip, 'video', at)),
          ),
        ),
      ),
    createSetInPointAction: time => pointAction('inPoint', BigInt(time.ticks)),
    createSetOutPointAction: time => pointAction('outPoint', BigInt(time.ticks)),
  });

  const asideSequence = () => asType<Sequence>({ guid: guid(aside!.own.id), name: aside!.own.name });
  const kept = asType<Properties>({
    hasValue: name => properties.has(name),
    getValue: name => properties.get(name) ?? '',
    createSetValueAction: (name, value) =>
      action(() => void (bad.has('properties-lost') || properties.set(name, String(value)))),
    createClearValueAction: name => action(() => void properties.delete(name)),
  });

  function bring(path: string, bin: ItemState): void {
    const name = path.split(/[\\/]/).pop() ?? path;
    bin.children.push(makeItem('clip', name, path));
    if (bad.has('import-doubles')) bin.children.push(makeItem('clip', name, path));
  }
  const project = asType<Project>({
    getActiveSequence: () => later(() => (aside?.isOpen ? asideSequence() : sequence)),
    getSequences: () => later(() => (aside ? [asideSequence(), sequence] : [sequence])),
    createSequenceFromMedia: (name, items = []) =>
      later(() => {
        if (bad.has('sequence-lies')) return sequence;
        aside = { own, world, isOpen: true };
        own = { id: `sequence-${++ids}`, name };
        world = { video: [[]], audio: [[]], markers: [] };
        for (const item of items) lay(world, stateOf(item), 0, 0n);
        age++;
        return sequence;
      }),
    openSequence: opened =>
      later(() => {
        if (aside) aside.isOpen = opened.guid.toString() === aside.own.id;
        return true;
      }),
    deleteSequence: () =>
      later(() => {
        if (!aside || bad.has('sequence-stays')) return true;
        ({ own, world } = aside);
        aside = undefined;
        age++;
        return true;
      }),
    getRootItem: () => later(() => folderItem(root)),
    importFiles: (paths, _quiet, bin) =>
      later(() => {
        imports++;
        for (const path of paths) {
          const into = bin ? stateOf(bin) : root;
          if (bad.has('import-late')) setTimeout(() => bring(path, into), 250);
          else if (!bad.has('import-lies')) bring(path, into);
        }
        return true;
      }),
    lockedAccess(callback) {
      isLocked = true;
      try {
        // The lock is gone at the first wait, which no type forbids.
        const answer: unknown = callback();
        if (answer instanceof Promise) scriptErrors.push('lockedAccess was given an asynchronous callback');
      } finally {
        isLocked = false;
      }
    },
    executeTransaction(callback, title = '') {
      if (!isLocked) scriptErrors.push(`"${title}" ran outside the lock`);
      if (bad.has('transaction-throws')) throw new Error('Script action failed to execute');
      if (bad.has('transaction-refused')) return false;
      const before = copy(world);
      const now = copy(world);
      const actions: Action[] = [];
      const compound = asType<CompoundAction>({
        addAction(added) {
          if (bad.has('action-refused')) return false;
          actions.push(added);
          return true;
        },
      });
      callback(compound);
      if (bad.has('transaction-lies')) return true;
      for (const each of actions) deeds.get(each)?.(now);
      world = now;
      age++;
      steps.push({ title, before });
      return true;
    },
  });

  function tell(name: unknown, event?: object): void {
    for (const each of listeners) if (each.name === name) each.listener(event);
  }
  const constants = {
    TrackItemType: { EMPTY: 0, CLIP: 1, TRANSITION: 2, PREVIEW: 3, FEEDBACK: 4 },
    MediaType: { ANY: 'any', DATA: 'data', VIDEO: 'video', AUDIO: 'audio' },
    ExportType: { QUEUE_TO_AME: 'ame', QUEUE_TO_APP: 'app', IMMEDIATELY: 'now' },
    SequenceEvent: {
      ACTIVATED: 'sequence-activated',
      CLOSED: 'sequence-closed',
      SELECTION_CHANGED: 'selection-changed',
    },
    ProjectEvent: { ACTIVATED: 'project-activated' },
    PropertyType: { PERSISTENT: 0, NON_PERSISTENT: 1 },
  };
  const operation = { done: 'export-complete', SUCCESS: 0, CANCELLED: 1, FAILED: 2 };
  const manager = asType<EncoderManager>({
    ...(bad.has('old-version') ? {} : { setSidecarXMPEnabled: () => later(() => true) }),
    exportSequence: (_sequence, _type, path = '', _preset, full = true) =>
      later(() => {
        if (bad.has('export-throws')) throw new Error('Export failed: invalid preset');
        if (bad.has('export-refused')) return false;
        const whole = full || bad.has('export-whole') || world.inPoint === undefined || world.outPoint === undefined;
        const first = whole ? 0 : frameOf(world.inPoint!);
        const last = (whole ? frameOf(endOf()) : frameOf(world.outPoint!)) - 1;
        exports.push({ path, first, last, muted: [...muted], full });
        const write = () => {
          if (bad.has('export-nothing') || bad.has('export-stale') || bad.has('export-fails')) return;
          if (options.render) options.render(path, first, last);
          else writeFileSync(path, JSON.stringify({ frames: last - first + 1, first, last }));
        };
        const end = () => {
          write();
          const state = bad.has('export-fails') ? operation.FAILED : operation.SUCCESS;
          if (!bad.has('export-silent')) tell(operation.done, { state });
        };
        if (bad.has('export-slow')) {
          writeFileSync(path, '{');
          setTimeout(end, 150);
        } else end();
        return true;
      }),
  });

  const premiere = {
    Constants: constants,
    Project: { getActiveProject: () => later(() => project) },
    ProjectItem: { TYPE_CLIP: 1, TYPE_BIN: 2, TYPE_ROOT: 3, cast: (item: FolderItem) => projectItem(stateOf(item)) },
    FolderItem: { cast: (item: ProjectItem) => folderItem(stateOf(item)) },
    ClipProjectItem: { cast: (item: ProjectItem) => clipItem(stateOf(item)) },
    SequenceEditor: { getEditor: () => editor },
    TrackItemSelection: {
      createEmptySelection(callback: (selection: TrackItemSelection) => void) {
        callback(selection([]));
        return true;
      },
    },
    TickTime: { createWithTicks: (ticks: string) => tick(BigInt(ticks)), TIME_ZERO: tick(0n) },
    Markers: {
      getMarkers: (owner: object) =>
        later(() => {
          const item = itemStates.get(owner);
          return item ? asType<Markers>({ getMarkers: () => item.markers.map(marker) }) : markers;
        }),
    },
    Marker: { MARKER_TYPE_COMMENT: 'Comment' },
    Properties: { getProperties: () => later(() => kept) },
    Metadata: {
      METADATA_TYPE_TEXT: 2,
      getProjectMetadata: (item: ProjectItem) => later(() => stateOf(item).metadata),
      addPropertyToProjectMetadataSchema: () => later(() => true),
      createSetProjectMetadataAction: (item: ProjectItem, metadata: string) =>
        action(() => {
          if (!bad.has('metadata-lost')) stateOf(item).metadata = metadata;
        }),
    },
    EncoderManager: {
      getManager: () => manager,
      getExportFileExtension: () => later(() => '.mp4'),
      EVENT_RENDER_COMPLETE: 'render-complete',
      EVENT_RENDER_ERROR: 'render-error',
      EVENT_RENDER_CANCEL: 'render-cancel',
    },
    OperationCompleteEvent: {
      EVENT_EXPORT_MEDIA_COMPLETE: operation.done,
      OPERATION_STATE_SUCCESS: operation.SUCCESS,
      OPERATION_STATE_CANCELLED: operation.CANCELLED,
      OPERATION_STATE_FAILED: operation.FAILED,
    },
    EventManager: {
      addEventListener: (_target: object, name: unknown, listener: () => void) =>
        void listeners.add({ name, listener }),
      removeEventListener(_target: object, name: unknown, listener: () => void) {
        for (const each of listeners) if (each.name === name && each.listener === listener) listeners.delete(each);
      },
      ...(bad.has('old-version')
        ? {}
        : { addGlobalEventListener: (name: unknown, listener: () => void) => void listeners.add({ name, listener }) }),
    },
  };

  const describe = (clip: UxpClip) => ({
    name: clip.name,
    path: clip.item?.path ?? '',
    first: frameOf(clip.start),
    last: frameOf(clip.end) - 1,
    exact: clip.start % timebase === 0n && clip.end % timebase === 0n,
  });
  return {
    premiere: premiere as unknown as premierepro,
    bad,
    exports,
    /** Rules of the host that were broken; always empty. */
    scriptErrors,
    imports: () => imports,
    tracks: (kind: 'video' | 'audio' = 'video') => world[kind].map(track => track.map(describe)),
    steps: () => steps.map(({ title }) => title),
    listeners: () => listeners.size,
    muted: () => [...muted],
    range: () => [world.inPoint, world.outPoint].map(point => (point === undefined ? undefined : frameOf(point))),
    markers: () =>
      world.markers.map(({ name, start, length: long, colour }) => ({
        name,
        first: frameOf(start),
        length: frameOf(long),
        colour,
      })),
    bins: () =>
      root.children
        .filter(({ kind }) => kind === 'bin')
        .map(({ name, children }) => ({ name, items: children.map(({ path }) => path) })),
    sequences: () => [...(aside ? [aside.own] : []), own].map(({ id }) => id),
    items: () => root.children.flatMap(item => [item, ...item.children]).filter(({ kind }) => kind === 'clip'),
    closeDialog: () => closeDialog?.(),
    /** As a person does it: Edit > Undo. */
    undo(): string | undefined {
      const step = steps.pop();
      if (step) world = step.before;
      age++;
      return step?.title;
    },
    /** A marker of the sequence. */
    addMarker(name: string, first: number, frames: number, comment = '') {
      world.markers.push({
        name,
        start: length(first),
        length: length(frames),
        comment,
        colour: 0,
        guid: `marker-${++ids}`,
      });
    },
    /** A point on the source of a clip, in frames of the source. */
    addClipMarker(clip: string, name: string, first: number) {
      const { item } = world.video.flat().find(each => each.name === clip)!;
      item!.markers.push({ name, start: length(first), length: 0n, comment: '', colour: 0, guid: `marker-${++ids}` });
    },
    setRange(first: number | undefined, last: number | undefined) {
      world.inPoint = first === undefined ? undefined : length(first);
      world.outPoint = last === undefined ? undefined : length(last + 1);
    },
    addClip(
      track: number,
      first: number,
      last: number,
      change: Partial<UxpClip> & { path?: string; kind?: 'video' | 'audio' } = {},
    ): void {
      const { path, kind = 'video', ...rest } = change;
      const name = rest.name ?? `Clip ${first}`;
      const item = makeItem('clip', name, path ?? `/footage/${name}.mov`);
      root.children.push(item);
      const clip: UxpClip = {
        name,
        item,
        start: length(first),
        end: length(last + 1),
        inPoint: 0n,
        selected: false,
        disabled: false,
        adjustment: false,
        speed: 1,
        ...rest,
      };
      while (world[kind].length <= track) world[kind].push([]);
      world[kind][track].push(clip);
    },
    select(name: string): void {
      for (const clip of world.video.flat()) clip.selected = clip.name === name;
      tell(constants.SequenceEvent.SELECTION_CHANGED);
    },
    move(path: string, frames: number): void {
      for (const clip of world.video.flat()) {
        if (clip.item?.path !== path) continue;
        clip.start += length(frames);
        clip.end += length(frames);
      }
    },
  };
}

function readJsonMedia(path: string): { frames: number; rate: { num: number; den: number } } {
  const text = readFileSync(path, 'utf8');
  return text.startsWith('{')
    ? (JSON.parse(text) as ReturnType<typeof readJsonMedia>)
    : { frames: 5, rate: { num: 1, den: 1 } };
}

/** Node's disk in UXP's form. `export-stale`: a file that cannot be removed. */
export function createFakeUxpFs(
  fs: typeof import('node:fs'),
  { undeletable }: { undeletable?: (path: string) => boolean } = {},
) {
  const { promises } = fs;
  const handles = new Map<number, import('node:fs/promises').FileHandle>();
  return {
    async open(path: string, flag: string) {
      const handle = await promises.open(path, flag);
      handles.set(handle.fd, handle);
      return handle.fd;
    },
    async close(file: number) {
      await handles.get(file)?.close();
      handles.delete(file);
      return 0;
    },
    read: (file: number, buffer: ArrayBuffer, at: number, length: number, position: number) =>
      handles.get(file)!.read(new Uint8Array(buffer), at, length, position),
    write: (file: number, buffer: ArrayBuffer, at: number, length: number, position: number) =>
      handles.get(file)!.write(new Uint8Array(buffer), at, length, position),
    readFile: (path: string, { encoding }: { encoding: 'utf-8' }) => promises.readFile(path, encoding),
    writeFile: (path: string, data: string) => promises.writeFile(path, data),
    lstat: (path: string) => promises.lstat(path),
    rename: (from: string, to: string) => promises.rename(from, to),
    async unlink(path: string) {
      if (undeletable?.(path)) throw new Error('EBUSY');
      rmSync(path);
    },
    mkdir: (path: string, given?: { recursive: boolean }) => promises.mkdir(path, given),
    readdir: (path: string) => promises.readdir(path),
    openFiles: () => handles.size,
  };
}
