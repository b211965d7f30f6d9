import { AppError, toAppError } from '#protocol/errors';
import type { BridgeAddress } from '../bridge/address';
import { fromBase64, toBase64 } from '../host/base64';
import { checkPreset, findPreset, listPresets } from '../host/export-preset';
import type { FileSink } from '../host/host-files';
import { panelScriptVersion } from '../host/premiere';
import { isInside } from '../host/host-path';
import { mark, messages, pageTextSchema, type MessageName, type ParamsOf, type ValueOf } from '../host/uxp-messages';
import { exportExtension, exportRange } from './export';
import type { PlugInFiles } from './files';
import { importFile, replace } from './import';
import { writeMarkers } from './markers';
import type { HostTimes, Premiere } from './modules';
import { addTrack, findPlaced, place, remove } from './place';
import { createStampReader, readTimeline } from './read';
import {
  closeScratch,
  openScratch,
  probeCalls,
  probeEvents,
  probeFull,
  probePoints,
  probeProperties,
  probeTracks,
} from './scratch';

export type DeskParts = {
  readonly premiere: Premiere;
  readonly files: PlugInFiles;
  readonly platform: string;
  readonly userHome: string;
  /** The only folder that a page may read and write in. */
  readonly folder: string;
  /** Of Premiere: version, and where it is installed ('' where the version does not tell). */
  readonly version: string;
  readonly applicationPath: string;
  readonly theme: () => ValueOf<'hello'>['theme'];
  readonly bridge: () => BridgeAddress | undefined;
  readonly remembered: { all(): Readonly<Record<string, string>>; set(key: string, value: string): Promise<void> };
  readonly startBridge?: () => Promise<void>;
  /** The host's file dialog. */
  chooseFile(extensions: readonly string[]): Promise<string | undefined>;
  /** Whether Stylize was chosen in the host's menu before there was a page; true once. */
  takeCommand(): boolean;
  readonly times: HostTimes;
};

type Handlers = { [Name in MessageName]: (params: ParamsOf<Name>) => Promise<ValueOf<Name>> };

/** Answers what the page asks: only what `messages` names, only in the own folder. */
export function createDesk(parts: DeskParts): { answer(text: unknown): Promise<string | undefined> } {
  const { premiere, files, folder } = parts;
  const readStamp = createStampReader(premiere);
  const sinks = new Map<number, FileSink>();
  /** Media that the timeline shows: a page may read it, so that a source can be sent instead of an export. */
  const media = new Set<string>();
  let lastSink = 0;
  /** The last question of each queue: a message that comes in two ways is answered once. */
  const heard = new Map<string, number>();

  /** @throws AppError FILE_NOT_FOUND for everything outside, so that nobody learns what exists there */
  function own(path: string): string {
    if (!isInside(path, folder) || path.split(/[\\/]/).includes('..')) throw new AppError('FILE_NOT_FOUND', { path });
    return path;
  }
  const readable = (path: string) => (media.has(path) ? path : own(path));
  function sinkOf(id: number): FileSink {
    const sink = sinks.get(id);
    if (!sink) throw new AppError('HOST_FAILED', { problem: `no file ${id} is being written` });
    return sink;
  }

  const handlers: Handlers = {
    handshake: async () => ({
      script: panelScriptVersion,
      host: 'premiere',
      version: parts.version,
      path: parts.applicationPath,
    }),
    readTimeline: async ({ sequence }) => {
      const facts = await readTimeline(premiere, parts.version, sequence);
      facts.clips.forEach(({ mediaPath }) => media.add(mediaPath));
      return facts;
    },
    stamp: async () => ({ stamp: await readStamp() }),
    exportExtension: params => exportExtension(premiere, params),
    exportRange: params => exportRange(premiere, files, { ...params, path: own(params.path) }, parts.times),
    findPlaced: params => findPlaced(premiere, params),
    addTrack: params => addTrack(premiere, { ...params, path: own(params.path) }),
    importFile: params => importFile(premiere, { ...params, path: own(params.path) }, parts.times),
    place: params => place(premiere, { ...params, path: own(params.path) }),
    replace: params => replace(premiere, { ...params, from: own(params.from), to: own(params.to) }),
    writeMarkers: params => writeMarkers(premiere, params),
    remove: params => remove(premiere, { ...params, path: own(params.path) }),

    openScratch: params => openScratch(premiere, { ...params, path: own(params.path) }),
    closeScratch: params => closeScratch(premiere, params),
    probeCalls: () => probeCalls(premiere),
    probePoints: params => probePoints(premiere, params),
    probeFull: params => probeFull(premiere, files, { ...params, path: own(params.path) }, parts.times),
    probeTracks: params => probeTracks(premiere, { ...params, path: own(params.path) }),
    probeProperties: params => probeProperties(premiere, params),
    probeEvents: params => probeEvents(premiere, params, parts.times),

    hello: async () => ({
      platform: parts.platform,
      folder,
      bridge: parts.bridge(),
      remembered: { ...parts.remembered.all() },
      theme: parts.theme(),
      isStylizeWanted: parts.takeCommand(),
      canStartBridge: parts.startBridge !== undefined,
    }),
    remember: async ({ key, value }) => {
      await parts.remembered.set(key, value);
      return {};
    },
    startBridge: async () => {
      await parts.startBridge?.();
      return {};
    },
    listPresets: async () => ({
      paths: await listPresets(files, parts.platform, parts.applicationPath, parts.userHome),
    }),
    checkPreset: async ({ path }) => {
      await checkPreset(files, path);
      return {};
    },
    chooseFile: async ({ extensions }) => ({ path: await parts.chooseFile(extensions) }),
    findPreset: async ({ remembered }) => ({
      path: await findPreset(files, parts.platform, parts.applicationPath, remembered),
    }),
    sizeOf: async ({ path }) => ({ sizeBytes: await files.sizeOf(readable(path)) }),
    readText: async ({ path }) => ({ text: await files.readText(own(path)) }),
    writeText: async ({ path, text }) => {
      await files.writeText(own(path), text);
      return {};
    },
    removeFile: async ({ path }) => {
      await files.remove(own(path));
      return {};
    },
    makeFolder: async ({ path }) => {
      await files.makeFolder(own(path));
      return {};
    },
    readBytes: async ({ path, offset, length }) => {
      const source = await files.open(readable(path));
      return { bytes: toBase64(await source.read(offset, length)) };
    },
    openSink: async ({ folder: into, fileName }) => {
      const sink = await files.openSink(own(into), fileName);
      sinks.set(++lastSink, sink);
      return { sink: lastSink };
    },
    writeSink: async ({ sink, bytes }) => {
      await sinkOf(sink).write(fromBase64(bytes));
      return {};
    },
    finishSink: async ({ sink }) => {
      const path = await sinkOf(sink).finish();
      sinks.delete(sink);
      return { path };
    },
    discardSink: async ({ sink }) => {
      await sinkOf(sink).discard();
      sinks.delete(sink);
      return {};
    },
  };

  async function act<Name extends MessageName>(method: Name, params: unknown): Promise<unknown> {
    const read = messages[method].params.safeParse(params);
    if (!read.success)
      throw new AppError('MESSAGE_INVALID', { problem: `${method}: ${read.error.issues[0]?.message ?? 'not valid'}` });
    return handlers[method](read.data as ParamsOf<Name>);
  }

  return {
    /** @returns undefined for what is no question of ours */
    async answer(text) {
      const read = pageTextSchema.safeParse(parseText(text));
      if (!read.success) return undefined;
      const { from, id, method, params } = read.data;
      if (id <= (heard.get(from) ?? 0)) return undefined;
      heard.set(from, id);
      const answer = await act(method, params).then(
        value => ({ id, ok: true, value }),
        // Whatever the host threw becomes a failure with a code: the page must hear of it.
        thrown => ({ id, ok: false, error: toFailure(thrown).toJSON() }),
      );
      return JSON.stringify({ mark, to: from, answer });
    },
  };
}

function toFailure(thrown: unknown): AppError {
  const error = toAppError(thrown);
  return error.code === 'INTERNAL' ? new AppError('HOST_FAILED', error.details, { cause: thrown }) : error;
}

function parseText(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : undefined;
  } catch {
    // Not ours: everything of ours is JSON.
    return undefined;
  }
}
