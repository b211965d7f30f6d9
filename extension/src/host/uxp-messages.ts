import { z } from 'zod';
import type { PremiereCalls, PremiereScratchCalls, UxpProbes } from '#protocol/host-facts';

/**
 * What the panel's page (in a web view) and the plug-in (which alone reaches Premiere and the disk) say to each other:
 * JSON text both ways, checked at both ends. What is not in these tables is not done.
 */
const text = z.string().max(4096);
const ticks = z.string().regex(/^-?\d{1,24}$/);
const whole = z.int();
const index = z.int().nonnegative();
const nothing = z.object({});

const markerFacts = z.object({ guid: text, name: text, comment: z.string(), start: ticks, end: ticks, colour: whole });
const clipFacts = z.object({
  track: index,
  nodeId: text,
  name: text,
  start: ticks,
  end: ticks,
  sourceIn: ticks,
  selected: z.boolean(),
  disabled: z.boolean(),
  adjustmentLayer: z.boolean(),
  speed: z.number(),
  reversed: z.boolean(),
  remapped: z.boolean(),
  mediaPath: text,
  offline: z.boolean(),
  nested: z.boolean(),
  merged: z.boolean(),
  effects: index,
  untouched: z.boolean(),
  sourceFps: z.number(),
  markers: z.array(markerFacts).readonly(),
});
const facts = z.object({
  host: z.literal('premiere'),
  version: text,
  sequence: z.object({
    id: text,
    name: text,
    width: index,
    height: index,
    timebase: ticks,
    end: ticks,
    inPoint: ticks.optional(),
    outPoint: ticks.optional(),
    playhead: ticks,
    videoTracks: index,
  }),
  clips: z.array(clipFacts).readonly(),
  markers: z.array(markerFacts).readonly(),
});
const placed = z.object({ track: index, nodeId: text, start: ticks, end: ticks, path: text, label: text });

type Call<Params, Value> = { readonly params: z.ZodType<Params>; readonly value: z.ZodType<Value> };

/** The same calls as ExtendScript takes. */
export const premiereMessages = {
  handshake: {
    params: nothing,
    value: z.object({ script: whole, host: z.enum(['premiere', 'aftereffects']), version: text, path: text }),
  },
  readTimeline: { params: z.object({ sequence: text.optional() }), value: facts },
  stamp: { params: nothing, value: z.object({ stamp: z.string() }) },
  exportExtension: { params: z.object({ sequence: text, preset: text }), value: z.object({ extension: text }) },
  exportRange: {
    params: z.object({
      sequence: text,
      preset: text,
      path: text,
      start: ticks,
      end: ticks,
      mute: z.array(index).readonly(),
    }),
    value: z.object({ path: text, sizeBytes: index, restored: z.boolean() }),
  },
  findPlaced: {
    params: z.object({ sequence: text, folder: text }),
    value: z.object({ placed: z.array(placed).readonly(), locked: z.array(index).readonly() }),
  },
  addTrack: { params: z.object({ sequence: text, path: text }), value: z.object({ videoTracks: index }) },
  importFile: {
    params: z.object({ path: text, bin: text, label: text, scale: z.boolean() }),
    value: z.object({ path: text, copies: index, labelled: z.boolean() }),
  },
  place: {
    params: z.object({
      sequence: text,
      path: text,
      track: index,
      start: ticks,
      end: ticks,
      free: ticks,
      label: text,
      scale: z.boolean(),
    }),
    value: z.object({ track: index, start: ticks, end: ticks, already: z.boolean() }),
  },
  replace: {
    params: z.object({ from: text, to: text, label: text }),
    value: z.object({ path: text, labelled: z.boolean() }),
  },
  writeMarkers: {
    params: z.object({
      sequence: text,
      markers: z
        .array(z.object({ name: text, comment: z.string(), start: ticks, end: ticks, colour: whole }))
        .max(10000)
        .readonly(),
    }),
    value: z.object({ written: index }),
  },
  remove: { params: z.object({ sequence: text, path: text }), value: z.object({ removed: index }) },
} satisfies { [Name in keyof PremiereCalls]: Call<PremiereCalls[Name]['params'], PremiereCalls[Name]['value']> };

const ofSequence = z.object({ sequence: text });
const laid = z.object({ problem: z.string(), laidOn: text, changed: text });

/** What the host checks ask beside that, on a sequence of their own. */
export const probeMessages = {
  openScratch: { params: z.object({ path: text, name: text }), value: z.object({ sequence: text, before: text }) },
  closeScratch: {
    params: z.object({ sequence: text, before: text, bin: text }),
    value: z.object({ removed: z.boolean(), restored: z.boolean() }),
  },
  probeCalls: { params: nothing, value: z.object({ missing: z.array(text).readonly() }) },
  probePoints: {
    params: ofSequence,
    value: z.object({
      unset: z.object({ inPoint: ticks, outPoint: ticks }),
      taken: z.boolean(),
      unsetAgain: z.boolean(),
    }),
  },
  probeFull: {
    params: z.object({ sequence: text, preset: text, path: text }),
    value: z.object({ sizeBytes: index }),
  },
  probeTracks: {
    params: z.object({ sequence: text, path: text }),
    value: z.object({ above: laid, tracks: whole, soundNowhere: laid }),
  },
  probeProperties: {
    params: ofSequence,
    value: z.object({ kept: z.boolean(), cleared: z.boolean(), problem: z.string() }),
  },
  probeEvents: { params: ofSequence, value: z.object({ events: index }) },
} satisfies {
  [Name in keyof (PremiereScratchCalls & UxpProbes)]: Call<
    (PremiereScratchCalls & UxpProbes)[Name]['params'],
    (PremiereScratchCalls & UxpProbes)[Name]['value']
  >;
};

const theme = z.object({
  dark: z.boolean(),
  background: z.string().regex(/^#[0-9a-f]{6}$/),
  text: z.string().regex(/^#[0-9a-f]{6}$/),
  accent: z.string().regex(/^#[0-9a-f]{6}$/),
  fontSizePx: z.number().min(8).max(32),
});

/** Where the bridge is, as it wrote it for programs of the same user. */
const bridgeAddress = z.object({ base: z.string().regex(/^http:\/\/127\.0\.0\.1:\d+$/), token: text });
/** A file is named by its path; the plug-in opens none outside its own folder. */
const file = z.object({ path: text });
const sink = z.object({ sink: index });
/** More than the largest piece of an upload or a download (4 MiB), as base64. */
const bytes = z.string().max(6 * 1024 * 1024);

/** What the plug-in does beside that: the disk, what is remembered, the bridge. */
export const plugInMessages = {
  hello: {
    params: nothing,
    value: z.object({
      /** Of the computer, as Node writes it: "darwin", "win32". */
      platform: text,
      folder: text,
      /** Absent while no bridge is known. */
      bridge: bridgeAddress.optional(),
      remembered: z.record(z.string(), z.string()),
      theme,
      /** Stylize was chosen in the host's menu before there was a page; told once. */
      isStylizeWanted: z.boolean(),
      /** A program that starts the bridge was found. */
      canStartBridge: z.boolean(),
    }),
  },
  remember: { params: z.object({ key: text, value: z.string().max(4 * 1024 * 1024) }), value: nothing },
  startBridge: { params: nothing, value: nothing },
  /** Export presets: the best, all that are fit, and whether one that a person chose is. */
  listPresets: { params: nothing, value: z.object({ paths: z.array(text).readonly() }) },
  checkPreset: { params: file, value: nothing },
  chooseFile: {
    params: z.object({ extensions: z.array(z.string().max(12)).max(20).readonly() }),
    value: z.object({ path: text.optional() }),
  },
  findPreset: { params: z.object({ remembered: text.optional() }), value: file },
  sizeOf: { params: file, value: z.object({ sizeBytes: index.optional() }) },
  readText: { params: file, value: z.object({ text: z.string().optional() }) },
  writeText: { params: file.extend({ text: z.string().max(65536) }), value: nothing },
  removeFile: { params: file, value: nothing },
  makeFolder: { params: file, value: nothing },
  readBytes: { params: file.extend({ offset: index, length: index.max(4 * 1024 * 1024) }), value: z.object({ bytes }) },
  openSink: { params: z.object({ folder: text, fileName: text }), value: sink },
  writeSink: { params: sink.extend({ bytes }), value: nothing },
  finishSink: { params: sink, value: file },
  discardSink: { params: sink, value: nothing },
} satisfies Record<string, Call<unknown, unknown>>;

const hostMessages = { ...premiereMessages, ...probeMessages };
/** Whether the application itself is called, not the plug-in alone. */
export const isHostCall = (method: string): method is keyof typeof hostMessages => method in hostMessages;

export const messages = { ...hostMessages, ...plugInMessages };
export type Messages = typeof messages;
export type MessageName = keyof Messages;
export type ParamsOf<Name extends MessageName> = z.infer<Messages[Name]['params']>;
export type ValueOf<Name extends MessageName> = z.infer<Messages[Name]['value']>;

const names = Object.keys(messages) as [MessageName, ...MessageName[]];

/** A web view may carry messages of others, too. */
export const mark = 'reverie';

/** From the page. `from` is one queue of one loaded page; `id` counts up within it. */
export const pageTextSchema = z.object({
  mark: z.literal(mark),
  from: z.string().min(8).max(64),
  id: index,
  method: z.enum(names),
  params: z.unknown(),
});

/** What the plug-in tells without being asked. */
export const plugInEventSchema = z.discriminatedUnion('event', [
  z.object({ event: z.literal('theme'), theme }),
  /** The selection, the range or the open sequence may have changed. */
  z.object({ event: z.literal('changed') }),
  z.object({ event: z.literal('command'), command: z.literal('stylize-selection') }),
]);
export type PlugInEvent = z.infer<typeof plugInEventSchema>;

/** From the plug-in: an answer (its inside is read by the caller), or an event. */
export const plugInTextSchema = z.union([
  z.object({ mark: z.literal(mark), to: z.string(), answer: z.looseObject({ id: index, ok: z.boolean() }) }),
  z.object({ mark: z.literal(mark), tell: plugInEventSchema }),
]);
