import type { ClipInfo } from '#protocol/clip';
import type { ErrorJson } from '#protocol/errors';
import type { Estimate } from '#protocol/job';
import type { Check, NetInfo } from '#protocol/messages';
import type { Preset } from '#protocol/preset';
import type { Rate } from '#protocol/time';
import type { ExportedClip, StylizeMarker, Theme, TimelineClip, TimelineRange } from '#protocol/timeline';
import type { ConnectionState } from '../bridge/connection';
import type { HostCheck, HostStep } from '../host/host';
import { reduceJobs, type JobAction, type Jobs } from './jobs';
import type { Section } from './sections';

export const pages = ['render', 'jobs', 'presets', 'dream', 'sections', 'setup'] as const;
export type Page = (typeof pages)[number];

/** The clip that is worked on, from being picked to lying on the bridge. */
export type Source =
  | { readonly phase: 'none' }
  | {
      readonly phase: 'busy';
      readonly step: 'hashing' | 'sending' | 'checking' | HostStep;
      readonly name: string;
      readonly done?: number;
      readonly doneBytes?: number;
      readonly totalBytes?: number;
    }
  | {
      readonly phase: 'ready';
      readonly name: string;
      readonly clip: ClipInfo;
      readonly timeline: TimelineRange;
      readonly exported: ExportedClip;
    }
  | { readonly phase: 'failed'; readonly name: string; readonly error: ErrorJson };

export type Selection = {
  readonly clips: readonly TimelineClip[];
  readonly range?: TimelineRange;
  readonly markers: readonly StylizeMarker[];
};

export type PresetEntry = { readonly preset: Preset; readonly builtIn: boolean };

export type Still =
  | { readonly phase: 'none' }
  | {
      readonly phase: 'asked';
      readonly key: string;
      readonly path?: string;
      readonly pathKey?: string;
      readonly done: number;
      readonly total: number;
    }
  | { readonly phase: 'done'; readonly key: string; readonly path: string }
  | { readonly phase: 'failed'; readonly key: string; readonly error: ErrorJson };

export type Quote = {
  readonly estimate: Estimate;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly resultBytes: number;
  /** For a job that fits badly: the same with fewer painted lines. */
  readonly smaller?: { readonly preset: Preset; readonly lines: number; readonly estimate: Estimate };
};
export type Quoted =
  | { readonly phase: 'none' }
  | { readonly phase: 'asked'; readonly last?: Quote }
  | { readonly phase: 'known'; readonly quote: Quote }
  | { readonly phase: 'failed'; readonly error: ErrorJson };

export type AtlasTile = { readonly layer: string; readonly channels: number; readonly path: string };
export type Atlas =
  | { readonly phase: 'none' }
  | {
      readonly phase: 'coming' | 'done';
      readonly net: string;
      /** Set while the channels of one layer are looked at. */
      readonly channelsOf?: string;
      readonly job?: string;
      readonly tiles: readonly AtlasTile[];
      readonly done: number;
      readonly total: number;
    }
  | { readonly phase: 'failed'; readonly net: string; readonly error: ErrorJson };

/** Sections of the clip at hand; `sound` is what was heard in it. */
export type Sections = {
  readonly clip?: string;
  readonly list: readonly Section[];
  /** Nobody has said yet where the sections are: what is heard may say it. */
  readonly untold: boolean;
  /** There is a change that can be taken back. */
  readonly canUndo: boolean;
  readonly sound?: { readonly waveform: readonly number[]; readonly beats: readonly number[] };
  /** A sound file that is listened to in place of the clip's own sound; its length once it was heard. */
  readonly song?: { readonly sha256: string; readonly name: string; readonly seconds?: number };
  readonly listening: boolean;
  readonly error?: ErrorJson;
};

export type Setup =
  | { readonly phase: 'none' }
  | {
      readonly phase: 'asked';
      readonly last?: { readonly bridge: readonly Check[]; readonly host: readonly HostCheck[] };
    }
  | {
      readonly phase: 'known';
      readonly last: { readonly bridge: readonly Check[]; readonly host: readonly HostCheck[] };
    }
  | { readonly phase: 'failed'; readonly error: ErrorJson };

/** Something to say that belongs to no place on the page. `text` is a key of the catalogue. */
export type Message = {
  readonly id: number;
  readonly error?: ErrorJson;
  readonly text?: string;
  readonly details?: Readonly<Record<string, string | number>>;
};

export type Settings = {
  readonly language: 'auto' | 'en' | 'fr';
  /** The frame under the playhead is painted without being asked for. */
  readonly livePreview: boolean;
  readonly seed: number;
  /** The host hands over the source itself where it shows the same as an export. */
  readonly readSources: boolean;
  /** Parameters behind "More" are shown, by effect. */
  readonly openMore: Readonly<Record<string, boolean>>;
};

export type AppState = {
  readonly connection: ConnectionState;
  readonly theme?: Theme;
  readonly page: Page;
  readonly settings: Settings;
  readonly source: Source;
  /** What the host's timeline shows: clips that are selected or under the playhead, what is marked, `stylize:` markers. */
  readonly selection: Selection;
  /** Addresses of small pictures of the mirrored clips, by clip. */
  readonly glimpses: Readonly<Record<string, string>>;
  /** Frames of the clip, both included. */
  readonly range: { readonly first: number; readonly last: number };
  readonly playhead: number;
  readonly presets: readonly PresetEntry[];
  readonly nets: readonly NetInfo[];
  /** A net on its way to the bridge. */
  readonly netComing?: { readonly name: string; readonly done?: number };
  /** Name of the preset that `draft` began as. */
  readonly chosen: string;
  readonly draft?: Preset;
  /** Pictures on their way to the bridge. */
  readonly picturesComing: number;
  readonly still: Still;
  readonly quote: Quoted;
  readonly submitting: boolean;
  readonly jobs: Jobs;
  readonly jobsKnown: boolean;
  readonly atlas: Atlas;
  readonly sections: Sections;
  readonly setup: Setup;
  readonly messages: readonly Message[];
};

export const initialState: AppState = {
  connection: { status: 'connecting' },
  page: 'render',
  settings: { language: 'auto', livePreview: true, seed: 0, readSources: false, openMore: {} },
  source: { phase: 'none' },
  selection: { clips: [], markers: [] },
  glimpses: {},
  range: { first: 0, last: 0 },
  playhead: 0,
  presets: [],
  nets: [],
  chosen: 'default',
  picturesComing: 0,
  still: { phase: 'none' },
  quote: { phase: 'none' },
  submitting: false,
  jobs: {},
  jobsKnown: false,
  atlas: { phase: 'none' },
  sections: { list: [], untold: true, canUndo: false, listening: false },
  setup: { phase: 'none' },
  messages: [],
};

export type Action =
  | JobAction
  | { readonly type: 'connection'; readonly connection: ConnectionState }
  | { readonly type: 'theme'; readonly theme: Theme }
  | { readonly type: 'page'; readonly page: Page }
  | { readonly type: 'settings'; readonly settings: Partial<Settings> }
  | { readonly type: 'source'; readonly source: Source }
  | { readonly type: 'selection'; readonly selection: Selection }
  | { readonly type: 'glimpses'; readonly glimpses: Readonly<Record<string, string>> }
  | { readonly type: 'range'; readonly first: number; readonly last: number }
  | { readonly type: 'playhead'; readonly frame: number }
  | { readonly type: 'presets'; readonly presets: readonly PresetEntry[] }
  | { readonly type: 'nets'; readonly nets: readonly NetInfo[] }
  | { readonly type: 'net-coming'; readonly name: string | undefined; readonly done?: number }
  | { readonly type: 'choose'; readonly name: string }
  | { readonly type: 'draft'; readonly draft: Preset }
  | { readonly type: 'pictures'; readonly change: number }
  | { readonly type: 'still'; readonly still: Still }
  | { readonly type: 'quote'; readonly quote: Quoted }
  | { readonly type: 'submitting'; readonly submitting: boolean }
  | { readonly type: 'atlas'; readonly atlas: Atlas }
  | { readonly type: 'sections'; readonly sections: Sections }
  | { readonly type: 'setup'; readonly setup: Setup }
  | { readonly type: 'say'; readonly message: Omit<Message, 'id'> }
  | { readonly type: 'unsay'; readonly id: number };

const mostMessages = 4;

/** What sections lie in: the clip at hand, or before there is one the song. */
export type Piece = { readonly name: string; readonly rate: Rate; readonly frames: number };

/** Sections of a song without a clip are counted in these. */
const songRate: Rate = { num: 25, den: 1 };

export function pieceOf({ source, sections }: Pick<AppState, 'source' | 'sections'>): Piece | undefined {
  if (source.phase === 'ready') return { name: source.name, rate: source.clip.rate, frames: source.clip.frames };
  const { name, seconds = 0 } = sections.song ?? { name: '' };
  const frames = Math.round((seconds * songRate.num) / songRate.den);
  return frames > 0 ? { name, rate: songRate, frames } : undefined;
}

/** Playhead and range stay inside the clip (or song), and the range holds at least one frame. */
function withinClip(state: AppState, first: number, last: number, playhead: number): AppState {
  const end = (pieceOf(state)?.frames ?? 1) - 1;
  const clamp = (frame: number) => Math.max(0, Math.min(end, Math.round(frame)));
  const from = clamp(Math.min(first, last));
  return {
    ...state,
    range: { first: from, last: Math.max(from, clamp(Math.max(first, last))) },
    playhead: clamp(playhead),
  };
}

/** Many clips begin in black: the first look is a third of the way in. */
export function startFrame(first: number, last: number): number {
  return first + Math.floor((last - first) / 3);
}

export function reduceApp(state: AppState, action: Action): AppState {
  switch (action.type) {
    case 'connection':
      return { ...state, connection: action.connection };
    case 'theme':
      return { ...state, theme: action.theme };
    case 'page':
      return { ...state, page: action.page };
    case 'settings':
      return { ...state, settings: { ...state.settings, ...action.settings } };
    case 'source': {
      const before = state.source.phase === 'ready' ? state.source.clip.sha256 : undefined;
      const next = { ...state, source: action.source };
      if (action.source.phase !== 'ready') return next;
      if (action.source.clip.sha256 === before)
        return withinClip(next, state.range.first, state.range.last, state.playhead);
      const whole = action.source.exported.range ?? { first: 0, last: action.source.clip.frames - 1 };
      return {
        ...withinClip(next, whole.first, whole.last, startFrame(whole.first, whole.last)),
        still: { phase: 'none' },
        quote: { phase: 'none' },
      };
    }
    case 'selection':
      return { ...state, selection: action.selection };
    case 'glimpses':
      return { ...state, glimpses: action.glimpses };
    case 'range':
      return withinClip(state, action.first, action.last, state.playhead);
    case 'playhead':
      return withinClip(state, state.range.first, state.range.last, action.frame);
    case 'presets': {
      const chosen =
        action.presets.find(each => each.preset.name === state.chosen) ??
        action.presets.find(each => each.preset.name === 'default') ??
        action.presets[0];
      const draft = state.draft ?? chosen?.preset;
      return { ...state, presets: action.presets, draft, chosen: chosen?.preset.name ?? state.chosen };
    }
    case 'nets':
      return { ...state, nets: action.nets };
    case 'net-coming':
      return { ...state, netComing: action.name === undefined ? undefined : { name: action.name, done: action.done } };
    case 'choose': {
      const entry = state.presets.find(each => each.preset.name === action.name);
      return entry ? { ...state, chosen: action.name, draft: entry.preset } : state;
    }
    case 'draft':
      return { ...state, draft: action.draft };
    case 'pictures':
      return { ...state, picturesComing: Math.max(0, state.picturesComing + action.change) };
    case 'still':
      return { ...state, still: action.still };
    case 'quote':
      return { ...state, quote: action.quote };
    case 'submitting':
      return { ...state, submitting: action.submitting };
    case 'atlas':
      return { ...state, atlas: action.atlas };
    case 'sections':
      return { ...state, sections: action.sections };
    case 'setup':
      return { ...state, setup: action.setup };
    case 'say': {
      const same = (message: Message) =>
        JSON.stringify([message.error, message.text, message.details]) ===
        JSON.stringify([action.message.error, action.message.text, action.message.details]);
      const id = state.messages.reduce((most, message) => Math.max(most, message.id), 0) + 1;
      return {
        ...state,
        messages: [...state.messages.filter(message => !same(message)), { id, ...action.message }].slice(-mostMessages),
      };
    }
    case 'unsay':
      return { ...state, messages: state.messages.filter(message => message.id !== action.id) };
    case 'jobs':
      return { ...state, jobs: reduceJobs(state.jobs, action), jobsKnown: true };
    case 'job':
    case 'job-event':
    case 'job-gone':
    case 'job-report':
    case 'job-fetching':
    case 'job-placed':
    case 'job-problem':
      return { ...state, jobs: reduceJobs(state.jobs, action) };
  }
}
